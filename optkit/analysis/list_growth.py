"""How the list grows: how many join, leave and come back in each period."""

from collections.abc import Collection
from typing import Final

import polars as pl

from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.exposures import KEY, JointPartition, unit_of
from optkit.engine.frames import History, by_columns
from optkit.engine.groups import groups_of, join_groups, sum_by
from optkit.engine.joint import JointTotals, aggregate_joint
from optkit.engine.known_units import known_units
from optkit.engine.message_frames import Messages
from optkit.engine.periods import calendar, period_rows, read_stretch, validate_calendar
from optkit.engine.question import question
from optkit.engine.states import Scope
from optkit.messages import REACHED
from optkit.times import Moment

_FLOWS = ["joined", "re_opt_ins", "opt_outs"]

#: The place of changes before the first period.
_BEFORE = -1

#: Columns of the result and of intermediate tables: a column of `by` must not have one of these names.
_COMPUTED: Final = (
    *_FLOWS, "period", "list_start", "list_end", "growth_rate", "churn_rate", "complete", "place", "earlier",
    "first", "unit",
)  # fmt: skip


def list_growth(
    history: History,
    messages: Messages,
    *,
    every: str = "1w",
    time_zone: str = "UTC",
    by: str | Collection[str] | None = None,
    scope: Scope = "pair",
    since: Moment | None = None,
    until: Moment | None = None,
    statuses: Collection[str] = REACHED,
    region: str | None = None,
) -> pl.DataFrame:
    """Count how many join and leave the list by period of the local calendar, and its size before and after.

    The list consists of the pairs (or recipients) that are known and opted in. A pair is known from its first event or
    its first message that reached somebody, whichever is earlier.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    messages : any frame
        Messages, in any order; a Spark frame if the history is one.
    every, time_zone : str
        See `optkit.churn`.
    by : str or collection of str, optional
        Columns of either frame that are constant for a sender, a recipient or a pair (with Spark frames: columns of
        both); each group has all periods.
    scope : "pair" or "recipient"
        What the list consists of. A recipient is opted out while opted out of at least one sender.
    since, until : str, date or datetime, optional
        The stretch that is counted, both ends included; by default from the first message to the last event or message,
        whichever is later. Earlier events and messages determine who is on the list at its start.
    statuses, region
        See `optkit.campaign_rates`.

    Returns
    -------
    polars.DataFrame
        Sorted by `by` and period; one row per period, including those without changes: the columns of `by`; period
        (Date: its first local day); list_start, joined, re_opt_ins, opt_outs, list_end (Int64); growth_rate =
        (list_end - list_start) / list_start, churn_rate = opt_outs / list_start (Float64, null if the list was empty);
        complete (Boolean: whether the stretch covers the whole period). list_end = list_start + joined + re_opt_ins -
        opt_outs, and is the next period's list_start. A pair that joins and opts out in the same period counts in both.
        In the first period of the data nearly everybody joins, because nobody is known before.
        Without messages there are no periods unless `since` is given.

    Raises
    ------
    HistoryError
        A frame is not what it should be, or a column of `by` has several values for a pair.
    SettingsError
        An argument cannot be used.

    Examples
    --------
    >>> import optkit
    >>> account = {"recipients": 3000, "days": 365}
    >>> history, messages = optkit.demo_history(**account), optkit.demo_messages(**account)
    >>> table = optkit.list_growth(history, messages, every="1mo")
    >>> (table["list_end"].head(5) == table["list_start"].tail(5)).all()
    True
    """
    groups = by_columns(by, _COMPUTED, {"history": history, "messages": messages})
    validate_calendar(every, time_zone)
    stretch = read_stretch(since, until)
    asked = question(None, until, statuses, region, scope=scope, by_unit=groups, in_order=False)

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        start = partition.since if stretch.since is None else stretch.since
        periods = calendar(start, max(start, partition.until), every, time_zone)
        period = (
            pl.when(pl.col("at") < start)
            .then(pl.lit(_BEFORE, pl.Int32))
            .otherwise(periods.index(pl.col("at")))
        )
        known = partition.grouped(known_units(partition, start, periods), groups)
        moves = partition.runs.lazy().filter(pl.col("out") | ~pl.col("first")).with_columns(unit=unit_of(KEY))
        out = pl.col("out")
        return {
            "joined": partial_sum(
                # Their times are few: each period is looked up once.
                known.group_by(*groups, "at").agg(joined=pl.len()).with_columns(place=period),
                [*groups, "place"],
                joined=pl.col("joined").sum(),
            ),
            "moves": partial_sum(
                partition.grouped(moves, groups).with_columns(place=period),
                [*groups, "place"],
                opt_outs=out.sum(),
                re_opt_ins=(~out).sum(),
            ),
        }

    totals = aggregate_joint(history, messages, mapper, asked)
    flows = _flows(totals, groups)
    shown = stretch.within(totals.since, totals.until)
    rows = period_rows(*shown, every, time_zone, flows["place"])
    return _rolled_forward(flows, rows, groups)


def _flows(totals: JointTotals, groups: list[str]) -> pl.DataFrame:
    """Return the changes in each group and period."""
    keys = [*groups, "place"]
    flows = totals["joined"].join(totals["moves"], on=keys, how="full", coalesce=True, nulls_equal=True)
    return flows.with_columns(pl.col(_FLOWS).fill_null(0))


def _rolled_forward(flows: pl.DataFrame, rows: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """Return each group's periods with the size of the list before and after."""
    net = pl.col("joined") + pl.col("re_opt_ins") - pl.col("opt_outs")
    earlier = sum_by(flows.filter(pl.col("place") == _BEFORE), groups, net.sum().alias("earlier"))
    everywhere = groups_of(flows, groups).join(rows, how="cross")
    table = everywhere.join(flows, on=[*groups, "place"], how="left", nulls_equal=True)
    table = join_groups(table, earlier, groups)
    counted = table.with_columns(pl.col(*_FLOWS, "earlier").fill_null(0)).sort("place")
    rolled = net.cum_sum()
    start = pl.col("list_start")
    return (
        counted.with_columns(list_end=pl.col("earlier") + (rolled.over(groups) if groups else rolled))
        .with_columns(list_start=pl.col("list_end") - net)
        .select(
            *groups,
            "period",
            "list_start",
            *_FLOWS,
            "list_end",
            growth_rate=pl.when(start > 0).then((pl.col("list_end") - start) / start),
            churn_rate=pl.when(start > 0).then(pl.col("opt_outs") / start),
            complete="complete",
        )
        .sort(*groups, "period", nulls_last=True)
    )
