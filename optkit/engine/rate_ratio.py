"""The ratio of two rates whose counts vary more than by chance."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from optkit.engine.statistics import Array, score_interval


class RateRatio(NamedTuple):
    """Limits of the ratio after : before, and the two-sided p value of no difference; one value per group."""

    low: Array
    high: Array
    p: Array


def compare_rates(
    counts: tuple[npt.ArrayLike, npt.ArrayLike],
    exposures: tuple[npt.ArrayLike, npt.ArrayLike],
    dispersion: npt.ArrayLike,
    freedom: npt.ArrayLike,
    confidence: float = 0.95,
) -> RateRatio:
    """Compare counts before and after whose variance is `dispersion` times that of chance.

    The share of all counts that came after is binomial: its interval is Wilson's with the number of independent counts
    (the counts divided by the dispersion), and with Student's t because the dispersion is an estimate. The odds of the
    share divided by the ratio of the exposures are the ratio of the rates. This works for small counts and for zero on
    one side.

    Parameters
    ----------
    counts, exposures : pair of array_like
        Before and after: how many, and in how much time (or from how many messages).
    dispersion : array_like
        At least 1.
    freedom : array_like
        Degrees of freedom of the dispersion.
    confidence : float
        Of the interval, between 0 and 1.

    Returns
    -------
    RateRatio
        NaN where a side has no exposure or there are no degrees of freedom; `high` is infinite if all counts may be
        after.

    References
    ----------
    P. McCullagh, J. A. Nelder (1989), Generalized linear models, 2nd ed., 4.5 (dispersion);
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.

    Examples
    --------
    >>> low, high, p = compare_rates(([100], [50]), ([28], [28]), [1.0], [1e9])
    >>> low.round(2).tolist(), high.round(2).tolist(), bool(p[0] < 0.001)
    ([0.36], [0.7], True)
    """
    from scipy.special import stdtr, stdtrit

    (before, after), (time_before, time_after) = (
        tuple(np.asarray(values, np.float64) for values in pair) for pair in (counts, exposures)
    )
    degrees = np.asarray(freedom, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        independent = (before + after) / np.asarray(dispersion, np.float64)
        share, expected = after / (before + after), time_after / (time_before + time_after)
        degrees = np.where(degrees > 0, degrees, np.nan)
        t = stdtrit(degrees, (1 + confidence) / 2)
        low, high = (np.clip(end, 0, 1) for end in score_interval(share, independent, t))
        low, high = np.where(after == 0, 0.0 * low, low), np.where(before == 0, 1.0 + 0.0 * high, high)
        score = (share - expected) / np.sqrt(expected * (1 - expected) / independent)
        p = 2 * stdtr(degrees, -np.abs(score))
        odds = time_before / time_after
        known = (time_before > 0) & (time_after > 0)
        low, high = (np.where(known, end / (1 - end) * odds, np.nan) for end in (low, high))
        return RateRatio(low, high, np.where(known, p, np.nan))
