from datetime import UTC, datetime

import pytest

import optkit
from optkit.report import period_bounds


@pytest.mark.parametrize(
    ("period", "now", "zone", "expected"),
    [
        ("last-week", (2026, 7, 1), "UTC", ("2026-06-22", "2026-06-29")),
        ("last-week", (2026, 6, 29), "UTC", ("2026-06-22", "2026-06-29")),
        ("last-week", (2026, 6, 28, 23), "UTC", ("2026-06-15", "2026-06-22")),
        ("last-month", (2026, 1, 31), "UTC", ("2025-12-01", "2026-01-01")),
        ("2026-02", (2026, 7, 1), "UTC", ("2026-02-01", "2026-03-01")),
        ("2026-12", (2026, 7, 1), "UTC", ("2026-12-01", "2027-01-01")),
        # in New York it is still June
        (
            "last-month",
            (2026, 7, 1, 2),
            "America/New_York",
            ("2026-05-01 America/New_York", "2026-06-01 America/New_York"),
        ),
    ],
)
def test_bounds_are_the_days_of_the_local_calendar(
    period: str, now: tuple[int, ...], zone: str, expected: tuple[str, str]
) -> None:
    assert period_bounds(period, now=datetime(*now, tzinfo=UTC), time_zone=zone) == expected  # type: ignore[arg-type,misc]  # year, month, day, …


@pytest.mark.parametrize("period", ["", "june", "2026-13", "2026-6", "last-year", "9999-12"])
def test_unknown_periods_are_rejected(period: str) -> None:
    with pytest.raises(optkit.SettingsError, match="period must be last-week, last-month or a month"):
        period_bounds(period, now=datetime(2026, 7, 1, tzinfo=UTC))
