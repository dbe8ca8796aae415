from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import polars as pl
import pytest

import optkit
from optkit.times import duration_ms, instant, parse_duration

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2026-03-01", "2026-03-01T00:00:00+00:00"),
        ("2026-03-01T12:30", "2026-03-01T12:30:00+00:00"),
        (" 2026-03-01T12:30:00.123999+05:30 ", "2026-03-01T07:00:00.123000+00:00"),
        ("2026-03-01T12:30Z", "2026-03-01T12:30:00+00:00"),
        (date(2026, 3, 1), "2026-03-01T00:00:00+00:00"),
        (datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=-5))), "2026-03-01T05:00:00+00:00"),
        (pd.Timestamp("2026-03-01", tz="Asia/Kolkata"), "2026-02-28T18:30:00+00:00"),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "1969-12-31T23:59:59.999000+00:00"),
    ],
)
def test_an_instant_is_text_a_date_or_an_aware_datetime(value: str | date, iso: str) -> None:
    assert instant(value).isoformat() == iso


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2026-06-29 09:00 Europe/Berlin", "2026-06-29T07:00:00+00:00"),  # summer time: UTC+2
        ("2026-01-29T09:00  Europe/Berlin", "2026-01-29T08:00:00+00:00"),
        ("2026-06-29 America/New_York", "2026-06-29T04:00:00+00:00"),
        ("2026-06-29 09:00 UTC", "2026-06-29T09:00:00+00:00"),
        # on this day clocks went from 00:00 to 01:00, so it began at 01:00, 03:00 in UTC
        ("2018-11-04 America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
    ],
)
def test_a_text_may_name_its_time_zone(value: str, iso: str) -> None:
    assert instant(value).isoformat() == iso


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("30d", "2026-05-02T00:00:00+00:00"),
        ("12w", "2026-03-09T00:00:00+00:00"),
        ("36h", "2026-05-30T12:00:00+00:00"),
    ],
)
def test_a_span_counts_back_from_now_if_now_is_given(value: str, iso: str) -> None:
    assert instant(value, now=NOW).isoformat() == iso
    with pytest.raises(
        optkit.SettingsError, match=f"since='{value}': spans are for load.*; give a date such as"
    ):
        instant(value, "since")


def test_an_analysis_takes_the_time_that_the_error_about_a_span_proposes() -> None:
    history = optkit.demo_history(recipients=10)
    with pytest.raises(
        optkit.SettingsError, match=r"a time such as history\['created_at'\]\.max\(\) - timedelta\(days=30\)$"
    ):
        optkit.churn(history, every="1d", since="30d")
    last = history["created_at"].max()
    assert isinstance(last, datetime)
    since = last - timedelta(days=30)
    assert optkit.churn(history, every="1d", since=since)["period"].min() == since.date()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (datetime(2026, 3, 1), "at is a datetime without a time zone"),  # noqa: DTZ001 - has to be rejected
        ("1 March", "at='1 March' is not a date or time .*; write it as in '2026-03-01' or"),
        (" 01.05.2026", "at='01.05.2026' is not a date or time"),
        ("+12025550101", "at=<str> is not a date or time"),
        ("", "at='' is not a date or time"),
        (1_767_225_600_000, "at must be ISO 8601 text, a date or a datetime, not int"),
        (pd.NaT, "at is missing"),
        ("0001-01-01T00:00+02:00", "at is missing, or outside of the years 1 to 9999"),
        ("9999-12-31T23:00-05:00", "at is missing, or outside of the years 1 to 9999"),
        ("2026-03-29 02:30 Europe/Berlin", "does not exist or occurs twice"),  # skipped
        ("2026-10-25 02:30 Europe/Berlin", "does not exist or occurs twice"),  # shown twice
        ("2026-06-29 09:00+02:00 Europe/Berlin", "both an offset and a time zone"),
        ("2026-06-29 09:00 Europe/Moon", "there is no time zone 'Europe/Moon'"),
    ],
)
def test_other_instants_are_rejected(value: object, says: str) -> None:
    with pytest.raises(optkit.SettingsError, match=says):
        instant(value, "at")  # type: ignore[arg-type]


def test_analyses_and_loads_reject_the_same_instants() -> None:
    history = optkit.demo_history(recipients=10)
    with pytest.raises(optkit.SettingsError, match="at is missing"):
        optkit.status_at(history, pd.NaT)
    with pytest.raises(optkit.SettingsError, match="start is missing, or outside"):
        optkit.load("999999w", account="demo")


def test_a_load_counts_a_span_back_from_the_clock_of_the_account() -> None:
    from optkit.demo import CLOCK

    loaded = optkit.load("2w", account="demo")
    assert loaded["created_at"].min() >= CLOCK - timedelta(weeks=2)  # type: ignore[operator]
    assert loaded.equals(optkit.load(CLOCK - timedelta(weeks=2), account="demo"))
    assert loaded.filter(pl.col("created_at") < CLOCK - timedelta(days=13)).height


@pytest.mark.parametrize(
    ("value", "length"),
    [
        ("1d12h", timedelta(hours=36)),
        ("1d 12h", timedelta(hours=36)),
        ("10 m", timedelta(minutes=10)),
        ("250ms", timedelta(milliseconds=250)),
        ("2w", timedelta(days=14)),
        ("0s", timedelta()),
        (timedelta(hours=72), timedelta(hours=72)),
    ],
)
def test_a_length_of_time_is_text_or_a_timedelta(value: str | timedelta, length: timedelta) -> None:
    assert parse_duration(value) == length


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("soon", "window must be a duration such as"),
        ("-1d", "window must be a duration such as"),
        (7, "window must be a duration such as"),
        (timedelta(-1), "window must not be below zero"),
        ("99999999999999d", "window is too long"),
        ("9" * 5000 + "d", "window is too long"),
    ],
)
def test_other_lengths_of_time_are_rejected(value: object, says: str) -> None:
    with pytest.raises(optkit.SettingsError, match=says):
        parse_duration(value, "window")  # type: ignore[arg-type]


def test_a_length_of_time_in_milliseconds_is_above_zero() -> None:
    assert duration_ms("1h") == 3_600_000
    for nothing in ("0h", timedelta(microseconds=999)):
        with pytest.raises(optkit.SettingsError, match="window must be a duration above zero"):
            duration_ms(nothing, "window")
