"""A server to read from: the vendor's, or the emulator with the made-up account; its clock, and where it begins."""

import threading
import time
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

import polars as pl

from optkit.config import DEMO, Settings, is_loopback
from optkit.errors import LoadInterrupted, SettingsError
from optkit.history import SCHEMA
from optkit.loading.client import Client
from optkit.loading.clocks import compare_clocks
from optkit.loading.entries import Page
from optkit.loading.fanout import read_all
from optkit.loading.pages import Counts, Reading, read_window
from optkit.loading.parts import PageRequest
from optkit.loading.windows import Window, week_of
from optkit.times import DAY, WEEK, to_ms

K = TypeVar("K")


class Server:
    """An account that answers.

    Parameters
    ----------
    client : Client
        How it is asked.
    workers : int
        Requests under way at once.
    early : iterable of PageRequest, optional
        Pages that will be wanted whatever the server's clock says: asked for while it is, which saves a round trip.
    settings : Settings, optional
        Whether it is on this machine, and whether it is the made-up account.

    Attributes
    ----------
    clock : Clock
        What the time is, by its clocks and this machine's.
    """

    def __init__(
        self,
        client: Client,
        workers: int,
        early: Iterable[PageRequest] = (),
        settings: Settings | None = None,
    ) -> None:
        self._client = client
        self._workers = workers
        self._early = {request: _ask_now(client, request) for request in early}
        local = local_clock(settings)
        page = self._peek(local + DAY)  # a day more, in case this machine's clock is late
        here = settings is not None and is_loopback(urlsplit(settings.base_url).hostname or "")
        self.clock = compare_clocks(page.clock, page.date, local, on_this_machine=here)
        self.now = self.clock.now
        if self.clock.warning:
            warnings.warn(self.clock.warning, stacklevel=7)
        self._holds_anything = bool(page.entries)

    def _peek(self, end: int) -> Page:
        """Ask for the least there is up to `end`."""
        return self._client.get({"start_time": 0, "end_time": end, "page": 1, "per_page": 1})

    def begin(self) -> Window:
        """Return the week of the account's first event; this week, where it has none.

        It relies on nothing but whether [0, t] holds anything, and halves t; for an event at the very start of
        a week it may name the week before.
        """
        starts = range(week_of(0).start, week_of(self.now).start + 1, WEEK)
        if not self._holds_anything:
            return week_of(starts[-1])
        last = len(starts) - 1
        first = bisect_left(starts, True, hi=last, key=lambda start: bool(self._peek(start + WEEK).entries))
        return week_of(starts[first])

    def read(
        self,
        readings: Iterator[tuple[K, Reading]],
        *,
        filters: Mapping[str, str] | None = None,
        on_page: Callable[[Page], None] = lambda _: None,
        on_done: Callable[[K, Counts], None] = lambda *_: None,
    ) -> None:
        """Run readings to their ends.

        Raises
        ------
        LoadInterrupted
            Ctrl-C.
        OptkitError
            As of `Client.get` and `read_window`.
        """

        def get(request: PageRequest) -> Page:
            early = None if filters else self._early.pop(request, None)
            return early.result() if early else self._client.get(request.query(filters or {}))

        try:
            read_all(
                readings,
                get,
                self._workers,
                on_page=on_page,
                on_done=on_done,
            )
        except KeyboardInterrupt:
            raise LoadInterrupted(
                "stopped; the windows that were complete are cached, and the next load goes on from there"
            ) from None

    def read_one(self, window: Window, filters: Mapping[str, str] | None = None) -> pl.DataFrame:
        """Return the events of one window: a history's columns, sorted."""
        parts = [SCHEMA.to_frame()]
        self.read(iter([(None, read_window(window, parts.append))]), filters=filters)
        return pl.concat(parts)


def _ask_now(client: Client, request: PageRequest) -> "Future[Page]":
    """Ask for a page, to be waited for when it is wanted; what goes wrong is raised then."""
    page: Future[Page] = Future()

    def work() -> None:
        try:
            page.set_result(client.get(request.query({})))
        except BaseException as error:  # noqa: BLE001 - it is raised again, by whoever wants the page
            page.set_exception(error)

    # no executor: at its end the interpreter would wait for a server that hangs
    threading.Thread(target=work, name="optkit-early", daemon=True).start()
    return page


@contextmanager
def connect(settings: Settings, early: Iterable[PageRequest] = ()) -> Iterator[Server]:
    """Connect to the account of the settings; to the made-up one by starting the emulator on loopback.

    Parameters
    ----------
    settings : Settings
        Where, and as who.
    early : iterable of PageRequest, optional
        As of `Server`.

    Raises
    ------
    SettingsError
        There is no token; or the emulator is not installed.
    OptkitError
        As of `Client.get`.
    """
    if settings.account == DEMO:
        with _demo(settings) as demo, Client(demo) as client:
            yield Server(client, settings.workers, early, demo)
    else:
        with Client(settings) as client:
            yield Server(client, settings.workers, early, settings)


@contextmanager
def _demo(settings: Settings) -> Iterator[Settings]:
    try:
        from optkit.emulator import Emulator
    except ImportError:
        raise SettingsError("the demo account needs the emulator: pip install 'optkit[emulator]'") from None
    from optkit.demo import CLOCK, demo_history

    with Emulator(demo_history(), clock=CLOCK) as server:
        yield replace(settings, base_url=server.url, token=server.token)


def local_clock(settings: Settings | None) -> int:
    """Return what the time is without asking the server, in epoch milliseconds."""
    if settings is not None and settings.account == DEMO:
        from optkit.demo import CLOCK

        return to_ms(CLOCK)
    return time.time_ns() // 1_000_000
