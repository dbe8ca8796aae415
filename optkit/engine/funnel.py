"""Which groups differ from the others by more than groups usually do: a funnel of its own for each group.

Each group is judged by the others alone. A large group that is bad would otherwise be its own target, and any
that is bad would widen the limits it is held against.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from optkit.engine.statistics import Array, Interval, counts

#: Share of usual groups within their limits: one false alarm in 500 groups.
COVERAGE: Final = 0.998

#: Fewer groups do not show how much groups usually differ.
FEWEST: Final = 5

#: The variance between groups is taken as large as its upper quartile, because few groups often show too little.
_CAUTION: Final = 0.25

#: Counts up to this are judged by the exact distribution. Beyond, steps of one do not matter.
_EXACT: Final = 20_000

#: Of more groups one hardly changes how much they differ: the variance between them is that of all.
_MANY: Final = 200

_MOST: Final = 0.999  # correlation within a group, at most


Places = npt.NDArray[np.intp]


class _Law(NamedTuple):
    """What a group's count follows: a beta-binomial."""

    mean: float
    correlation: float

    def beta(self, n: float) -> tuple[float, float]:
        """Return the beta distribution with the mean and variance of the proportion of `n`."""
        size = 1 / ((1 - self.correlation) / n + self.correlation) - 1
        return self.mean * size, (1 - self.mean) * size


def funnel_limits(successes: npt.ArrayLike, n: npt.ArrayLike, coverage: float = COVERAGE) -> Interval:
    """Return between which proportions each group is expected to lie, judged by the other groups.

    The counts of a group are expected to follow a beta-binomial law. Its mean is the weighted mean of the
    others' proportions; its correlation is how much the others differ beyond chance, by the generalized Q
    statistic (Paule-Mandel, at its upper quartile rather than at its mean), and the uncertainty of that mean.
    The limits are exact quantiles of that law: beyond them lies (1 - `coverage`) / 2 on either side. Groups
    beyond them are left out of the others, and the limits taken again: two bad groups do not hide each other.

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
            low[group], high[group] = _quantiles(law, size[group], (1 - coverage) / 2)
        share = k[judges] / size[judges]
        before = len(judges)
        judges = judges[(share >= low[judges]) & (share <= high[judges])]
    return Interval(low, high)


def homogeneity(successes: npt.ArrayLike, n: npt.ArrayLike) -> float:
    """Return how likely proportions of one truth would differ as much as these: Pearson's chi-square test.

    NaN if fewer than two groups have any `n`.

    Examples
    --------
    >>> round(homogeneity([10, 21, 29], [1000, 2000, 3000]), 3)
    0.959
    """
    from scipy import stats

    k, size = counts(successes, n)
    k, size = k[size > 0], size[size > 0]
    if len(k) < 2:  # noqa: PLR2004 - nothing to compare
        return float("nan")
    mean = k.sum() / size.sum()
    if mean in {0.0, 1.0}:
        return 1.0
    differences = float(((k - size * mean) ** 2 / (size * mean * (1 - mean))).sum())
    return float(stats.chi2.sf(differences, len(k) - 1))


def _between(k: Array, n: Array) -> float:
    """Return the correlation within a group: how much groups differ beyond chance, at its upper quartile."""
    from scipy import optimize, special

    expected = float(special.chdtri(len(k) - 1, 1 - _CAUTION))

    def excess(correlation: float) -> float:
        mean, weight = _mean(k, n, correlation)
        return float((weight * (k / n - mean) ** 2).sum()) / (mean * (1 - mean)) - expected

    if excess(0.0) <= 0:
        return 0.0
    if excess(_MOST) >= 0:
        return _MOST
    return float(optimize.brentq(excess, 0.0, _MOST, xtol=1e-12))


def _laws(k: Array, n: Array, groups: Places, judges: Places) -> list[_Law]:
    """Return the law that each group would follow, were it like the judges other than itself."""
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
        for law in zip(np.clip(means, half, 1 - half), np.minimum(between + 1 / rest, _MOST), strict=True)
    ]


def _law(k: Array, n: Array) -> _Law:
    """Return the law that a further group would follow, were it like these."""
    between = _between(k, n)
    mean, weight = _mean(k, n, between)
    return _Law(mean, min(between + 1 / float(weight.sum()), _MOST))


def _mean(k: Array, n: Array, correlation: float) -> tuple[float, Array]:
    """Return the weighted mean of proportions, and the weights."""
    weight = 1 / ((1 - correlation) / n + correlation)
    half = 0.5 / float(n.sum())  # none at all of many is not the same as never
    return min(max(float((weight * k / n).sum() / weight.sum()), half), 1 - half), weight


def _quantiles(law: _Law, n: float, tail: float) -> tuple[float, float]:
    """Return the proportions of `n` beyond which lies at most `tail` on either side."""
    from scipy import special

    a, b = law.beta(n)
    reach = min(n, np.ceil(n * special.betaincinv(a, b, 1 - tail / 100)) + 20)
    if reach > _EXACT:
        return float(special.betaincinv(a, b, tail)), float(special.betaincinv(a, b, 1 - tail))
    x = np.arange(reach + 1)
    size = 1 / law.correlation - 1
    a, b = law.mean * size, (1 - law.mean) * size
    ways = -np.log1p(n) - special.betaln(n - x + 1, x + 1)
    below = np.cumsum(np.exp(ways + special.betaln(x + a, n - x + b) - special.betaln(a, b)))
    low, high = np.searchsorted(below, [tail, 1 - tail])
    return float(low / n), float(high / n)
