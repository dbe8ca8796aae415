"""Which days stand out: a control chart of opt-outs and their expectation."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.analysis.messages_per_period import messages_per_period
from optkit.engine import control_chart, frames
from optkit.engine.aggregate import PartialSum, aggregate, partial_sum
from optkit.engine.control_chart import Chart
from optkit.engine.frames import History, by_columns
from optkit.engine.groups import groups_of, join_groups
from optkit.engine.periods import calendar, period_rows, read_stretch, validate_calendar
from optkit.engine.states import Partition
from optkit.errors import HistoryError, SettingsError
from optkit.times import Moment

if TYPE_CHECKING:
    from optkit.engine.message_frames import Messages

#: Columns of the result and of intermediate tables: a column of `by` must not have one of these names.
_COMPUTED: Final = ("place", "group_number", "period", "expected", "low", "high", "spike", "recipients")

#: Expected number of false alarms in a chart of usual periods: one chart in ten has one.
_ALARMS: Final = 0.1

#: Expected number of false alarms in all charts of a table with groups.
_ALARMS_OF_ALL: Final = 1.0

#: Largest probability of a false alarm in one period; it applies if there are few periods.
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
    """Find the periods with more opt-outs than expected.

    The expectation is a line fitted to the 28 periods on either side (at both ends of the history: on one side), for
    days multiplied by the weekday's usual share. With `audience` it is proportional to the number of recipients.
    Periods above the limits are left out and the estimate is repeated until it no longer changes, so that a spike
    raises neither the expectation nor its own limits. With fewer than ten periods there are no spikes, because there is
    too little to compare. A period with fewer than three opt-outs is not a spike.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    every : str
        Length of a period: a whole number of "d", "w" (from Monday), "mo", "q" or "y".
    by : str or collection of str, optional
        Columns that are constant for a sender, a recipient or a pair; one chart per group.
    time_zone : str
        IANA name of the time zone of the calendar.
    audience : frame, optional
        How many people were messaged in each period: the columns of `by`, period (Date: its first local day) and
        recipients. A period without a row has no recipients and no expectation, and is not a spike.
    messages : any frame, optional
        Messages, instead of `audience`: those that reached somebody are counted in each period. Opt-outs are then
        expected in proportion to messages: a day with ten times the messages and ten times the opt-outs is not a spike,
        a day with half the messages and as many opt-outs may be one.
    since : str, date or datetime, optional
        Return only the rows from the period that contains it on. Earlier periods still count for the expectation, and
        no period is cut. Default: all rows.
    until : str, date or datetime, optional
        End of observation: later events are ignored. Default: the last event.

    Returns
    -------
    polars.DataFrame
        Sorted by `by` and period; one row per period, including those without events: the columns of `by`; period
        (Date: its first local day); opt_outs (Int64); expected, low, high (Float64: expectation and the limits of
        chance, see Notes; null without expectation); spike (Boolean: opt_outs above `high`).

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used.

    Notes
    -----
    The limits are those of a negative binomial count, with the overdispersion of the usual periods. They are so wide
    that one table in ten has a false alarm, for any number of periods; with groups, so wide that all groups together
    have one, and no group more than one in ten tables.

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
    groups = by_columns(by, _COMPUTED, {"history": history, "messages": messages})
    validate_calendar(every, time_zone)
    stretch = read_stretch(since, until)
    if messages is not None:
        if audience is not None:
            raise SettingsError("give audience or messages, not both")
        history = frames.rereadable(history)
        sent = messages_per_period(
            history, messages, by=groups, every=every, time_zone=time_zone, until=until
        )
        audience = sent.rename({"reached": "recipients"})
    messaged = None if audience is None else _messaged(audience, groups)

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        index = calendar(partition.since, partition.until, every, time_zone).index(pl.col("at"))
        moves = partition.transitions.with_columns(place=index)
        return {
            "moves": partial_sum(moves, ["group", "place"], opt_outs=pl.col("out").sum()),
            "groups": partial_sum(partition.unit_summary, ["group"], pairs=pl.len()),
        }

    totals = aggregate(history, mapper, by=groups, until=until)
    periods = period_rows(totals.since, totals.until, every, time_zone, totals["moves"]["place"])
    charted = groups_of(totals["groups"], groups).sort(groups, nulls_last=True)
    opt_outs = _matrix(totals["moves"], "opt_outs", charted, periods)
    if messaged is None:
        recipients = np.broadcast_to(1, opt_outs.shape)
    else:
        recipients = _matrix(messaged.join(periods, on="period"), "recipients", charted, periods)
    chart = _charts(opt_outs, recipients, periods["period"], rhythm=every == "1d")
    rows = charted.join(periods.select("period"), how="cross").with_columns(
        opt_outs=pl.Series(opt_outs.ravel()),
        expected=pl.Series(chart.expected.ravel(), nan_to_null=True),
        low=pl.Series(chart.low.ravel(), nan_to_null=True),
        high=pl.Series(chart.high.ravel(), nan_to_null=True),
        spike=pl.Series(~chart.usual.ravel()),
    )
    if stretch.since is None:
        return rows
    stretch.within(totals.first, totals.until)  # warns if it begins after the data ends
    begins = calendar(stretch.since, stretch.since, every, time_zone).starts[0]
    return rows.filter(pl.col("period") >= begins)


def _messaged(audience: Any, groups: list[str]) -> pl.DataFrame:
    """Return the columns of `by`, period (Date) and recipients (Int64) of an audience."""
    keys = [*groups, "period"]
    try:
        given = frames.read(audience, [*keys, "recipients"]).collect()
    except HistoryError as error:
        raise SettingsError(
            f"audience must be a frame with {', '.join(keys)}, recipients ({error})"
        ) from None
    if not given["recipients"].dtype.is_numeric():
        raise SettingsError("audience: recipients must be numbers")
    try:
        dated = given.cast({"period": pl.Date})
    except pl.exceptions.PolarsError:
        raise SettingsError("audience: period must be a date") from None
    sent = pl.col("recipients").cast(pl.Int64, strict=False).clip(0)
    return dated.with_columns(sent).drop_nulls("recipients")


def _matrix(
    table: pl.DataFrame, value: str, groups: pl.DataFrame, periods: pl.DataFrame
) -> npt.NDArray[np.int64]:
    """Return the sums of a column by group (one per row) and period; 0 where the table has no row."""
    known = join_groups(table, groups.with_row_index("group_number"), groups.columns, how="inner")
    found = np.zeros((groups.height, periods.height), np.int64)
    np.add.at(found, (known["group_number"].to_numpy(), known["place"].to_numpy()), known[value].to_numpy())
    return found


def _charts(
    opt_outs: npt.NDArray[np.int64],
    recipients: npt.NDArray[np.int64],
    periods: pl.Series,
    *,
    rhythm: bool,
) -> Chart:
    """Return one chart per group; the limits depend on the false alarms that all charts together may have."""
    number = np.maximum(1, (recipients > 0).sum(axis=1, keepdims=True))
    days = periods.dt.weekday().to_numpy() - 1 if rhythm else np.zeros(len(periods), np.int8)
    slots = control_chart.rhythm(days, number)
    alarms = min(_ALARMS, _ALARMS_OF_ALL / max(1, len(opt_outs)))
    return control_chart.charts(opt_outs, recipients, slots, np.minimum(_TAIL, alarms / number))
