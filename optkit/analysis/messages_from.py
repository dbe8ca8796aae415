"""Convert another system's log of messages to messages."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, overload

import polars as pl

from optkit.engine import conversion
from optkit.engine.frames import Table, is_spark
from optkit.errors import SettingsError
from optkit.messages import DELIVERY_STATUS, FAILURE, ORDER, SCHEMA

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

#: Columns that have their own keyword; the others are passed as `columns`.
_KEYWORDS: Final = ("message_id", "to_phone", "from_phone", "sent_at", "delivery_status", "campaign")


@overload
def messages_from(
    frame: Table,
    *,
    to_phone: str = ...,
    from_phone: str = ...,
    sent_at: str = ...,
    message_id: str | None = ...,
    delivery_status: str | None = ...,
    campaign: str | None = ...,
    meanings: Mapping[Any, str | None] | None = ...,
    time_zone: str | None = ...,
    **columns: str,
) -> pl.DataFrame: ...


@overload
def messages_from(
    frame: "SparkFrame",
    *,
    to_phone: str = ...,
    from_phone: str = ...,
    sent_at: str = ...,
    message_id: str | None = ...,
    delivery_status: str | None = ...,
    campaign: str | None = ...,
    meanings: Mapping[Any, str | None] | None = ...,
    time_zone: str | None = ...,
    **columns: str,
) -> "SparkFrame": ...


def messages_from(
    frame: Any,
    *,
    to_phone: str = "to_phone",
    from_phone: str = "from_phone",
    sent_at: str = "sent_at",
    message_id: str | None = None,
    delivery_status: str | None = None,
    campaign: str | None = None,
    meanings: Mapping[Any, str | None] | None = None,
    time_zone: str | None = None,
    **columns: str,
) -> Any:
    """Convert another system's log of messages to messages, as `history_from` does for events.

    Parameters
    ----------
    frame : any frame
        One row per message: a polars, pandas, pyarrow, DuckDB or Spark frame, or anything else that exports Arrow.
    to_phone, from_phone, sent_at : str
        Names of the columns with the recipient, the sender and the time of sending.
    message_id : str, optional
        Column of whole numbers that identify a message; of several rows with the same number the last is kept.
        Default: messages are numbered by time.
    delivery_status : str, optional
        Column of the words for the delivery status. Default: all messages were delivered.
    campaign : str, optional
        Column of the campaigns' names.
    meanings : mapping, optional
        Meanings of the words in `delivery_status`: a status such as "delivered" or "failed", or None to leave out their
        rows. Default: a status means itself. Other words mean "other". Case does not matter.
    time_zone : str, optional
        See `optkit.history_from`.
    **columns : str
        Further columns of messages: failure, campaign_id, execution_id, response_set_id, language, executed_at,
        characters, mentions_stop.

    Returns
    -------
    polars.DataFrame or pyspark.sql.DataFrame
        Messages, sorted by sent_at and message_id: message_id (Int64), to_phone (String), from_phone (String), sent_at
        (Datetime ms, UTC), delivery_status (Enum), failure (Enum), campaign_id, execution_id, response_set_id (Int64),
        campaign, language (String), executed_at (Datetime ms, UTC), characters (Int32), mentions_stop (Boolean); null
        where no column is named. For a Spark frame a Spark frame of these columns, in no order.

    Raises
    ------
    HistoryError
        A column is missing, has another type, or has values that cannot be read; the message says how many.
    SettingsError
        `meanings`, `time_zone` or a name in `columns` cannot be used.

    Examples
    --------
    >>> import optkit
    >>> import polars as pl
    >>> log = pl.DataFrame(
    ...     {
    ...         "phone": ["+12025550101"] * 2,
    ...         "shortcode": [24273] * 2,
    ...         "ts": ["2026-01-05 10:00", "2026-01-09 10:00"],
    ...     }
    ... )
    >>> messages = optkit.messages_from(log, to_phone="phone", from_phone="shortcode", sent_at="ts")
    >>> messages.select("message_id", "from_phone", "delivery_status").rows()
    [(1, '24273', 'delivered'), (2, '24273', 'delivered')]
    """
    statuses = DELIVERY_STATUS.categories.to_list()
    meanings = {word: word for word in statuses} if meanings is None else meanings
    conversion.validate_meanings(meanings, statuses)
    unknown = columns.keys() - (SCHEMA.keys() - set(_KEYWORDS))
    if unknown:
        further = [name for name in SCHEMA if name not in _KEYWORDS]
        raise SettingsError(
            f"messages have no column {min(unknown)!r}; the other columns are {', '.join(further)}"
        )
    named = {"message_id": message_id, "to_phone": to_phone, "from_phone": from_phone, "sent_at": sent_at}
    named |= {"delivery_status": delivery_status, "campaign": campaign, **columns}
    sources = {name: column for name, column in named.items() if column is not None}
    frame, schema = conversion.read(frame)
    made = {name: _column(name, sources.get(name), schema, meanings, time_zone) for name in SCHEMA}
    if delivery_status is not None:
        made["ignored"] = conversion.ignored(delivery_status, meanings)
    needed = {
        "to_phone": "is missing",
        "sent_at": "is missing, or a time that cannot be read or does not exist,",
    }
    if message_id is not None:
        needed["message_id"] = "is not a whole number (leave it out, and messages are numbered by time)"
    for name, column in columns.items():
        check = f"{name}, where it is not empty,"
        made[check] = conversion.is_read(column, schema[column], made[name])
        needed[check] = "cannot be read"
    messages = conversion.convert(frame, made, needed).select(*SCHEMA)
    if is_spark(messages):
        return _on_spark(messages, numbered=message_id is not None)
    if message_id is None:
        order = pl.struct("sent_at", "to_phone", "from_phone").rank("ordinal").cast(pl.Int64)
        return messages.with_columns(message_id=order).sort(ORDER)
    return messages.unique("message_id", keep="last", maintain_order=True).sort(ORDER)


def _column(
    name: str,
    source: str | None,
    schema: Mapping[str, pl.DataType],
    meanings: Mapping[Any, str | None],
    time_zone: str | None,
) -> pl.Expr:
    """Return the expression of one column of messages."""
    target = SCHEMA[name]
    if source is None:
        return pl.lit("delivered" if name == "delivery_status" else None, target)
    if name in {"sent_at", "executed_at"}:
        return conversion.time(schema, source, name, time_zone)
    if target == pl.String:
        return conversion.text(schema, source, name)
    conversion.find(schema, source, name)
    if name == "delivery_status":
        return conversion.words(source, meanings, default="other").cast(target)
    if name == "failure":
        known = {word: word for word in FAILURE.categories}
        return conversion.words(source, known, default="unknown").cast(target)
    return pl.col(source).cast(target, strict=False)


def _on_spark(messages: Any, *, numbered: bool) -> Any:
    from pyspark.sql import functions as F

    if numbered:
        return messages.dropDuplicates(["message_id"])
    by_time = messages.orderBy("sent_at", "to_phone", "from_phone")
    return by_time.withColumn("message_id", F.monotonically_increasing_id() + 1)
