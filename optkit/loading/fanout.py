"""Many readings over a few workers: requests that more follows from go first, answers come back in any order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from optkit.loading.crew import Crew
from optkit.loading.entries import Page
from optkit.loading.pages import Counts, Reading
from optkit.loading.parts import PageRequest

K = TypeVar("K")


@dataclass
class _Job(Generic[K]):
    """A reading under way."""

    number: int
    key: K
    reading: Reading


def read_all(
    readings: Iterator[tuple[K, Reading]],
    get: Callable[[PageRequest], Page],
    workers: int,
    *,
    on_page: Callable[[Page], None],
    on_done: Callable[[K, Counts], None],
) -> None:
    """Run readings to their ends, each page by one of the workers.

    A new reading begins only when those under way are about to leave a worker idle, so few are open at once.
    Everything but `get` is called from the calling thread.

    Parameters
    ----------
    readings : iterator of (key, reading)
        What is to be read, in order.
    get : callable
        Fetches one page; called from the workers.
    workers : int
        Requests under way at once, at most.
    on_page, on_done : callable
        Called for each page that came, and for each reading that ended.

    Raises
    ------
    Exception
        Whatever `get`, a reading or a callback raised first; nothing is asked for after it.
    """
    crew: Crew[_Job[K]] = Crew(get, workers)
    try:
        _direct(readings, crew, workers=workers, on_page=on_page, on_done=on_done)
    finally:
        crew.dismiss()


def _direct(
    readings: Iterator[tuple[K, Reading]],
    crew: Crew[_Job[K]],
    *,
    workers: int,
    on_page: Callable[[Page], None],
    on_done: Callable[[K, Counts], None],
) -> None:
    jobs, requests = count(), count()
    under_way = awaited = 0  # readings, pages

    def advance(job: _Job[K], answer: tuple[PageRequest, Page] | None) -> None:
        """Let a reading go on until it waits for pages or ends."""
        nonlocal under_way, awaited
        try:
            wanted = next(job.reading) if answer is None else job.reading.send(answer)
        except StopIteration as end:
            under_way -= 1
            on_done(job.key, end.value)
            return
        awaited += len(wanted)
        for request in wanted:
            # a first page goes first, because a whole part follows from it; then the earliest reading's: at an equal
            # pace readings would all come at once to where each waits for one answer
            crew.ask((request.page > 1, job.number, next(requests)), job, request)

    while True:
        # a new reading takes some answers until it has something to do for every worker; one that is short never has
        while awaited < 4 * workers and under_way <= workers and (pair := next(readings, None)) is not None:
            under_way += 1
            advance(_Job(next(jobs), *pair), None)
        if not awaited:
            return
        job, request, answer = crew.answer()
        awaited -= 1
        if isinstance(answer, BaseException):
            raise answer
        on_page(answer)
        advance(job, (request, answer))
