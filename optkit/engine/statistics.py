"""Statistics on small tables of counts: pure functions of arrays. An undefined value is NaN."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from optkit.arguments import share

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]

#: Least gain in log-likelihood at which a beta distribution is preferred to one proportion for all groups.
_ROUNDING: Final = 1e-6

#: Quantiles of counts below this are found by adding up probabilities.
_SMALL_COUNTS: Final = 32


class Interval(NamedTuple):
    """Lower and upper ends, one of each per estimate."""

    low: Array
    high: Array


def normal_quantile(confidence: float) -> float:
    """Return the half-width, in standard deviations, of a two-sided interval of the normal distribution.

    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    from scipy.special import ndtri

    return float(ndtri((1 + share(confidence, "confidence")) / 2))


def wilson(successes: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Return the score interval of a proportion; NaN where `n` is 0.

    It stays within [0, 1] and keeps its coverage for rare events, unlike the textbook interval.

    References
    ----------
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.

    Examples
    --------
    >>> low, high = wilson([0, 1, 12], [40, 300, 1000])
    >>> (low * 100).round(2).tolist(), (high * 100).round(2).tolist()
    ([0.0, 0.06, 0.69], [8.76, 1.86, 2.09])
    """
    k, size = counts(successes, n)
    z = normal_quantile(confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = score_interval(k / size, size, z)
    # these ends are exact; the formula only rounds to them
    return Interval(np.where((k == 0) & (size > 0), 0.0, low), np.where((k == size) & (size > 0), 1.0, high))


def score_interval(p: Array, n: Array, z: Floats | float) -> Interval:
    """Return the proportions from which `p` of `n` is `z` standard deviations away."""
    middle = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return Interval((middle - half) / scale, (middle + half) / scale)


def shrink(successes: npt.ArrayLike, n: npt.ArrayLike) -> Array:
    """Return proportions shrunken towards the overall one, the more the smaller `n` is.

    Empirical Bayes: the groups' true proportions are assumed to come from a beta distribution, which is fitted to all
    groups by maximum likelihood; a group's value is the mean of its posterior (for `n` 0 the mean of the beta). If no
    beta makes the counts more likely than one proportion for all does, each group gets the overall proportion.

    References
    ----------
    B. Efron, C. Morris (1975), Data analysis using Stein's estimator, JASA 70.

    Examples
    --------
    >>> shrink([0, 50, 300], [10, 1000, 2000]).round(4).tolist()
    [0.0686, 0.0513, 0.149]
    >>> shrink([2, 20], [10, 100]).tolist()
    [0.2, 0.2]
    """
    k, size = counts(successes, n)
    if size.sum() == 0:
        return np.full(k.shape, np.nan)
    overall = k.sum() / size.sum()
    if overall in {0.0, 1.0}:
        return np.full(k.shape, overall)
    a, b, gain = _fit_beta(k, size, overall)
    return (k + a) / (size + a + b) if gain > _ROUNDING else np.full(k.shape, overall)


def _fit_beta(k: Array, n: Array, overall: float) -> tuple[float, float, float]:
    """Return the beta that makes the counts most likely, and its log-likelihood less that of `overall` for all."""
    from scipy.optimize import minimize
    from scipy.special import betaln, expit, logit

    def parameters(point: Array) -> tuple[Array, Array]:
        # Bounds, because the optimum may be at a size of 0 (groups of all or nothing) or infinity (equal groups).
        mean, size = expit(np.clip(point[..., 0], -20, 20)), np.exp(np.clip(point[..., 1], -10, 16))
        return mean * size, (1 - mean) * size

    def gain(point: Array) -> Array:
        a, b = (parameter[..., np.newaxis] for parameter in parameters(point))
        gains: Array = (betaln(k + a, n - k + b) - betaln(a, b)).sum(axis=-1) - pooled
        return gains

    def loss(point: Array) -> float:
        return -float(gain(point))

    pooled = float(k.sum() * np.log(overall) + (n - k).sum() * np.log1p(-overall))
    # The likelihood may have several maxima: climb from the best of a grid.
    grid = np.stack(np.meshgrid(logit(overall) + np.arange(-3, 4), np.arange(-1.0, 16)), axis=-1).reshape(
        -1, 2
    )
    start = np.array(grid[int(np.argmax(gain(grid)))])
    best = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9})
    a, b = parameters(best.x)
    return float(a), float(b), -float(best.fun)


class Survival(NamedTuple):
    """Kaplan-Meier estimate, one value per distinct duration."""

    at_risk: npt.NDArray[np.int64]
    still_out: Array
    low: Array
    high: Array


def kaplan_meier(
    returned: npt.ArrayLike,
    censored: npt.ArrayLike,
    confidence: float = 0.95,
    *,
    cuts: npt.ArrayLike = (),
    shared: npt.ArrayLike = 0.0,
) -> Survival:
    """Return the product-limit estimate from a table of counts, one row per distinct duration, in rising order.

    The rows of several curves may follow one another: `cuts` are the rows at which the second and later ones begin.

    A spell censored at a duration is still at risk at that duration. The interval is Greenwood's on the scale
    log(-log(S)), which keeps it in [0, 1]. Greenwood's variance is not defined where the estimate is 1 or 0: there the
    other end comes from Wilson's interval for zero of those still at risk (at 0, never above the upper end before).
    `shared` is added to the variance of log(S) where it is positive: the part that comes from people with several
    spells.

    References
    ----------
    E. L. Kaplan, P. Meier (1958), Nonparametric estimation from incomplete observations, JASA 53;
    J. D. Kalbfleisch, R. L. Prentice (2002), The statistical analysis of failure time data, 2nd ed., 1.4.

    Examples
    --------
    >>> curve = kaplan_meier(returned=[1, 0, 1], censored=[0, 1, 0])
    >>> curve.at_risk.tolist(), curve.still_out.round(4).tolist()
    ([3, 2, 1], [0.6667, 0.6667, 0.0])
    >>> curve.low.round(4).tolist(), curve.high.round(4).tolist()
    ([0.0541, 0.0541, 0.0], [0.9452, 0.9452, 0.7935])
    """
    back = np.asarray(returned, dtype=np.int64)
    leaving = back + np.asarray(censored, dtype=np.int64)
    begins = np.asarray(cuts, dtype=np.intp)

    def per_curve(run: Callable[[Array], Array], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.concatenate([run(part) for part in np.split(values, begins)])

    at_risk = per_curve(lambda part: part[::-1].cumsum()[::-1], leaving)
    still_out = per_curve(np.cumprod, (at_risk - back) / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = per_curve(np.cumsum, back / (at_risk * (at_risk - back).astype(np.float64)))
        variance += np.maximum(shared, 0)
        log = np.log(still_out)
        half = normal_quantile(confidence) * np.sqrt(variance) / -log
        low, high = (np.exp(-np.exp(np.log(-log) + side * half)) for side in (1, -1))
    none_of = wilson(np.zeros(len(at_risk)), at_risk, confidence).high
    low = np.where(still_out == 1, 1 - none_of, np.where(still_out == 0, 0.0, low))
    high = np.where(still_out == 0, none_of, np.where(still_out == 1, 1.0, high))
    before = np.concatenate([[1.0], high[:-1]])
    before[begins] = 1.0
    return Survival(at_risk, still_out, low, np.where(still_out == 0, np.minimum(high, before), high))


def log_rank(
    group: npt.ArrayLike, time: npt.ArrayLike, ended: npt.ArrayLike, censored: npt.ArrayLike
) -> float:
    """Return the p value of the log-rank test: how likely equal groups would have curves as different as these.

    One row per group and distinct duration, in any order: how many ended there, and how many were censored. NaN for
    fewer than two groups, or if nothing ended while several groups were at risk.

    References
    ----------
    N. Mantel (1966), Evaluation of survival data and two new rank order statistics, Cancer Chemother. Rep. 50.

    Examples
    --------
    >>> round(log_rank(group=[0, 0, 1, 1], time=[1, 5, 3, 5], ended=[9, 0, 1, 0], censored=[0, 11, 0, 19]), 4)
    0.0035
    """
    from scipy.special import chdtrc

    _, row = np.unique(np.asarray(group), return_inverse=True)
    _, column = np.unique(np.asarray(time), return_inverse=True)
    deaths, leaving = np.zeros((2, row.max(initial=-1) + 1, column.max(initial=-1) + 1))
    np.add.at(deaths, (row, column), np.asarray(ended, np.float64))
    np.add.at(leaving, (row, column), np.asarray(ended, np.float64) + np.asarray(censored, np.float64))
    at_risk = leaving[:, ::-1].cumsum(axis=1)[:, ::-1]
    total, died = at_risk.sum(axis=0), deaths.sum(axis=0)
    some = (died > 0) & (total > 1)
    at_risk, total, died = at_risk[:, some], total[some], died[some]
    share = at_risk / total
    excess = (deaths[:, some] - share * died).sum(axis=1)
    spread = died * (total - died) / (total - 1)
    covariance = np.diag((share * spread).sum(axis=1)) - (share * spread) @ share.T
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True)) if len(covariance) else 0
    if rank == 0:
        return float("nan")
    return float(chdtrc(rank, excess @ np.linalg.pinv(covariance, hermitian=True) @ excess))


def count_limits(
    mean: npt.ArrayLike, ratio: npt.ArrayLike, coverage: npt.ArrayLike, *, least: int = 0
) -> Interval:
    """Return quantiles of counts whose variance is `ratio` times their mean: negative binomial, or Poisson at 1.

    By chance, at most a share of (1 - coverage) / 2 is beyond either limit. Upper limits are at least `least`.

    Examples
    --------
    >>> low, high = count_limits([9.0, 9.0], [1.0, 4.0], 0.998)
    >>> low.tolist(), high.tolist()
    ([1.0, 0.0], [20.0, 38.0])
    """
    given = (np.asarray(values, np.float64) for values in (mean, ratio, coverage))
    middle, more, inside = np.broadcast_arrays(*given)
    tail = (1 - inside.ravel()) / 2
    low, high = (_count_quantile(middle.ravel(), more.ravel(), q) for q in (tail, 1 - tail))
    return Interval(low.reshape(middle.shape), np.maximum(high, least).reshape(middle.shape))


def _count_quantile(mean: Array, ratio: Array, q: Array) -> Array:
    """Return the smallest count that at least a share of `q` does not exceed.

    Events are often rare: adding up the probabilities of small counts for all at once is far faster than a search per
    quantile. scipy computes the few larger ones, by its special functions: importing `scipy.stats` takes most of a
    second.
    """
    found = np.empty(len(mean))
    rows = np.arange(len(mean))
    more = np.where(ratio > 1 + 1e-6, ratio - 1, 0.0)
    chance = np.exp(-mean * np.divide(np.log1p(more), more, out=np.ones_like(more), where=more > 0))
    below = chance.copy()
    for count in range(_SMALL_COUNTS):
        larger = below < q
        found[rows[~larger]] = count
        rows, mean, more, q = rows[larger], mean[larger], more[larger], q[larger]
        below, chance = below[larger], chance[larger]
        chance *= (mean + count * more) / ((1 + more) * (count + 1))
        below += chance
    if not len(rows):
        return found
    from scipy.special import betainc, nbdtrik, pdtr, pdtrik

    wide = more > 0
    size, share = mean[wide] / more[wide], 1 / (1 + more[wide])
    found[rows[wide]] = _round_up(
        nbdtrik(q[wide], size, share), lambda count: betainc(size, count + 1, share), q[wide]
    )
    found[rows[~wide]] = _round_up(
        pdtrik(q[~wide], mean[~wide]), lambda count: pdtr(count, mean[~wide]), q[~wide]
    )
    return found


def _round_up(quantile: Floats, distribution: Callable[[Array], Floats], q: Array) -> Array:
    """Round quantiles up to counts; a rounding error may have raised one that is a whole number already."""
    count = np.ceil(quantile.astype(np.float64))
    below = np.maximum(count - 1, 0)
    return np.where(distribution(below) >= q, below, count)


def counts(successes: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Array, Array]:
    """Return counts and their denominators as arrays.

    Raises
    ------
    ValueError
        A count is negative or above its denominator.
    """
    k, size = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if np.any(k < 0) or np.any(k > size):
        raise ValueError("a count must be between 0 and its denominator")
    return k, size
