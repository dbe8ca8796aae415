from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from optkit.loading.windows import (
    Window,
    WindowInfo,
    gaps,
    grid_window,
    grid_windows,
    is_final,
    windows_to_fetch,
)
from optkit.times import DAY, SECOND, WEEK, to_ms

MONDAY = to_ms(datetime(2026, 3, 2, tzinfo=UTC))
moments = st.integers(0, MONDAY + 60 * WEEK)


def cached(start: int, end: int | None = None, *, final: bool = True, begins: bool = False) -> WindowInfo:
    window = Window(start, start + WEEK if end is None else end)
    return WindowInfo(window, fetched_at=window.end, final=final, begins=begins)


def test_weeks_begin_on_monday_in_utc() -> None:
    sunday = to_ms(datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC))
    assert grid_window(sunday, WEEK) == Window(to_ms(datetime(2026, 2, 23, tzinfo=UTC)), MONDAY)
    assert grid_window(MONDAY, WEEK) == Window(MONDAY, MONDAY + WEEK)


@given(st.tuples(moments, moments).map(sorted))
def test_windows_cover_what_is_asked_once(edges: list[int]) -> None:
    asked = Window(*edges)
    found = list(grid_windows(asked, WEEK))
    if asked.length == 0:
        assert not found
        return
    assert all(week.length == WEEK and (week.start - MONDAY) % WEEK == 0 for week in found)
    assert all(one.end == other.start for one, other in pairwise(found))
    assert found[0].start <= asked.start < found[0].end
    assert found[-1].start < asked.end <= found[-1].end


@given(moments, st.integers(1, 10**9), st.integers(1, 80))
def test_a_split_leaves_no_gap_and_no_overlap_and_cuts_at_whole_seconds(
    start: int, length: int, parts: int
) -> None:
    window = Window(start, start + length)
    pieces = window.split(parts)
    assert len(pieces) <= parts
    assert (pieces[0].start, pieces[-1].end) == (window.start, window.end)
    for one, other in pairwise(pieces):
        assert one.end == other.start
        assert one.end % SECOND == 0
        assert one.length > 0


def test_a_window_is_final_once_it_ended_before_the_look_back() -> None:
    week = Window(MONDAY, MONDAY + WEEK)
    look_back = timedelta(days=2)
    assert not is_final(week, week.end + 2 * DAY - 1, look_back)
    assert is_final(week, week.end + 2 * DAY, look_back)


def test_fetched_are_missing_weeks_and_those_that_may_have_changed() -> None:
    second, third = MONDAY + WEEK, MONDAY + 2 * WEEK
    now = third + DAY
    known = [cached(MONDAY), cached(third, now, final=False)]
    asked = Window(MONDAY, now)
    assert windows_to_fetch(asked, known, length=WEEK, now=now) == [Window(second, third)]
    assert windows_to_fetch(asked, known, length=WEEK, now=now + 1) == [
        Window(second, third),
        Window(third, third + WEEK),
    ]
    assert len(windows_to_fetch(asked, known, length=WEEK, now=now, force=True)) == 3


def test_weeks_before_the_account_begins_are_not_fetched() -> None:
    known = [cached(MONDAY, begins=True)]
    asked = Window(MONDAY - 5 * WEEK, MONDAY + WEEK)
    assert windows_to_fetch(asked, known, length=WEEK, now=MONDAY + 3 * WEEK) == []


def test_gaps_are_named_exactly() -> None:
    claims = [cached(MONDAY), cached(MONDAY + 2 * WEEK, MONDAY + 2 * WEEK + DAY, final=False)]
    asked = Window(MONDAY - DAY, MONDAY + 3 * WEEK)
    assert gaps(asked, claims) == [
        Window(MONDAY - DAY, MONDAY),
        Window(MONDAY + WEEK, MONDAY + 2 * WEEK),
        Window(MONDAY + 2 * WEEK + DAY, MONDAY + 3 * WEEK),
    ]


def test_time_before_the_beginning_is_not_a_gap() -> None:
    claims = [cached(MONDAY, begins=True)]
    assert gaps(Window(0, MONDAY + DAY), claims) == []
    assert gaps(Window(0, 5), claims) == []


@given(st.sets(st.integers(0, 9)), st.tuples(moments, moments).map(sorted))
def test_gaps_and_windows_cover_the_request(held: set[int], edges: list[int]) -> None:
    claims = [cached(MONDAY + number * WEEK) for number in held]
    asked = Window(*edges)
    inside = sum(
        max(0, min(claim.window.end, asked.end) - max(claim.window.start, asked.start)) for claim in claims
    )
    assert inside + sum(gap.length for gap in gaps(asked, claims)) == asked.length


def test_a_window_reads_as_people_write_it() -> None:
    assert str(Window(MONDAY, MONDAY + DAY + 5 * SECOND)) == "[2026-03-02, 2026-03-03T00:00:05Z)"
