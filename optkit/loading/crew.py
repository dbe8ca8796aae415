"""The workers of a load: threads that fetch pages, as many as pay."""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from queue import PriorityQueue, SimpleQueue
from typing import Final, Generic, TypeVar

from optkit.loading.entries import Page
from optkit.loading.parts import PageRequest

J = TypeVar("J")

#: Which task goes first, the least; no two are equal.
Rank = tuple[bool, int, int]
_Task = tuple[J, PageRequest]
#: A task, and what came of it: what was raised, if no page.
_Answer = tuple[J, PageRequest, Page | BaseException]

#: Seconds between one look at how busy the processor is and the next.
_ROUND: Final = 0.1
#: Two can use one processor's time alone: the one asks while the other's page is on its way.
_FEWEST: Final = 2
#: Threads of Python share one processor: from this share of its time on, half of the workers are tried; below the other
#: one, one more.
_CROWDED: Final = 0.85
_WAITING: Final = 0.7


def fitting_size(size: int, limit: int, busy: float) -> int:
    """Return how many workers should go on: additive increase, multiplicative decrease.

    A server that answers at once keeps 2 workers busy: 8 wait for each other's processor time, load a tenth less a
    second and use a sixth more of it (500,000 rows on loopback). Over a real network all wait for the server, and all
    are wanted.

    Parameters
    ----------
    size, limit : int
        Workers now, and at most.
    busy : float
        The share of one processor that the load used lately.
    """
    if busy > _CROWDED:
        return min(size, max(_FEWEST, size // 2))
    return min(limit, size + 1) if busy < _WAITING else size


class Crew(Generic[J]):
    """Workers that do tasks by rank; made, asked and dismissed by one thread.

    Parameters
    ----------
    get : callable
        Fetches one page; called from the workers.
    limit : int
        Workers at most.
    """

    def __init__(self, get: Callable[[PageRequest], Page], limit: int) -> None:
        self._get = get
        self._limit = limit
        self._tasks: PriorityQueue[tuple[Rank, _Task[J] | None]] = PriorityQueue()
        self._answers: SimpleQueue[_Answer[J]] = SimpleQueue()
        self._size = 0
        self._farewells = count()  # tells them apart: equal ranks cannot be put in order
        self._spent: deque[float] = deque()  # processor time of tasks, in seconds
        self._clocks = time.perf_counter(), time.thread_time()
        self._resize(limit)

    def ask(self, rank: Rank, job: J, request: PageRequest) -> None:
        """Let a page be fetched when its turn comes."""
        self._tasks.put((rank, (job, request)))

    def answer(self) -> _Answer[J]:
        """Wait for any answer."""
        if time.perf_counter() - self._clocks[0] >= _ROUND:
            self._resize(fitting_size(self._size, self._limit, self._busy()))
        return self._answers.get()

    def dismiss(self) -> None:
        """Let the workers go, whatever is still to be done."""
        self._resize(0)

    def _busy(self) -> float:
        """Return the share of one processor that workers and caller used since this was last asked."""
        before, self._clocks = self._clocks, (time.perf_counter(), time.thread_time())
        passed, own = (now - then for now, then in zip(self._clocks, before, strict=True))
        spent = sum(self._spent.popleft() for _ in range(len(self._spent)))
        return (spent + own) / passed

    def _resize(self, size: int) -> None:
        for _ in range(self._size, size):
            threading.Thread(target=self._work, name="optkit-worker", daemon=True).start()
        for _ in range(size, self._size):
            self._tasks.put(((False, -1, next(self._farewells)), None))  # before whatever is still wanted
        self._size = size

    def _work(self) -> None:
        while (task := self._tasks.get()[1]) is not None:
            job, request = task
            began = time.thread_time()
            try:
                answer: Page | BaseException = self._get(request)
            except BaseException as error:  # noqa: BLE001 - it is raised again, by the thread that asked
                answer = error
            self._spent.append(time.thread_time() - began)
            self._answers.put((job, request, answer))
