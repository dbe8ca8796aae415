"""Whether a history can be trusted: what is unusual about its events, and what that means."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from optkit.analysis.quality_check import Check, before
from optkit.analysis.quality_messages import checks_of_messages
from optkit.analysis.quality_reports import checks_of_reports
from optkit.analysis.quality_times import checks_of_times, sums_of_times
from optkit.engine import frames
from optkit.engine.aggregate import PartialSum, Totals, aggregate, partial_sum
from optkit.engine.frames import History, is_spark
from optkit.engine.states import Partition
from optkit.phones import countries
from optkit.times import Moment, from_ms, instant, to_ms

if TYPE_CHECKING:
    from optkit.engine.message_frames import Messages

_SCHEMA: Final = pl.Schema(
    {
        "check": pl.String(),
        "rows": pl.Int64(),
        "share": pl.Float64(),
        "ok": pl.Boolean(),
        "meaning": pl.String(),
    }
)


def quality(
    history: History,
    messages: "Messages | None" = None,
    *,
    until: Moment | None = None,
    now: Moment | None = None,
) -> pl.DataFrame:
    """Check a history, and its messages, for anything that could mislead an analysis.

    Parameters
    ----------
    history : any frame
        Events, in the order to be checked.
    messages : any frame, optional
        Messages of the same account; they are checked as well, and whether both fit together.
    until : str, date or datetime, optional
        End of observation: later events are ignored. Default: the last event.
    now : str, date or datetime, optional
        Events later than this are in the future. Default: the computer's clock.

    Returns
    -------
    polars.DataFrame
        One row per check: check (String); rows (Int64: how many it found), share (Float64: of all; null for an empty
        history), ok (Boolean: too few to matter), meaning (String: what it means, and what optkit does about it).

        Checks of rows: "duplicates", "ties", "repeats", "orphan opt-ins", "out of order" (not for Spark, whose rows
        have no order), "in the future", "invalid numbers", "near duplicates", "late repeats", "whole seconds"; of
        pairs: "reported status" (only with a column reported_current_status), "per recipient"; of days: "silent days";
        and "left edge", the first event.

        With messages also, of opt-outs in their record: "opt-outs never messaged", "opt-outs at a failure"; of senders:
        "senders without messages", "senders without events"; of messages: "messages: unmatched numbers",
        "messages: unknown status", "messages: never confirmed"; of weeks: "weeks without messages"; and
        "messages: left edge".

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used.

    Notes
    -----
    Each event is either a transition or found by one of "duplicates", "ties", "repeats" and "orphan opt-ins": the
    number of rows is the number of transitions plus these four. Near duplicates are the same event of a pair again
    within a second, or exactly a whole number of hours later (less than a day), to the millisecond; late repeats are
    the same status more than a day later. Silent days are days (UTC) without any event, in a run whose probability is
    below 1 in 1000 given the expectation of `optkit.spikes` and the quiet days of the same weekdays, or that is far
    longer than the account's other silences. Of accounts where nothing is missing, fewer than one in fifty is reported
    to have silent days. Single missing rows that leave no trace in times or states are not found. A number is invalid
    if it has no country (`optkit.with_country`).

    Examples
    --------
    >>> import optkit
    >>> import polars as pl
    >>> history = optkit.demo_history(recipients=1000)
    >>> table = optkit.quality(history, now="2026-07-01")
    >>> table.filter(pl.col("check") == "duplicates").select("rows", "ok").row(0)
    (0, True)
    """
    present = to_ms(instant(now, "now") if now is not None else datetime.now(UTC))
    end = None if until is None else to_ms(instant(until, "until"))
    history = frames.rereadable(history)

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        return _counted(partition, present)

    # first, because messages that cannot be read are an error at once
    of_messages = [] if messages is None else checks_of_messages(history, messages, until)
    totals = aggregate(history, mapper, until=until)
    checks = [
        *_of_rows(totals),
        *_of_order(history, end),
        *checks_of_reports(history, end),
        *checks_of_times(totals),
        *of_messages,
    ]
    return pl.DataFrame([check.row() for check in checks], schema=_SCHEMA, orient="row")


def _counted(partition: Partition, present: int) -> dict[str, PartialSum]:
    pair, out = ["sender", "recipient"], pl.col("out")
    number = partition.codes.recipient(pl.col("recipient"))
    first = partition.runs.filter("first")
    moments = partition.events.group_by(*pair, "at").agg(outs=_many(out), ins=_many(~out))
    numbers = partition.events.group_by("recipient").agg(events=pl.len()).with_columns(number=number)
    no_country = pl.col("number").map_batches(countries, return_dtype=pl.String).is_null()
    people = partition.unit_summary.group_by("recipient").agg(pairs=_many(out.is_not_null()), outs=_many(out))
    some = pl.col("outs") > 0
    return {
        "moments": partial_sum(
            moments,
            [],
            rows=pl.col("outs").sum() + pl.col("ins").sum(),
            duplicates=(pl.col("outs") - 1).clip(0).sum() + (pl.col("ins") - 1).clip(0).sum(),
            ties=(some & (pl.col("ins") > 0)).sum(),
        ),
        "transitions": partial_sum(partition.transitions, [], transitions=pl.len()),
        "orphans": partial_sum(first, [], orphans=(~out).sum(), pairs=pl.len()),
        "future": partial_sum(partition.events, [], future=(pl.col("at") > present).sum()),
        "numbers": partial_sum(numbers, [], invalid=pl.col("events").filter(no_country).sum()),
        "people": partial_sum(people, [], differ=(pl.col("pairs") - pl.col("outs")).filter(some).sum()),
        **sums_of_times(partition),
    }


def _many(condition: pl.Expr) -> pl.Expr:
    return condition.sum().cast(pl.Int64)


def _of_rows(totals: Totals) -> list[Check]:
    """Return the checks that need no more than the events."""
    found = {
        name: value
        for table in totals.values()
        if "hour" not in table
        for name, value in table.row(0, named=True).items()
    }
    rows, orphans, pairs = found["rows"], found["orphans"], found["pairs"]
    repeats = rows - found["transitions"] - found["duplicates"] - found["ties"] - orphans
    begin = (
        "there is no event"
        if totals.first is None
        else f"the history begins at {from_ms(totals.first):%Y-%m-%d %H:%M} UTC"
    )
    return [
        Check(
            "left edge", min(rows, 1), rows, 1.0,
            f"{begin}: people who opted out before and did nothing since are not in it",
        ),
        Check(
            "duplicates", found["duplicates"], rows, 0.0,
            "the same event again; it counts once (the loader drops duplicates)",
        ),
        Check(
            "ties", found["ties"], rows, 0.001,
            "an opt-in in the same millisecond as the pair's opt-out: the opt-out counts",
        ),
        Check(
            "repeats", repeats, rows, 1.0,
            "events that change nothing, such as a second STOP; they are kept but never counted",
        ),
        Check(
            "orphan opt-ins", orphans, rows, 0.05,
            "opt-ins without an earlier opt-out: it may be before the left edge, and no return is counted",
        ),
        Check(
            "in the future", found["future"], rows, 0.0,
            "events later than now: a clock is wrong, or times were read in the wrong unit",
        ),
        Check(
            "invalid numbers", found["invalid"], rows, 0.01,
            "events of recipients whose number cannot belong to any country",
        ),
        Check(
            "per recipient", found["differ"], pairs, 1.0,
            "pairs opted in while the recipient is opted out of another sender: scope='recipient' suppresses them too",
        ),
    ]  # fmt: skip


def _of_order(history: History, until: int | None) -> list[Check]:
    """Return the check that the rows are in order of time; Spark's rows have no order."""
    if is_spark(history):
        return []
    at = pl.col("created_at")
    events = before(frames.read(history, ["created_at"]), until)
    back, rows = events.select((at < at.shift(1)).sum(), rows=pl.len()).collect(engine="streaming").row(0)
    meaning = "rows with an earlier time than the row before; every analysis sorts the rows itself"
    return [Check("out of order", back, rows, 0.0, meaning)]
