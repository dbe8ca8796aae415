"""Values that users type into a notebook's parameters: days, times, a number."""

from datetime import date, datetime, timedelta

import polars as pl

from optkit.errors import SettingsError
from optkit.times import Moment, instant


def comparison_times(
    at: Moment | None, before: Moment | None, *, until: datetime
) -> tuple[datetime, datetime]:
    """Return the time of a list and the earlier time to compare it with.

    Parameters
    ----------
    at : str, date, datetime or None
        The time of the list. None: `until`.
    before : str, date, datetime or None
        The earlier time. None: seven days before `at`.
    until : datetime
        End of observation.

    Returns
    -------
    (datetime, datetime)
        `at` and `before`, UTC.

    Raises
    ------
    SettingsError
        A text is not a date or time, or `before` is not before `at`.
    """
    later = instant(at, "at") if at else until
    earlier = instant(before, "before") if before else later - timedelta(weeks=1)
    if earlier >= later:
        raise SettingsError("before must be earlier than at")
    return later, earlier


def local_day(text: str) -> date:
    """Return the day that a text such as ``"2026-02-14"`` names.

    Raises
    ------
    SettingsError
        The text is not a date.

    Examples
    --------
    >>> from optkit.display import local_day
    >>> local_day("2026-02-14")
    datetime.date(2026, 2, 14)
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f'day must be a date such as "2026-02-14", not {text!r}') from None


def format_phone(number: str, *, show: bool = False) -> str:
    """Return a recipient's number, masked unless `show` is true.

    Examples
    --------
    >>> from optkit.display import format_phone
    >>> format_phone("+12025550101")
    '+1202•••0101'
    """
    from optkit.phones import mask

    return number if show else str(mask(pl.DataFrame({"to_phone": [number]}))["to_phone"][0])
