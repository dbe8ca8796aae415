"""Many readings over a few workers: requests go out in the order of the windows, answers come back in any."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

from optkit.loading.entries import Page
from optkit.loading.pages import Counts, PageRequest, Reading

K = TypeVar("K")


@dataclass
class _Job(Generic[K]):
    """A reading under way: what it asked for last, and what of that has come."""

    key: K
    reading: Reading
    answers: list[Page | None] = field(default_factory=list)
    missing: int = 0


_Task = tuple[_Job[K], int, PageRequest]


def read_all(
    readings: Iterator[tuple[K, Reading]],
    get: Callable[[PageRequest], Page],
    workers: int,
    *,
    on_page: Callable[[Page], None],
    on_done: Callable[[K, Counts], None],
) -> None:
    """Run readings to their ends, each page by one of the workers.

    A new reading begins only when those under way leave a worker idle, so few are open at once. Everything but `get`
    is called from the calling thread.

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
    tasks: SimpleQueue[_Task[K] | None] = SimpleQueue()
    answers: SimpleQueue[tuple[_Job[K], int, Page | BaseException]] = SimpleQueue()

    def work() -> None:
        while (task := tasks.get()) is not None:
            job, place, request = task
            try:
                answers.put((job, place, get(request)))
            except BaseException as error:  # noqa: BLE001 - it is raised again, by the calling thread
                answers.put((job, place, error))

    threads = [threading.Thread(target=work, name="optkit-worker", daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        _direct(readings, tasks, answers, workers=workers, on_page=on_page, on_done=on_done)
    finally:
        for _ in threads:
            tasks.put(None)


def _direct(
    readings: Iterator[tuple[K, Reading]],
    tasks: "SimpleQueue[_Task[K] | None]",
    answers: "SimpleQueue[tuple[_Job[K], int, Page | BaseException]]",
    *,
    workers: int,
    on_page: Callable[[Page], None],
    on_done: Callable[[K, Counts], None],
) -> None:
    ready: deque[_Task[K]] = deque()
    under_way = 0

    def advance(job: _Job[K], pages: list[Page] | None) -> None:
        """Let a reading go on until it waits for pages or ends."""
        try:
            wanted = next(job.reading) if pages is None else job.reading.send(pages)
            while not wanted:
                wanted = job.reading.send([])
        except StopIteration as end:
            on_done(job.key, end.value)
            return
        job.answers = [None] * len(wanted)
        job.missing = len(wanted)
        ready.extend((job, place, request) for place, request in enumerate(wanted))

    while True:
        # twice the workers wait in line, so that none is idle while an answer is dealt with here
        while len(ready) + under_way < 2 * workers and (pair := next(readings, None)) is not None:
            advance(_Job(*pair), None)
        while ready and under_way < 2 * workers:
            tasks.put(ready.popleft())
            under_way += 1
        if not under_way:
            return
        job, place, answer = answers.get()
        under_way -= 1
        if isinstance(answer, BaseException):
            raise answer
        on_page(answer)
        job.answers[place] = answer
        job.missing -= 1
        if not job.missing:
            advance(job, [page for page in job.answers if page is not None])
