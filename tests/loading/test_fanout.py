"""Readings over workers, with readings and servers on paper."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from optkit.loading.entries import Page
from optkit.loading.fanout import read_all
from optkit.loading.pages import Counts, Reading
from optkit.loading.parts import PageRequest


def reading_of(name: int, pages: int, seen: list[tuple[int, int]]) -> Reading:
    """Ask for page 1, then for the others all at once; take them as they come."""
    request, _ = yield [PageRequest(name, name, 1)]
    seen.append((name, request.page))
    missing = pages - 1
    wanted = [PageRequest(name, name, page) for page in range(2, pages + 1)]
    while missing:
        request, _ = yield wanted
        seen.append((name, request.page))
        missing, wanted = missing - 1, []
    return Counts(rows=name, pages=pages)


def run(
    readings: Iterator[tuple[int, Reading]], get: Callable[[PageRequest], Page], workers: int
) -> tuple[int, dict[int, Counts]]:
    pages: list[Page] = []
    done: dict[int, Counts] = {}
    read_all(readings, get, workers, on_page=pages.append, on_done=done.__setitem__)
    return len(pages), done


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_every_page_is_fetched_once_and_every_reading_ends(workers: int) -> None:
    asked: list[PageRequest] = []
    seen: list[tuple[int, int]] = []

    def get(request: PageRequest) -> Page:
        asked.append(request)
        return Page([])

    lengths = [1, 7, 2, 40, 1, 3]
    readings = ((name, reading_of(name, length, seen)) for name, length in enumerate(lengths))
    pages, done = run(readings, get, workers)
    every = {(name, page) for name, length in enumerate(lengths) for page in range(1, length + 1)}
    assert len(asked) == len(seen) == pages == len(every)
    assert set(seen) == {(request.start, request.page) for request in asked} == every
    assert {name: counts.pages for name, counts in done.items()} == dict(enumerate(lengths))


def test_as_many_requests_are_under_way_as_there_are_workers() -> None:
    barrier = threading.Barrier(4)

    def get(_: PageRequest) -> Page:
        barrier.wait(10)  # passes only when four are there at once
        return Page([])

    pages, _ = run(iter([(0, reading_of(0, 1, [])), *((n, reading_of(n, 9, [])) for n in (1, 2, 3))]), get, 4)
    assert pages == 28


def test_few_readings_are_open_at_once() -> None:
    opened: list[int] = []
    ended: list[int] = []
    most = 0

    def readings() -> Iterator[tuple[int, Reading]]:
        nonlocal most
        for name in range(60):
            opened.append(name)
            most = max(most, len(opened) - len(ended))
            yield name, reading_of(name, 2, [])

    def note(name: int, _: Counts) -> None:
        ended.append(name)

    read_all(readings(), lambda _: Page([]), 4, on_page=lambda _: None, on_done=note)
    assert sorted(ended) == list(range(60))
    assert most <= 5


def test_first_pages_go_before_others_and_earlier_readings_before_later_ones() -> None:
    asked: list[tuple[int, int]] = []

    def get(request: PageRequest) -> Page:
        asked.append((request.start, request.page))
        time.sleep(0.001)
        return Page([])

    run(((name, reading_of(name, 30, [])) for name in range(3)), get, 1)
    later = [name for name, page in asked if page > 1]
    assert later == sorted(later)
    # the second reading's first page was asked for long before the first reading's last
    assert asked.index((1, 1)) < asked.index((0, 30))


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_error_ends_it_and_nothing_more_is_asked_for(workers: int) -> None:
    asked: list[PageRequest] = []

    def get(request: PageRequest) -> Page:
        asked.append(request)
        if request.page == 5:
            raise ValueError("page 5")
        time.sleep(0.002)
        return Page([])

    with pytest.raises(ValueError, match="page 5"):
        run(iter([(0, reading_of(0, 500, []))]), get, workers)
    time.sleep(0.05)
    assert len(asked) < 5 + 4 * workers
