from datetime import UTC, date, datetime, timedelta

import pytest

from optkit import display
from optkit.errors import SettingsError

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_comparison_times_are_a_week_apart_by_default() -> None:
    assert display.comparison_times(None, None, until=NOON) == (NOON, NOON - timedelta(days=7))
    at, before = display.comparison_times("2026-06-01", "2026-05-01", until=NOON)
    assert (at, before) == (datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    with pytest.raises(SettingsError, match="before must be earlier than at"):
        display.comparison_times("2026-05-01", "2026-06-01", until=NOON)


def test_local_day_reads_a_date() -> None:
    assert display.local_day("2026-02-14") == date(2026, 2, 14)
    with pytest.raises(SettingsError, match="day must be a date such as"):
        display.local_day("14 February")
