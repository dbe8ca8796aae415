"""Any frame in: whatever has a history's columns becomes a checked LazyFrame, or stays Spark's."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import polars as pl

from optkit.arguments import one_or_many, shown
from optkit.errors import HistoryError, SettingsError
from optkit.formatting import join_names, plural
from optkit.history import OPT_IN, OPT_OUT
from optkit.times import INSTANT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame
    from typing_extensions import TypeIs


class ArrowTable(Protocol):
    """A table that exports Arrow: of pandas, pyarrow, DuckDB, polars.

    Spark's frames export Arrow as well; that they have no such `shape` tells a type checker that they are not meant.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the rows."""


#: A frame that is not Spark's.
Table: TypeAlias = pl.DataFrame | pl.LazyFrame | ArrowTable

#: What the analyses take.
History: TypeAlias = "Table | SparkFrame"

#: What identifies an event, and all that most analyses read.
KEYS: Final = ("to_phone", "from_phone", "created_at", "status")

#: A time in a history lies within this many milliseconds of 1970 (557 years), what the packed form can hold.
REACH: Final = 2**44 - 1

#: Names that the engine gives to columns of its own.
_RESERVED: Final = frozenset(
    "group sender recipient event message reached part key at begin end out opt_out returned run".split()  # noqa: SIM905
)

#: Of these names, those that a user may well try, and what a history calls them.
_SYNONYMS: Final = {"sender": "from_phone", "recipient": "to_phone"}

_TEXT: Final = (pl.String, pl.Categorical, pl.Enum)
_NAMED: Final = 10  # columns named in an error, at most
_MIXED: Final = re.compile(r"for column (\w+) with type")


def is_spark(history: History) -> "TypeIs[SparkFrame]":
    """Say whether a frame is Spark's, without importing Spark."""
    return type(history).__module__.startswith("pyspark.sql.")


def read(history: Table, columns: Sequence[str] = KEYS, name: str = "history") -> pl.LazyFrame:
    """Return the named columns of a history that is not Spark's, with a history's dtypes.

    The types are checked, not the values: who reads the values meets nulls and unknown words, and has
    `validate_values` say which.

    Raises
    ------
    HistoryError
        It is not a frame, or a column is missing or has a type that cannot be read as a history's.
    """
    frame = lazy(history, name)
    schema = frame.collect_schema()
    validate_schema(schema, columns, name)
    return frame.select(_read_as(name, schema[name]) for name in dict.fromkeys(columns))


def validate_schema(schema: Mapping[str, pl.DataType], columns: Sequence[str], name: str = "history") -> None:
    """Raise `HistoryError` unless a frame has the named columns with types that can be read as a history's."""
    validate_present(schema, columns, name)
    complaints = [_complaint(column, schema[column]) for column in dict.fromkeys(columns)]
    _raise([complaint for complaint in complaints if complaint])


def validate_present(schema: Collection[str], columns: Sequence[str], name: str) -> None:
    """Raise `HistoryError` unless a frame has the named columns; `name` is what the caller calls it."""
    missing = [column for column in dict.fromkeys(columns) if column not in schema]
    if missing:
        raise HistoryError(f"{name} has no column {_names(missing)}; it has {_names(schema)}")


def _names(columns: Collection[str]) -> str:
    """Return names of columns as a sentence lists them; a file without a header may have phone numbers there."""
    return join_names([shown(name) for name in columns], _NAMED)


def _raise(complaints: list[str]) -> None:
    if complaints:
        raise HistoryError("this frame is not a history: " + "; ".join(complaints))


def lazy(table: Table, name: str = "history") -> pl.LazyFrame:
    """Return a frame that is not Spark's as a LazyFrame.

    Raises
    ------
    HistoryError
        It is not a frame, or its Arrow export fails. `name` is what the caller calls it.
    """
    if isinstance(table, pl.LazyFrame):
        return table
    if not hasattr(table, "__arrow_c_stream__"):
        raise HistoryError(
            f"{name} must be a polars, pandas, pyarrow, DuckDB or Spark frame, not {type(table).__name__}"
        )
    try:
        frame = pl.DataFrame(table)
    except (ValueError, TypeError, NotImplementedError, pl.exceptions.PolarsError):
        raise HistoryError(_why_unreadable(table, name)) from None  # what was raised may quote a phone number
    if frame.is_empty():  # which type a column without values has does not matter
        frame = frame.with_columns(pl.lit(None).alias(name) for name in KEYS if name in frame.columns)
    return frame.lazy()


def _why_unreadable(table: Any, name: str) -> str:
    """Say why a table cannot be read through Arrow, without what its cells hold."""
    columns = list(getattr(table, "columns", []))
    if len(set(columns)) < len(columns):
        return f"{name} has two columns of the same name; rename one"
    try:
        table.__arrow_c_stream__()
    except (ValueError, TypeError) as error:
        found = _MIXED.search(" ".join(map(str, error.args)))  # pyarrow's words
        if found:
            return f"{name}: the column {found[1]} holds values of different types; make them one type, such as text"
    return f"{name} is not a table that can be read through Arrow, but {type(table).__name__}"


def _complaint(name: str, dtype: pl.DataType) -> str | None:
    complaint = None
    if dtype == pl.Null:  # a column of an empty frame
        pass
    elif name == "created_at":
        if not isinstance(dtype, pl.Datetime):
            complaint = f"created_at is {dtype}, not a time (parse it into a UTC timestamp)"
        elif dtype.time_zone is None:
            complaint = "created_at has no time zone (say which, such as .dt.replace_time_zone('UTC'))"
    elif name in {"to_phone", "from_phone"} and not isinstance(dtype, _TEXT):
        complaint = f"{name} is {dtype}, not text (read it as text: a number has lost '+' and leading zeros)"
    elif name in {"status", "current_status", "reported_current_status"} and not isinstance(dtype, _TEXT):
        complaint = f"{name} is {dtype}, not text ({OPT_IN!r} or {OPT_OUT!r})"
    return complaint


def _read_as(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if name == "created_at":
        if isinstance(dtype, pl.Datetime) and dtype.time_unit != "ms":
            column = column.dt.cast_time_unit("ms")
        return column.cast(INSTANT)
    if name in {"to_phone", "from_phone"} or dtype == pl.Null:
        return column.cast(pl.String)
    return column


def validate_values(history: pl.LazyFrame) -> None:
    """Raise `HistoryError` if a column of `KEYS` has a value that a history cannot have."""
    created_at = pl.col("created_at").cast(pl.Int64)
    found = history.select(
        *(pl.col(name).null_count() for name in KEYS),
        words=(~pl.col("status").cast(pl.String).is_in([OPT_IN, OPT_OUT])).sum(),
        far=(~created_at.is_between(-REACH, REACH)).sum(),
    ).collect(engine="streaming")
    validate_counts(found.row(0, named=True))


def validate_counts(counts: Mapping[str, int]) -> None:
    """Raise `HistoryError` if rows were counted whose column is null, or that have odd `words` or are `far` off."""
    complaints = [f"{name} is null in {plural(counts[name], 'row')}" for name in KEYS if counts[name]]
    if counts["words"]:
        complaints.append(f"status is neither {OPT_IN!r} nor {OPT_OUT!r} in {plural(counts['words'], 'row')}")
    if counts["far"]:
        complaints.append(
            f"created_at lies centuries off in {plural(counts['far'], 'row')} (seconds read as something else?)"
        )
    _raise(complaints)


def by_columns(by: str | Collection[str] | None, taken: Collection[str] = ()) -> list[str]:
    """Return `by` as a list of different column names.

    Raises
    ------
    SettingsError
        It is not a name or a collection of names; or one is `taken` for a column of the analysis' own.
    """
    if by is None:
        return []
    names = one_or_many(by, "by")
    for name in names:
        validate_name(name, [*taken, *_RESERVED])
    return names


def validate_name(name: str, taken: Collection[str]) -> None:
    """Raise `SettingsError` if a column of `by` is named as one that an analysis computes."""
    if name in taken:
        known = _SYNONYMS.get(name)
        hint = f"use {known!r}, or rename" if known else "rename"
        raise SettingsError(
            f"by={name!r}: the analysis computes a column of that name; {hint} the history's column"
        )
