"""Can this extract be trusted: what is odd about its events, and what that means."""

import math
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from optkit.engine import frames, spark
from optkit.engine.aggregate import PartialSum, Totals, aggregate, partial_sum
from optkit.engine.frames import History, is_spark
from optkit.engine.states import Partition
from optkit.history import OPT_IN, OPT_OUT, STATUS
from optkit.phones import countries
from optkit.times import DAY, INSTANT, Moment, from_ms, instant, to_ms

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

_REPORTED: Final = "reported_current_status"
_UNSAID: Final = 2  # beside 0 and 1: no report

#: Silence of more days than a long weekend, and so long that in a thousand such accounts one would show it.
_WEEKEND: Final = 4
_RARE: Final = 0.001

_SCHEMA: Final = pl.Schema(
    {
        "check": pl.String(),
        "rows": pl.Int64(),
        "share": pl.Float64(),
        "ok": pl.Boolean(),
        "meaning": pl.String(),
    }
)


class _Check(NamedTuple):
    """What was found: rows (or pairs, or days) of so many; fine up to a share of them."""

    name: str
    rows: int
    of: int
    fine: float
    meaning: str

    def row(self) -> tuple[str, int, float | None, bool, str]:
        share = self.rows / self.of if self.of else None
        return self.name, self.rows, share, (share or 0.0) <= self.fine, self.meaning


def quality(history: History, *, until: Moment | None = None, now: Moment | None = None) -> pl.DataFrame:
    """Check a history for what could mislead its reader.

    Parameters
    ----------
    history : any frame
        Events, in the order to be checked.
    until : str, date or datetime, optional
        End of observation, default the last event; later events are ignored.
    now : str, date or datetime, optional
        Events later than this are in the future; default the computer's clock.

    Returns
    -------
    polars.DataFrame
        A row per check: check (String); rows (Int64: how many it found), share (Float64: of all; null if there
        are none), ok (Boolean: few enough not to matter), meaning (String: what it is, and what is done
        about it). Of rows: "duplicates", "ties", "repeats", "orphan opt-ins", "out of order" (not for Spark, where
        rows have no order), "in the future", "invalid numbers". Of pairs: "reported status" (only with a
        column reported_current_status), "per recipient". Of days: "silent days". And "left edge", the first
        event.

    Raises
    ------
    HistoryError
        The frame is no history.
    SettingsError
        An argument cannot be used.

    Notes
    -----
    Every event is a transition or is found by one of "duplicates", "ties", "repeats" and "orphan opt-ins", so
    rows = transitions + these four. Days are silent if there is no event from their midnight (UTC) on for more
    than four days, and so long that at the account's usual pace a silence like it had a chance below 1 in
    1000. A number is invalid if it has no country (`optkit.with_country`).

    Examples
    --------
    >>> history = pl.DataFrame(
    ...     {
    ...         "to_phone": ["+12025550101"] * 3,
    ...         "from_phone": ["24273"] * 3,
    ...         "created_at": ["2026-01-05T10:00Z", "2026-01-06T10:00Z", "2026-01-06T10:00Z"],
    ...         "status": ["opt-out", "opt-out", "opt-out"],
    ...     }
    ... ).with_columns(pl.col("created_at").str.to_datetime(time_unit="ms", time_zone="UTC"))
    >>> table = optkit.quality(history, now="2026-02-01")
    >>> table.filter(pl.col("rows") > 0).select("check", "rows", "ok").rows()
    [('left edge', 1, True), ('duplicates', 1, False), ('repeats', 1, True)]
    """
    present = to_ms(instant(now, "now") if now is not None else datetime.now(UTC))
    end = None if until is None else to_ms(instant(until, "until"))
    if not is_spark(history):
        history = frames.lazy(history)  # what can be read only once is read here

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        return _counted(partition, present)

    totals = aggregate(history, mapper, until=until)
    checks = [
        *_of_rows(totals),
        *_of_order(history, end),
        *_of_reports(history, end),
        _silence(totals),
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
        "days": partial_sum(partition.events.select(day=pl.col("at") // DAY), ["day"], events=pl.len()),
    }


def _many(condition: pl.Expr) -> pl.Expr:
    return condition.sum().cast(pl.Int64)


def _of_rows(totals: Totals) -> list[_Check]:
    """Return what the events say by themselves."""
    found = {
        name: value
        for table in totals.values()
        if "day" not in table
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
        _Check(
            "left edge",
            min(rows, 1),
            rows,
            1.0,
            f"{begin}: who opted out before and did nothing since is not in it",
        ),
        _Check(
            "duplicates",
            found["duplicates"],
            rows,
            0.0,
            "the same event again; counted once (the loader drops them)",
        ),
        _Check(
            "ties",
            found["ties"],
            rows,
            0.001,
            "an opt-in in the same millisecond as the pair's opt-out: the opt-out totals",
        ),
        _Check(
            "repeats",
            repeats,
            rows,
            1.0,
            "events that change nothing, such as STOP sent twice; kept, never counted twice",
        ),
        _Check(
            "orphan opt-ins",
            orphans,
            rows,
            0.05,
            "opt-ins without an opt-out before: it may lie before the left edge, and no return is counted",
        ),
        _Check(
            "in the future",
            found["future"],
            rows,
            0.0,
            "events later than now: a clock is wrong, or times were read in the wrong unit",
        ),
        _Check(
            "invalid numbers",
            found["invalid"],
            rows,
            0.01,
            "events of recipients whose number is none that a country has given out",
        ),
        _Check(
            "per recipient",
            found["differ"],
            pairs,
            1.0,
            "pairs opted in while the recipient is opted out of another sender: scope='recipient' suppresses them too",
        ),
    ]


def _of_order(history: History, until: int | None) -> list[_Check]:
    """Return whether the rows lie in time; Spark's have no order."""
    if is_spark(history):
        return []
    at = pl.col("created_at")
    events = _before(frames.read(history, ["created_at"]), until)
    back, rows = events.select((at < at.shift(1)).sum(), rows=pl.len()).collect(engine="streaming").row(0)
    return [
        _Check(
            "out of order",
            back,
            rows,
            0.0,
            "rows earlier than the row before; every analysis sorts for itself",
        )
    ]


def _of_reports(history: "pl.LazyFrame | SparkFrame", until: int | None) -> list[_Check]:
    """Return whether the API's own current_status agrees with the events, if it is there."""
    if is_spark(history):
        if _REPORTED not in history.columns:
            return []
        wrong, pairs = _reports_on_spark(history, until)
    else:
        if _REPORTED not in history.collect_schema():
            return []
        wrong, pairs = _reports(history, until)
    meaning = "pairs whose last event came with another current_status than its own: events are missing, or came late"
    return [_Check("reported status", wrong, pairs, 0.001, meaning)]


def _reports(history: pl.LazyFrame, until: int | None) -> tuple[int, int]:
    """Return how many pairs' last report differs from their state, and how many pairs there are."""
    events = _before(frames.read(history, [*frames.KEYS, _REPORTED]), until)
    # Time, state and report in one number: the greatest is the last event's, an opt-out's in a tie.
    status, reported = (
        pl.col(name).cast(STATUS, strict=False).to_physical().cast(pl.Int64) for name in ("status", _REPORTED)
    )
    last = (pl.col("created_at").cast(pl.Int64) * 6 + status * 3 + reported.fill_null(_UNSAID)).max()
    report, state = pl.col("last") % 3, pl.col("last") // 3 % 2
    pairs = events.group_by("from_phone", "to_phone").agg(last=last)
    counted = pairs.select(((report != _UNSAID) & (report != state)).sum(), pairs=pl.len())
    wrong, several = counted.collect(engine="streaming").row(0)
    return wrong, several


def _reports_on_spark(history: "SparkFrame", until: int | None) -> tuple[int, int]:
    """Return the same as `_reports`."""
    from pyspark.sql import functions as F  # noqa: N812 - as Spark's own pages do

    at, report = F.unix_millis("created_at"), F.col(_REPORTED)
    code = F.when(report == OPT_IN, 0).when(report == OPT_OUT, 1).otherwise(_UNSAID)
    key = at * 6 + F.when(F.col("status") == OPT_OUT, 3).otherwise(0) + code
    events = history if until is None else history.filter(at <= until)
    pairs = events.groupBy("from_phone", "to_phone").agg(F.max(key).alias("last"))
    said, state = F.pmod("last", F.lit(3)), F.pmod(F.floor(F.col("last") / 3), F.lit(2))
    wrong = F.count_if((said != _UNSAID) & (said != state))
    row = spark.collect(pairs.agg(wrong.alias("wrong"), F.count("*").alias("pairs"))).to_pylist()[0]
    return row["wrong"], row["pairs"]


def _before(events: pl.LazyFrame, until: int | None) -> pl.LazyFrame:
    return events if until is None else events.filter(pl.col("created_at") <= pl.lit(until).cast(INSTANT))


def _silence(totals: Totals) -> _Check:
    """Return the days without any event that lie in silences too long to be chance."""
    name, meaning = (
        "silent days",
        "whole days without any event where some were to be expected: is a window missing?",
    )
    if totals.first is None or totals.until is None:
        return _Check(name, 0, 0, 0.0, meaning)
    days = totals["days"].sort("day")
    span = totals.until // DAY - totals.first // DAY + 1
    edges = [*days["day"], totals.until // DAY + 1]
    events = int(days["events"].sum())
    silences = []
    for day, following in pairwise(edges):
        length = following - day - 1
        pace = events / (span - length)
        if length > _WEEKEND and span * math.exp(-pace * length) < _RARE:
            silences.append((length, day + 1))
    if silences:
        length, day = max(silences)
        meaning += f" The longest is {length} days from {from_ms(day * DAY):%Y-%m-%d} on"
    return _Check(name, sum(length for length, _ in silences), span, 0.0, meaning)
