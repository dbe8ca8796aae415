"""Statistics of rare events: exact intervals and tests of counts, and corrections for many tests."""

from typing import Final

import numpy as np
import numpy.typing as npt

from optkit.arguments import share
from optkit.engine.statistics import Array, Interval, counts

#: A q value below this is a signal: on average, at most this share of signals is due to chance.
SIGNIFICANT: Final = 0.05

#: The largest correlation within a group.
MOST_CORRELATED: Final = 0.999

#: Variance of a standard normal variable whose outer tenths are set to its 10 % and 90 % quantiles.
_WINSORIZED: Final = 0.67865


def poisson_interval(events: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Return the exact interval of the mean of a Poisson count.

    References
    ----------
    F. Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28.

    Examples
    --------
    >>> low, high = poisson_interval([0, 1, 10])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.025, 4.795], [3.689, 5.572, 18.39])
    """
    from scipy.special import gammaincinv

    k = np.asarray(events, dtype=np.float64)
    tail = (1 - share(confidence, "confidence")) / 2
    low: Array = np.where(k > 0, gammaincinv(np.maximum(k, 1), tail), 0.0)
    high: Array = np.asarray(gammaincinv(k + 1, 1 - tail), dtype=np.float64)
    return Interval(low, high)


def overdispersion(successes: npt.ArrayLike, n: npt.ArrayLike) -> float:
    """Return the correlation within groups that explains how much their proportions differ beyond chance; 0: none.

    Method of moments around the median, on the scale arcsin(sqrt(proportion)), on which the variance of chance is
    1/(4n) for all proportions. The outer tenths of the groups, at least one on either side, are winsorized first, so
    that extreme groups do not raise the estimate.

    References
    ----------
    D. J. Spiegelhalter (2005), Funnel plots for comparing institutional performance, Stat. Med. 24.

    Examples
    --------
    >>> overdispersion([10, 21, 29, 42], [1000, 2000, 3000, 4000])  # about 1 % everywhere
    0.0
    >>> round(overdispersion([2, 60, 9, 120], [1000, 2000, 3000, 4000]), 4)
    0.0197
    """
    k, size = counts(successes, n)
    k, size = k[size > 0], size[size > 0]
    if len(size) < 2:  # noqa: PLR2004 - nothing to compare
        return 0.0
    transformed = np.arcsin(np.sqrt(k / size))
    z = (transformed - np.median(transformed)) * 2 * np.sqrt(size)
    z = np.clip(z, np.quantile(z, 0.1, method="higher"), np.quantile(z, 0.9, method="lower"))
    weight = 4 * size
    excess = float((z**2).sum()) / _WINSORIZED - (len(z) - 1)
    between = excess / float(weight.sum() - (weight**2).sum() / weight.sum())
    return float(np.clip(4 * between, 0.0, MOST_CORRELATED))


def mid_p(successes: npt.ArrayLike, n: npt.ArrayLike, mean: float, correlation: float) -> Array:
    """Return two-sided mid-p values of counts under a beta-binomial law; binomial if `correlation` is 0.

    Each tail has half of the probability of the count itself; otherwise tests of small counts are too conservative. NaN
    where `n` is 0.

    References
    ----------
    H. O. Lancaster (1961), Significance tests in discrete distributions, JASA 56.

    Examples
    --------
    >>> mid_p([0, 10, 25], [1000, 1000, 1000], 0.01, 0.0).round(4).tolist()
    [0.0, 0.9597, 0.0001]
    >>> mid_p([25], [1000], 0.01, 0.005).round(4).tolist()
    [0.0996]
    """
    k, size = counts(successes, n)
    values = [_mid_p_of(*pair, mean, correlation) for pair in zip(k, size, strict=True)]
    return np.array(values, dtype=np.float64)


def _mid_p_of(k: float, n: float, mean: float, correlation: float) -> float:
    from scipy.special import betainc

    if n == 0:
        return float("nan")
    if mean in {0.0, 1.0}:
        return 1.0
    if correlation > 0:
        masses = beta_binomial(np.arange(k + 1), n, mean, correlation)
        below, own = float(masses[:-1].sum()), float(masses[-1])
    else:
        below = float(betainc(n - k + 1, k, 1 - mean)) if k else 0.0
        own = float(np.exp(_log_ways(k, n) + k * np.log(mean) + (n - k) * np.log1p(-mean)))
    return float(np.clip(2 * min(below + own / 2, 1 - below - own / 2), 0.0, 1.0))


def beta_binomial(x: Array, n: float, mean: float, correlation: float) -> Array:
    """Return the probabilities of counts under a beta-binomial law."""
    from scipy.special import betaln

    size = 1 / correlation - 1
    a, b = mean * size, (1 - mean) * size
    masses: Array = np.exp(_log_ways(x, n) + betaln(x + a, n - x + b) - betaln(a, b))
    return masses


def _log_ways(x: npt.ArrayLike, n: float) -> Array:
    """Return the logarithm of the number of ways to choose x of n."""
    from scipy.special import betaln

    chosen = np.asarray(x, dtype=np.float64)
    ways: Array = -np.log1p(n) - betaln(n - chosen + 1, chosen + 1)
    return ways


def false_discovery(p: npt.ArrayLike) -> Array:
    """Return q values by Benjamini and Hochberg; NaN where p is NaN, which does not count as a test.

    References
    ----------
    Y. Benjamini, Y. Hochberg (1995), Controlling the false discovery rate, JRSS B 57.

    Examples
    --------
    >>> false_discovery([0.01, 0.04, 0.03, float("nan")]).round(4).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    values = np.asarray(p, dtype=np.float64)
    tests = np.flatnonzero(~np.isnan(values))
    falling = tests[np.argsort(-values[tests])]
    rank = np.arange(len(falling), 0, -1)
    q = np.full(values.shape, np.nan)
    q[falling] = np.minimum.accumulate(values[falling] * len(falling) / rank)
    return q
