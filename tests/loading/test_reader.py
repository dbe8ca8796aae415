"""Reading a window from simulated servers that behave in ways that no real one should."""

import gc
import random
import weakref
from collections.abc import Callable, Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optkit.datasets.opt_status import OPT_STATUS, Event
from optkit.errors import DriftError, ResponseError
from optkit.loading import chunks
from optkit.loading.pages import Page, PageRequest
from optkit.loading.reader import WindowReader, WindowRows
from optkit.loading.windows import Window, grid_window
from optkit.times import DAY, WEEK

WEEK_OF_MARCH = grid_window(1_772_500_000_000, WEEK)
Answer = Callable[[PageRequest], Page]


def events(count: int, *, seed: int = 1, senders: int = 3) -> list[Event]:
    chance = random.Random(seed)
    return [
        Event(
            to_phone=f"+1212555{chance.randrange(100, 200):04d}",
            from_phone=f"2436{chance.randrange(senders)}",
            created_at=chance.randrange(WEEK_OF_MARCH.start, WEEK_OF_MARCH.end),
            status="opt-in" if chance.random() < 0.5 else "opt-out",
            current_status="opt-in",
        )
        for _ in range(count)
    ]


def page_of(entries: Sequence[Event], request: PageRequest, size: int = 100) -> Page:
    """Return the page of a server that does everything right."""
    inside = [entry for entry in entries if request.start <= int(entry.created_at) <= request.end]
    inside.sort(key=lambda entry: (-int(entry.created_at), entry.to_phone, entry.from_phone, entry.status))
    start = (request.page - 1) * size
    return Page(inside[start : start + size], size, len(inside), -(-len(inside) // size))


def read(answer: Answer, window: Window = WEEK_OF_MARCH, most: int = 5000) -> tuple[pl.DataFrame, WindowRows]:
    reader = WindowReader(window, OPT_STATUS)
    wanted, order = reader.start(), random.Random(0)
    for _ in range(most):
        request = wanted.pop(order.randrange(len(wanted)))  # answers come in any order
        wanted += reader.take(request, answer(request))
        if reader.is_done:
            assert not wanted
            rows = reader.result()
            return rows.frame, rows
    raise AssertionError("it reads on and on")


def truth(entries: Sequence[Event]) -> set[tuple[object, ...]]:
    return {OPT_STATUS.record_key(entry) for entry in entries}


def found(frame: pl.DataFrame) -> set[tuple[object, ...]]:
    moment = pl.col("created_at").dt.epoch("ms")
    return set(frame.select("to_phone", "from_phone", moment, "status").iter_rows())


@given(st.integers(0, 450), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_a_server_that_does_everything_right_is_read_once(count: int, seed: int) -> None:
    entries = events(count, seed=seed)
    frame, counts = read(lambda request: page_of(entries, request))
    assert found(frame) == truth(entries)
    assert frame.height == len(truth(entries))
    assert frame.height + counts.duplicates == count
    least = max(1, -(-count // 100))
    assert least <= counts.pages <= 2 * (least + 2)


def test_a_window_of_several_chunks_is_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_ENTRIES", 200)
    entries = events(2000)
    frame, _ = read(lambda request: page_of(entries, request))
    assert found(frame) == truth(entries)
    assert frame["created_at"].is_sorted()


def test_no_page_deeper_than_the_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_ENTRIES", 200)
    entries, asked = events(2000), set()

    def answer(request: PageRequest) -> Page:
        asked.add(request.page)
        return page_of(entries, request)

    read(answer)
    assert max(asked) <= 3


def test_more_events_in_one_second_than_the_limit_are_read_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "MOST_ENTRIES", 200)
    moment = WEEK_OF_MARCH.start + DAY
    crowd = [Event(f"+1212555{number:04d}", "24365", moment, "opt-out", "opt-out") for number in range(500)]
    frame, _ = read(lambda request: page_of(crowd, request))
    assert frame.height == 500


def test_an_order_that_changes_with_each_request_loses_nothing() -> None:
    entries, chance = events(700), random.Random(3)

    def answer(request: PageRequest) -> Page:
        inside = [entry for entry in entries if request.start <= int(entry.created_at) <= request.end]
        chance.shuffle(inside)
        start = (request.page - 1) * 100
        return Page(inside[start : start + 100], 100, len(inside), -(-len(inside) // 100))

    frame, _ = read(answer)
    assert found(frame) == truth(entries)


def test_rows_that_arrive_while_pages_are_read_do_not_hide_others() -> None:
    entries, waiting = events(1500), events(40, seed=9)

    def answer(request: PageRequest) -> Page:
        if waiting:
            entries.append(waiting.pop())
        return page_of(entries, request)

    frame, _ = read(answer)
    assert truth(events(1500)) <= found(frame) <= truth(entries)


def test_a_window_whose_pages_never_agree_is_an_error() -> None:
    entries, more = events(900), events(100_000, seed=4)

    def answer(request: PageRequest) -> Page:
        entries.extend(more[-50:])
        del more[-50:]
        return page_of(entries, request)

    with pytest.raises(DriftError, match="its count changed"):
        read(answer)


def test_a_repeated_page_is_an_error() -> None:
    entries = events(700)
    with pytest.raises(ResponseError, match="one page under two numbers"):
        read(lambda asked: page_of(entries, asked._replace(page=min(asked.page, 3))))


def test_a_server_that_does_not_filter_by_time_is_an_error() -> None:
    entries = events(50)
    earlier = WEEK_OF_MARCH.start - 3 * WEEK
    with pytest.raises(ResponseError, match="does not filter by time"):
        read(
            lambda asked: page_of(entries, PageRequest(0, 2**50, asked.page)), Window(earlier, earlier + WEEK)
        )


@pytest.mark.parametrize("rows", [1, 99, 100, 130, 200])
def test_a_total_that_is_entries_a_page_times_pages_is_understood(rows: int) -> None:
    entries = events(rows)

    def answer(request: PageRequest) -> Page:
        page = page_of(entries, request)
        page.total_entries = page.per_page * page.total_pages
        return page

    frame, _ = read(answer)
    assert found(frame) == truth(entries)


def test_duplicates_on_one_page_and_across_pages_are_one_event_each() -> None:
    entries = events(300)
    frame, counts = read(lambda request: page_of([*entries, *entries[:50]], request))
    assert found(frame) == truth(entries)
    assert counts.duplicates == 350 - len(truth(entries))


def test_a_server_that_always_sends_the_same_entry_is_an_error_at_once() -> None:
    entry = events(1)
    asked: list[PageRequest] = []

    def answer(request: PageRequest) -> Page:
        asked.append(request)
        return Page(entry, 1, 9, 5)  # the vendor's sample

    with pytest.raises(ResponseError, match="one page under two numbers"):
        read(answer)
    assert len(asked) == 3


@pytest.mark.parametrize("rows", [7, 130, 1000])
def test_a_total_that_is_far_too_high_costs_few_requests(rows: int) -> None:
    entries = events(rows)
    requests = 0

    def answer(request: PageRequest) -> Page:
        nonlocal requests
        requests += 1
        return Page(page_of(entries, request).entries, 100, 15_000)

    frame, window = read(answer)
    assert frame.height == rows
    assert window.totals_contradict
    assert not window.totals_fit
    assert requests < 700


def test_an_empty_page_that_claims_entries_is_read_twice_and_reported() -> None:
    asked: list[PageRequest] = []

    def answer(request: PageRequest) -> Page:
        asked.append(request)
        return Page([], 100, 7, 1)

    frame, rows = read(answer)
    assert frame.height == 0
    assert rows.totals_contradict
    assert not rows.totals_fit
    assert len(asked) == 2


def test_records_are_not_kept_once_a_chunk_is_read() -> None:
    entries = events(450)
    reader = chunks.ChunkReader(WEEK_OF_MARCH, OPT_STATUS)
    wanted = reader.start()
    gc.disable()  # it would find them, but late: until then they fill the memory
    try:
        while wanted:
            request = wanted.pop()
            wanted += reader.take(request, page_of(entries, request))
        assert reader.is_done
        kept = weakref.ref(reader)
        del reader
        assert kept() is None
    finally:
        gc.enable()
