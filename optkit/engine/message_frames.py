"""Frames of messages as input, checked: the counterpart of `frames` for messages."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypeAlias

import polars as pl

from optkit.arguments import one_or_many, shown
from optkit.engine import frames
from optkit.engine.frames import REACH, TEXT, History, Table
from optkit.errors import HistoryError, SettingsError
from optkit.formatting import plural
from optkit.messages import DELIVERY_STATUS, SCHEMA
from optkit.times import INSTANT

#: A frame of messages that analyses accept, of any library that a history may come from.
Messages: TypeAlias = History

#: The columns that identify a message and say whether it may have been read.
KEYS: Final = ("message_id", "to_phone", "from_phone", "sent_at", "delivery_status")

#: The one of these columns that may be null: a message need not have a sender.
MAY_BE_NULL: Final = "from_phone"


def read(messages: Table, columns: Sequence[str]) -> pl.LazyFrame:
    """Return the named columns of messages that are not Spark's, those of the schema with its dtypes.

    Raises
    ------
    HistoryError
        It is not a frame, a column is missing, or a type cannot be read as that of messages.
    """
    frame = frames.lazy(messages, "messages")
    schema = frame.collect_schema()
    validate_schema(schema, columns)
    return frame.select(_read_as(name, schema[name]) for name in dict.fromkeys(columns))


def validate_schema(schema: Mapping[str, pl.DataType], columns: Sequence[str]) -> None:
    """Raise `HistoryError` unless a frame has the named columns with types that can be read as those of messages."""
    frames.validate_present(schema, columns, "messages")
    complaints = [_complaint(name, schema[name]) for name in dict.fromkeys(columns)]
    _raise([complaint for complaint in complaints if complaint])


def validate_statuses(statuses: Collection[str]) -> list[str]:
    """Return delivery statuses as a list.

    Raises
    ------
    SettingsError
        One of them is not a delivery status.
    """
    names = one_or_many(statuses, "statuses")
    known = DELIVERY_STATUS.categories.to_list()
    unknown = [shown(name) for name in names if name not in known]
    if unknown or not names:
        raise SettingsError(
            f"statuses must be some of {', '.join(known)}; {', '.join(unknown) or 'none'} given"
        )
    return names


def validate_values(messages: pl.LazyFrame) -> None:
    """Raise `HistoryError` if messages have nulls or impossible times."""
    sent_at = pl.col("sent_at").cast(pl.Int64)
    counts = messages.select(
        *(pl.col(name).null_count() for name in KEYS if name in messages.collect_schema()),
        far=(~sent_at.is_between(-REACH, REACH)).sum(),
    ).collect(engine="streaming")
    validate_counts(counts.row(0, named=True))


def validate_counts(counts: Mapping[str, int]) -> None:
    """Raise `HistoryError` if any rows were counted with nulls or times `far` off."""
    complaints = [
        f"{name} is null in {plural(counts[name], 'row')}"
        for name in KEYS
        if name != MAY_BE_NULL and counts.get(name)
    ]
    if counts["far"]:
        complaints.append(
            f"sent_at lies centuries off in {plural(counts['far'], 'row')} (seconds read as something else?)"
        )
    _raise(complaints)


def _raise(complaints: list[str]) -> None:
    if complaints:
        raise HistoryError("this frame does not hold messages: " + "; ".join(complaints))


def _complaint(name: str, dtype: pl.DataType) -> str | None:
    complaint = None
    wanted = SCHEMA.get(name)
    if wanted is None or dtype == pl.Null:  # the user's own column; a column of an empty frame
        pass
    elif wanted == INSTANT and not (isinstance(dtype, pl.Datetime) and dtype.time_zone is not None):
        complaint = f"{name} is {dtype}, not an instant (parse it into a UTC timestamp with a time zone)"
    elif wanted.is_integer() and not (dtype.is_integer() or (dtype.is_float() and name not in KEYS)):
        complaint = f"{name} is {dtype}, not a whole number"
    elif isinstance(wanted, TEXT) and not isinstance(dtype, TEXT):
        complaint = f"{name} is {dtype}, not text"
    return complaint


def _read_as(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    wanted = SCHEMA.get(name)
    if wanted is None or dtype == wanted:
        return column
    if wanted == INSTANT:
        return frames.as_instants(column, dtype)
    # a cast to the Enum would fail on an unknown word, which counts as a status that did not reach anybody
    if isinstance(wanted, pl.Enum):
        return column.cast(pl.String)
    if dtype.is_float():  # pandas' type of whole numbers of which some are missing
        column = column.fill_nan(None)
    return column.cast(wanted)
