"""Which windows are wanted, cached, final, missing: arithmetic on epoch milliseconds, without I/O.

Windows lie on one grid of weeks from Monday 00:00 UTC. A window has one place in the grid and one file, so two
files never claim the same instant; a week that is not over is claimed up to the moment it was read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final, Self

from optkit.times import DAY, SECOND, WEEK, from_ms

#: Monday 1970-01-05, the first whole week.
_FIRST_MONDAY: Final = 4 * DAY


def text(ms: int) -> str:
    """Return an instant as people read it: the date alone at midnight UTC."""
    moment = from_ms(ms)
    return f"{moment:%Y-%m-%d}" if ms % DAY == 0 else f"{moment:%Y-%m-%dT%H:%M:%S}Z"


@dataclass(frozen=True, order=True)
class Window:
    """A half-open interval [start, end) of epoch milliseconds, UTC."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"[{text(self.start)}, {text(self.end)})"

    @property
    def length(self) -> int:
        """Milliseconds from start to end."""
        return self.end - self.start

    def split(self, parts: int) -> list[Self]:
        """Cut into at most so many parts of about the same length, in order, without gap or overlap.

        Cuts lie on whole seconds: a server that gives whole seconds, but filters exactly, would lose events at others.
        """
        edges = [(self.start + self.length * part // parts) // SECOND * SECOND for part in range(1, parts)]
        inner = sorted({edge for edge in edges if self.start < edge < self.end})
        return [type(self)(start, end) for start, end in pairwise([self.start, *inner, self.end])]


@dataclass(frozen=True)
class Cached:
    """What the planner must know of a window in the cache.

    Attributes
    ----------
    window : Window
        What the file claims: from the week's start to its end, or to the moment it was read.
    fetched_at : int
        The server's clock when it was read.
    final : bool
        It had ended by more than the look-back when it was read: it does not change any more.
    begins : bool
        The account has no event before this window.
    """

    window: Window
    fetched_at: int
    final: bool
    begins: bool


def week_of(ms: int) -> Window:
    """Return the week of the grid that an instant lies in."""
    start = (ms - _FIRST_MONDAY) // WEEK * WEEK + _FIRST_MONDAY
    return Window(start, start + WEEK)


def weeks(asked: Window) -> Iterator[Window]:
    """Return the weeks of the grid that [start, end) touches, in order; none if it is empty."""
    if asked.length > 0:
        for start in range(week_of(asked.start).start, asked.end, WEEK):
            yield Window(start, start + WEEK)


def is_final(week: Window, fetched_at: int, look_back: timedelta) -> bool:
    """Return whether a week read at that moment can be trusted to hold all its events."""
    return week.end <= fetched_at - look_back // timedelta(milliseconds=1)


def begin_of(cached: Iterable[Cached]) -> int | None:
    """Return the start of the account's first week, None where the cache does not know it."""
    return min((item.window.start for item in cached if item.begins), default=None)


def wanted(asked: Window, cached: Mapping[int, Cached], now: int, *, force: bool = False) -> list[Window]:
    """Return the weeks that must be read for an answer about `asked`, in order.

    Parameters
    ----------
    asked : Window
        What the answer is about, not beyond `now`.
    cached : mapping of int to Cached
        The cache, by the start of the week.
    now : int
        The server's clock. A window that is not final is read again once time has passed since it was read.
    force : bool
        Read all of them, cached or not.
    """
    begin = begin_of(cached.values())
    missing = []
    for week in weeks(asked):
        item = cached.get(week.start)
        if item is None and begin is not None and week.start < begin:
            continue
        if force or item is None or not (item.final or item.fetched_at >= now):
            missing.append(week)
    return missing


def gaps(asked: Window, cached: Iterable[Cached]) -> list[Window]:
    """Return the parts of `asked` that no cached window claims, in order."""
    claims = sorted(cached, key=lambda item: item.window)
    at = max(asked.start, begin_of(claims) or asked.start)
    found = []
    for item in claims:
        if item.window.start >= asked.end:
            break
        if item.window.start > at:
            found.append(Window(at, item.window.start))
        at = max(at, item.window.end)
    if at < asked.end:
        found.append(Window(at, asked.end))
    return found
