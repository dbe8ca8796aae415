"""Which faults the checks find, and how often they report one although nothing is wrong."""

import polars as pl
import pytest
import simulated_quality as quality

import optkit


@pytest.fixture(scope="module")
def history() -> pl.DataFrame:
    return optkit.demo_history(recipients=60_000)


@pytest.mark.parametrize("account", quality.ACCOUNTS)
@pytest.mark.parametrize("rate", [0.3, 10.0, 50.0])
def test_complete_accounts_rarely_have_silent_days(account: str, rate: float) -> None:
    assert quality.accounts_with_silent_days(25, account, rate) <= 0.04


def test_a_missing_day_of_a_busy_account_and_a_missing_week_of_a_quiet_one_are_found() -> None:
    assert quality.missing_days_found(25, "weekly", 30, days=1) >= 0.9
    assert quality.missing_days_found(25, "workdays", 30, days=1) >= 0.9
    assert quality.missing_days_found(25, "weekly", 4, days=7) >= 0.9


def test_a_sound_history_has_no_silent_doubled_missing_or_cut_events(history: pl.DataFrame) -> None:
    assert not quality.failed(history) & {"silent days", "near duplicates", "late repeats", "whole seconds"}


def test_each_fault_is_found(history: pl.DataFrame) -> None:
    assert "silent days" in quality.failed(quality.with_a_lost_day(history))
    for offset in (250, quality.HOUR_MS):
        assert "near duplicates" in quality.failed(quality.with_a_doubled_hour(history, offset))
    assert "late repeats" in quality.failed(quality.with_lost_rows(history, 0.1))
    assert "whole seconds" in quality.failed(quality.in_seconds(history))
