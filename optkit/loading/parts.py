"""One part of a window, from its pages: what is asked for, and whether the answers can be believed.

The vendor's document promises no order, no stable paging and no true totals: hence the rules in the docstrings. The
reading of a part is a generator: it yields the pages that it wants and is sent them, and never touches a network.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, pairwise, repeat
from typing import Final, NamedTuple

import polars as pl

from optkit.errors import ResponseError
from optkit.history import ORDER
from optkit.loading.entries import Page, to_columns
from optkit.loading.windows import Window
from optkit.times import SECOND

#: Entries a page, as asked for: the documented maximum.
PER_PAGE: Final = 100
#: A part with more entries is cut before it is read: deep pages are slow, and all of it is in memory. To cut takes two
#: requests or three; to skip 10,000 entries takes a database some milliseconds a page. At 50 to 200 ms a request,
#: cutting pays from some 13,000 to 26,000 entries on.
DEEP: Final = 16_000
#: Readings of a part before it is halved.
_TRIES: Final = 2
_AT_ONCE: Final = 128
#: Pieces that a part is cut into, at most.
_PIECES: Final = 64


class PageRequest(NamedTuple):
    """One page of the entries from `start` to `end` (epoch milliseconds, both as sent)."""

    start: int
    end: int
    page: int

    def query(self, filters: Mapping[str, str]) -> dict[str, str | int]:
        """Return the query parameters: always both bounds, because a start alone yields three entries."""
        bounds = {"start_time": self.start, "end_time": self.end}
        return {**filters, **bounds, "page": self.page, "per_page": PER_PAGE}


@dataclass(frozen=True)
class Outcome:
    """What one reading of a part came to: its events, or why they do not count.

    Attributes
    ----------
    events : polars.DataFrame or None
        In the history's order, with the number of the page that each came on.
    twice : bool
        They count once a second reading gives the same.
    pieces : int
        It has so many events that it is better read in so many pieces; 0 if not.
    unsure : str
        Why its pages cannot be believed.
    requests : int
        How many it took.
    """

    events: pl.DataFrame | None = None
    twice: bool = False
    pieces: int = 0
    unsure: str = ""
    requests: int = 0


@dataclass(frozen=True)
class Part:
    """Some of a window, or all of it, and by how many halvings it came about."""

    window: Window
    halvings: int = 0

    def ask(self, page: int) -> PageRequest:
        """Return the request for one of its pages."""
        # one millisecond more at the start: whether bounds are inclusive is not documented. The end of the one is
        # the start of the other part, asked for by both; what lies outside is dropped here.
        return PageRequest(max(0, self.window.start - 1), self.window.end, page)

    def cut(self, pieces: int, *, halving: bool) -> list["Part"]:
        """Return at most so many parts that make up this one, in order."""
        return [Part(window, self.halvings + halving) for window in self.window.split(pieces)]


Asking = Generator[list[PageRequest], list[Page], Outcome]


def read_part(part: Part) -> Asking:
    """Read a part.

    It counts when its total was the same on every page and is what arrived, the first page is the same at the end as
    at the start, and its last page was short or empty; otherwise it is read again. Where totals are missing or
    contradict themselves, pages are read until one is empty, twice.

    Returns
    -------
    generator
        Yields lists of `PageRequest`, is sent the lists of their pages, returns the `Outcome`.

    Raises
    ------
    ResponseError
        Pages are repeated, or entries cannot be read.
    """
    requests = 0
    outcome = Outcome()
    for _ in range(_TRIES):
        outcome = yield from _read_once(part)
        requests += outcome.requests
        if outcome.twice:
            first = outcome
            outcome = yield from _read_once(part)
            requests += outcome.requests
            if not _agree(first, outcome):
                outcome = Outcome(unsure="its pages changed while they were read")
        if not outcome.unsure:
            break
    return replace(outcome, requests=requests)


def _read_once(part: Part) -> Asking:
    """Read all pages of a part, as far as its totals can be believed."""
    (first,) = yield [part.ask(1)]
    total = _believable_total(first)
    if total is None:
        return (yield from _read_until_empty(part, first))
    if total > DEEP and part.window.length > SECOND:
        return Outcome(pieces=_pieces(total), requests=1)
    pages = yield from _read_counted(part, first, total)
    _refuse_repeats(pages)
    checks = (yield [part.ask(1)]) if len(pages) > 1 else []
    requests = len(pages) + len(checks)
    received = sum(len(page.entries) for page in pages)
    if any(page.total_entries != total for page in [*pages, *checks]):
        return Outcome(unsure="its count changed while its pages were read", requests=requests)
    if not all(check.same_events(first) for check in checks):
        return Outcome(unsure="its first page changed while the others were read", requests=requests)
    if received != total and not _is_rounded_up(total, received, first):
        why = f"the server counts {total:,} entries but sends {received:,}"
        return Outcome(unsure=why, requests=requests)
    events = _in_order(pages)
    return Outcome(events, received != total or _moved(events), requests=requests)


def _read_counted(
    part: Part, first: Page, total: int
) -> Generator[list[PageRequest], list[Page], list[Page]]:
    """Read as many pages as the total says, and one more where the last is full."""
    size = len(first.entries)
    count = -(-total // size) if size else 1
    longest = first.per_page if type(first.per_page) is int and first.per_page > 0 else PER_PAGE
    longest = min(longest, PER_PAGE)
    last = count + (total == count * longest)  # one more, to see that it is empty
    pages = [first]
    for start in range(2, last + 1, _AT_ONCE):
        pages += yield [part.ask(page) for page in range(start, min(start + _AT_ONCE, last + 1))]
    if len(pages) == count and longest <= len(pages[-1].entries):
        pages += yield [part.ask(count + 1)]
    return pages


def _read_until_empty(part: Part, first: Page) -> Asking:
    """Read until a page is empty, because no count says how many there are."""
    pages = [first]
    at_once = 2
    while pages[-1].entries:
        pages += yield [part.ask(len(pages) + number) for number in range(1, at_once + 1)]
        at_once = min(2 * at_once, _AT_ONCE)
        _refuse_repeats(pages)
        received = sum(len(page.entries) for page in pages)
        if received > DEEP and part.window.length > SECOND:
            return Outcome(pieces=_pieces(received), requests=len(pages))
    if any(later.entries for earlier, later in pairwise(pages) if not earlier.entries):
        return Outcome(unsure="an empty page came before one that was not", requests=len(pages))
    return Outcome(_in_order(pages), twice=True, requests=len(pages))


def _pieces(entries: int) -> int:
    """Return into how many pieces to cut a part; a quarter more than needed, because time does not cut it evenly."""
    return min(_PIECES, -(-5 * entries // (4 * DEEP)))


def _believable_total(first: Page) -> int | None:
    """Return the number of entries a first page claims, None where its numbers are missing or contradictory."""
    total, count, size = first.total_entries, first.total_pages, len(first.entries)
    if type(total) is not int or size > total or (size == 0) != (total == 0):
        return None
    if type(count) is int and total and count != -(-total // size):
        return None
    return total


def _is_rounded_up(total: int, received: int, first: Page) -> bool:
    """Return whether the total is entries a page times pages, which is how the document defines it."""
    size = len(first.entries)
    return total % size == 0 and total - size < received < total


def _refuse_repeats(pages: list[Page]) -> None:
    """Refuse a server that sends one page under two numbers: the entries between would be missing."""
    seen: dict[tuple[object, ...], Page] = {}
    for page in pages:
        if not page.entries or page.entries[0].identity == page.entries[-1].identity:
            continue
        ends = (page.entries[0].identity, page.entries[-1].identity)
        if ends in seen and page.same_events(seen[ends]):
            raise ResponseError(
                "the server sends one page under two numbers, so it does not page as documented and entries "
                "would be missing"
            )
        seen[ends] = page


def _in_order(pages: list[Page]) -> pl.DataFrame:
    """Return the entries in the history's order, with the number of the page that each came on."""
    numbers = chain.from_iterable(repeat(number, len(page.entries)) for number, page in enumerate(pages))
    return to_columns(pages).with_columns(page=pl.Series(list(numbers), dtype=pl.Int64)).sort(*ORDER, "page")


def _moved(events: pl.DataFrame) -> bool:
    """Return whether an event came on two pages: a duplicate, or a shift that hid another event."""
    moved = is_duplicate() & (pl.col("page") != pl.col("page").shift())
    return bool(events.select(moved.any()).item())


def _agree(one: Outcome, other: Outcome) -> bool:
    """Return whether two readings gave the same events; one that failed for another reason is not judged here."""
    if one.events is None or other.events is None:
        return True
    return one.events.select(ORDER).equals(other.events.select(ORDER))


def is_duplicate() -> pl.Expr:
    """Return, for rows in the history's order, whether a row is the same event as the one before it."""
    return pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in ORDER)
