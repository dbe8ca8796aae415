"""New columns that depend on nothing but their row: the same expressions on polars and on Spark's workers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import polars as pl

from optkit.engine import frames
from optkit.engine.frames import is_spark
from optkit.errors import HistoryError

#: Makes the expressions anew, on each worker for itself; a module's own function, so that it can travel.
Columns: TypeAlias = Callable[[], Sequence[pl.Expr]]


def add_columns(frame: Any, columns: Columns, *, needs: Mapping[str, pl.DataType], name: str) -> Any:
    """Return a frame with more columns.

    Parameters
    ----------
    frame : any frame
        Whatever `frames.History` allows.
    columns : callable
        Returns the expressions.
    needs : mapping of str to polars.DataType
        Columns that the expressions read. A String stands for any type of text, a Datetime for any with a time zone.
    name : str
        The function that a caller called, for the error.

    Returns
    -------
    polars.DataFrame, polars.LazyFrame or pyspark.sql.DataFrame
        Polars, unless it was Spark's; lazy, if it was lazy.

    Raises
    ------
    HistoryError
        It is not a frame, or a column is missing or of another type.
    """
    if is_spark(frame):
        from optkit.engine import spark

        spark_schema = {field.name: spark.dtype_of(field.dataType) for field in frame.schema}
        _validate(spark_schema, needs, name)
        return spark.add_columns(frame, columns)
    polars = (
        frame if isinstance(frame, pl.DataFrame | pl.LazyFrame) else frames.lazy(frame, "frame").collect()
    )
    _validate(polars.collect_schema(), needs, name)
    return polars.with_columns(columns())


def _validate(schema: Mapping[str, pl.DataType], needs: Mapping[str, pl.DataType], name: str) -> None:
    frames.validate_present(schema, list(needs), f"{name}: the frame")
    for column, needed in needs.items():
        dtype = schema[column]
        if dtype == pl.Null:  # of a frame without rows
            continue
        if isinstance(needed, pl.Datetime):
            if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
                raise HistoryError(f"{name}: {column} is {dtype}, not a time with a time zone")
        elif dtype not in {pl.String, pl.Categorical, pl.Enum}:
            raise HistoryError(f"{name}: {column} is {dtype}, not text")
