"""Timestamps in every form in which the API may write them, as whole milliseconds since 1970."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any, Final

import polars as pl

from optkit.errors import ResponseError
from optkit.times import INSTANT

#: The unit of an epoch number follows from its magnitude: seconds up to the year 5138, milliseconds from 1973 on,
#: microseconds from 1973 on. The ranges do not overlap for any time since 2001.
_SECONDS: Final = (10**9, 10**11)
_MILLISECONDS: Final = (10**11, 10**14)
_MICROSECONDS: Final = (10**14, 10**17)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_timestamps(values: Sequence[float | str | None], field: str) -> pl.Series:
    """Read the timestamps of a field, down to whole milliseconds.

    Each is a number of seconds, milliseconds or microseconds since 1970, also as digits in a string, or ISO 8601 with
    an offset; None stays null. They are rounded down, never to the nearest: a record must not move past the end of its
    window.

    Raises
    ------
    ResponseError
        A value is not one of these.
    """
    try:
        if set(map(type, values)) <= {int, NoneType}:
            ms = _integers_to_ms(pl.Series(values, dtype=pl.Int64))
        else:
            read = [None if value is None else to_milliseconds(value) for value in values]
            ms = pl.Series(read, dtype=pl.Int64)
    except (TypeError, ValueError, OverflowError):
        raise ResponseError(
            f"the field '{field}' of an entry is not a timestamp: neither epoch seconds, milliseconds or "
            "microseconds nor ISO 8601 with an offset"
        ) from None
    return ms.cast(INSTANT)


def _integers_to_ms(values: pl.Series) -> pl.Series:
    if values.is_between(*_MILLISECONDS, closed="left").all():
        return values
    if values.is_between(*_SECONDS, closed="left").all():
        return values * 1000
    if values.is_between(*_MICROSECONDS, closed="left").all():
        return values // 1000
    raise ValueError


def to_milliseconds(value: Any) -> int:
    """Read one timestamp; raises TypeError, ValueError or OverflowError where it is not one."""
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"\d+", text):
            return to_milliseconds(int(text))
        if re.fullmatch(r"\d+\.\d+", text):
            return to_milliseconds(float(text))
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    # a float of seconds is not exact: to the nearest microsecond first, then down
    for (low, high), microseconds in ((_SECONDS, 1_000_000), (_MILLISECONDS, 1000), (_MICROSECONDS, 1)):
        if low <= value < high:
            return round(value * microseconds) // 1000
    raise ValueError
