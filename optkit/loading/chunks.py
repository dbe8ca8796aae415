"""One chunk of a window, from its pages: which pages to request, and whether the answers can be believed.

The vendor's document promises no order, no stable paging and no true totals: hence the rules in the docstrings. Nothing
here touches a network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import polars as pl

from optkit.datasets.endpoint import Endpoint
from optkit.errors import DriftError, ResponseError
from optkit.loading.pages import Page, PageRequest
from optkit.loading.windows import Window
from optkit.times import SECOND

#: A chunk with more entries is split before it is read: deep pages are slow, and all of it is in memory. Splitting
#: takes two or three requests; to skip 10,000 entries takes a database some milliseconds per page. At 50 to 200 ms per
#: request, splitting pays from some 13,000 to 26,000 entries on.
MOST_ENTRIES: Final = 16_000
#: Parts that a chunk is split into, at most.
_MOST_PARTS: Final = 64
#: Readings of a chunk that may fail before it is halved, and halvings before the load gives up.
_TRIES: Final = 2
_HALVINGS: Final = 6
#: So many pages are requested for each one that came: a total that is far too high is found out after few requests.
_PAGES_PER_PAGE: Final = 16

#: What to do once all requested pages have come: a function, because a reader that held its own bound method would keep
#: its records in memory until the garbage collector finds it.
_Step: TypeAlias = "Callable[[ChunkReader], list[PageRequest]]"


@dataclass(frozen=True)
class ChunkRows:
    """What reading a chunk gave."""

    frame: pl.DataFrame  # in the endpoint's order, each row once
    duplicates: int  # exact repetitions that were dropped
    dropped: int  # entries that do not belong to the dataset
    totals_fit: bool  # entries came, and as many as the server counted
    totals_contradict: bool  # the server counted another number of entries than came, each time


class ChunkReader:
    """Reads a window, or a part of one: call `start`, then `take` with every requested page, in any order.

    The rows count when the total was the same on every page and is the number of entries that came, the first page is
    the same at the end as at the start, and the last page was short or empty; otherwise the chunk is read again. A
    second reading must confirm the first where totals are missing or contradict themselves (then pages are read until
    one is empty), and where more entries were counted than a short first page and an empty one after it can
    explain. A chunk that cannot be believed is halved; one that is small by then is an error.

    The end of a chunk must not be in the server's future.

    Attributes
    ----------
    rows : ChunkRows or None
        What the chunk has, once it is complete.
    smaller : list of ChunkReader
        The readers of its parts, once it is known that it has to be read in parts.
    """

    def __init__(self, window: Window, endpoint: Endpoint, halvings: int = 0) -> None:
        self.window = window
        self.rows: ChunkRows | None = None
        self.smaller: list[ChunkReader] = []
        self._endpoint = endpoint
        self._halvings = halvings  # that led to this chunk
        self._failures = 0
        self._unconfirmed: pl.DataFrame | None = None
        self._pages: dict[int, Page] = {}  # of this reading, by number
        self._missing = 0  # requested pages that have not come
        self._next: _Step
        self._first: Page  # as it came first: it is requested a second time
        self._total: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether no page is missing any more."""
        return self.rows is not None or bool(self.smaller)

    @property
    def _is_divisible(self) -> bool:
        return self.window.length > SECOND

    def start(self) -> list[PageRequest]:
        """Begin to read, for the first time or again, and return the first request."""
        self._pages = {}
        return self._request([1], ChunkReader._decide)

    def take(self, request: PageRequest, page: Page) -> list[PageRequest]:
        """Take the page that was requested, and return the requests that follow from it.

        Raises
        ------
        ResponseError
            Pages are repeated, or entries cannot be read or are outside the requested bounds.
        DriftError
            The pages do not agree, even for the smallest chunk.
        """
        self._pages[request.page] = page
        self._missing -= 1
        return [] if self._missing else self._next(self)

    def _request(self, numbers: Sequence[int], then: _Step) -> list[PageRequest]:
        """Request pages; `then` is called once all of them have come."""
        self._missing = len(numbers)
        self._next = then
        # one millisecond more at the start: whether bounds are inclusive is not documented. The end of one chunk is
        # the start of the next, requested by both; what lies outside is dropped later.
        start = max(0, self.window.start - 1)
        return [PageRequest(start, self.window.end, number) for number in numbers]

    def _decide(self) -> list[PageRequest]:
        """Decide from the first page how the others are read."""
        self._first = self._pages[1]
        self._total = self._first.believable_total()
        if self._total is None:
            return self._read_until_empty()
        if self._total > MOST_ENTRIES and self._is_divisible:
            return self._split(self._total)
        return self._read_counted()

    def _read_counted(self) -> list[PageRequest]:
        """Read as many pages as the total says, and one more where the last one is full."""
        assert self._total is not None
        pages = self._in_order()
        _reject_repeats(pages, self._endpoint)
        count = max(1, -(-self._total // max(1, len(self._first.entries))))
        most = self._first.most
        # the last page is full, by the total or because it came full: an empty page must show that it was the last
        is_full = self._total == count * most or (len(pages) == count and len(pages[-1].entries) >= most)
        last = count + is_full
        if len(pages) < last and pages[-1].entries:
            # after a short first page nothing may come
            ahead = 1 if len(self._first.entries) < most else _PAGES_PER_PAGE
            stop = min(last, len(pages) * (1 + ahead))
            return self._request(range(len(pages) + 1, stop + 1), ChunkReader._read_counted)
        return self._request([1], ChunkReader._check) if len(pages) > 1 else self._check()

    def _check(self) -> list[PageRequest]:
        """Compare what came with what was counted; the first page has come a second time by now."""
        assert self._total is not None
        pages, again = [self._first, *self._in_order()[1:]], self._pages[1]
        received = self._count()
        if any(page.total_entries != self._total for page in [*pages, again]):
            return self._fail("its count changed while its pages were read")
        if not _same_records(again, self._first, self._endpoint):
            return self._fail("its first page changed while the others were read")
        is_full = len(self._first.entries) >= self._first.most
        if is_full and self._first.contradicts(received):  # in smaller chunks, more may come
            return self._fail(f"the server counts {self._total:,} entries but sends {received:,}")
        rows = _in_frame(pages, self._endpoint)
        if received != self._total or _moved(rows, self._endpoint):
            return self._confirm(rows)
        return self._accept(rows)

    def _read_until_empty(self) -> list[PageRequest]:
        """Read until a page is empty, because no count says how many there are."""
        pages = self._in_order()
        _reject_repeats(pages, self._endpoint)
        if pages[-1].entries:
            received = self._count()
            if received > MOST_ENTRIES and self._is_divisible:
                return self._split(received)
            number = len(pages) + 1
            return self._request(range(number, 2 * number), ChunkReader._read_until_empty)
        if any(later.entries for earlier, later in pairwise(pages) if not earlier.entries):
            return self._fail("an empty page came before one that was not empty")
        return self._confirm(_in_frame(pages, self._endpoint))

    def _confirm(self, rows: pl.DataFrame) -> list[PageRequest]:
        """Accept rows that a second reading confirms."""
        first, self._unconfirmed = self._unconfirmed, rows
        if first is None:
            return self.start()
        order = self._endpoint.order
        if not first.select(order).equals(rows.select(order)):
            return self._fail("its pages changed while they were read")
        return self._accept(rows)

    def _accept(self, rows: pl.DataFrame) -> list[PageRequest]:
        """Keep the rows that are in the chunk, each once."""
        received = self._count()
        inside = _inside(rows, self.window, self._endpoint)
        unique = inside.filter(~self._endpoint.is_repeated()).drop("page")
        self.rows = ChunkRows(
            frame=unique,
            duplicates=inside.height - unique.height,
            dropped=received - rows.height,
            totals_fit=received > 0 and self._first.total_entries == received,
            totals_contradict=self._first.contradicts(received),
        )
        return []

    def _fail(self, why: str) -> list[PageRequest]:
        """Read the chunk again, or halve it."""
        self._failures += 1
        self._unconfirmed = None
        if self._failures < _TRIES:
            return self.start()
        if self._halvings == _HALVINGS or not self._is_divisible:
            raise DriftError(
                f"{why}, however small the part; load again, and tell the vendor if that does not help"
            )
        return self._divide(2, self._halvings + 1)

    def _split(self, entries: int) -> list[PageRequest]:
        """Read the chunk in smaller ones; a quarter more than needed, because time does not cut entries evenly."""
        parts = min(_MOST_PARTS, -(-5 * entries // (4 * MOST_ENTRIES)))
        return self._divide(parts, self._halvings)

    def _divide(self, parts: int, halvings: int) -> list[PageRequest]:
        self.smaller = [ChunkReader(part, self._endpoint, halvings) for part in self.window.split(parts)]
        return []

    def _in_order(self) -> list[Page]:
        return [self._pages[number] for number in sorted(self._pages)]

    def _count(self) -> int:
        """Return how many entries came in this reading."""
        return sum(len(page.entries) for page in self._pages.values())


def _same_records(one: Page, other: Page, endpoint: Endpoint) -> bool:
    """Return whether both pages have the same records in the same order."""
    return list(map(endpoint.record_key, one.entries)) == list(map(endpoint.record_key, other.entries))


def _reject_repeats(pages: list[Page], endpoint: Endpoint) -> None:
    """Reject a server that sends one page under two numbers: the entries between would be missing."""
    key = endpoint.record_key
    seen: dict[object, Page] = {}
    for page in pages:
        if not page.entries:
            continue
        ends = (key(page.entries[0]), key(page.entries[-1]))
        if ends in seen and _same_records(page, seen[ends], endpoint):
            raise ResponseError(
                "the server sends one page under two numbers, so it does not page as documented and entries "
                "would be missing"
            )
        seen[ends] = page


def _in_frame(pages: list[Page], endpoint: Endpoint) -> pl.DataFrame:
    """Return the entries in the endpoint's order, with the number of the page that each came on."""
    records: list[object] = []
    numbers: list[int] = []
    for number, page in enumerate(pages):
        entries = page.entries if endpoint.select is None else endpoint.select(page.entries)
        records += entries
        numbers += [number] * len(entries)
    rows = endpoint.to_columns(records).with_columns(page=pl.Series(numbers, dtype=pl.Int64))
    return rows.sort(*endpoint.order, "page")


def _moved(rows: pl.DataFrame, endpoint: Endpoint) -> bool:
    """Return whether a row came on two pages: a duplicate, or a shift that hid another row."""
    moved = endpoint.is_repeated() & (pl.col("page") != pl.col("page").shift())
    return bool(rows.select(moved.any()).item())


def _inside(rows: pl.DataFrame, window: Window, endpoint: Endpoint) -> pl.DataFrame:
    """Return the rows of a window, or raise where others came than were requested."""
    moment = pl.col(endpoint.time).to_physical()  # to compare timestamps takes four times as long
    first, last = rows.select(first=moment.first(), last=moment.last()).row(0)
    # a filter that works to the second may return as much beyond the bounds
    if rows.height and (first < window.start - SECOND or window.end + SECOND < last):
        raise ResponseError(
            "the server sends entries of other times; it does not filter by time as documented, or their "
            f"'{endpoint.time}' is in a unit that cannot be told"
        )
    return rows.filter(moment.is_between(window.start, window.end, closed="left"))
