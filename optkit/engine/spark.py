"""A Spark history split into partitions of recipients: the same polars functions, on Spark's workers.

Each partition is sent to a worker as Arrow, so the workers need only optkit and its dependencies.
"""

import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

import polars as pl

from optkit.engine import frames, spark_values
from optkit.engine.packing import Packing
from optkit.engine.partitions import CollectedSum
from optkit.engine.periods import Stretch
from optkit.engine.states import Partition, Scope
from optkit.times import INSTANT

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column
    from pyspark.sql import DataFrame as SparkFrame
    from pyspark.sql.types import DataType, StructType

#: Approximate number of events per partition: several partitions, as text, have to fit into a worker's memory.
SIZE: Final = 2**20

#: The type of the table in which workers send partial sums.
SUMS: Final = "name string, keys array<string>, payload binary"

_PARTITION: Final = "partition of the recipient"  # a temporary name, unlike any of the history's columns


class SparkPartitions:
    """The partitions of a Spark history.

    Attributes
    ----------
    first, since, until : int or None
        See `aggregate.Totals`.
    """

    def __init__(
        self, history: "SparkFrame", by: list[str], scope: Scope, stretch: Stretch, parts: int | None
    ) -> None:
        from pyspark.sql import functions as F

        self._by = by
        self._scope: Scope = scope
        events = spark_values.not_after(read(history, [*frames.KEYS, *by]), "created_at", stretch.until)
        spark_values.validate(events)
        rows, self.first, last = spark_values.extent(events, "created_at")
        self.since, self.until = stretch.within(self.first, last)
        parts = parts or max(1, -(-rows // SIZE))
        number = F.pmod(F.xxhash64("to_phone"), F.lit(parts))
        self._events = in_ms(events, "created_at").withColumn(_PARTITION, number)

    def run(self, work: Callable[[Partition], dict[str, CollectedSum]]) -> Iterator[dict[str, CollectedSum]]:
        """Yield the counts of `work` in each partition, an empty one first: so there is always one."""
        yield work(self._empty())
        yield from unpack_sums(collect(self._map(lambda partition: pack_sums(work(partition)), SUMS)))

    def rows(self, work: Callable[[Partition], pl.DataFrame]) -> "SparkFrame":
        """Return the rows that `work` makes of each partition, as a Spark frame that is not computed yet."""
        from pyspark.sql.pandas.types import from_arrow_schema

        schema = plain(work(self._empty())).schema
        return self._map(lambda partition: plain(work(partition)), from_arrow_schema(schema))

    def _empty(self) -> Partition:
        """Return a partition without events, which shows the columns that `work` returns."""
        return self._reader()(collect(self._events.limit(0)))

    def _map(self, function: Callable[[Partition], "pa.Table"], schema: "StructType | str") -> "SparkFrame":
        read = self._reader()
        with quiet():
            return self._events.groupBy(_PARTITION).applyInArrow(lambda table: function(read(table)), schema)

    def _reader(self) -> Callable[["pa.Table"], Partition]:
        """Return a function from rows to a partition; it is sent to the workers without this object."""
        by, scope = self._by, self._scope
        first, since, until = self.first or 0, self.since or 0, self.until or 0

        def read(table: "pa.Table") -> Partition:
            events = pl.DataFrame(table).lazy().with_columns(pl.col("created_at").cast(INSTANT))
            packing = Packing(events, by, None)
            packed = packing.events(1, range(1))["event"]
            return Partition(packed, packing.codes(), scope=scope, first=first, since=since, until=until)

        return read


def pack_sums(counted: Mapping[str, CollectedSum]) -> "pa.Table":
    """Return partial sums as a table of the type `SUMS`, to be sent from a worker."""
    import pyarrow as pa

    payload = [part.frame.write_ipc(None).getvalue() for part in counted.values()]
    return pa.table(
        {
            "name": list(counted),
            "keys": pa.array([part.keys for part in counted.values()], pa.list_(pa.string())),
            "payload": pa.array(payload, pa.binary()),
        }
    )


def unpack_sums(sent: "pa.Table") -> Iterator[dict[str, CollectedSum]]:
    """Yield the partial sums that workers sent, one at a time."""
    for row in sent.to_pylist():
        yield {row["name"]: CollectedSum(row["keys"], pl.read_ipc(row["payload"]))}


def map_batches(
    frame: "SparkFrame", make: Callable[[pl.DataFrame], pl.DataFrame], *, keep: bool
) -> "SparkFrame":
    """Return a Spark frame of the columns that `make` returns for each batch of rows, on the workers.

    With `keep` they are added to the frame's own columns.
    """
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StructType

    def mapped(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        for batch in batches:
            new = plain(make(pl.DataFrame(batch))).combine_chunks()
            arrays = [column.chunk(0) if column.num_chunks else column for column in new.columns]
            old = batch.select(batch.schema.names if keep else [])
            names = [*old.schema.names, *new.schema.names]
            yield pa.RecordBatch.from_arrays([*old.columns, *arrays], names)

    new = plain(make(pl.DataFrame(collect(frame.limit(0)))))
    fields = from_arrow_schema(new.schema, prefer_timestamp_ntz=True).fields
    with quiet():
        return frame.mapInArrow(mapped, StructType([*(frame.schema.fields if keep else []), *fields]))


def collect(frame: "SparkFrame") -> "pa.Table":
    """Return the rows of a small Spark frame."""
    with quiet():
        return frame.toArrow()


def plain(frame: pl.DataFrame) -> "pa.Table":
    """Return a frame in types that Spark has: text for categories, signed numbers, microseconds."""
    import pyarrow as pa

    known = {
        pl.UInt32: pl.Int64(),
        INSTANT: pl.Datetime("us", "UTC"),
        pl.Datetime("ms"): pl.Datetime("us"),
    }
    plain = frame.cast(
        {
            name: pl.String() if isinstance(dtype, pl.Enum) else known.get(dtype, dtype)
            for name, dtype in frame.schema.items()
        }
    )
    table = plain.to_arrow()
    fields = [
        field.with_type(pa.string()) if isinstance(plain.schema[field.name], pl.String) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def read(history: "SparkFrame", columns: list[str]) -> "SparkFrame":
    """Return the named columns.

    Raises
    ------
    HistoryError
        A column is missing, or a type cannot be read as a history's.
    """
    frames.validate_schema(schema_of(history), columns)
    return history.select(*dict.fromkeys(columns))


def in_ms(frame: "SparkFrame", time: str) -> "SparkFrame":
    """Return a frame with a time in milliseconds since 1970."""
    from pyspark.sql import functions as F

    return frame.withColumn(time, F.unix_millis(time))


def digits(text: "Column") -> "Column":
    """Return the digits of texts as ASCII, also those of other scripts."""
    from pyspark.sql import functions as F

    return F.regexp_replace(F.translate(text, *_digits_of_other_scripts()), "[^0-9]", "")


@cache
def _digits_of_other_scripts() -> tuple[str, str]:
    """Return other scripts' decimal digits (of Unicode's basic plane), and the ASCII digits that they stand for."""
    others = [letter for letter in map(chr, range(128, 2**16)) if letter.isdecimal()]
    return "".join(others), "".join(str(unicodedata.decimal(digit)) for digit in others)


def schema_of(frame: "SparkFrame") -> dict[str, pl.DataType]:
    """Return the columns of a Spark frame with the corresponding polars types."""
    return {field.name: _dtype_of(field.dataType) for field in frame.schema}


def _dtype_of(kind: "DataType") -> pl.DataType:
    from pyspark.sql.types import DecimalType

    if isinstance(kind, DecimalType):
        return pl.Decimal(kind.precision, kind.scale)
    name = kind.simpleString()
    if name.startswith(("string", "varchar", "char")):
        return pl.String()
    known: dict[str, pl.DataType] = {
        "timestamp": pl.Datetime("us", "UTC"),
        "timestamp_ntz": pl.Datetime("us"),
        "date": pl.Date(),
        "void": pl.Null(),
        "boolean": pl.Boolean(),
        "tinyint": pl.Int8(),
        "smallint": pl.Int16(),
        "int": pl.Int32(),
        "bigint": pl.Int64(),
        "float": pl.Float32(),
        "double": pl.Float64(),
        "binary": pl.Binary(),
    }
    return known.get(name, pl.Unknown())


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress PySpark's warning that it does not know this release of pandas: nothing here uses pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield
