"""Which windows a load has to fetch, without a server."""

from datetime import UTC, datetime

import pytest

from optkit.datasets.messages import MESSAGES
from optkit.datasets.opt_status import OPT_STATUS
from optkit.errors import SettingsError
from optkit.loading.plan import LoadRequest, Plan
from optkit.loading.windows import Window, WindowInfo
from optkit.times import DAY, WEEK, to_ms

MONDAY = to_ms(datetime(2026, 3, 2, tzinfo=UTC))


def cached(start: int, length: int, *, final: bool = True, begins: bool = False) -> WindowInfo:
    return WindowInfo(Window(start, start + length), fetched_at=start + length, final=final, begins=begins)


def test_without_a_start_and_a_cache_the_beginning_is_needed() -> None:
    plan = Plan(LoadRequest(None, None), OPT_STATUS, [], MONDAY + 1)
    assert plan.needs_beginning
    assert not plan.is_fulfilled
    plan.begin_at(MONDAY - 2 * WEEK)
    assert [window.start for window in plan.windows()] == [MONDAY - 2 * WEEK, MONDAY - WEEK, MONDAY]


def test_the_first_window_is_fetched_again_so_that_its_file_says_so() -> None:
    plan = Plan(LoadRequest(None, None), OPT_STATUS, [cached(MONDAY, WEEK)], MONDAY + WEEK)
    plan.begin_at(MONDAY)
    assert plan.windows() == [Window(MONDAY, MONDAY + WEEK)]


def test_a_long_stretch_may_be_shortened_and_a_short_one_not() -> None:
    assert Plan(LoadRequest(0, None), OPT_STATUS, [], MONDAY).may_be_shortened
    assert not Plan(LoadRequest(MONDAY - 100 * WEEK, None), OPT_STATUS, [], MONDAY).may_be_shortened


def test_windows_before_the_horizon_are_lost_and_never_fetched() -> None:
    horizon = to_ms(datetime(2025, 9, 2, tzinfo=UTC))
    plan = Plan(LoadRequest(horizon - 3 * DAY, None), MESSAGES, [cached(horizon - 2 * DAY, DAY)], MONDAY)
    assert plan.lost() == [
        Window(horizon - 3 * DAY, horizon - 2 * DAY),
        Window(horizon - DAY, horizon),
    ]
    assert plan.windows()[0].start == horizon
    assert not plan.is_fulfilled
    plan.now += 1
    assert plan.windows()[0].start == horizon + DAY


def test_without_a_start_messages_begin_where_the_cache_or_the_horizon_does() -> None:
    horizon = to_ms(datetime(2025, 9, 2, tzinfo=UTC))
    assert Plan(LoadRequest(None, None), MESSAGES, [], MONDAY).windows()[0].start == horizon
    older = [cached(horizon - number * DAY, DAY) for number in (1, 2, 3)]
    plan = Plan(LoadRequest(None, None), MESSAGES, older, MONDAY)
    assert plan.lost() == []
    assert plan.windows()[0].start == horizon
    plan = Plan(LoadRequest(None, None), MESSAGES, older[1:], MONDAY)
    assert plan.lost() == [Window(horizon - DAY, horizon)]


def test_a_plan_follows_the_servers_clock() -> None:
    plan = Plan(LoadRequest(MONDAY, None), OPT_STATUS, [], MONDAY + 10 * WEEK)
    assert plan.next_window(None) == Window(MONDAY, MONDAY + WEEK)
    assert plan.count == 10
    clock = MONDAY + WEEK + DAY
    assert plan.next_window(clock) == Window(MONDAY + WEEK, clock)
    assert plan.count == 2
    assert plan.next_window(clock) is None
    later = clock + DAY
    assert plan.next_window(later) == Window(MONDAY + WEEK, later)
    assert plan.next_window(later) is None


@pytest.mark.parametrize(("month", "day", "expected"), [(3, 2, (2025, 9, 2)), (8, 31, (2026, 2, 28))])
def test_the_horizon_is_six_months_of_the_calendar(
    month: int, day: int, expected: tuple[int, int, int]
) -> None:
    now = to_ms(datetime(2026, month, day, 12, tzinfo=UTC))
    assert MESSAGES.horizon(now) == to_ms(datetime(*expected, 12, tzinfo=UTC))
    assert OPT_STATUS.horizon(now) is None


def test_an_empty_interval_is_an_error() -> None:
    with pytest.raises(SettingsError, match="start must be before end"):
        LoadRequest(MONDAY, MONDAY)
