"""Calendar periods that have a name in reports: last-week, last-month, 2026-06."""

import re
from datetime import date, datetime, timedelta
from typing import Final

from optkit.errors import SettingsError
from optkit.times import time_zone as read_zone

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")


def period_bounds(period: str, *, now: datetime, time_zone: str = "UTC") -> tuple[str, str]:
    """Return the start and the end of a period as `optkit.load` reads them.

    Parameters
    ----------
    period : str
        ``"last-week"`` (Monday to Sunday), ``"last-month"``, or a month such as ``"2026-06"``.
    now : datetime
        The current time, for "last"; aware.
    time_zone : str
        IANA name of the time zone of the calendar.

    Returns
    -------
    (str, str)
        [start, end): local midnights, with the name of the time zone unless it is UTC.

    Raises
    ------
    SettingsError
        The period or the time zone is unknown.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from optkit.report.named_periods import period_bounds
    >>> period_bounds("last-month", now=datetime(2026, 7, 1, 1, tzinfo=UTC), time_zone="America/New_York")
    ('2026-05-01 America/New_York', '2026-06-01 America/New_York')
    """
    first, after = _days(period, now.astimezone(read_zone(time_zone)).date())
    zone = "" if time_zone == "UTC" else f" {time_zone}"
    return f"{first}{zone}", f"{after}{zone}"


def _days(period: str, today: date) -> tuple[date, date]:
    """Return the first day of a period and the day after its last."""
    if period == "last-week":
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(weeks=1), monday
    if period == "last-month":
        this_month = today.replace(day=1)
        return (this_month - timedelta(days=1)).replace(day=1), this_month
    named = _MONTH.fullmatch(period)
    try:
        first = date(int(named[1]), int(named[2]), 1) if named else None
        after = (first + timedelta(days=31)).replace(day=1) if first else None
    except (ValueError, OverflowError):
        first = after = None
    if first is None or after is None:
        raise SettingsError(
            f"period must be last-week, last-month or a month such as 2026-06, not {period!r}"
        )
    return first, after
