"""How every analysis reads a history: count per partition of recipients, add up, finish on the small sums.

No recipient's result depends on another's. So an analysis is written as a *mapper*: a function of one
`states.Partition` that returns named partial sums, each a group-by whose numbers add up over partitions. `aggregate`
runs it over as many partitions as the size of the history requires, in memory, from a file, or on Spark, and returns
the sums with names in place of codes::

    def opt_outs_per_sender(partition: Partition) -> dict[str, PartialSum]:
        return {
            "moves": partial_sum(partition.transitions, ["group"], opt_outs=pl.col("out").sum()),
            "pairs": partial_sum(
                partition.unit_summary, ["group"], recipients=pl.len(), opted_out=pl.col("out").sum()
            ),
        }


    totals = aggregate(history, opt_outs_per_sender, by="from_phone", until="2026-03-01")
    totals["moves"]  # polars.DataFrame: from_phone, opt_outs
    totals["pairs"].join(totals["moves"], on="from_phone", how="left")  # and finish

* A key called ``group`` is replaced by the columns of `by` (by no column if `by` is None). A key called ``sender`` or
  ``sender_…`` is replaced by that sender's name. Other keys stay as they are.
* Sums are whole numbers (Int64): compute floats from them at the end. Anything that does not add up must be a key:
  counting spells per pair is ``keys=["group", "spells"], pairs=pl.len()``.
* ``partition.first``, ``partition.since`` and ``partition.until`` (and those of ``totals``) describe the whole history,
  in milliseconds since 1970; in an empty history they are 0 in the partition and None in `totals`, unless given.
* `scope`, `since` and `until` are applied before the mapper runs: its frames have no later event, and its transitions
  and spells do not begin earlier (see `states`).
* A mapper is sent to Spark's workers: it closes over plain values only.
* A column of `by` must be constant for a sender, a recipient or a pair; otherwise `HistoryError`.
* The tables of an empty history have no rows and the right dtypes: the mapper runs on an empty partition.

Functions with one row per event, pair or spell pass a mapper of rows to `map_rows` instead; its columns ``sender`` and
``recipient`` are replaced by from_phone and to_phone::

    def opted_out(partition: Partition) -> pl.LazyFrame:
        return partition.unit_summary.filter("out").select("sender", "recipient", since=instants("since"))


    map_rows(history, opted_out, sort=["from_phone", "to_phone"])  # polars, or Spark if the history is
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from optkit.engine import frames
from optkit.engine.frames import History, validate_name
from optkit.engine.groups import sum_by
from optkit.engine.packing import Codes
from optkit.engine.partitions import CollectedSum, Partitions
from optkit.engine.periods import Stretch, read_stretch
from optkit.engine.states import Partition, Scope, validate_scope
from optkit.times import INSTANT, Moment

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

    from optkit.engine.spark import SparkPartitions


@dataclass(frozen=True)
class PartialSum:
    """A group-by that adds up over partitions; made by `partial_sum`."""

    keys: list[str]
    frame: pl.LazyFrame


Mapper: TypeAlias = Callable[[Partition], Mapping[str, PartialSum]]
RowMapper: TypeAlias = Callable[[Partition], pl.LazyFrame]

#: A polars DataFrame; for a Spark history a Spark DataFrame.
Rows: TypeAlias = "pl.DataFrame | SparkFrame"


def partial_sum(frame: pl.LazyFrame, keys: Sequence[str], **sums: pl.Expr) -> PartialSum:
    """Count within a partition: `sums` (whole numbers that add up) by `keys` (columns of `frame`)."""
    totals = [total.cast(pl.Int64).alias(name) for name, total in sums.items()]
    return PartialSum(list(keys), sum_by(frame, keys, *totals))


def instants(column: str) -> pl.Expr:
    """Return a column of milliseconds since 1970 as instants of a history."""
    return pl.col(column).cast(INSTANT)


class Totals(dict[str, pl.DataFrame]):
    """The partial sums of a whole history by name, and the stretch of time that they cover.

    Attributes
    ----------
    first, since, until : int or None
        First event, and the stretch that is counted, in milliseconds since 1970; None in an empty history
        (`since` and `until`: unless given).
    """

    def __init__(self, tables: Mapping[str, pl.DataFrame], source: "Partitions | SparkPartitions") -> None:
        super().__init__(tables)
        self.first = source.first
        self.since = source.since
        self.until = source.until


def aggregate(
    history: History,
    mapper: Mapper,
    *,
    by: str | Collection[str] | None = None,
    scope: Scope = "pair",
    since: Moment | None = None,
    until: Moment | None = None,
    partitions: int | None = None,
) -> Totals:
    """Run a mapper over a whole history and return the sums; see the module.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    mapper : callable
        Takes a `Partition` and returns its partial sums by name.
    by : str or collection of str, optional
        The columns behind the key ``group``.
    scope : "pair" or "recipient"
        Whose states are counted.
    since, until : str, date or datetime, optional
        The stretch that is counted, both ends included; default from the first event to the last. Events
        before it determine the state at `since`; events after it are ignored.
    partitions : int, optional
        How many partitions to split into; by default as many as the size requires.

    Returns
    -------
    Totals
        One table per partial sum; the order of rows is not defined.

    Raises
    ------
    HistoryError
        The frame is not a history, or a column of `by` has several values for a pair.
    SettingsError
        An argument cannot be used.
    """
    source = _partitions(history, by, scope, read_stretch(since, until), partitions)
    counted = list(source.run(lambda partition: _collect(mapper(partition), partition.codes)))
    return Totals(add_up(counted), source)


def map_rows(
    history: History,
    mapper: RowMapper,
    *,
    sort: Sequence[str],
    scope: Scope = "pair",
    since: Moment | None = None,
    until: Moment | None = None,
) -> Rows:
    """Run a mapper of rows over a whole history; see the module.

    Returns
    -------
    polars.DataFrame or pyspark.sql.DataFrame
        The rows of all partitions; sorted by `sort`, except on Spark, where rows have no order.
    """
    source = _partitions(history, None, scope, read_stretch(since, until), None)
    made = source.rows(
        lambda partition: with_names(mapper(partition), partition.codes).collect(engine="streaming")
    )
    return made.sort(sort) if isinstance(made, pl.DataFrame) else made


def _partitions(
    history: History,
    by: str | Collection[str] | None,
    scope: Scope,
    stretch: Stretch,
    parts: int | None,
) -> "Partitions | SparkPartitions":
    columns = frames.by_columns(by)
    validate_scope(scope, columns)
    if frames.is_spark(history):
        from optkit.engine.spark import SparkPartitions

        return SparkPartitions(history, columns, scope, stretch, parts)
    return Partitions(history, columns, scope, stretch, parts)


def _collect(sums: Mapping[str, PartialSum], codes: Codes) -> dict[str, CollectedSum]:
    counted = pl.collect_all([partial_sum.frame for partial_sum in sums.values()], engine="streaming")
    return {
        name: _decode(partial_sum.keys, frame, codes)
        for (name, partial_sum), frame in zip(sums.items(), counted, strict=True)
    }


def _decode(keys: list[str], frame: pl.DataFrame, codes: Codes) -> CollectedSum:
    """Replace the codes among the keys by names."""
    named: list[str] = []
    columns: list[pl.Expr] = []
    for key in keys:
        if key == "group":
            for name in codes.by:
                validate_name(name, frame.columns)
            named += codes.by
            columns += [pl.lit(codes.groups[name]).gather(pl.col("group")).alias(name) for name in codes.by]
        else:
            named.append(key)
            is_sender = key == "sender" or key.startswith("sender_")
            columns.append(codes.sender(pl.col(key)).alias(key) if is_sender else pl.col(key))
    return CollectedSum(named, frame.select(*columns, pl.exclude(keys)))


def add_up(counted: Sequence[Mapping[str, CollectedSum]]) -> dict[str, pl.DataFrame]:
    """Return by name the totals of the partial sums of all partitions."""
    parts: dict[str, list[CollectedSum]] = {}
    for sums in counted:
        for name, part in sums.items():
            parts.setdefault(name, []).append(part)
    return {name: _total(same) for name, same in parts.items()}


def _total(parts: list[CollectedSum]) -> pl.DataFrame:
    if len(parts) == 1:
        return parts[0].frame
    return sum_by(pl.concat(part.frame for part in parts), parts[0].keys, pl.all().sum())


def with_names(frame: pl.LazyFrame, codes: Codes) -> pl.LazyFrame:
    """Return rows with from_phone and to_phone in place of their codes, and texts in place of categories."""
    named = {
        "sender": codes.sender(pl.col("sender")).alias("from_phone"),
        "recipient": codes.recipient(pl.col("recipient")).alias("to_phone"),
    }
    rows = frame.select(named.get(name, pl.col(name)) for name in frame.collect_schema().names())
    return rows.with_columns(pl.selectors.categorical().cast(pl.String))
