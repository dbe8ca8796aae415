"""The values of Spark frames: which rows are read, whether their values are allowed, how far their times extend.

Each condition is on a column as it is stored. So Parquet files answer most of them by the statistics that they keep of
each part, and Spark reads only the other parts.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from optkit.engine import frames, message_frames
from optkit.history import OPT_IN, OPT_OUT

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql import DataFrame as SparkFrame


def not_after(frame: "SparkFrame", time: str, until: int | None) -> "SparkFrame":
    """Leave out rows after the millisecond `until`; a null is not later: it has to be found."""
    return frame if until is None else _unless(frame, time, lambda at: at >= _instant(until + 1))


def not_before(frame: "SparkFrame", time: str, since: int | None) -> "SparkFrame":
    """Leave out rows before the millisecond `since`; a null is not earlier: it has to be found."""
    return frame if since is None else _unless(frame, time, lambda at: at < _instant(since))


def _unless(frame: "SparkFrame", time: str, left_out: "Callable[[Column], Column]") -> "SparkFrame":
    from pyspark.sql import functions as F

    at = F.col(time)
    return frame.filter(at.isNull() | ~left_out(at))


def extent(frame: "SparkFrame", time: str) -> tuple[int, int | None, int | None]:
    """Return the number of rows, and the first and the last instant in milliseconds since 1970."""
    from pyspark.sql import functions as F

    at = F.unix_millis(time)
    rows, first, last = frame.agg(F.count("*"), F.min(at), F.max(at)).collect()[0]
    return rows, first, last


def validate(events: "SparkFrame", messages: "SparkFrame | None" = None) -> None:
    """Raise `HistoryError` if events or messages have a value that cannot be used.

    One query finds whether any row has one, because Spark takes longer to plan and compile a query than to run this
    one. Only then are the rows counted.
    """
    of_events, words = _missing_or_far(frames.KEYS, "created_at"), _unknown_words()
    of_messages: dict[str, Column] = {}
    # No statistics tell which words there are: apart from the others, this condition reads one column.
    suspects = [events.filter(words), events.filter(_any(of_events))]
    if messages is not None:
        present = [name for name in message_frames.KEYS if name in messages.columns]
        needed = [name for name in present if name != message_frames.MAY_BE_NULL]
        of_messages = _missing_or_far(needed, "sent_at")
        suspects.append(messages.filter(_any(of_messages)))
    if _have_rows(suspects):
        frames.validate_counts(_count(events, {**of_events, "words": words}))
        if messages is not None:
            message_frames.validate_counts(_count(messages, of_messages))


def _missing_or_far(columns: Sequence[str], time: str) -> "dict[str, Column]":
    """Return by column which rows have a null, and which have a time centuries `far` off."""
    from pyspark.sql import functions as F

    at = F.col(time)
    far = (at < _instant(-frames.REACH)) | (at >= _instant(frames.REACH + 1))
    return {**{name: F.isnull(name) for name in columns}, "far": far}


def _unknown_words() -> "Column":
    from pyspark.sql import functions as F

    return ~F.col("status").isin(OPT_IN, OPT_OUT)


def _instant(ms: int) -> "Column":
    from pyspark.sql import functions as F

    return F.timestamp_millis(F.lit(ms))


def _any(conditions: "Mapping[str, Column]") -> "Column":
    return reduce(or_, conditions.values())


def _have_rows(found: "Sequence[SparkFrame]") -> bool:
    from pyspark.sql import functions as F

    rows = [frame.select(F.lit(1)) for frame in found]
    return not reduce(lambda one, other: one.unionAll(other), rows).isEmpty()


def _count(frame: "SparkFrame", conditions: "Mapping[str, Column]") -> dict[str, int]:
    from pyspark.sql import functions as F

    return frame.agg(*(F.count_if(met).alias(name) for name, met in conditions.items())).collect()[0].asDict()
