"""What pages say about senders, on accounts with known rates."""

import numpy as np
import pytest
from simulated_senders import (
    found_bad_sender,
    order_called_chance_although_rejected,
    pages_with_false_alarms,
    said_to_differ,
)

from optkit.engine.funnel import FEWEST, funnel_limits


@pytest.mark.parametrize(
    ("cv", "law", "at_most"),
    [(0.0, "gamma", 0.1), (0.3, "gamma", 0.1), (0.6, "gamma", 0.1), (0.3, "lognormal", 0.15)],
)
def test_usual_senders_are_seldom_said_to_differ(cv: float, law: str, at_most: float) -> None:
    assert pages_with_false_alarms(60, 20, cv, law) <= at_most


@pytest.mark.parametrize(("cv", "at_least"), [(0.0, 0.9), (0.2, 0.7)])
def test_one_sender_of_nine_at_three_times_the_rate_is_found(cv: float, at_least: float) -> None:
    assert found_bad_sender(60, 9, cv, 3) >= at_least


@pytest.mark.parametrize("times", [2, 3])
def test_a_bad_sender_with_half_of_all_recipients_is_found(times: int) -> None:
    assert found_bad_sender(60, 9, 0, times, half=True) >= 0.9


@pytest.mark.parametrize("senders", [2, 3, 4])
def test_few_senders_have_no_limits_but_a_test_of_whether_they_differ_at_all(senders: int) -> None:
    assert senders < FEWEST
    assert np.isnan(funnel_limits(range(senders), [1000] * senders)).all()
    assert said_to_differ(500, senders, 1, p_value=0.01) <= 0.02
    for times in (2, 3):
        assert said_to_differ(100, senders, times, p_value=0.01) >= 0.9


def test_an_order_that_a_chi_square_test_rejects_is_not_called_chance() -> None:
    assert order_called_chance_although_rejected(100) == 0


def test_seeing_none_where_three_are_expected_is_usual() -> None:
    # by Poisson's law it happens in exp(-3) = 5 % of such senders, and one opt-out more in 20 %
    n = np.array([150, *[100_000] * 8])
    k = np.array([0, *[2_000] * 8])
    assert funnel_limits(k, n).low[0] == 0
    n[0], k[0] = 500, 0  # where ten are expected, in 0.005 %
    assert funnel_limits(k, n).low[0] > 0


def test_proportions_far_outside_others_intervals_are_not_drawn_into_one() -> None:
    from optkit.engine.statistics import shrink, wilson

    k, n = [0, 8, 2436], [240, 783, 76_200]
    low, high = wilson(k, n)
    assert ((shrink(k, n) >= low) & (shrink(k, n) <= high)).all()
