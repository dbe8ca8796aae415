"""One window from its pages: complete and checked, or an error.

The reading is a generator: it yields the pages it wants, is sent the answers, and never touches a network. The
vendor's document promises no order, no stable paging and no true totals: hence the rules in the docstrings.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from optkit.errors import DriftError, ResponseError
from optkit.history import ORDER, from_ms
from optkit.loading.entries import Page, to_columns
from optkit.loading.windows import SECOND, Window

#: Entries a page, as asked for: the documented maximum.
PER_PAGE: Final = 100
#: A part with more entries is cut before it is read: deep pages are slow, and what is in memory stays small.
DEEP: Final = 10_000
#: Readings of a part before it is halved, and halvings before the load gives up.
_TRIES: Final = 2
_HALVINGS: Final = 6
_AT_ONCE: Final = 64
#: What a filter that works to the second may return beyond the bounds.
_SLACK: Final = timedelta(milliseconds=SECOND)


@dataclass(frozen=True)
class PageRequest:
    """One page of the entries from `start` to `end` (epoch milliseconds, both as sent)."""

    start: int
    end: int
    page: int

    def query(self, filters: Mapping[str, str]) -> dict[str, str | int]:
        """Return the query parameters: always both bounds, because a start alone yields three entries."""
        bounds = {"start_time": self.start, "end_time": self.end}
        return {**filters, **bounds, "page": self.page, "per_page": PER_PAGE}


@dataclass
class Counts:
    """What reading a window took and gave."""

    rows: int = 0
    duplicates: int = 0
    pages: int = 0


#: Takes the events of a window's next part, in time order.
Emit = Callable[[pl.DataFrame], None]
Asking = Generator[list[PageRequest], list[Page], "_Outcome"]
Reading = Generator[list[PageRequest], list[Page], Counts]


@dataclass(frozen=True)
class _Outcome:
    """What one reading of a part came to: its events, or why they do not count.

    With `twice` they count once a second reading gives the same.
    """

    events: pl.DataFrame | None = None
    too_many: int = 0
    unsure: str = ""
    twice: bool = False
    requests: int = 0


@dataclass(frozen=True)
class _Part:
    window: Window
    halvings: int = 0

    def ask(self, page: int) -> PageRequest:
        # one millisecond more at the start: whether bounds are inclusive is not documented. The end of the one is
        # the start of the other part, asked for by both; what lies outside is dropped here.
        return PageRequest(max(0, self.window.start - 1), self.window.end, page)

    def cut(self, pieces: int, *, halving: bool) -> list["_Part"]:
        return [_Part(window, self.halvings + halving) for window in self.window.split(pieces)]


def read_window(window: Window, emit: Emit) -> Reading:
    """Read one window, part by part.

    A part counts when its total was the same on every page and is what arrived, the first page is the same at the
    end as at the start, and its last page was short or empty. Otherwise it is read again, then halved, then it is
    an error. Where totals are missing or contradict themselves, pages are read until one is empty, twice.

    Parameters
    ----------
    window : Window
        Its end must not lie in the server's future.
    emit : callable
        Is called with the events of each part, in time order: the history's columns, sorted, each event once.

    Returns
    -------
    generator
        Yields lists of `PageRequest`, is sent the list of their pages, returns `Counts`.

    Raises
    ------
    DriftError
        Pages kept changing, or the server's count kept differing from what it sent.
    ResponseError
        Pages are repeated, or events lie outside of the bounds asked for.
    """
    counts = Counts()
    stack = [_Part(window)]
    while stack:
        part = stack.pop()
        outcome = yield from _read_part(part, counts)
        if outcome.too_many:
            stack.extend(reversed(part.cut(min(64, -(-outcome.too_many // DEEP) + 1), halving=False)))
        elif outcome.unsure:
            if part.halvings == _HALVINGS or part.window.length <= SECOND:
                raise DriftError(
                    f"window {window}: {outcome.unsure}, however small the part; load again, and tell the vendor "
                    "if it stays so"
                )
            stack.extend(reversed(part.cut(2, halving=True)))
        elif outcome.events is not None:
            _deliver(part.window, outcome.events, emit, counts)
    return counts


def _read_part(part: _Part, counts: Counts) -> Asking:
    outcome = _Outcome()
    for _ in range(_TRIES):
        outcome = yield from _read_once(part)
        counts.pages += outcome.requests
        if outcome.twice:
            first = outcome
            outcome = yield from _read_once(part)
            counts.pages += outcome.requests
            if not _agree(first, outcome):
                outcome = _Outcome(unsure="its pages changed while they were read")
        if not outcome.unsure:
            break
    return outcome


def _read_once(part: _Part) -> Asking:
    """Read all pages of a part, as far as its totals can be believed."""
    (first,) = yield [part.ask(1)]
    total = _believable_total(first)
    if total is None:
        return (yield from _read_until_empty(part, first))
    if total > DEEP and part.window.length > SECOND:
        return _Outcome(too_many=total, requests=1)
    pages = yield from _read_counted(part, first, total)
    _refuse_repeats(pages)
    checks = yield [part.ask(1)] if len(pages) > 1 else []
    requests = len(pages) + len(checks)
    received = sum(len(page.entries) for page in pages)
    if any(page.total_entries != total for page in [*pages, *checks]):
        return _Outcome(unsure="its count changed while its pages were read", requests=requests)
    if not all(check.same_events(first) for check in checks):
        return _Outcome(unsure="its first page changed while the others were read", requests=requests)
    if received != total and not _is_rounded_up(total, received, first):
        why = f"the server counts {total:,} entries but sends {received:,}"
        return _Outcome(unsure=why, requests=requests)
    events = _in_order(pages)
    return _Outcome(events, twice=received != total or _moved(events), requests=requests)


def _read_counted(
    part: _Part, first: Page, total: int
) -> Generator[list[PageRequest], list[Page], list[Page]]:
    """Read as many pages as the total says, and one more where the last is full."""
    size = len(first.entries)
    count = -(-total // size) if size else 1
    pages = [first]
    for start in range(2, count + 1, _AT_ONCE):
        pages += yield [part.ask(page) for page in range(start, min(start + _AT_ONCE, count + 1))]
    longest = first.per_page if type(first.per_page) is int and first.per_page > 0 else PER_PAGE
    if 0 < min(longest, PER_PAGE) <= len(pages[-1].entries):
        pages += yield [part.ask(count + 1)]
    return pages


def _read_until_empty(part: _Part, first: Page) -> Asking:
    """Read until a page is empty, because no count says how many there are."""
    pages = [first]
    at_once = 2
    while pages[-1].entries:
        pages += yield [part.ask(len(pages) + number) for number in range(1, at_once + 1)]
        at_once = min(2 * at_once, _AT_ONCE)
        _refuse_repeats(pages)
        received = sum(len(page.entries) for page in pages)
        if received > DEEP and part.window.length > SECOND:
            return _Outcome(too_many=received, requests=len(pages))
    if any(later.entries for earlier, later in pairwise(pages) if not earlier.entries):
        return _Outcome(unsure="an empty page came before one that was not", requests=len(pages))
    return _Outcome(_in_order(pages), twice=True, requests=len(pages))


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
    number = np.repeat(np.arange(len(pages)), [len(page.entries) for page in pages])
    return to_columns(pages).with_columns(pl.Series("page", number)).sort(*ORDER, "page")


def _moved(events: pl.DataFrame) -> bool:
    """Return whether an event came on two pages: a duplicate, or a shift that hid another event."""
    moved = _is_duplicate() & (pl.col("page") != pl.col("page").shift())
    return bool(events.select(moved.any()).item())


def _agree(one: _Outcome, other: _Outcome) -> bool:
    """Return whether two readings gave the same events; one that failed for another reason is not judged here."""
    if one.events is None or other.events is None:
        return True
    return one.events.select(ORDER).equals(other.events.select(ORDER))


def _is_duplicate() -> pl.Expr:
    """Return, for rows in the history's order, whether a row is the same event as the one before it."""
    return pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in ORDER)


def _deliver(window: Window, events: pl.DataFrame, emit: Emit, counts: Counts) -> None:
    start, end = from_ms(window.start), from_ms(window.end)
    moment = pl.col("created_at")
    within = moment.is_between(start - _SLACK, end + _SLACK)
    if not events.select(within.all()).item():
        raise ResponseError(
            f"window {window}: the server sends events of other times; it does not filter by time as documented, "
            "or its 'created_at' is in a unit that cannot be told"
        )
    kept = events.filter((moment >= start) & (moment < end))
    unique = kept.filter(~_is_duplicate()).drop("page")
    counts.duplicates += kept.height - unique.height
    counts.rows += unique.height
    emit(unique)
