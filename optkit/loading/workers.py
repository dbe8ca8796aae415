"""The worker pool of a load: threads that fetch pages, as many as the concurrency limiter allows."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError
from itertools import count
from queue import PriorityQueue, SimpleQueue
from typing import Any, Generic, TypeVar

from optkit.loading.limits import ConcurrencyLimiter
from optkit.loading.pages import Page, PageRequest

J = TypeVar("J", bound=Hashable)

#: Which task goes first: the least.
Priority = tuple[int, ...]


class WorkerPool(Generic[J]):
    """Fetches pages in order of priority; made, used and shut down by one thread.

    The workers call `get`. There are no more of them than requests may be in flight.
    """

    def __init__(self, get: Callable[[PageRequest], Page], limiter: ConcurrencyLimiter) -> None:
        self._get = get
        self._limiter = limiter
        self._tasks: PriorityQueue[tuple[Priority, int, Any]] = PriorityQueue()
        self._results: SimpleQueue[tuple[J, PageRequest, Page | BaseException]] = SimpleQueue()
        self._cancelled: set[J] = set()
        self._order = count()  # of tasks with the same priority
        self._workers = 0
        self._lock = threading.Lock()  # of the number of workers
        self.outstanding = 0

    def submit(self, priority: Priority, job: J, request: PageRequest) -> None:
        """Let a page be fetched when its turn comes."""
        self._tasks.put((priority, next(self._order), (job, request)))
        self.outstanding += 1
        self._add_workers()

    def cancel(self, job: J) -> None:
        """Fetch no more pages for a job: those that were submitted come as `CancelledError`."""
        self._cancelled.add(job)

    def next_result(self) -> tuple[J, PageRequest, Page | BaseException]:
        """Wait for any page, or for what fetching it raised."""
        self._add_workers()
        result = self._results.get()
        self.outstanding -= 1
        return result

    def shutdown(self) -> None:
        """End the workers, even if tasks are left."""
        for _ in range(self._workers):
            self._tasks.put(((), next(self._order), None))  # () is less than any other priority

    def _add_workers(self) -> None:
        while self._workers < min(self._limiter.limit, self.outstanding):
            with self._lock:
                self._workers += 1
            # no executor: at its end the interpreter would wait for a server that hangs
            threading.Thread(target=self._work, name="optkit-worker", daemon=True).start()

    def _work(self) -> None:
        while (task := self._tasks.get()[2]) is not None:
            job, request = task
            try:
                result: Page | BaseException = (
                    CancelledError() if job in self._cancelled else self._get(request)
                )
            except BaseException as error:  # noqa: BLE001 - it is raised again, by the thread that waits for the page
                result = error
            self._results.put((job, request, result))
            if self._is_surplus():
                return

    def _is_surplus(self) -> bool:
        """Take a worker out of the count if there are more than may be in flight: they would only take turns."""
        with self._lock:
            is_surplus = self._workers > self._limiter.limit
            self._workers -= is_surplus
        return is_surplus
