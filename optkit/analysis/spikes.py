"""Which days were not like other days: a control chart of opt-outs against what was to be expected."""

import math
from collections.abc import Collection
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.analysis.churn import churn
from optkit.engine import frames, statistics
from optkit.engine.frames import History, by_columns
from optkit.engine.periods import calendar, read_stretch
from optkit.engine.statistics import Array
from optkit.errors import HistoryError, SettingsError
from optkit.times import Moment

Bools = npt.NDArray[np.bool_]

#: The level of a period is that of so many periods on either side: eight weeks of days, a year of weeks.
_REACH: Final = 28

#: Weekdays get a rhythm of their own from so many weeks on.
_WEEKS: Final = 4

#: With fewer periods none can be told from the others.
_FEW: Final = 10

_ROUNDS: Final = 20


def spikes(
    history: History,
    *,
    every: str = "1d",
    by: str | Collection[str] | None = None,
    time_zone: str = "UTC",
    audience: Any = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> pl.DataFrame:
    """Find the periods with more opt-outs than was to be expected.

    What is to be expected is the level of the 28 periods on either side times, for days, the weekday's usual
    share of it; or, with `audience`, what so many messages usually bring. Periods beyond the limits are left
    out of both and the estimate repeated until it settles, so that a spike neither raises the expectation nor
    hides in limits that it widened itself. Fewer than ten periods have no spikes: nothing to compare with.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    every : str
        Length of a period: a whole number of "d", "w" (from Monday), "mo", "q" or "y".
    by : str or collection of str, optional
        Columns that are constant for a sender, a recipient or a pair; a chart of its own for each group.
    time_zone : str
        IANA name of the zone whose calendar is used.
    audience : frame, optional
        How many were messaged in each period: the columns of `by`, period (Date: its first local day) and
        recipients. A period without a row had none: it has no expectation, and is no spike.
    since : str, date or datetime, optional
        Rows from the period that holds it; default all. What to expect is estimated from earlier periods as
        well, and every period is counted whole.
    until : str, date or datetime, optional
        End of observation, default the last event; later events are ignored.

    Returns
    -------
    polars.DataFrame
        Sorted by `by` and period; a row per period, those without events too: the columns of `by`; period
        (Date: its first local day); opt_outs (Int64); expected, low, high (Float64: limits that 99.8 % of
        usual periods lie within, of a negative binomial count as much more variable than a Poisson count as
        the usual periods are; null without expectation); spike (Boolean: opt_outs above `high`).

    Raises
    ------
    HistoryError
        The frame is no history.
    SettingsError
        An argument cannot be used.

    References
    ----------
    C. P. Farrington et al. (1996), A statistical algorithm for the early detection of outbreaks of infectious
    disease, JRSS A 159 (past outbreaks left out, limits from overdispersed totals);
    D. B. Laney (2002), Improved control charts for attributes, Quality Engineering 14.

    Examples
    --------
    >>> table = optkit.spikes(optkit.demo_history(recipients=2000))
    >>> worst = table.sort("opt_outs").row(-1, named=True)
    >>> worst["spike"], worst["opt_outs"] > 2 * worst["expected"]
    (True, True)
    """
    groups = by_columns(by)
    begin = read_stretch(since, until).since
    counted = churn(history, every=every, time_zone=time_zone, by=groups, until=until)
    table = counted.select(*groups, "period", "opt_outs", recipients=pl.lit(1, pl.Int64))
    if audience is not None:
        table = _messaged(table, audience, [*groups, "period"])
    rhythm = every == "1d"
    parts = table.partition_by(groups, maintain_order=True) if groups and table.height else [table]
    charts = pl.concat([_charted(part, rhythm=rhythm) for part in parts])
    if begin is None:
        return charts
    return charts.filter(pl.col("period") >= calendar(begin, begin, every, time_zone).starts[0])


def _messaged(table: pl.DataFrame, audience: Any, keys: list[str]) -> pl.DataFrame:
    """Return the table with `recipients` from the audience."""
    try:
        given = frames.read(audience, [*keys, "recipients"]).collect()
    except HistoryError as error:
        raise SettingsError(f"audience is a frame with {', '.join(keys)}, recipients ({error})") from None
    given = given.cast({"period": pl.Date}).group_by(keys).agg(pl.col("recipients").sum().cast(pl.Int64))
    joined = table.drop("recipients").join(
        given, on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.with_columns(pl.col("recipients").fill_null(0))


def _charted(part: pl.DataFrame, *, rhythm: bool) -> pl.DataFrame:
    """Return one group's periods with expectation, limits and verdict."""
    messaged = part.filter(pl.col("recipients") > 0)
    totals = messaged["opt_outs"].to_numpy().astype(np.float64)
    exposure = messaged["recipients"].to_numpy().astype(np.float64)
    weekly = rhythm and messaged.height >= 7 * _WEEKS
    slots = messaged["period"].dt.weekday().to_numpy() - 1 if weekly else np.zeros(messaged.height, np.int64)
    chart = _chart(totals, exposure, slots)
    judged = messaged.select(
        "period",
        expected=pl.Series(chart.expected),
        low=pl.Series(chart.low),
        high=pl.Series(chart.high),
        spike=pl.Series(~chart.usual, dtype=pl.Boolean),
    )
    joined = part.drop("recipients").join(judged, on="period", how="left", maintain_order="left")
    return joined.with_columns(pl.col("spike").fill_null(False))


class _Chart(NamedTuple):
    expected: Array
    low: Array
    high: Array
    usual: Bools


def _chart(totals: Array, exposure: Array, slots: npt.NDArray[np.integer[Any]]) -> _Chart:
    """Chart totals against their expectation, which is made of the usual among them."""
    if not len(totals):
        return _Chart(totals, totals, totals, totals > 0)
    usual = np.ones(len(totals), dtype=np.bool_)
    chart = _limits(totals, exposure, slots, usual)
    if len(totals) < _FEW:
        return chart._replace(usual=usual)
    # Begin without the highest tenth of those with any, so that no spike can hide in limits that it widens.
    height = (totals - chart.expected) / np.sqrt(chart.expected)
    busy = int((totals > 0).sum())
    dropped = math.ceil(busy / 10) if busy > 1 else 0
    usual[np.argsort(-height, kind="stable")[:dropped]] = False
    for _ in range(_ROUNDS):
        chart = _limits(totals, exposure, slots, usual)
        if (chart.usual == usual).all():
            break
        usual = chart.usual
    return chart


def _limits(totals: Array, exposure: Array, slots: npt.NDArray[np.integer[Any]], usual: Bools) -> _Chart:
    """Return expectation and limits from the usual periods, and which periods are usual by them."""
    # One average period more for each estimate keeps empty weekdays and quiet months from expecting nothing.
    weight, one = usual.astype(np.float64), float(exposure.mean())
    base = max(float((weight * totals).sum()), 0.5) / float((weight * exposure).sum())
    seen, held = (np.bincount(slots, weight * values)[slots] for values in (totals, exposure))
    share = (seen + base * one) / ((held + one) * base) if slots.any() else np.ones(len(totals))
    near = _around(weight * totals) + base * one
    level = near / (_around(weight * exposure * share) + one)
    expected = level * exposure * share
    freedom = max(1.0, usual.sum() - (slots.max() + 1) - len(totals) / (2 * _REACH))
    residuals = (totals - expected) ** 2 / expected
    dispersion = max(1.0, float(residuals[usual].sum()) / freedom)
    # A new count varies about its expectation, and the expectation about the truth.
    ratio = dispersion * (1 + expected / near + expected / (seen + base * one))
    low, high = statistics.count_limits(expected, ratio, 0.998)
    return _Chart(expected, low, high, totals <= high)


def _around(values: Array) -> Array:
    """Sum over each period and the 28 on either side of it."""
    summed = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    upper = np.minimum(place + _REACH + 1, len(values))
    around: Array = summed[upper] - summed[np.maximum(place - _REACH, 0)]
    return around
