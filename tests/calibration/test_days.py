"""What pages say about days that stand out, on accounts with known rates."""

import pytest
import simulated_days as days

PAGES = 40


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3])
def test_sparse_senders_have_few_spikes(rate: float) -> None:
    assert days.pages_with_spikes(2 * PAGES, lambda _: days.flat(rate)) <= 0.1


@pytest.mark.parametrize("rate", [3.0, 100.0])
def test_one_page_in_ten_has_a_false_alarm(rate: float) -> None:
    assert days.pages_with_spikes(2 * PAGES, lambda _: days.flat(rate)) <= 0.15  # 0.1, and chance


def test_twice_the_opt_outs_on_a_day_are_found() -> None:
    assert days.found_days(PAGES, rate=100, times=2) >= 0.95
    assert days.found_days(PAGES, rate=100, times=2, day=days.DAYS - 1) >= 0.95


@pytest.mark.parametrize("rate", [300.0, 1000.0])
def test_growth_and_season_are_not_spikes_at_the_end(rate: float) -> None:
    assert days.pages_with_spikes(PAGES, lambda _: days.fourfold(rate), last=7) <= 0.1
    assert days.pages_with_spikes(PAGES, lambda rng: days.season(rate, rng.random()), last=7) <= 0.1


def test_rows_of_nine_senders_have_at_most_one_false_mark_per_page() -> None:
    assert days.marks_per_page(15, lanes=9) <= 1
