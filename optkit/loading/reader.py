"""One window from its chunks: complete and checked, or an error. Nothing here touches a network."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import polars as pl

from optkit.datasets.endpoint import Endpoint
from optkit.errors import ResponseError
from optkit.loading.chunks import Chunk, ChunkReader
from optkit.loading.clocks import Clock
from optkit.loading.pages import Page, PageRequest
from optkit.loading.windows import Window
from optkit.times import SECOND

#: Chunks of a window that are read at the same time: while one is checked, the pages of the next come.
_AT_ONCE: Final = 3


@dataclass(frozen=True)
class WindowRows:
    """What reading a window gave and took.

    Attributes
    ----------
    frame : polars.DataFrame
        The rows in the endpoint's order, each once.
    duplicates : int
        Exact repetitions that were dropped.
    dropped : int
        Entries that do not belong to the dataset.
    pages : int
        Pages that were requested.
    clock : Clock
        When the server answered first.
    totals_fit, totals_contradict : bool
        As in `ChunkReader`: of any of the chunks.
    """

    frame: pl.DataFrame
    duplicates: int
    dropped: int
    pages: int
    clock: Clock
    totals_fit: bool
    totals_contradict: bool


class WindowReader:
    """Reads one window: call `start`, then `take` with every requested page, in any order, until it is done.

    Parameters
    ----------
    window : Window
        Its end must not be in the server's future.
    endpoint : Endpoint
        What the records are.
    """

    def __init__(self, window: Window, endpoint: Endpoint) -> None:
        self.window = window
        self._endpoint = endpoint
        self._pending: deque[Chunk] = deque([Chunk(window)])
        self._reading: dict[tuple[int, int], ChunkReader] = {}
        self._frames: dict[int, pl.DataFrame] = {}  # of finished chunks, by their start
        self._duplicates = self._dropped = self._requests = 0
        self._do_totals_fit = self._do_totals_contradict = False
        self._clock: Clock | None = None

    @property
    def is_done(self) -> bool:
        """Whether no page is missing any more."""
        return not self._reading and not self._pending

    def start(self) -> list[PageRequest]:
        """Return the first requests."""
        requests: list[PageRequest] = []
        while self._pending and len(self._reading) < _AT_ONCE:
            chunk = self._pending.popleft()
            reader = ChunkReader(chunk, self._endpoint)
            first = chunk.request(1)
            self._reading[first.start, first.end] = reader
            requests += reader.start()
        return requests

    def take(self, request: PageRequest, page: Page) -> list[PageRequest]:
        """Take a requested page, and return the requests that follow from it.

        Raises
        ------
        DriftError
            Pages kept changing, or the server's count kept differing from what it sent.
        ResponseError
            Pages are repeated, or entries cannot be read or are outside the requested bounds.
        """
        self._clock = page.clock if self._clock is None else self._clock.earlier(page.clock)
        chunk = self._reading[request.start, request.end]
        requests = chunk.take(request, page)
        if not chunk.is_done:
            return requests
        del self._reading[request.start, request.end]
        self._finish(chunk)
        return self.start()

    def result(self) -> WindowRows:
        """Return what was read, once it is done."""
        assert self.is_done
        assert self._clock is not None
        return WindowRows(
            frame=pl.concat([self._frames[start] for start in sorted(self._frames)]),
            duplicates=self._duplicates,
            dropped=self._dropped,
            pages=self._requests,
            clock=self._clock,
            totals_fit=self._do_totals_fit,
            totals_contradict=self._do_totals_contradict,
        )

    def _finish(self, chunk: ChunkReader) -> None:
        """Take the rows of a chunk, or read smaller ones instead; its records are not kept."""
        self._requests += chunk.requests
        self._pending.extendleft(reversed(chunk.chunks))
        if chunk.rows is None:
            return
        frame, duplicates = self._inside(chunk.chunk.window, chunk.rows)
        self._frames[chunk.chunk.window.start] = frame
        self._duplicates += duplicates
        self._dropped += chunk.received - chunk.rows.height
        self._do_totals_fit |= chunk.totals_fit
        self._do_totals_contradict |= chunk.totals_contradict

    def _inside(self, window: Window, rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """Return the rows of a chunk that are in its window, each once, and how many were repeated."""
        start, end = window.start, window.end
        # as timestamps, comparing takes four times as long
        moment = pl.col(self._endpoint.time).to_physical()
        first, last = rows.select(first=moment.first(), last=moment.last()).row(0)
        # a filter that works to the second may return as much beyond the bounds
        if rows.height and (first < start - SECOND or end + SECOND < last):
            raise ResponseError(
                "the server sends entries of other times; it does not filter by time as documented, or their "
                f"'{self._endpoint.time}' is in a unit that cannot be told"
            )
        inside = rows.filter(moment.is_between(start, end, closed="left"))
        unique = inside.filter(~self._endpoint.is_repeated()).drop("page")
        return unique, inside.height - unique.height
