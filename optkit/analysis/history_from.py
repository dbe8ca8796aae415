"""Convert another system's table of opt-outs and opt-ins to a history."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

import polars as pl

from optkit.engine import conversion
from optkit.engine.frames import Table, is_spark
from optkit.history import OPT_IN, OPT_OUT, ORDER, SCHEMA, event_order, last_status

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame


@overload
def history_from(
    frame: Table,
    *,
    to_phone: str = ...,
    from_phone: str = ...,
    created_at: str = ...,
    status: str = ...,
    meanings: Mapping[Any, str | None] | None = ...,
    time_zone: str | None = ...,
) -> pl.DataFrame: ...


@overload
def history_from(
    frame: "SparkFrame",
    *,
    to_phone: str = ...,
    from_phone: str = ...,
    created_at: str = ...,
    status: str = ...,
    meanings: Mapping[Any, str | None] | None = ...,
    time_zone: str | None = ...,
) -> "SparkFrame": ...


def history_from(
    frame: Any,
    *,
    to_phone: str = "to_phone",
    from_phone: str = "from_phone",
    created_at: str = "created_at",
    status: str = "status",
    meanings: Mapping[Any, str | None] | None = None,
    time_zone: str | None = None,
) -> Any:
    """Convert a table with other names and words, such as one from a warehouse, to a history.

    Parameters
    ----------
    frame : any frame
        One row per event: a polars, pandas, pyarrow, DuckDB or Spark frame, or anything else that exports Arrow.
    to_phone, from_phone, created_at, status : str
        Names of the columns with the recipient, the sender, the time and the status word. Whole numbers, as short codes
        often are, become text. Times may be ISO text, which is in UTC unless it has an offset or `time_zone` is given.
    meanings : mapping, optional
        Meanings of the words in `status`: "opt-out", "opt-in", or None to leave out their rows. Case does not matter.
        Default: "opt-out" and "opt-in" mean themselves.
    time_zone : str, optional
        IANA name of the time zone of times without one, and of dates. A local time that occurs twice because clocks
        change is read as the first one.

    Returns
    -------
    polars.DataFrame or pyspark.sql.DataFrame
        A history: to_phone (String), from_phone (String), created_at (Datetime ms, UTC), status (Enum: "opt-in",
        "opt-out"), current_status (Enum: the pair's last status), without exact duplicates, sorted by created_at,
        from_phone, to_phone, status. For a Spark frame a Spark frame of these columns (statuses are strings), in no
        order.

    Raises
    ------
    HistoryError
        A column is missing, has another type, or has values that cannot be read; the message says how many, and names
        status words without a meaning.
    SettingsError
        `meanings` or `time_zone` cannot be used.

    Examples
    --------
    >>> import optkit
    >>> import polars as pl
    >>> table = pl.DataFrame(
    ...     {"phone": ["+12025550101"], "shortcode": [24273], "ts": ["2026-01-05 10:00"], "event": ["STOP"]}
    ... )
    >>> history = optkit.history_from(
    ...     table,
    ...     to_phone="phone",
    ...     from_phone="shortcode",
    ...     created_at="ts",
    ...     status="event",
    ...     meanings={"STOP": "opt-out", "START": "opt-in"},
    ... )
    >>> optkit.suppression_list(history).select("from_phone", "to_phone").rows()
    [('24273', '+12025550101')]
    """
    meanings = {OPT_IN: OPT_IN, OPT_OUT: OPT_OUT} if meanings is None else meanings
    conversion.validate_meanings(meanings, (OPT_IN, OPT_OUT))
    frame, schema = conversion.read(frame)
    conversion.find(schema, status, "status")
    columns = {
        "to_phone": conversion.text(schema, to_phone, "to_phone"),
        "from_phone": conversion.text(schema, from_phone, "from_phone"),
        "created_at": conversion.time(schema, created_at, "created_at", time_zone),
        "status": conversion.words(status, meanings),
        "ignored": conversion.ignored(status, meanings),
    }
    needed = {
        "to_phone": "is missing",
        "from_phone": "is missing",
        "created_at": "is missing, or a time that cannot be read or does not exist,",
        "status": "has words without a meaning (give it, such as meanings={'STOP': 'opt-out', 'START': 'opt-in'})",
    }
    unknown = {"status": conversion.unknown_words(status, meanings)}
    events = conversion.convert(frame, columns, needed, unknown)
    if is_spark(events):
        return _on_spark(events)
    distinct = events.cast({"status": SCHEMA["status"]}).unique(ORDER).sort(ORDER)
    return distinct.with_columns(current_status=last_status()).cast(dict(SCHEMA))


def _on_spark(events: Any) -> Any:
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = event_order(F.unix_millis("created_at"), (F.col("status") == OPT_OUT).cast("long"))
    last = F.max(order).over(Window.partitionBy("from_phone", "to_phone"))
    current = F.when(last % 2 == 1, OPT_OUT).otherwise(OPT_IN)
    return events.dropDuplicates(list(ORDER)).withColumn("current_status", current)
