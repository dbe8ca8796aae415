"""Count per bucket of recipients, add up, finish on the small sum: how every analysis reads a history.

No recipient's result depends on another's. So an analysis is written as a *counter*: a function of one
`states.Bucket`, which returns named tallies, each a group-by whose numbers add up over buckets. `count` runs
it over as many buckets as the history's size asks for, in memory, from a file, or on Spark, and returns the
sums with the codes turned back into names::

    def opt_outs_per_sender(bucket: Bucket) -> dict[str, Tally]:
        return {
            "moves": tally(bucket.transitions, ["group"], opt_outs=pl.col("out").sum()),
            "pairs": tally(bucket.units, ["group"], recipients=pl.len(), opted_out=pl.col("out").sum()),
        }


    counts = count(history, opt_outs_per_sender, by="from_phone", until="2026-03-01")
    counts["moves"]  # polars.DataFrame: from_phone, opt_outs
    counts["pairs"].join(counts["moves"], on="from_phone", how="left")  # and finish

* A key called ``group`` comes back as the columns of `by` (no column where `by` is None). A key called
  ``sender`` or ``sender_…`` comes back as that sender's name. Other keys come back as they are.
* Sums are whole numbers: keep them so, and compute floats from them at the end. They are Int64. What is
  no sum is a key: counting spells per pair is ``keys=["group", "spells"], pairs=pl.len()``.
* ``bucket.first`` and ``bucket.until`` (and ``counts.first``, ``counts.until``) are the whole history's,
  in milliseconds since 1970; in an empty history without `until` they are 0 there, None in `counts`.
* `scope` and `until` are settled before the counter runs: its frames have no later event.
* A counter travels to Spark's workers: it closes over plain values only.
* `by` is any column that is constant for a sender, a recipient or a pair; else `HistoryError`.
* The tables of an empty history have no rows and the right dtypes: the counter runs on an empty bucket.

Functions with a row per event, pair or spell give `rows` a *maker* instead, whose columns ``sender`` and
``recipient`` come back as from_phone and to_phone, in place::

    def opted_out(bucket: Bucket) -> pl.LazyFrame:
        return bucket.units.filter("out").select("sender", "recipient", since=instants("since"))


    rows(history, opted_out, sort=["from_phone", "to_phone"])  # polars, or Spark if the history is
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from optkit.analysis import frames
from optkit.analysis.buckets import Buckets, Counted
from optkit.analysis.frames import History
from optkit.analysis.packing import Codes
from optkit.analysis.states import Bucket, Scope
from optkit.errors import SettingsError
from optkit.history import INSTANT, Moment, instant, to_ms

if TYPE_CHECKING:
    from optkit.analysis.spark import SparkBuckets


@dataclass(frozen=True)
class Tally:
    """A group-by that adds up over buckets; made by `tally`."""

    keys: list[str]
    frame: pl.LazyFrame


Counter: TypeAlias = Callable[[Bucket], Mapping[str, Tally]]
Maker: TypeAlias = Callable[[Bucket], pl.LazyFrame]

#: A polars DataFrame; of a Spark history a Spark DataFrame.
Rows: TypeAlias = Any


def tally(frame: pl.LazyFrame, keys: Sequence[str], **sums: pl.Expr) -> Tally:
    """Count within a bucket: `sums` (whole numbers that add up) by `keys` (columns of `frame`)."""
    totals = [total.cast(pl.Int64).alias(name) for name, total in sums.items()]
    counted = frame.group_by(keys).agg(totals) if keys else frame.select(totals)
    return Tally(list(keys), counted)


def instants(column: str) -> pl.Expr:
    """Return a column of milliseconds since 1970 as instants of a history."""
    return pl.col(column).cast(INSTANT)


class Counts(dict[str, pl.DataFrame]):
    """The tallies of a whole history by name, and the stretch of time that they cover.

    Attributes
    ----------
    first, until : int or None
        First event and end of observation, milliseconds since 1970; None in an empty history (`until`:
        unless given).
    """

    def __init__(self, tables: Mapping[str, pl.DataFrame], first: int | None, until: int | None) -> None:
        super().__init__(tables)
        self.first = first
        self.until = until


def count(
    history: History,
    counter: Counter,
    *,
    by: str | Collection[str] | None = None,
    scope: Scope = "pair",
    until: Moment | None = None,
    buckets: int | None = None,
) -> Counts:
    """Run a counter over all of a history and return the sums; see the module.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    counter : callable
        From a `Bucket` to its tallies by name.
    by : str or collection of str, optional
        What the key ``group`` stands for.
    scope : "pair" or "recipient"
        Whose states are counted.
    until : str, date or datetime, optional
        End of observation, default the last event; later events are ignored, one at that very
        millisecond counts.
    buckets : int, optional
        How many buckets to split into, default as many as the size asks for.

    Returns
    -------
    Counts
        A table for each tally, in no particular order of rows.

    Raises
    ------
    HistoryError
        The frame is no history, or `by` is not constant.
    SettingsError
        An argument cannot be used.
    """
    source = _buckets(history, by, scope, until, buckets)
    parts: dict[str, list[Counted]] = {}
    for counted in source.run(lambda bucket: _collect(counter(bucket), bucket.codes)):
        for name, part in counted.items():
            parts.setdefault(name, []).append(part)
    return Counts({name: _add_up(part) for name, part in parts.items()}, source.first, source.until)


def rows(
    history: History,
    maker: Maker,
    *,
    sort: Sequence[str],
    scope: Scope = "pair",
    until: Moment | None = None,
    buckets: int | None = None,
) -> Rows:
    """Run a maker of rows over all of a history; see the module.

    Returns
    -------
    polars.DataFrame or pyspark.sql.DataFrame
        The rows of all buckets; sorted by `sort`, except on Spark, where rows have no order.
    """
    source = _buckets(history, None, scope, until, buckets)
    made = source.rows(lambda bucket: _name(maker(bucket), bucket.codes).collect(engine="streaming"))
    return made.sort(sort) if isinstance(made, pl.DataFrame) else made


def _buckets(
    history: History, by: str | Collection[str] | None, scope: Scope, until: Moment | None, parts: int | None
) -> "Buckets | SparkBuckets":
    if scope not in {"pair", "recipient"}:
        raise SettingsError("scope must be 'pair' or 'recipient'")
    columns = frames.by_columns(by)
    if scope == "recipient" and "from_phone" in columns:
        raise SettingsError(
            "by='from_phone' needs scope='pair': the state of a recipient belongs to no one sender"
        )
    end = None if until is None else to_ms(instant(until, "until"))
    if frames.is_spark(history):
        from optkit.analysis.spark import SparkBuckets

        return SparkBuckets(history, columns, scope, end, parts)
    return Buckets(history, columns, scope, end, parts)


def _collect(tallies: Mapping[str, Tally], codes: Codes) -> dict[str, Counted]:
    counted = pl.collect_all([tally.frame for tally in tallies.values()], engine="streaming")
    return {
        name: _decode(tally.keys, frame, codes)
        for (name, tally), frame in zip(tallies.items(), counted, strict=True)
    }


def _decode(keys: list[str], frame: pl.DataFrame, codes: Codes) -> Counted:
    """Turn the codes among the keys back into names."""
    named: list[str] = []
    columns: list[pl.Expr] = []
    for key in keys:
        if key == "group":
            named += codes.by
            columns += [pl.lit(codes.groups[name]).gather(pl.col("group")).alias(name) for name in codes.by]
        else:
            named.append(key)
            is_sender = key == "sender" or key.startswith("sender_")
            columns.append(codes.sender(pl.col(key)).alias(key) if is_sender else pl.col(key))
    return Counted(named, frame.select(*columns, pl.exclude(keys)))


def _add_up(parts: list[Counted]) -> pl.DataFrame:
    keys = parts[0].keys
    if len(parts) == 1 and "group" not in keys:
        return parts[0].frame
    together = pl.concat(part.frame for part in parts)
    return together.group_by(keys).agg(pl.all().sum()) if keys else together.sum()


def _name(frame: pl.LazyFrame, codes: Codes) -> pl.LazyFrame:
    named = {
        "sender": codes.sender(pl.col("sender")).alias("from_phone"),
        "recipient": codes.recipient(pl.col("recipient")).alias("to_phone"),
    }
    return frame.select(named.get(name, pl.col(name)) for name in frame.collect_schema().names())
