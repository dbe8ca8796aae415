"""Which windows are needed, cached, final, missing: arithmetic on epoch milliseconds, without I/O.

The windows of a dataset lie on one grid, which begins on a Monday, 00:00 UTC. A window has one place in the grid and
one file, so two files never cover the same instant. A window that is not over is covered up to the moment it was read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final, Self

from optkit.formatting import join_names
from optkit.times import DAY, SECOND, from_ms

#: Monday 1970-01-05, where the grid begins.
_FIRST_MONDAY: Final = 4 * DAY
#: The most windows named in a message.
_NAMED: Final = 5


def format_instant(ms: int) -> str:
    """Return an instant as people read it: the date alone at midnight UTC."""
    moment = from_ms(ms)
    return f"{moment:%Y-%m-%d}" if ms % DAY == 0 else f"{moment:%Y-%m-%dT%H:%M:%S}Z"


@dataclass(frozen=True, order=True)
class Window:
    """A half-open interval [start, end) of epoch milliseconds, UTC."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"[{format_instant(self.start)}, {format_instant(self.end)})"

    @property
    def length(self) -> int:
        """Milliseconds from start to end."""
        return self.end - self.start

    def overlaps(self, other: "Window") -> bool:
        """Return whether they have an instant in common."""
        return self.start < other.end and other.start < self.end

    def until(self, end: int) -> Self:
        """Return the part of the window before `end`; an empty one if there is none."""
        return type(self)(self.start, max(self.start, min(self.end, end)))

    def split(self, parts: int) -> list[Self]:
        """Split into at most `parts` parts of about the same length, in order, without gaps or overlaps.

        The edges lie on whole seconds: a server that gives whole seconds, but filters exactly, would lose events at
        others.
        """
        edges = [(self.start + self.length * part // parts) // SECOND * SECOND for part in range(1, parts)]
        inner = sorted({edge for edge in edges if self.start < edge < self.end})
        return [type(self)(start, end) for start, end in pairwise([self.start, *inner, self.end])]


@dataclass(frozen=True)
class WindowInfo:
    """What is known of a cached window."""

    window: Window  # from its start in the grid to its end, or to the moment when it was read
    fetched_at: int  # when it was read, by the server's clock
    final: bool  # it had ended by more than the look-back when it was read: it does not change any more
    begins: bool  # the account has nothing before this window


def join_windows(windows: Iterable[Window], most: int | None = None) -> list[Window]:
    """Return windows, which are in order of time, with those that touch as one, of `most` milliseconds at most."""
    joined: list[Window] = []
    for window in windows:
        together = Window(joined[-1].start, window.end) if joined else window
        if joined and joined[-1].end == window.start and (most is None or together.length <= most):
            joined[-1] = together
        else:
            joined.append(window)
    return joined


def name_windows(windows: Iterable[Window]) -> str:
    """Return the names of windows for a message, of the first few where there are many."""
    return join_names([str(window) for window in windows], _NAMED)


def grid_window(ms: int, length: int) -> Window:
    """Return the window of the grid that contains an instant."""
    start = (ms - _FIRST_MONDAY) // length * length + _FIRST_MONDAY
    return Window(start, start + length)


def grid_windows(asked: Window, length: int) -> Iterator[Window]:
    """Return the windows of the grid that overlap [start, end), in order; none if it is empty."""
    if asked.length > 0:
        for start in range(grid_window(asked.start, length).start, asked.end, length):
            yield Window(start, start + length)


def is_final(window: Window, fetched_at: int, look_back: timedelta) -> bool:
    """Return whether a window read at that moment can be trusted to hold everything."""
    return window.end <= fetched_at - look_back // timedelta(milliseconds=1)


def beginning(cached: Iterable[WindowInfo]) -> int | None:
    """Return the start of the account's first window, None where the cache does not know it."""
    return min((info.window.start for info in cached if info.begins), default=None)


def windows_to_fetch(
    asked: Window, cached: Iterable[WindowInfo], *, length: int, now: int, force: bool = False
) -> list[Window]:
    """Return the windows that must be fetched before `asked`, which ends `now` or earlier, can be answered, in order.

    They are those that are not cached, and those that are not final, unless they were read now or later; with `force`,
    all. `length` is that of the windows in the grid.
    """
    infos = {info.window.start: info for info in cached}
    begin = beginning(infos.values())
    missing = []
    for window in grid_windows(asked, length):
        info = infos.get(window.start)
        if info is None and begin is not None and window.start < begin:
            continue
        if force or info is None or not (info.final or info.fetched_at >= now):
            missing.append(window)
    return missing


def gaps(asked: Window, cached: Iterable[WindowInfo]) -> list[Window]:
    """Return the parts of `asked` that no cached window covers, in order."""
    infos = sorted(cached, key=lambda info: info.window)
    at = max(asked.start, beginning(infos) or asked.start)
    found = []
    for info in infos:
        if info.window.start >= asked.end:
            break
        if info.window.start > at:
            found.append(Window(at, info.window.start))
        at = max(at, info.window.end)
    if at < asked.end:
        found.append(Window(at, asked.end))
    return found
