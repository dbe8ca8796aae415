"""Instants and durations: how callers write them, and as whole milliseconds since 1970."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

import polars as pl

from optkit.errors import SettingsError

#: In milliseconds.
SECOND: Final = 1000
DAY: Final = 86_400 * SECOND
WEEK: Final = 7 * DAY

#: The dtype of an instant: epoch milliseconds, UTC.
INSTANT: Final = pl.Datetime("ms", "UTC")

#: An instant as a caller writes it; `instant` reads it.
Moment: TypeAlias = str | date | datetime

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant(value: Moment, name: str = "time") -> datetime:
    """Read an instant that a caller names; every `start`, `end`, `at`, `since` and `until` goes through here.

    Parameters
    ----------
    value : str, date or datetime
        ISO 8601 text or a date (its midnight in UTC; text with a time but no offset is UTC), or an aware
        datetime.
    name : str
        What the caller calls it, for the error.

    Returns
    -------
    datetime
        The same instant in UTC, cut to the millisecond, the resolution of a history.

    Raises
    ------
    SettingsError
        It is a datetime without a time zone, or nothing that names an instant.

    Examples
    --------
    >>> instant("2026-03-01").isoformat()
    '2026-03-01T00:00:00+00:00'
    >>> instant("2026-03-01T12:00+02:00").isoformat()
    '2026-03-01T10:00:00+00:00'
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            raise SettingsError(f"{name} is no date or time in ISO 8601, such as 2026-03-01") from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        raise SettingsError(f"{name} must be ISO 8601 text, a date or a datetime, not {type(value).__name__}")
    if moment.utcoffset() is None:
        raise SettingsError(f"{name} is a datetime without a time zone; say which, such as tzinfo=UTC")
    return from_ms(to_ms(moment))


def to_ms(moment: datetime) -> int:
    """Return an aware datetime as milliseconds since 1970 in UTC, exactly, parts of one cut off."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """Return milliseconds since 1970 as a datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=ms)


_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(value: timedelta | str, name: str = "duration") -> timedelta:
    """Read a duration such as ``"2d"``, ``"90m"`` or ``"1d12h"``.

    Raises
    ------
    SettingsError
        It is no such text, or below zero.
    """
    if isinstance(value, timedelta):
        duration = value
    else:
        text = str(value).strip()
        if not re.fullmatch(r"(\d+[smhdw])+", text):
            raise SettingsError(f"{name} must be a duration such as '2d', '36h' or '90m'")
        duration = sum(
            (timedelta(**{_UNITS[unit]: int(count)}) for count, unit in re.findall(r"(\d+)([smhdw])", text)),
            timedelta(),
        )
    if duration < timedelta():
        raise SettingsError(f"{name} must not be below zero")
    return duration
