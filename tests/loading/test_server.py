"""A server that answers: its clock, and pages that are asked for early."""

import threading
import time
from collections.abc import Mapping
from datetime import timedelta

import pytest
from accounts import CLOCK, make_history

import optkit
from optkit.config import Settings, resolve
from optkit.emulator import Emulator
from optkit.errors import AuthenticationError
from optkit.loading.client import Client
from optkit.loading.entries import Page
from optkit.loading.pages import Counts, Reading
from optkit.loading.parts import PageRequest
from optkit.loading.server import Server
from optkit.loading.windows import week_of
from optkit.times import WEEK, from_ms, to_ms

WRONG = "another"
NOW = time.time_ns() // 1_000_000
EARLY = PageRequest(1, 2, 1)


class ClockLast(Client):
    """Answers when asked for its clock only after it was asked for a page."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.asked = threading.Event()
        self.pages = 0

    def get(self, query: Mapping[str, str | int]) -> Page:
        if query["per_page"] == 1:
            assert self.asked.wait(10)
        else:
            self.pages += 1
            self.asked.set()
        return Page([], time_token=NOW)


def once(wanted: list[PageRequest]) -> Reading:
    for number, _ in enumerate(wanted):
        yield wanted if number == 0 else []
    return Counts()


def test_early_pages_are_asked_for_while_the_clock_is_and_only_once() -> None:
    with ClockLast(resolve(token=WRONG)) as client:
        server = Server(client, 2, [EARLY])
        assert server.now == NOW
        wanted = [EARLY, EARLY._replace(page=2)]
        came: list[Page] = []
        server.read(iter([(1, once(wanted))]), on_page=came.append)
        assert len(came) == client.pages == 2


def test_an_early_page_with_another_filter_is_another_page() -> None:
    with ClockLast(resolve(token=WRONG)) as client:
        server = Server(client, 1, [EARLY])
        server.read(iter([(1, once([EARLY]))]), filters={"status": "opt-in"})
        assert client.pages == 2


def test_weeks_that_are_over_take_a_request_each_and_one_for_the_clock() -> None:
    last = week_of(to_ms(CLOCK))
    with Emulator(make_history(60), clock=CLOCK) as server:
        optkit.configure(base_url=server.url, token=server.token, workers=8)
        start, end = (from_ms(last.start - weeks * WEEK) for weeks in (4, 1))
        optkit.load(start, end)
        assert len(server.requests) == 1 + 3


def test_a_refused_token_is_asked_about_once_a_worker_at_most() -> None:
    with Emulator(make_history(60), clock=CLOCK) as server:
        optkit.configure(base_url=server.url, token=WRONG, workers=8)
        with pytest.raises(AuthenticationError):
            optkit.load(CLOCK - timedelta(days=28), CLOCK)
        assert len(server.requests) <= 8
