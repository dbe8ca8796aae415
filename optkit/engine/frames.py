"""Frames of any library as input: checked, and read as a polars LazyFrame unless they are Spark's."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

import polars as pl

from optkit.arguments import one_or_many, shown
from optkit.errors import HistoryError, SettingsError
from optkit.formatting import join_names, plural
from optkit.history import OPT_IN, OPT_OUT, SCHEMA
from optkit.messages import SCHEMA as MESSAGE_SCHEMA
from optkit.times import INSTANT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame
    from typing_extensions import TypeIs


class ArrowTable(Protocol):
    """A table that exports Arrow: of pandas, pyarrow, DuckDB, polars.

    Spark's frames export Arrow as well, but have no `shape`: so a type checker does not accept them here.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the rows."""


#: A frame that is not Spark's.
Table: TypeAlias = pl.DataFrame | pl.LazyFrame | ArrowTable

#: A frame that analyses accept.
History: TypeAlias = "Table | SparkFrame"

#: The columns that identify an event; most analyses read only these.
KEYS: Final = ("to_phone", "from_phone", "created_at", "status")

#: A time in a history is within this many milliseconds of 1970 (557 years), the limit of the packed form.
REACH: Final = 2**44 - 1

#: Names of the engine's internal columns.
_RESERVED: Final = frozenset(
    "group sender recipient event message reached part key at begin end out opt_out returned run".split()  # noqa: SIM905
)

#: Internal names that users may try as `by`, and the history's names for them.
_SYNONYMS: Final = {"sender": "from_phone", "recipient": "to_phone"}

#: By argument: the columns of its schema, and the function that makes such a frame of another table.
_CONVERTERS: Final = {
    "history": (SCHEMA.names(), "optkit.history_from"),
    "messages": (MESSAGE_SCHEMA.names(), "optkit.messages_from"),
}

#: The types of a column of text.
TEXT: Final = (pl.String, pl.Categorical, pl.Enum)
_MIXED: Final = re.compile(r"for column (\w+) with type")


class Extent(NamedTuple):
    """What a scan of a column of instants finds, in milliseconds since 1970."""

    rows: int
    known: int
    first: int | None
    last: int | None

    @property
    def is_valid(self) -> bool:
        """Whether no instant is null or centuries off."""
        if self.first is None or self.last is None:
            return not self.rows
        return self.known == self.rows and self.first >= -REACH and self.last <= REACH


def is_spark(history: History) -> "TypeIs[SparkFrame]":
    """Return whether a frame is Spark's, without importing Spark."""
    return type(history).__module__.startswith("pyspark.sql.")


def read(history: Table, columns: Sequence[str] = KEYS, name: str = "history") -> pl.LazyFrame:
    """Return the named columns of a history that is not Spark's, with a history's dtypes.

    Only the types are checked. A caller that finds nulls or unknown words among the values calls `validate_values`,
    which says which they are.

    Raises
    ------
    HistoryError
        It is not a frame, a column is missing, or a type cannot be read as a history's.
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
    """Raise `HistoryError` unless a frame has the named columns; `name` is the name of the argument."""
    missing = [column for column in dict.fromkeys(columns) if column not in schema]
    if missing:
        problem = f"{name} has no column {shown_columns(missing)}; it has {shown_columns(schema)}"
        raise HistoryError(problem + _advice(missing, schema, name))


def _advice(missing: Sequence[str], schema: Collection[str], name: str) -> str:
    """Return what to do about columns that are missing, if that is known."""
    own, convert = _CONVERTERS.get(name, ((), ""))
    if any(column in own for column in missing):
        return f"; convert a table with other names or words with {convert}"
    known = _SYNONYMS.get(missing[0])
    return f"; use {known!r}" if known in schema else ""


def find_column(columns: Collection[str], name: str) -> str | None:
    """Return the column of that name, ignoring case and surrounding space; an exact match comes first."""
    if name in columns:
        return name
    plain = name.strip().casefold()
    return next((column for column in columns if column.strip().casefold() == plain), None)


def shown_columns(columns: Collection[str]) -> str:
    """Return names of columns for an error; without a header row, phone numbers may be among them."""
    return join_names([shown(name) for name in columns], 10)


def _raise(complaints: list[str]) -> None:
    if complaints:
        raise HistoryError("this frame is not a history: " + "; ".join(complaints))


def lazy(table: Table, name: str = "history") -> pl.LazyFrame:
    """Return a frame that is not Spark's as a LazyFrame.

    Raises
    ------
    HistoryError
        It is not a frame, or its Arrow export fails. `name` is the name of the argument.
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
        raise HistoryError(_why_unreadable(table, name)) from None  # the original may quote a phone number
    if frame.is_empty():  # the types of columns without values do not matter
        frame = frame.with_columns(pl.lit(None).alias(name) for name in KEYS if name in frame.columns)
    return frame.lazy()


def rereadable(history: History) -> "pl.LazyFrame | SparkFrame":
    """Return a history that can be read several times, as some Arrow streams cannot; Spark's stays as it is."""
    return history if is_spark(history) else lazy(history)


def _why_unreadable(table: Any, name: str) -> str:
    """Return why a table cannot be read through Arrow, without quoting its cells."""
    columns = list(getattr(table, "columns", []))
    if len(set(columns)) < len(columns):
        return f"{name} has two columns of the same name; rename one"
    try:
        table.__arrow_c_stream__()
    except (ValueError, TypeError) as error:
        found = _MIXED.search(" ".join(map(str, error.args)))  # pyarrow's words
        if found:
            return f"{name}: the column {found[1]} has values of different types; convert it to one type, such as text"
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
    elif name in {"to_phone", "from_phone"} and not isinstance(dtype, TEXT):
        complaint = f"{name} is {dtype}, not text (read it as text: a number has lost '+' and leading zeros)"
    elif name in {"status", "current_status", "reported_current_status"} and not isinstance(dtype, TEXT):
        complaint = f"{name} is {dtype}, not text ({OPT_IN!r} or {OPT_OUT!r})"
    return complaint


def _read_as(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if name == "created_at":
        return as_instants(column, dtype)
    if name in {"to_phone", "from_phone"} or dtype == pl.Null:
        return column.cast(pl.String)
    return column


def as_instants(times: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return times of any unit, with a time zone or all null, as instants of a history."""
    if isinstance(dtype, pl.Datetime) and dtype.time_unit != "ms":
        times = times.dt.cast_time_unit("ms")
    return times.cast(INSTANT)


def validate_values(history: pl.LazyFrame) -> None:
    """Raise `HistoryError` if a column of `KEYS` has a value that is not allowed in a history."""
    created_at = pl.col("created_at").cast(pl.Int64)
    found = history.select(
        *(pl.col(name).null_count() for name in KEYS),
        words=(~pl.col("status").cast(pl.String).is_in([OPT_IN, OPT_OUT])).sum(),
        far=(~created_at.is_between(-REACH, REACH)).sum(),
    ).collect(engine="streaming")
    validate_counts(found.row(0, named=True))


def validate_counts(counts: Mapping[str, int]) -> None:
    """Raise `HistoryError` if any rows were counted with nulls, unknown `words` or times `far` off."""
    complaints = [f"{name} is null in {plural(counts[name], 'row')}" for name in KEYS if counts[name]]
    if counts["words"]:
        complaints.append(f"status is neither {OPT_IN!r} nor {OPT_OUT!r} in {plural(counts['words'], 'row')}")
    if counts["far"]:
        complaints.append(
            f"created_at lies centuries off in {plural(counts['far'], 'row')} (seconds read as something else?)"
        )
    _raise(complaints)


def by_columns(
    by: str | Collection[str] | None,
    taken: Collection[str] = (),
    sources: "Mapping[str, History | None] | None" = None,
    *,
    required: bool = False,
) -> list[str]:
    """Return `by` as a list of distinct column names.

    Parameters
    ----------
    by : str, collection of str or None
        The argument of the caller.
    taken : collection of str
        Names of columns that the analysis computes.
    sources : mapping of str to frame
        The frames that may have the columns, by the name of their argument; None for one that was not given.
    required : bool
        Whether there must be at least one column.

    Raises
    ------
    HistoryError
        A name is `taken`, and none of the frames has a column of that name.
    SettingsError
        `by` is not a name or a collection of names, it is empty although `required`, or a name is `taken`.
    """
    names = [] if by is None else one_or_many(by, "by")
    if required and not names:
        raise SettingsError("by must name at least one column")
    for name in names:
        if name in taken or name in _RESERVED:
            _validate_in_any(name, sources or {})
        validate_name(name, [*taken, *_RESERVED])
    return names


def _validate_in_any(name: str, sources: "Mapping[str, History | None]") -> None:
    """Raise `HistoryError` if none of the frames has the column; it names the columns of the first frame."""
    columns = {
        argument: column_names(frame, argument) for argument, frame in sources.items() if frame is not None
    }
    if not any(name in found for found in columns.values()):
        for argument, found in columns.items():
            validate_present(found, [name], argument)


def column_names(frame: History, name: str = "history") -> list[str]:
    """Return the names of a frame's columns; `name` is the name of the argument."""
    return list(frame.columns) if is_spark(frame) else lazy(frame, name).collect_schema().names()


def validate_name(name: str, taken: Collection[str]) -> None:
    """Raise `SettingsError` if a column of `by` has the name of one that an analysis computes."""
    if name in taken:
        known = _SYNONYMS.get(name)
        hint = f"use {known!r}, or rename" if known else "rename"
        raise SettingsError(f"by={name!r}: the analysis computes a column of that name; {hint} the column")
