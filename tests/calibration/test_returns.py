"""What pages say about returns and relapses, on accounts of people with known behaviour."""

import pytest
import simulated_returns as returns


def test_intervals_of_few_spells_contain_the_true_share_and_have_a_width() -> None:
    held, flat = returns.coverage(300, count=30, returning=0.06)
    assert held >= 0.88
    assert flat == 0


def test_intervals_of_many_spells_contain_the_true_share() -> None:
    held, _ = returns.coverage(150, count=400, returning=0.25)
    assert held >= 0.9


def test_intervals_allow_for_people_who_come_and_go_again_and_again() -> None:
    # as if all opt-outs were of different people, 62 to 69 % of these intervals hold the truth
    assert returns.coverage_of_restless_people(100) >= 0.88


def test_equal_countries_are_seldom_said_to_differ() -> None:
    assert returns.equal_countries_said_to_differ(150, countries=6, p_value=0.01) <= 0.03


def test_relapse_rates_do_not_depend_on_how_long_an_account_was_observed() -> None:
    observed = {days: returns.cycles_observed(days) for days in (365, 60, 30)}
    counted = [observed[days]["relapse_rate"] for days in observed]
    assert counted[0] > 1.3 * counted[1] > 1.3 * counted[2], "shares so far grow with time"
    for days in (365, 60):
        assert observed[days]["relapse_30d"] == pytest.approx(returns.truth_of_relapses(30), abs=0.03)
    assert observed[30]["relapse_30d"] == pytest.approx(returns.truth_of_relapses(28), abs=0.06)
    assert observed[365]["relapse_90d"] == pytest.approx(returns.truth_of_relapses(90), abs=0.03)
