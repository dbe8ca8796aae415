"""The worker pool: as many threads as the limiter allows."""

import threading
import time
from collections.abc import Collection
from concurrent.futures import CancelledError

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


def workers(before: Collection[threading.Thread] = ()) -> set[threading.Thread]:
    """Return the workers that run, other than those that ran before: of an earlier pool, some may still end."""
    return {thread for thread in threading.enumerate() if thread.name == "optkit-worker"}.difference(before)


def wait_for_workers(count: int, before: Collection[threading.Thread]) -> None:
    deadline = time.monotonic() + 10
    while len(workers(before)) != count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(workers(before)) == count


def submit(pool: WorkerPool[str], pages: int) -> None:
    for page in range(pages):
        pool.submit((0, page), "job", PageRequest(0, 1, page))


def test_every_task_is_done_and_workers_end_with_the_pool() -> None:
    barrier = threading.Barrier(6)

    def get(request: PageRequest) -> Page:
        barrier.wait(10)  # passes only when six are there at once
        return Page([])

    before = workers()
    pool: WorkerPool[str] = WorkerPool(get, Fixed(6))
    submit(pool, 240)
    assert {pool.next_result()[1].page for _ in range(240)} == set(range(240))
    assert pool.outstanding == 0
    assert len(workers(before)) == 6
    pool.shutdown()
    wait_for_workers(0, before)


def test_there_are_no_more_workers_than_tasks() -> None:
    before, held = workers(), threading.Event()

    def get(request: PageRequest) -> Page:
        held.wait(10)
        return Page([])

    pool: WorkerPool[str] = WorkerPool(get, Fixed(6))
    submit(pool, 2)
    assert len(workers(before)) == 2
    held.set()
    for _ in range(2):
        pool.next_result()
    pool.shutdown()
    wait_for_workers(0, before)


def test_workers_are_added_as_the_limit_grows() -> None:
    barrier, limiter = threading.Barrier(3), Fixed(1)

    def get(request: PageRequest) -> Page:
        if request.page:
            barrier.wait(10)
        return Page([])

    pool: WorkerPool[str] = WorkerPool(get, limiter)
    submit(pool, 4)
    assert pool.next_result()[1].page == 0
    limiter.fixed = 3
    assert {pool.next_result()[1].page for _ in range(3)} == {1, 2, 3}
    pool.shutdown()


def test_workers_end_when_the_limit_falls() -> None:
    before, barrier, limiter = workers(), threading.Barrier(4), Fixed(4)

    def get(request: PageRequest) -> Page:
        if request.page < 4:
            barrier.wait(10)
            limiter.fixed = 1
        return Page([])

    pool: WorkerPool[str] = WorkerPool(get, limiter)
    submit(pool, 8)
    assert {pool.next_result()[1].page for _ in range(8)} == set(range(8))
    wait_for_workers(1, before)
    pool.shutdown()
    wait_for_workers(0, before)


def test_an_error_is_handed_over_and_its_worker_goes_on() -> None:
    def get(request: PageRequest) -> Page:
        if request.page == 0:
            raise ValueError("page 0")
        return Page([])

    pool: WorkerPool[str] = WorkerPool(get, Fixed(1))
    submit(pool, 2)
    first, second = (pool.next_result()[2] for _ in range(2))
    assert isinstance(first, ValueError)
    assert isinstance(second, Page)
    pool.shutdown()


def test_tasks_are_done_in_order_of_priority() -> None:
    held, done = threading.Event(), []

    def get(request: PageRequest) -> Page:
        held.wait(10)
        done.append(request.page)
        return Page([])

    pool: WorkerPool[str] = WorkerPool(get, Fixed(1))
    for page in range(4):
        pool.submit((1, 3 - page) if page else (0,), "job", PageRequest(0, 1, page))
    held.set()
    for _ in range(4):
        pool.next_result()
    assert done == [0, 3, 2, 1]
    pool.shutdown()


def test_pages_of_a_cancelled_job_are_not_fetched() -> None:
    held, done = threading.Event(), []

    def get(request: PageRequest) -> Page:
        held.wait(10)
        done.append(request.page)
        return Page([])

    pool: WorkerPool[str] = WorkerPool(get, Fixed(1))
    for page, job in enumerate(["kept", "cancelled", "kept", "cancelled"]):
        pool.submit((page,), job, PageRequest(0, 1, page))
    pool.cancel("cancelled")
    held.set()
    results = {request.page: result for _, request, result in (pool.next_result() for _ in range(4))}
    assert done == [0, 2]
    assert [isinstance(results[page], CancelledError) for page in range(4)] == [False, True, False, True]
    pool.shutdown()
