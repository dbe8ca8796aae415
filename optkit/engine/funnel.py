"""Which groups differ from the others by more than groups usually do: funnel limits for each group.

Each group is compared with the others only. Otherwise a large bad group would be its own target, and every bad group
would widen the limits that it is compared with.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from optkit.engine.counts_statistics import MOST_CORRELATED, beta_binomial
from optkit.engine.statistics import Array, Interval, counts

#: Share of usual groups within their limits: one false alarm in 500 groups.
COVERAGE: Final = 0.998

#: Fewer groups do not show how much groups usually differ.
FEWEST: Final = 5

#: The estimate of the variance between groups is its upper quartile, because few groups often show too little.
_CAUTION: Final = 0.25

#: Counts up to this get exact limits; for larger ones steps of one do not matter.
_EXACT: Final = 20_000

#: With more groups, one of them hardly changes the variance between them: it is estimated once, from all.
_MANY: Final = 200

Places = npt.NDArray[np.intp]


class _Law(NamedTuple):
    """The law of a group's count: a beta-binomial."""

    mean: float
    correlation: float

    def beta(self, n: float) -> tuple[float, float]:
        """Return the beta distribution with the mean and variance of the proportion of `n`."""
        size = 1 / ((1 - self.correlation) / n + self.correlation) - 1
        return self.mean * size, (1 - self.mean) * size


def funnel_limits(successes: npt.ArrayLike, n: npt.ArrayLike) -> Interval:
    """Return the limits within which each group's proportion is expected, given the other groups.

    The count of a group is expected to follow a beta-binomial law. Its mean is the weighted mean of the others'
    proportions. Its correlation covers how much the others differ beyond chance, by the generalized Q statistic
    (Paule-Mandel, at its upper quartile rather than at its mean), and the uncertainty of the mean. The limits are exact
    quantiles of that law: (1 - `COVERAGE`) / 2 is beyond each. Groups beyond their limits are then excluded from the
    others and the limits are computed again, so that two bad groups do not hide each other.

    Returns
    -------
    Interval
        Proportions. NaN where `n` is 0, and everywhere if fewer than five groups have any `n`.

    References
    ----------
    D. J. Spiegelhalter (2005), Funnel plots for comparing institutional performance, Stat. Med. 24;
    R. C. Paule, J. Mandel (1982), Consensus values and weighting factors, J. Res. NBS 87;
    W. Viechtbauer (2007), Confidence intervals for the amount of heterogeneity in meta-analysis, Stat. Med. 26.

    Examples
    --------
    >>> low, high = funnel_limits([10, 21, 29, 42, 55, 130], [1000, 2000, 3000, 4000, 5000, 3000])
    >>> high.round(3).tolist()  # of the last, 130 / 3000 = 0.043 is more
    [0.022, 0.019, 0.018, 0.017, 0.016, 0.017]
    >>> funnel_limits([10, 21], [1000, 2000]).low.tolist()
    [nan, nan]
    """
    k, size = counts(successes, n)
    known = np.flatnonzero(size > 0)
    low, high = np.full((2, *k.shape), np.nan)
    judges, before = known, 0
    while len(judges) >= FEWEST and len(judges) != before:
        for group, law in zip(known, _laws(k, size, known, judges), strict=True):
            low[group], high[group] = _quantiles(law, size[group], (1 - COVERAGE) / 2)
        share = k[judges] / size[judges]
        before = len(judges)
        judges = judges[(share >= low[judges]) & (share <= high[judges])]
    return Interval(low, high)


def homogeneity(successes: npt.ArrayLike, n: npt.ArrayLike) -> float:
    """Return the p value of Pearson's chi-square test: how likely equal groups would differ as much as these.

    NaN if fewer than two groups have any `n`.

    Examples
    --------
    >>> round(homogeneity([10, 21, 29], [1000, 2000, 3000]), 3)
    0.959
    """
    from scipy.special import chdtrc

    k, size = counts(successes, n)
    k, size = k[size > 0], size[size > 0]
    if len(k) < 2:  # noqa: PLR2004 - nothing to compare
        return float("nan")
    mean = k.sum() / size.sum()
    if mean in {0.0, 1.0}:
        return 1.0
    differences = float(((k - size * mean) ** 2 / (size * mean * (1 - mean))).sum())
    return float(chdtrc(len(k) - 1, differences))


def _between(k: Array, n: Array) -> float:
    """Return the correlation within a group: how much groups differ beyond chance, at its upper quartile."""
    from scipy import optimize, special

    expected = float(special.chdtri(len(k) - 1, 1 - _CAUTION))

    def excess(correlation: float) -> float:
        mean, weight = _mean(k, n, correlation)
        return float((weight * (k / n - mean) ** 2).sum()) / (mean * (1 - mean)) - expected

    if excess(0.0) <= 0:
        return 0.0
    if excess(MOST_CORRELATED) >= 0:
        return MOST_CORRELATED
    return float(optimize.brentq(excess, 0.0, MOST_CORRELATED, xtol=1e-12))


def _laws(k: Array, n: Array, groups: Places, judges: Places) -> list[_Law]:
    """Return the law that each group would follow if it were like the other judges."""
    if len(judges) <= _MANY:
        return [_law(k[others], n[others]) for others in (judges[judges != group] for group in groups)]
    between = _between(k[judges], n[judges])
    mean, weight = _mean(k[judges], n[judges], between)
    total, own = weight.sum(), np.zeros(len(n))
    own[judges] = weight
    half, rest = 0.5 / n[judges].sum(), total - own[groups]
    means = (total * mean - own[groups] * k[groups] / n[groups]) / rest
    return [
        _Law(*law)
        for law in zip(
            np.clip(means, half, 1 - half), np.minimum(between + 1 / rest, MOST_CORRELATED), strict=True
        )
    ]


def _law(k: Array, n: Array) -> _Law:
    """Return the law that another group would follow if it were like these."""
    between = _between(k, n)
    mean, weight = _mean(k, n, between)
    return _Law(mean, min(between + 1 / float(weight.sum()), MOST_CORRELATED))


def _mean(k: Array, n: Array, correlation: float) -> tuple[float, Array]:
    """Return the weighted mean of proportions, and the weights."""
    weight = 1 / ((1 - correlation) / n + correlation)
    half = 0.5 / float(n.sum())  # zero of many does not mean never
    return min(max(float((weight * k / n).sum() / weight.sum()), half), 1 - half), weight


def _quantiles(law: _Law, n: float, tail: float) -> tuple[float, float]:
    """Return the proportions of `n` with at most `tail` of the law beyond each."""
    from scipy import special

    a, b = law.beta(n)
    reach = min(n, np.ceil(n * special.betaincinv(a, b, 1 - tail / 100)) + 20)
    if reach > _EXACT:
        return float(special.betaincinv(a, b, tail)), float(special.betaincinv(a, b, 1 - tail))
    below = np.cumsum(beta_binomial(np.arange(reach + 1), n, law.mean, law.correlation))
    low, high = np.searchsorted(below, [tail, 1 - tail])
    return float(low / n), float(high / n)
