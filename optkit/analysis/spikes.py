"""Which days were not like other days: a control chart of opt-outs against what was to be expected."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from optkit.analysis.churn import churn
from optkit.analysis.messages_per_period import messages_per_period
from optkit.engine import control_chart, frames
from optkit.engine.frames import History, by_columns
from optkit.engine.periods import calendar, read_stretch
from optkit.errors import HistoryError, SettingsError
from optkit.times import Moment

if TYPE_CHECKING:
    from optkit.engine.message_frames import Messages

#: False alarms to expect in a chart of usual periods: one chart in ten has one.
_ALARMS: Final = 0.1

#: False alarms to expect in all charts of a table with groups together.
_ALARMS_OF_ALL: Final = 1.0

#: Chance of a false alarm in a period, at most, however few the periods.
_TAIL: Final = 0.001


def spikes(
    history: History,
    *,
    every: str = "1d",
    by: str | Collection[str] | None = None,
    time_zone: str = "UTC",
    audience: Any = None,
    messages: "Messages | None" = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> pl.DataFrame:
    """Find the periods with more opt-outs than was to be expected.

    The expectation is a line through the 28 periods on either side (at both ends of the history: on one side)
    times, for days, the weekday's usual share; or, with `audience`, what so many messages usually bring. Periods
    above the limits are left out and the estimate repeated until it settles, so that a spike neither raises the
    expectation nor hides in limits that it widened itself. Fewer than ten periods have no spikes: there is
    nothing to compare them with. A period with fewer than three opt-outs is not a spike.

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
        recipients. A period without a row had none: it has no expectation, and is not a spike.
    messages : any frame, optional
        Messages: as an audience of the messages that reached somebody in each period. Opt-outs are then expected in
        proportion to them: a day with ten times the messages and ten times the opt-outs is not a spike, a day with half
        the messages and as many opt-outs may be one.
    since : str, date or datetime, optional
        Rows from the period that holds it; default all. What to expect is estimated from earlier periods as
        well, and every period is counted whole.
    until : str, date or datetime, optional
        End of observation, default the last event; later events are ignored.

    Returns
    -------
    polars.DataFrame
        Sorted by `by` and period; one row per period, those without events too: the columns of `by`; period
        (Date: its first local day); opt_outs (Int64); expected, low, high (Float64: expectation and
        the limits of chance, see Notes; null without expectation); spike (Boolean: opt_outs above `high`).

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used.

    Notes
    -----
    The limits are those of a negative binomial count, as much more variable than a Poisson count as the usual
    periods are. They are so wide that one table in ten has a false alarm, however many periods it has; with
    groups, that all of them together have one, and none of them more than that in ten tables.

    References
    ----------
    C. P. Farrington et al. (1996), A statistical algorithm for the early detection of outbreaks of infectious
    disease, JRSS A 159 (past outbreaks left out, limits from overdispersed totals);
    D. B. Laney (2002), Improved control charts for attributes, Quality Engineering 14.

    Examples
    --------
    >>> import optkit
    >>> table = optkit.spikes(optkit.demo_history(recipients=2000))
    >>> worst = table.sort("opt_outs").row(-1, named=True)
    >>> worst["spike"], worst["opt_outs"] > 2 * worst["expected"]
    (True, True)
    """
    groups = by_columns(by, ("expected", "low", "high", "spike", "recipients"))
    begin = read_stretch(since, until).since
    counted = churn(history, every=every, time_zone=time_zone, by=groups, until=until)
    table = counted.select(*groups, "period", "opt_outs", recipients=pl.lit(1, pl.Int64))
    if messages is not None:
        if audience is not None:
            raise SettingsError("give audience or messages, not both")
        sent = messages_per_period(
            history, messages, by=groups, every=every, time_zone=time_zone, until=until
        )
        audience = sent.rename({"reached": "recipients"})
    if audience is not None:
        table = _messaged(table, audience, [*groups, "period"])
    rhythm = every == "1d"
    parts = table.partition_by(groups, maintain_order=True) if groups and table.height else [table]
    alarms = min(_ALARMS, _ALARMS_OF_ALL / len(parts))
    charts = pl.concat([_charted(part, alarms, rhythm=rhythm) for part in parts])
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


def _charted(part: pl.DataFrame, alarms: float, *, rhythm: bool) -> pl.DataFrame:
    """Return one group's periods with expectation, limits and verdict; `alarms`: how many false ones to expect."""
    messaged = part.filter(pl.col("recipients") > 0)
    totals = messaged["opt_outs"].to_numpy().astype(np.float64)
    exposure = messaged["recipients"].to_numpy().astype(np.float64)
    days = messaged["period"].dt.weekday().to_numpy()
    slots = control_chart.weekdays(days) if rhythm else np.zeros(len(days), np.int64)
    chart = control_chart.chart(totals, exposure, slots, min(_TAIL, alarms / max(1, len(totals))))
    judged = messaged.select(
        "period",
        expected=pl.Series(chart.expected),
        low=pl.Series(chart.low),
        high=pl.Series(chart.high),
        spike=pl.Series(~chart.usual, dtype=pl.Boolean),
    )
    joined = part.drop("recipients").join(judged, on="period", how="left", maintain_order="left")
    return joined.with_columns(pl.col("spike").fill_null(False))
