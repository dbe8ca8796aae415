"""How consent changes: opt-outs and re-opt-ins per period, and how many are opted out between periods."""

from collections.abc import Collection
from typing import Final, SupportsIndex

import polars as pl

from optkit.engine.aggregate import PartialSum, Totals, aggregate, partial_sum
from optkit.engine.denominators import Audience, given_audience, population, validate_covers
from optkit.engine.frames import History, by_columns
from optkit.engine.groups import join_groups, sum_by
from optkit.engine.periods import calendar, period_rows, validate_calendar
from optkit.engine.states import Partition, Scope, validate_scope
from optkit.errors import SettingsError
from optkit.times import Moment

_SIZES: Final = ("opted_out_start", "opted_out_end", "population", "opted_in_start")

#: Columns of the result and of intermediate tables: a column of `by` must not have one of these names.
_COMPUTED: Final = (
    "place", "group_number", "period", "net_opt_outs", *_SIZES, "churn_rate", "net_churn_rate", "denominator",
    "complete", "recipients",
)  # fmt: skip


def churn(
    history: History,
    *,
    every: str = "1w",
    time_zone: str = "UTC",
    by: str | Collection[str] | None = None,
    scope: Scope = "pair",
    audience: Audience | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> pl.DataFrame:
    """Count opt-outs and re-opt-ins by period of the local calendar, and how many are opted out before and after.

    Without `audience` the population is the pairs seen in the history: only people who ever opted out or in. As these
    people leave, a rate of them rises by itself: with constant true churn it looks several times as high at the end of
    a year as at its beginning. So the rates are null then: compare the counts.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    every : str
        Length of a period: a whole number of "d", "w" (from Monday), "mo", "q" or "y".
    time_zone : str
        IANA name of the time zone of the calendar.
    by : str or collection of str, optional
        Columns that are constant for a sender, a recipient or a pair; each group has all periods.
    scope : "pair" or "recipient"
        Whose states: a pair's, or a recipient's, opted out while opted out of at least one sender.
    audience : int, dict, frame or path, optional
        How many people were messaged: the total; a dict from sender to recipients; or a frame or a file (.csv,
        .parquet, .xlsx) with from_phone, recipients and the columns of `by`. Case does not matter in names of
        columns, and a long code may lack its "+". Senders without an event in the history are left out, with a warning
        that names them. In recipient scope only a number of people.
    since, until : str, date or datetime, optional
        The stretch that is counted, both ends included; by default from the first event to the last. Earlier events
        still determine who is opted out at the start. If `until` is exactly the beginning of a period, the table ends
        with the period before, unless a state changed in that millisecond.

    Returns
    -------
    polars.DataFrame
        Sorted by `by` and period; one row per period, including those without events: the columns of `by`; period
        (Date: its first local day); opt_outs, re_opt_ins, net_opt_outs, opted_out_start, opted_out_end,
        population, opted_in_start (Int64); churn_rate = opt_outs / opted_in_start and net_churn_rate =
        net_opt_outs / opted_in_start (Float64; null without `audience`, and if nobody was opted in at the start);
        denominator (String: "audience" or "observed"); complete (Boolean: whether [since, until] covers the whole
        period). opted_out_end = opted_out_start + opt_outs - re_opt_ins, and is the next period's opted_out_start.

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used; or `audience` lacks senders of the history, or is smaller than the number of people
        who are opted out.

    Examples
    --------
    >>> import optkit
    >>> history, audience = optkit.demo_history(recipients=1000), optkit.demo_audience(recipients=1000)
    >>> table = optkit.churn(history, every="1mo", since="2026-01-01", audience=audience)
    >>> table["period"].head(2).to_list(), table["denominator"][0]
    ([datetime.date(2026, 1, 1), datetime.date(2026, 2, 1)], 'audience')
    >>> (table["opted_out_start"] + table["opt_outs"] - table["re_opt_ins"] == table["opted_out_end"]).all()
    True
    """
    groups = by_columns(by, _COMPUTED, {"history": history})
    validate_scope(scope)
    validate_calendar(every, time_zone)
    if scope == "recipient" and audience is not None and not isinstance(audience, SupportsIndex):
        raise SettingsError(
            "in recipient scope audience must be a number of people: senders' recipients overlap"
        )
    given = given_audience(audience, groups)

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        periods = calendar(partition.since, max(partition.since, partition.until), every, time_zone)
        out = pl.col("out")
        moves = partition.transitions.with_columns(period=periods.index(pl.col("at")))
        return {
            "moves": partial_sum(moves, ["group", "period"], opt_outs=out.sum(), re_opt_ins=(~out).sum()),
            "pairs": partial_sum(
                partition.unit_summary,
                ["group", "sender"],
                seen=pl.len(),
                out_before=pl.col("out_before").sum(),
            ),
        }

    totals = aggregate(history, mapper, by=groups, scope=scope, since=since, until=until)
    people, denominator = population(given, groups, totals["pairs"].drop("out_before"))
    rows = period_rows(totals.since, totals.until, every, time_zone, totals["moves"]["period"])
    rolled = _roll_forward(totals, people, rows, groups)
    if denominator == "audience":
        validate_covers(rolled, "opted_out_start", "population", groups)
        validate_covers(rolled, "opted_out_end", "population", groups)
    return _rates(rolled, groups, denominator)


def _roll_forward(
    totals: Totals, people: pl.DataFrame, rows: pl.DataFrame, groups: list[str]
) -> pl.DataFrame:
    """Return each group's periods with their counts, and how many were opted out before and after."""
    moves = (
        totals["moves"]
        .rename({"period": "place"})
        .with_columns(net_opt_outs=pl.col("opt_outs") - pl.col("re_opt_ins"))
    )
    before = sum_by(totals["pairs"], groups, pl.col("out_before").sum())
    known = join_groups(people, before, groups)
    # A group's periods are adjacent, so that one pass adds them up.
    frame = known.sort(groups, nulls_last=True).with_row_index("group_number").join(rows, how="cross")
    counted = frame.join(
        moves, on=[*groups, "place"], how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(pl.col("opt_outs", "re_opt_ins", "net_opt_outs", "out_before").fill_null(0))
    return (
        counted.with_columns(
            opted_out_end=pl.col("out_before") + pl.col("net_opt_outs").cum_sum().over("group_number")
        )
        .with_columns(opted_out_start=pl.col("opted_out_end") - pl.col("net_opt_outs"))
        .with_columns(opted_in_start=pl.col("population") - pl.col("opted_out_start"))
    )


def _rates(rolled: pl.DataFrame, groups: list[str], denominator: str) -> pl.DataFrame:
    opted_in = pl.col("opted_in_start")
    known = pl.when((opted_in > 0) & (denominator == "audience"))
    return rolled.select(
        *groups,
        "period",
        "opt_outs",
        "re_opt_ins",
        "net_opt_outs",
        *_SIZES,
        churn_rate=known.then(pl.col("opt_outs") / opted_in),
        net_churn_rate=known.then(pl.col("net_opt_outs") / opted_in),
        denominator=pl.lit(denominator),
        complete="complete",
    )
