"""One window from its parts: complete and checked, or an error.

The reading is a generator: it yields the pages it wants, is sent them one by one, and never touches a network.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

import polars as pl

from optkit.errors import DriftError, ResponseError
from optkit.loading.entries import Page
from optkit.loading.parts import Outcome, PageRequest, Part, is_duplicate, read_part
from optkit.loading.windows import Window
from optkit.times import SECOND

#: Halvings of a part before the load gives up.
_HALVINGS: Final = 6
#: Parts under way at once: while one is checked, the next one's pages come, and the first page of the one after.
_SIDE_BY_SIDE: Final = 3


@dataclass
class Counts:
    """What reading a window took and gave."""

    rows: int = 0
    duplicates: int = 0
    pages: int = 0


#: Takes the events of a window's next part, in time order.
Emit = Callable[[pl.DataFrame], None]
Reading = Generator[list[PageRequest], tuple[PageRequest, Page], Counts]


def read_window(window: Window, emit: Emit) -> Reading:
    """Read one window, part by part; a part that cannot be believed (see `read_part`) is halved, then it is an error.

    Parameters
    ----------
    window : Window
        Its end must not lie in the server's future.
    emit : callable
        Is called with the events of each part, in time order: the history's columns, sorted, each event once.

    Returns
    -------
    generator
        Yields what it wants besides what it has not been sent yet (lists of `PageRequest`, empty ones too), is sent
        one of all these with its page, in any order; returns `Counts`.

    Raises
    ------
    DriftError
        Pages kept changing, or the server's count kept differing from what it sent.
    ResponseError
        Pages are repeated, or events lie outside of the bounds asked for.
    """
    counts = Counts()
    runs = [_Run(Part(window))]  # the earliest part last
    wanted: list[PageRequest] = []
    while runs:
        for run in runs[-_SIDE_BY_SIDE:]:
            wanted += run.begin()
        outcome = runs[-1].outcome
        if outcome is None:
            request, page = yield wanted
            wanted = next(run for run in reversed(runs) if run.awaits(request)).take(request, page)
        else:
            part = runs.pop().part
            counts.pages += outcome.requests
            if outcome.events is not None:
                _deliver(part.window, outcome.events, emit, counts)
            else:
                runs += [_Run(piece) for piece in reversed(_cut(window, part, outcome))]
    return counts


def _cut(window: Window, part: Part, outcome: Outcome) -> list[Part]:
    """Return what to read instead of a part."""
    if outcome.pieces:
        return part.cut(outcome.pieces, halving=False)
    if part.halvings == _HALVINGS or part.window.length <= SECOND:
        raise DriftError(
            f"window {window}: {outcome.unsure}, however small the part; load again, and tell the vendor if it stays so"
        )
    return part.cut(2, halving=True)


class _Run:
    """The reading of a part: what it waits for, and what it came to once nothing is missing any more."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.outcome: Outcome | None = None
        self._reading = read_part(part)
        self._pages: dict[PageRequest, Page | None] = {}
        self._missing = 0

    def begin(self) -> list[PageRequest]:
        """Return the first pages wanted; none if it has begun before."""
        return [] if self._pages else self._go_on(None)

    def awaits(self, request: PageRequest) -> bool:
        """Return whether it is among those that it asked for last."""
        return request in self._pages

    def take(self, request: PageRequest, page: Page) -> list[PageRequest]:
        """Return the further pages wanted after this one came."""
        self._pages[request] = page
        self._missing -= 1
        if self._missing:
            return []
        return self._go_on([page for page in self._pages.values() if page is not None])

    def _go_on(self, pages: list[Page] | None) -> list[PageRequest]:
        try:
            wanted = next(self._reading) if pages is None else self._reading.send(pages)
        except StopIteration as end:
            self.outcome = end.value
            return []
        self._pages = dict.fromkeys(wanted)
        self._missing = len(wanted)
        return wanted


def _deliver(window: Window, events: pl.DataFrame, emit: Emit, counts: Counts) -> None:
    start, end = window.start, window.end
    moment = pl.col("created_at").to_physical()  # compared as numbers: as times it takes four times as long
    first, last = events.select(first=moment.first(), last=moment.last()).row(0)
    # a filter that works to the second may return as much beyond the bounds
    if events.height and (first < start - SECOND or end + SECOND < last):
        raise ResponseError(
            f"window {window}: the server sends events of other times; it does not filter by time as documented, "
            "or its 'created_at' is in a unit that cannot be told"
        )
    kept = events.filter(moment.is_between(start, end, closed="left"))
    unique = kept.filter(~is_duplicate()).drop("page")
    counts.duplicates += kept.height - unique.height
    counts.rows += unique.height
    emit(unique)
