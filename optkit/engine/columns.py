"""New columns that depend only on their row: one function for polars frames and for Spark's workers."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import polars as pl

from optkit.engine import frames
from optkit.engine.frames import is_spark
from optkit.errors import HistoryError

#: Takes rows of the needed columns and returns the new columns; a module-level function, so that it can be pickled.
MakeColumns: TypeAlias = Callable[[pl.DataFrame], pl.DataFrame]

_NEW: Final = "new columns"  # a temporary name, unlike any of the frame's


def add_columns(
    frame: Any, make: MakeColumns, *, needs: Mapping[str, pl.DataType], made: pl.Schema, name: str
) -> Any:
    """Return a frame with more columns.

    Parameters
    ----------
    frame : any frame
        A `frames.History`, or a table of the same libraries.
    make : callable
        Returns the new columns of some rows.
    needs : mapping of str to polars.DataType
        The columns that it reads. String means any type of text, Datetime any with a time zone.
    made : polars.Schema
        The columns that it returns.
    name : str
        Name of the public function, for the error.

    Returns
    -------
    polars.DataFrame, polars.LazyFrame or pyspark.sql.DataFrame
        The kind of frame that was given; polars for other Arrow tables.

    Raises
    ------
    HistoryError
        It is not a frame, or a column is missing or has another type.
    """
    if is_spark(frame):
        from optkit.engine import spark

        _validate(spark.schema_of(frame), needs, name)
        return spark.map_batches(frame, lambda rows: make(rows.select(list(needs))), keep=True)
    polars = (
        frame if isinstance(frame, pl.DataFrame | pl.LazyFrame) else frames.lazy(frame, "frame").collect()
    )
    _validate(polars.collect_schema(), needs, name)
    if isinstance(polars, pl.DataFrame):
        return polars.with_columns(make(polars.select(list(needs))).get_columns())
    columns = pl.struct(*needs).map_batches(
        lambda rows: make(rows.struct.unnest()).to_struct(), return_dtype=pl.Struct(made), is_elementwise=True
    )
    return polars.drop(list(made), strict=False).with_columns(columns.alias(_NEW)).unnest(_NEW)


def _validate(schema: Mapping[str, pl.DataType], needs: Mapping[str, pl.DataType], name: str) -> None:
    frames.validate_present(schema, list(needs), f"{name}: the frame")
    for column, needed in needs.items():
        dtype = schema[column]
        if dtype == pl.Null:  # of a frame without rows
            continue
        if isinstance(needed, pl.Datetime):
            if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
                raise HistoryError(f"{name}: {column} is {dtype}, not a time with a time zone")
        elif dtype not in frames.TEXT:
            raise HistoryError(f"{name}: {column} is {dtype}, not text")
