"""Instants and durations: how callers write them, and as whole milliseconds since 1970."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import polars as pl

from optkit.arguments import shown
from optkit.errors import SettingsError

#: In milliseconds.
SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY

#: The dtype of an instant: epoch milliseconds, UTC.
INSTANT: Final = pl.Datetime("ms", "UTC")

#: An instant as a caller writes it; `instant` reads it.
Moment: TypeAlias = str | date | datetime

#: A length of time as a caller writes it; `parse_duration` reads it.
Duration: TypeAlias = str | timedelta

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_UNITS: Final = {
    "ms": "milliseconds",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
}
_DURATION: Final = re.compile(r"(?:\d+ ?(?:ms|[smhdw])\s*)+")
_SPAN: Final = re.compile(r"\d+ ?[smhdw]")
_WITH_ZONE: Final = re.compile(r"(?P<local>\S.*?)\s+(?P<zone>[A-Za-z]\S*)")


def instant(value: Moment, name: str = "time", *, now: datetime | None = None) -> datetime:
    """Read an instant as a caller writes it: every `start`, `end`, `at`, `since` and `until`.

    Parameters
    ----------
    value : str, date or datetime
        ISO 8601 text, with an offset ("2026-06-29T09:00+02:00"), with the name of a time zone after it
        ("2026-06-29 09:00 Europe/Berlin"), or else in UTC; text or a `date` without a time is midnight. Or an aware
        datetime.
    name : str
        Name of the argument, for the error.
    now : datetime, optional
        With it, `value` can also be a span back from this instant, such as "30d" or "12w".

    Returns
    -------
    datetime
        The same instant in UTC, cut to the millisecond, the resolution of a history.

    Raises
    ------
    SettingsError
        It does not name an instant, is a datetime without a time zone, or a local time that does not exist or occurs
        twice because clocks change.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from optkit.times import instant
    >>> instant("2026-03-01").isoformat()
    '2026-03-01T00:00:00+00:00'
    >>> instant("2026-03-01T12:00+02:00").isoformat()
    '2026-03-01T10:00:00+00:00'
    >>> instant("2026-06-29 09:00 Europe/Berlin").isoformat()
    '2026-06-29T07:00:00+00:00'
    >>> instant("12w", now=datetime(2026, 6, 1, tzinfo=UTC)).isoformat()
    '2026-03-09T00:00:00+00:00'
    """
    try:
        return from_ms(to_ms(_read(value, name, now)))
    except SettingsError:
        raise
    except (OverflowError, ValueError):  # beyond the years 1 to 9999, or pandas' NaT
        raise SettingsError(f"{name} is missing, or outside of the years 1 to 9999") from None


def _read(value: Moment, name: str, now: datetime | None) -> datetime:
    """Return an aware datetime in any time zone."""
    if isinstance(value, str):
        text = value.strip()
        if not _SPAN.fullmatch(text):
            return _read_text(text, name)
        if now is None:
            raise SettingsError(
                f"{name}={shown(text)}: spans are for load, scan and reports, which count back from now; give a date "
                "such as '2026-03-01', or a time such as history['created_at'].max() - timedelta(days=30)"
            )
        return now - parse_duration(text, name)
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise SettingsError(f"{name} is a datetime without a time zone; say which, such as tzinfo=UTC")
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise SettingsError(f"{name} must be ISO 8601 text, a date or a datetime, not {type(value).__name__}")


def _read_text(text: str, name: str) -> datetime:
    """Return the datetime that a text names; it is UTC where the text names neither an offset nor a zone."""
    with_zone = _WITH_ZONE.fullmatch(text)
    try:
        moment = datetime.fromisoformat(with_zone["local"] if with_zone else text)
    except ValueError:
        raise SettingsError(
            f"{name}={shown(text)} is not a date or time in ISO 8601; write it as in '2026-03-01' or "
            "'2026-03-01 09:00 Europe/Berlin'"
        ) from None
    if with_zone is None:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment.tzinfo:
        raise SettingsError(f"{name} names both an offset and a time zone; leave out one of them")
    zone = time_zone(with_zone["zone"])
    local = moment.replace(tzinfo=zone)
    # A day begins at the first of its midnights; any other time has to be one instant.
    if moment.time() != time() and local.utcoffset() != local.replace(fold=1).utcoffset():
        raise SettingsError(
            f"{name} is a time at which the clocks of {zone.key} change: it does not exist or occurs twice; "
            "write it with an offset, such as 2026-03-01T09:00+01:00"
        )
    return local


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name.

    Raises
    ------
    SettingsError
        There is no time zone of that name.
    """
    try:
        return ZoneInfo(name if isinstance(name, str) else "")
    except (KeyError, ValueError, OSError):  # not the name of a zone, or not a name at all
        raise SettingsError(
            f"there is no time zone {shown(name)}; give an IANA name, such as 'Europe/Berlin'"
        ) from None


def to_ms(moment: datetime) -> int:
    """Return an aware datetime as whole milliseconds since 1970 in UTC; fractions are cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def months_before(ms: int, months: int) -> int:
    """Return the same time of day so many months before; on the last day of a month that has fewer days."""
    moment = from_ms(ms)
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return to_ms(moment.replace(year=year, month=month + 1, day=day))


def from_ms(ms: int) -> datetime:
    """Return milliseconds since 1970 as a datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=ms)


def parse_duration(value: Duration, name: str = "duration") -> timedelta:
    """Read a length of time: a `timedelta`, or text such as ``"2d"``, ``"90m"``, ``"1d 12h"`` or ``"250ms"``.

    Raises
    ------
    SettingsError
        It is not such a text, or is negative or too long.

    Examples
    --------
    >>> from optkit.times import parse_duration
    >>> parse_duration("1d12h")
    datetime.timedelta(days=1, seconds=43200)
    """
    if isinstance(value, timedelta):
        duration = value
    else:
        text = str(value).strip()
        if not _DURATION.fullmatch(text):
            raise SettingsError(f"{name} must be a duration such as '10m', '36h' or '7d', or a timedelta")
        parts = re.findall(r"(\d+) ?(ms|[smhdw])", text)
        try:
            duration = sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta())
        except (OverflowError, ValueError):
            raise SettingsError(f"{name} is too long") from None
    if duration < timedelta():
        raise SettingsError(f"{name} must not be below zero")
    return duration


def duration_ms(value: Duration, name: str = "duration", *, least: int = 1) -> int:
    """Return a length of time in whole milliseconds.

    Raises
    ------
    SettingsError
        `parse_duration` cannot read it, or it is shorter than `least` milliseconds.
    """
    ms = parse_duration(value, name) // _MILLISECOND
    if ms < least:
        raise SettingsError(f"{name} must be a duration above zero, such as '10m', '1h' or '7d'")
    return ms
