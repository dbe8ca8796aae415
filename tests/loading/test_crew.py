"""How many workers go on."""

import threading
import time

import pytest

from optkit.loading.crew import Crew, fitting_size
from optkit.loading.entries import Page
from optkit.loading.parts import PageRequest


@pytest.mark.parametrize(
    ("size", "limit", "busy", "expected"),
    [
        (8, 8, 0.1, 8),
        (8, 8, 0.95, 4),
        (3, 8, 0.95, 2),
        (2, 8, 1.4, 2),
        (1, 1, 0.95, 1),
        (4, 8, 0.6, 5),
        (4, 8, 0.8, 4),
    ],
)
def test_workers_are_halved_when_the_processor_is_busy_and_come_back_one_by_one(
    size: int, limit: int, busy: float, expected: int
) -> None:
    assert fitting_size(size, limit, busy) == expected


def workers() -> int:
    return sum(thread.name == "optkit-worker" for thread in threading.enumerate())


def ask(crew: Crew[str], pages: int) -> None:
    for page in range(pages):
        crew.ask((False, 0, page), "job", PageRequest(0, 1, page))


def test_all_workers_stay_while_they_wait_for_the_server() -> None:
    def get(_: PageRequest) -> Page:
        time.sleep(0.01)
        return Page([])

    before = workers()
    crew: Crew[str] = Crew(get, 6)
    ask(crew, 240)
    answered = {crew.answer()[1].page for _ in range(240)}
    assert answered == set(range(240))
    assert workers() - before == 6
    crew.dismiss()
    deadline = time.monotonic() + 10
    while workers() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert workers() == before


def test_an_error_is_handed_over_and_its_worker_goes_on() -> None:
    def get(request: PageRequest) -> Page:
        if request.page == 0:
            raise ValueError("page 0")
        return Page([])

    crew: Crew[str] = Crew(get, 1)
    ask(crew, 2)
    (first, second) = (crew.answer()[2] for _ in range(2))
    assert isinstance(first, ValueError)
    assert isinstance(second, Page)
    crew.dismiss()


def test_workers_may_come_and_go_while_others_are_still_busy() -> None:
    held = threading.Event()

    def get(_: PageRequest) -> Page:
        held.wait(10)
        return Page([])

    crew: Crew[str] = Crew(get, 4)
    ask(crew, 200)
    for _ in range(50):
        crew._resize(1)
        crew._resize(4)
    held.set()
    assert len({crew.answer()[1].page for _ in range(200)}) == 200
    crew.dismiss()
