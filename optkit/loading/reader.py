"""One window from its chunks: complete and checked, or an error. Nothing here touches a network."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import polars as pl

from optkit.datasets.endpoint import Endpoint
from optkit.loading.chunks import ChunkReader, ChunkRows
from optkit.loading.clocks import Clock
from optkit.loading.pages import Page, PageRequest
from optkit.loading.windows import Window

#: Chunks of a window that are read at the same time: while one is checked, the pages of the next come.
_AT_ONCE: Final = 3


@dataclass(frozen=True)
class WindowRows(ChunkRows):
    """What reading a window gave: what its chunks have, in all."""

    pages: int  # that were requested
    clock: Clock  # when the server answered first


class WindowReader:
    """Reads one window: call `start`, then `take` with every requested page, in any order, until it is done."""

    def __init__(self, window: Window, endpoint: Endpoint) -> None:
        self.window = window
        self._pending = deque([ChunkReader(window, endpoint)])
        self._reading: dict[tuple[int, int], ChunkReader] = {}  # by the bounds of their requests
        self._done: dict[int, ChunkRows] = {}  # by the chunk's start
        self._pages = 0
        self._clock: Clock | None = None

    @property
    def is_done(self) -> bool:
        """Whether no page is missing any more."""
        return not self._reading and not self._pending

    def start(self) -> list[PageRequest]:
        """Begin to read pending chunks, as many as are read at the same time, and return their first requests."""
        requests: list[PageRequest] = []
        while self._pending and len(self._reading) < _AT_ONCE:
            reader = self._pending.popleft()
            (first,) = reader.start()
            self._reading[first.start, first.end] = reader
            requests.append(first)
        return requests

    def take(self, request: PageRequest, page: Page) -> list[PageRequest]:
        """Take a requested page, and return the requests that follow from it.

        Raises
        ------
        DriftError, ResponseError
            See `ChunkReader.take`.
        """
        self._pages += 1
        self._clock = page.clock if self._clock is None else self._clock.earlier(page.clock)
        reader = self._reading[request.start, request.end]
        requests = reader.take(request, page)
        if not reader.is_done:
            return requests
        del self._reading[request.start, request.end]
        self._pending.extendleft(reversed(reader.smaller))
        if reader.rows is not None:
            self._done[reader.window.start] = reader.rows
        return self.start()

    def result(self) -> WindowRows:
        """Return what was read, once it is done."""
        assert self._clock is not None
        chunks = [self._done[start] for start in sorted(self._done)]
        return WindowRows(
            frame=pl.concat([chunk.frame for chunk in chunks]),
            duplicates=sum(chunk.duplicates for chunk in chunks),
            dropped=sum(chunk.dropped for chunk in chunks),
            totals_fit=any(chunk.totals_fit for chunk in chunks),
            totals_contradict=any(chunk.totals_contradict for chunk in chunks),
            pages=self._pages,
            clock=self._clock,
        )
