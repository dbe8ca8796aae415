"""A Spark history and Spark messages cut into the same partitions of recipients, for the same polars functions."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import polars as pl

from optkit.engine import frames, message_frames, spark, spark_values
from optkit.engine.exposures import JointPartition
from optkit.engine.joint_partitions import JointPacking
from optkit.engine.partitions import CollectedSum
from optkit.engine.periods import Stretch
from optkit.engine.question import Question, Side, record_of
from optkit.history import OPT_OUT
from optkit.times import INSTANT

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column
    from pyspark.sql import DataFrame as SparkFrame
    from pyspark.sql.types import StructType

#: Approximate number of messages per partition: as text, they have to fit into a worker's memory.
SIZE: Final = 2**19

# Temporary names, unlike any of the frames' columns.
_IS_EVENT: Final = "is an event"
_ENDING: Final = "last digits of the recipient"
_BOUND: Final = "first or last opt-out"
_ENDINGS: Final = 10**6


class SparkJointPartitions:
    """The partitions of a Spark history and messages.

    Events and messages are rows of one frame. So one shuffle brings those of a recipient together, and each of Spark's
    partitions is one here. `cogroup` would shuffle two frames and sort both.

    Attributes
    ----------
    since, until : int or None
        See `joint.JointTotals`.
    """

    def __init__(self, history: "SparkFrame", messages: "SparkFrame", asked: Question) -> None:
        from pyspark.sql import functions as F

        since, until = asked.record
        events = spark.read(history, [*frames.KEYS, *asked.by_unit])
        events = spark_values.not_after(events, "created_at", until)
        columns = list(dict.fromkeys([*asked.keys, *asked.payload]))
        message_frames.validate_schema(spark.schema_of(messages), columns)
        observed = spark_values.not_after(messages.select(*columns), "sent_at", until)
        sent = spark_values.not_before(observed, "sent_at", since)
        spark_values.validate(events, sent)
        self.since, self.until = since, until
        parts, all_travel = 1, asked.beside_opt_outs is None
        # With `since`, there is a warning if it is after all rows.
        if all_travel or asked.needs_record or since is not None:
            (self.since, self.until), parts = _measure(asked, events, sent, observed)
        events, sent = spark.in_ms(events, "created_at"), spark.in_ms(sent, "sent_at")
        self._asked = asked
        self._schemas = [spark.schema_of(frame) for frame in (events, sent)]
        events, sent = _with_ending(events), _with_ending(sent)
        if asked.beside_opt_outs is not None:
            sent = _beside_opt_outs(sent, events, asked.beside_opt_outs)
        both = _like_messages(events).unionByName(
            sent.withColumn(_IS_EVENT, F.lit(False)), allowMissingColumns=True
        )
        # Messages beside opt-outs are few: Spark itself finds how many partitions their bytes need.
        self._rows = both.repartition(parts, _ENDING) if all_travel else both.repartition(_ENDING)

    def run(
        self, work: Callable[[JointPartition], dict[str, CollectedSum]]
    ) -> Iterator[dict[str, CollectedSum]]:
        """Yield what `work` counts in each partition, an empty one first: so there is one."""
        yield work(self._empty())
        sent = self._map(lambda partition: spark.pack_sums(work(partition)), spark.SUMS)
        yield from spark.unpack_sums(spark.collect(sent))

    def rows(self, work: Callable[[JointPartition], pl.DataFrame]) -> "SparkFrame":
        """Return the rows that `work` makes of each partition, as a Spark frame that has not run yet."""
        from pyspark.sql.pandas.types import from_arrow_schema

        schema = spark.plain(work(self._empty())).schema
        return self._map(lambda partition: spark.plain(work(partition)), from_arrow_schema(schema))

    def _empty(self) -> JointPartition:
        """Return a partition without rows, to learn from it what `work` returns."""
        return self._reader()(*(pl.DataFrame(schema=schema) for schema in self._schemas))

    def _map(
        self, function: Callable[[JointPartition], "pa.Table"], schema: "StructType | str"
    ) -> "SparkFrame":
        read = self._reader()
        of_events, of_messages = self._schemas

        def mapped(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
            rows = [pl.DataFrame(batch) for batch in batches]
            if rows:
                both = pl.concat(rows)
                events = both.filter(_IS_EVENT).select(**{name: _name_of(name) for name in of_events})
                messages = both.filter(~pl.col(_IS_EVENT)).select(*of_messages)
                yield from function(read(events, messages)).to_batches()

        with spark.quiet():
            return self._rows.mapInArrow(mapped, schema)

    def _reader(self) -> Callable[[pl.DataFrame, pl.DataFrame], JointPartition]:
        """Return what makes a partition of its rows; it travels to the workers, without this object."""
        asked, since, until = self._asked, self.since, self.until

        def read(events: pl.DataFrame, messages: pl.DataFrame) -> JointPartition:
            packing = JointPacking(_lazy(events, "created_at"), _lazy(messages, "sent_at"), asked)
            packed = packing.events(1, range(1))
            sent = (
                packing.in_order(1, range(1), packed).lazy() if asked.in_order else packing.as_they_come(1, 0)
            )
            return JointPartition(packed, sent, packing.codes(), scope=asked.scope, since=since, until=until)

        return read


def _measure(
    asked: Question, events: "SparkFrame", sent: "SparkFrame", observed: "SparkFrame"
) -> tuple[Stretch, int]:
    """Return the record, and the number of partitions for all rows.

    Of the messages `observed` until its end, those `sent` since its begin are read.
    """
    rows_of_events, _, last_event = spark_values.extent(events, "created_at")
    rows, first, last = spark_values.extent(sent, "sent_at")
    if not rows:  # a record may begin after the last message: then a warning says where the data ends
        _, _, last = spark_values.extent(observed, "sent_at")
    return record_of(asked, first, last, last_event), max(1, -(-rows // SIZE), -(-rows_of_events // SIZE))


def _like_messages(events: "SparkFrame") -> "SparkFrame":
    """Return events with the names of messages for what both have, to be rows of one frame."""
    from pyspark.sql import functions as F

    renamed = (F.col(name).alias(_name_of(name)) for name in events.columns)
    return events.select(*renamed, F.lit(True).alias(_IS_EVENT))


def _name_of(name: str) -> str:
    """Return the name that an event's column has beside messages."""
    if name in {_ENDING, "to_phone", "from_phone"}:
        return name
    return "sent_at" if name == "created_at" else f"{name} of the event"


def _with_ending(frame: "SparkFrame") -> "SparkFrame":
    """Add the last digits of to_phone, which are the same however a number is written."""
    from pyspark.sql import functions as F

    def ending(text: "Column") -> "Column":
        return F.abs(text.try_cast("bigint") % _ENDINGS).cast("int")

    phone = F.col("to_phone")
    # Finding the digits is slow, and only needed if there is more than digits and a sign. If this could be null, Spark
    # would compute it a second time, to filter out nulls before the join.
    return frame.withColumn(_ENDING, F.coalesce(ending(phone), ending(spark.digits(phone)), F.lit(0)))


def _beside_opt_outs(messages: "SparkFrame", events: "SparkFrame", side: Side) -> "SparkFrame":
    """Leave out, by the last digits, most of the messages that the workers would leave out.

    There are a million endings at most, so Spark can send their times to all workers, however large the history is.
    """
    from pyspark.sql import functions as F

    after = side == "after"
    bound = F.min("created_at") if after else F.max("created_at")
    bounds = events.filter(F.col("status") == OPT_OUT).groupBy(_ENDING).agg(bound.alias(_BOUND))
    sent_at = F.col("sent_at")
    beside = sent_at > F.col(_BOUND) if after else sent_at <= F.col(_BOUND)
    return messages.join(F.broadcast(bounds), _ENDING).filter(beside).drop(_BOUND)


def _lazy(frame: pl.DataFrame, time: str) -> pl.LazyFrame:
    return frame.lazy().with_columns(pl.col(time).cast(INSTANT))
