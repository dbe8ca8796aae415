"""Expressions that convert columns of other systems' tables to the schema of a history or of messages.

Each expression depends only on its row. A value that cannot be read becomes null; `convert` then raises an error with
the column and the number of rows, but without the values, which may be phone numbers.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from optkit.arguments import shown
from optkit.engine import frames
from optkit.engine.frames import TEXT, is_spark
from optkit.errors import HistoryError, SettingsError
from optkit.formatting import join_names, plural
from optkit.times import INSTANT
from optkit.times import time_zone as read_time_zone

_NAIVE_FORMATS: Final = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_AWARE_FORMATS: Final = ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")

#: An error names this many words at most; a column with more different ones has something else than statuses.
_NAMED: Final = 8

#: A word that an error may name: short, without digits or spaces, so neither a phone number nor somebody's full name.
_WORD: Final = re.compile(r"[^\W\d]{1,16}(?:[_-][^\W\d]{1,16})?")


def read(frame: Any) -> tuple[Any, dict[str, pl.DataType]]:
    """Return any frame as a polars LazyFrame (Spark's as it is), and its columns with their types.

    Some Arrow streams can be read only once, so this is the only place that reads one.
    """
    if is_spark(frame):
        from optkit.engine import spark

        return frame, spark.schema_of(frame)
    polars = frames.lazy(frame, "frame")
    return polars, dict(polars.collect_schema())


def find(schema: Mapping[str, pl.DataType], column: str, target: str) -> pl.DataType:
    """Return the type of the column that the caller named for `target`.

    Raises
    ------
    HistoryError
        There is no such column.
    """
    if not isinstance(column, str) or column not in schema:
        raise HistoryError(
            f"there is no column {shown(column)} for {target}; there are {', '.join(map(shown, schema))}; name the "
            f"one that has it: {target}='…'"
        )
    return schema[column]


def text(schema: Mapping[str, pl.DataType], column: str, target: str) -> pl.Expr:
    """Return trimmed text; whole numbers, as short codes often are, become text, and empty text becomes null.

    Raises
    ------
    HistoryError
        There is no such column, or it has another type.
    """
    dtype = find(schema, column, target)
    if dtype not in {*TEXT, pl.Null} and not dtype.is_integer():
        raise HistoryError(f"{target}: the column {column!r} is {dtype}, not text; read it as text")
    stripped = _trimmed(pl.col(column))
    return pl.when(stripped != "").then(stripped)


def time(schema: Mapping[str, pl.DataType], column: str, target: str, zone: str | None) -> pl.Expr:
    """Return instants in UTC; a local time that occurs twice because clocks change is read as the first one.

    Raises
    ------
    HistoryError
        There is no such column, it has another type, or it has times without a time zone and `zone` is None.
    SettingsError
        There is no such time zone.
    """
    dtype = find(schema, column, target)
    if zone is not None:
        read_time_zone(zone)
    times = pl.col(column)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return times.dt.cast_time_unit("ms").dt.convert_time_zone("UTC")
    if dtype in TEXT:
        written = _trimmed(times).str.replace(r"^([\d-]+)T", "$1 ")
        written = written.str.replace(r" ?(Z|UTC)$", "+00:00")
        aware = [_parse(written, form) for form in _AWARE_FORMATS]
        naive = [_localize(_parse(written, form), zone or "UTC") for form in _NAIVE_FORMATS]
        return pl.coalesce(*aware, *naive)
    if isinstance(dtype, pl.Datetime | pl.Date):
        if zone is None:
            raise HistoryError(
                f"{target}: the times of column {column!r} have no time zone; say which, such as time_zone='UTC'"
            )
        return _localize(times.cast(pl.Datetime("ms")), zone)
    if dtype == pl.Null:
        return times.cast(INSTANT)
    raise HistoryError(
        f"{target}: the column {column!r} is {dtype}, not a time; convert it, such as by "
        f"pl.from_epoch({column!r}, time_unit='ms')"
    )


def _parse(written: pl.Expr, form: str) -> pl.Expr:
    return written.str.to_datetime(form, strict=False, time_unit="ms")


def _localize(times: pl.Expr, zone: str) -> pl.Expr:
    local = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def words(column: str, meanings: Mapping[Any, str | None], default: str | None = None) -> pl.Expr:
    """Return the meanings of a column's words, ignoring case and surrounding space."""
    known = {_plain(word): meaning for word, meaning in meanings.items() if meaning is not None}
    plain = _trimmed(pl.col(column)).str.to_lowercase()
    found = plain.replace_strict(list(known), list(known.values()), default=default, return_dtype=pl.String)
    return pl.when(plain.is_not_null()).then(found)


def is_read(column: str, dtype: pl.DataType, values: pl.Expr) -> pl.Expr:
    """Return null where a column has a value but `values`, read from it, is null; true elsewhere."""
    given = pl.col(column)
    if dtype in TEXT:
        given = _trimmed(given).replace("", None)
    return pl.when(given.is_null() | values.is_not_null()).then(pl.lit(value=True))


def ignored(column: str, meanings: Mapping[Any, str | None]) -> pl.Expr:
    """Return whether a row has a word whose meaning is None."""
    return _is_one_of(column, [word for word, meaning in meanings.items() if meaning is None])


def unknown_words(column: str, meanings: Mapping[Any, str | None]) -> pl.Expr:
    """Return the trimmed words without a meaning; null elsewhere."""
    return pl.when(~_is_one_of(column, list(meanings))).then(_trimmed(pl.col(column)))


def _is_one_of(column: str, words: Sequence[Any]) -> pl.Expr:
    plain = _trimmed(pl.col(column)).str.to_lowercase()
    return plain.is_in([_plain(word) for word in words]).fill_null(value=False)


def _trimmed(values: pl.Expr) -> pl.Expr:
    return values.cast(pl.String).str.strip_chars()


def _plain(word: Any) -> str:
    return str(word).strip().lower()


def validate_meanings(meanings: Mapping[Any, str | None], allowed: Sequence[str]) -> None:
    """Raise `SettingsError` unless each word means one of `allowed`, or None."""
    if not isinstance(meanings, Mapping):
        raise SettingsError("meanings must be a dict from words to what they mean")
    wrong = {meaning for meaning in meanings.values() if meaning is not None} - set(allowed)
    if wrong:
        raise SettingsError(
            f"meanings: {shown(min(wrong, key=str))} is not a status; a word means one of "
            f"{', '.join(map(repr, allowed))}, or None to leave out its rows"
        )


def convert(
    frame: Any,
    columns: Mapping[str, pl.Expr],
    needed: Mapping[str, str],
    unknown: Mapping[str, pl.Expr] | None = None,
) -> Any:
    """Return a frame of these columns, without the rows in which the column ``ignored`` is true.

    Parameters
    ----------
    frame : polars.LazyFrame or pyspark.sql.DataFrame
        The frame that `read` returned.
    columns : mapping of str to polars.Expr
        Names and expressions; `ignored` may be among them.
    needed : mapping of str to str
        Columns without nulls, each with the words that say what is wrong with a null in it.
    unknown : mapping of str to polars.Expr, optional
        For some needed columns, an expression whose values the error may name.

    Raises
    ------
    HistoryError
        A needed column has nulls.
    """
    expressions = [expression.alias(name) for name, expression in columns.items()]
    if is_spark(frame):
        from pyspark.sql import functions as F

        from optkit.engine import spark

        rows = spark.map_batches(frame, lambda batch: batch.select(expressions), keep=False)
        if "ignored" in columns:
            rows = rows.filter(~F.col("ignored")).drop("ignored")
        with spark.quiet():
            counts = (
                rows.agg(*(F.count_if(F.isnull(name)).alias(name) for name in needed)).collect()[0].asDict()
            )
        _validate_counts(counts, needed, frame, unknown or {})
        return rows
    polars = frame.select(expressions).collect()
    if "ignored" in columns:
        polars = polars.filter(~pl.col("ignored")).drop("ignored")
    counts = polars.select(needed.keys()).null_count().row(0, named=True)
    _validate_counts(counts, needed, frame, unknown or {})
    return polars


def _validate_counts(
    counts: Mapping[str, int], needed: Mapping[str, str], frame: Any, unknown: Mapping[str, pl.Expr]
) -> None:
    complaints = []
    for name, what in needed.items():
        if counts[name]:
            words = f": {_quoted(_some(frame, unknown[name]))}" if name in unknown else ""
            complaints.append(f"{name} {what} in {plural(counts[name], 'row')}{words}")
    if complaints:
        raise HistoryError("; ".join(complaints))


def _some(frame: Any, values: pl.Expr) -> Sequence[str]:
    """Return different values of an expression, sorted: all of them, or one more than an error names."""
    value = values.alias("value")
    if not is_spark(frame):
        some: pl.DataFrame = (
            frame.select(value).drop_nulls().unique().sort("value").head(_NAMED + 1).collect()
        )
        return some["value"].to_list()

    from optkit.engine import spark

    rows = spark.map_batches(frame, lambda batch: batch.select(value), keep=False)
    with spark.quiet():
        return sorted(row["value"] for row in rows.dropna().distinct().limit(_NAMED + 1).collect())


def _quoted(words: Sequence[str]) -> str:
    """Return words as an error may name them; others are only counted."""
    if len(words) > _NAMED:
        return f"more than {_NAMED} different words"
    short = [repr(word) for word in words if _WORD.fullmatch(word)]
    others = len(words) - len(short)
    return join_names([*short, *([f"{plural(others, 'word')} not quoted here"] if others else [])], _NAMED)
