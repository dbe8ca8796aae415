"""The worker pool: as many threads as the limiter allows."""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager

from optkit.loading.limits import ConcurrencyLimiter
from optkit.loading.pages import Page, PageRequest
from optkit.loading.workers import WorkerPool


class Fixed(ConcurrencyLimiter):
    """A limiter whose limit is what it is told to be."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.fixed = limit

    @property
    def limit(self) -> int:
        return self.fixed


class Held:
    """Fetches pages, but none before it is let go; knows which ones it has fetched."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.fetched: list[int] = []

    def get(self, request: PageRequest) -> Page:
        assert self.let_go.wait(10)
        self.fetched.append(request.page)
        return Page([])


@contextmanager
def worker_pool(get: Callable[[PageRequest], Page], limiter: ConcurrencyLimiter) -> Iterator[WorkerPool[str]]:
    pool: WorkerPool[str] = WorkerPool(get, limiter)
    try:
        yield pool
    finally:
        pool.shutdown()


def submit(pool: WorkerPool[str], pages: int) -> None:
    for page in range(pages):
        pool.submit((0, page), "job", PageRequest(0, 1, page))


def workers(before: Collection[threading.Thread] = ()) -> set[threading.Thread]:
    """Return the workers that run, other than those that ran before: of an earlier pool, some may still end."""
    return {thread for thread in threading.enumerate() if thread.name == "optkit-worker"}.difference(before)


def wait_for_workers(count: int, before: Collection[threading.Thread]) -> None:
    deadline = time.monotonic() + 10
    while len(workers(before)) != count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(workers(before)) == count


def test_every_task_is_done_and_workers_end_with_the_pool() -> None:
    before, barrier = workers(), threading.Barrier(6)

    def get(request: PageRequest) -> Page:
        barrier.wait(10)  # passes only when six are there at once
        return Page([])

    with worker_pool(get, Fixed(6)) as pool:
        submit(pool, 240)
        assert {pool.next_result()[1].page for _ in range(240)} == set(range(240))
        assert pool.outstanding == 0
        assert len(workers(before)) == 6
    wait_for_workers(0, before)


def test_there_are_no_more_workers_than_tasks() -> None:
    before, held = workers(), Held()
    with worker_pool(held.get, Fixed(6)) as pool:
        submit(pool, 2)
        assert len(workers(before)) == 2
        held.let_go.set()
        for _ in range(2):
            pool.next_result()
    wait_for_workers(0, before)


def test_workers_are_added_as_the_limit_grows() -> None:
    barrier, limiter = threading.Barrier(3), Fixed(1)

    def get(request: PageRequest) -> Page:
        if request.page:
            barrier.wait(10)
        return Page([])

    with worker_pool(get, limiter) as pool:
        submit(pool, 4)
        assert pool.next_result()[1].page == 0
        limiter.fixed = 3
        assert {pool.next_result()[1].page for _ in range(3)} == {1, 2, 3}


def test_workers_end_when_the_limit_falls() -> None:
    before, barrier, limiter = workers(), threading.Barrier(4), Fixed(4)

    def get(request: PageRequest) -> Page:
        if request.page < 4:
            barrier.wait(10)
            limiter.fixed = 1
        return Page([])

    with worker_pool(get, limiter) as pool:
        submit(pool, 8)
        assert {pool.next_result()[1].page for _ in range(8)} == set(range(8))
        wait_for_workers(1, before)
    wait_for_workers(0, before)


def test_an_error_is_handed_over_and_its_worker_goes_on() -> None:
    def get(request: PageRequest) -> Page:
        if request.page == 0:
            raise ValueError("page 0")
        return Page([])

    with worker_pool(get, Fixed(1)) as pool:
        submit(pool, 2)
        first, second = (pool.next_result()[2] for _ in range(2))
    assert isinstance(first, ValueError)
    assert isinstance(second, Page)


def test_tasks_are_done_in_order_of_priority() -> None:
    held = Held()
    with worker_pool(held.get, Fixed(1)) as pool:
        for page in range(4):
            pool.submit((1, 3 - page) if page else (0,), "job", PageRequest(0, 1, page))
        held.let_go.set()
        for _ in range(4):
            pool.next_result()
    assert held.fetched == [0, 3, 2, 1]


def test_pages_of_a_cancelled_job_are_not_fetched() -> None:
    held = Held()
    with worker_pool(held.get, Fixed(1)) as pool:
        for page, job in enumerate(["kept", "cancelled", "kept", "cancelled"]):
            pool.submit((page,), job, PageRequest(0, 1, page))
        pool.cancel("cancelled")
        held.let_go.set()
        results = {request.page: result for _, request, result in (pool.next_result() for _ in range(4))}
    assert held.fetched == [0, 2]
    assert [isinstance(results[page], CancelledError) for page in range(4)] == [False, True, False, True]
