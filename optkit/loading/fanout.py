"""Many readings over a few workers: requests that more follows from go first, answers come back in any order."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from queue import PriorityQueue, SimpleQueue
from typing import Generic, TypeVar

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


_Task = tuple[_Job[K], PageRequest]
#: Which task goes first, the least: a first page, because a whole part follows from it; then the earliest reading's.
#: Readings at an equal pace would all come at once to where each waits for one answer.
_Rank = tuple[bool, int, int]
_Tasks = PriorityQueue[tuple[_Rank, _Task[K] | None]]
_Answers = SimpleQueue[tuple[_Task[K], Page | BaseException]]


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
        Requests under way at once.
    on_page, on_done : callable
        Called for each page that came, and for each reading that ended.

    Raises
    ------
    Exception
        Whatever `get`, a reading or a callback raised first; nothing is asked for after it.
    """
    tasks: _Tasks[K] = PriorityQueue()
    answers: _Answers[K] = SimpleQueue()

    def work() -> None:
        while (task := tasks.get()[1]) is not None:
            try:
                answers.put((task, get(task[1])))
            except BaseException as error:  # noqa: BLE001 - it is raised again, by the calling thread
                answers.put((task, error))

    threads = [threading.Thread(target=work, name="optkit-worker", daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        _direct(readings, tasks, answers, workers=workers, on_page=on_page, on_done=on_done)
    finally:
        for number in range(workers):
            tasks.put(((False, -1, number), None))  # before whatever is still wanted


def _direct(
    readings: Iterator[tuple[K, Reading]],
    tasks: _Tasks[K],
    answers: _Answers[K],
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
            tasks.put(((request.page > 1, job.number, next(requests)), (job, request)))

    while True:
        # a new reading takes some answers until it has something to do for every worker; one that is short never has
        while awaited < 4 * workers and under_way <= workers and (pair := next(readings, None)) is not None:
            under_way += 1
            advance(_Job(next(jobs), *pair), None)
        if not awaited:
            return
        (job, request), answer = answers.get()
        awaited -= 1
        if isinstance(answer, BaseException):
            raise answer
        on_page(answer)
        advance(job, (request, answer))
