"""What a load asks for, and which windows it has to fetch. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from optkit.arguments import choice
from optkit.datasets.endpoint import Endpoint
from optkit.errors import SettingsError
from optkit.loading.clocks import TOLERANCE
from optkit.loading.windows import (
    Window,
    WindowInfo,
    beginning,
    format_instant,
    grid_window,
    windows_to_fetch,
)

Refresh = Literal["auto", "never", "force"]

#: If at least this many windows are not cached, it is faster to find the account's beginning first.
_MANY_WINDOWS: Final = 104


@dataclass(frozen=True)
class LoadRequest:
    """What a caller asked for: the epoch milliseconds [start, end), an open end being None."""

    start: int | None
    end: int | None
    refresh: Refresh = "auto"

    def __post_init__(self) -> None:
        choice(self.refresh, "refresh", get_args(Refresh))
        if self.start is not None and self.end is not None and self.start >= self.end:
            asked = f"[{format_instant(self.start)}, {format_instant(self.end)})"
            raise SettingsError(f"start must be before end; {asked} is empty")

    def resolve(self, begin: int | None, present: int) -> Window | None:
        """Return the interval meant, None where only the server knows where it starts.

        An open start means `begin`, an open end `present`; nothing is asked for beyond the present.
        """
        start = begin if self.start is None else self.start
        if start is None:
            return None
        end = present if self.end is None else min(self.end, present)
        return Window(min(start, end), end)

    def touches(self, info: WindowInfo) -> bool:
        """Return whether a cached window may be needed."""
        is_before_end = self.end is None or info.window.start < self.end
        return is_before_end and (self.start is None or self.start < info.window.end)


class Plan:
    """The windows that a load has to fetch."""

    def __init__(
        self, request: LoadRequest, endpoint: Endpoint, cached: Sequence[WindowInfo], now: int
    ) -> None:
        #: The time, by this machine's clock until the server has said it; nothing is fetched beyond it.
        self.now = now
        #: Start of the account's first window; None where it is not known, or the API does not answer that far back.
        self.begin = beginning(cached)
        self._request = request
        self._endpoint = endpoint
        self._cached = cached
        self._found: int | None = None  # where the account begins, if the server was asked
        self._windows: list[Window] | None = None  # to fetch, as far as they are known
        self._last: Window | None = None  # what `next_window` returned last
        self._done = -1  # windows that start after this are still to come

    @property
    def _is_beginning_unknown(self) -> bool:
        return self.begin is None and self._endpoint.horizon_months is None

    @property
    def needs_beginning(self) -> bool:
        """Whether only the server can tell where to begin."""
        return self._is_beginning_unknown and self._request.start is None

    @property
    def starts_later(self) -> bool:
        """Whether the start is not before the present, as far as that is known: this machine's clock may be behind."""
        return self._request.start is not None and self._request.start >= self.now

    @property
    def may_be_shortened(self) -> bool:
        """Whether most of the windows may be before the account's beginning."""
        return self._is_beginning_unknown and len(self.windows()) > _MANY_WINDOWS

    @property
    def is_fulfilled(self) -> bool:
        """Whether nothing has to be fetched."""
        return not (self.needs_beginning or self.starts_later or self._needed())

    def begin_at(self, start: int) -> None:
        """Set where the account begins, as the server says."""
        self.begin = self._found = start

    def windows(self) -> list[Window]:
        """Return the windows to fetch, in order, as far as they are known."""
        windows = [window for window in self._needed() if not self._is_expired(window)]
        if self._found is None:
            return windows
        # the first window is fetched even if it is cached: its file must say that there is nothing before it
        first = grid_window(self._found, self._endpoint.window)
        return [first, *(window for window in windows if window > first)]

    def lost(self) -> list[Window]:
        """Return the windows that are not cached and that the API does not answer for any more, in order."""
        known = {info.window.start for info in self._cached}
        return [window for window in self._needed() if self._is_expired(window) and window.start not in known]

    def next_window(self, clock: int | None) -> Window | None:
        """Return the next window to fetch, as far as it has begun; None where there is none.

        Where the server's clock, which is None before its first answer, turns out to be later than `now`, the present
        window comes again, up to that clock.
        """
        if clock is not None and clock != self.now:
            last = self._last
            if last is not None and last.end == self.now and self.now + TOLERANCE < clock:
                self._done = last.start - 1
            self.now = clock
            self._windows = None
        if self._windows is None:
            self._windows = self.windows()
        window = next((window for window in self._windows if window.start > self._done), None)
        if window is None:
            return None
        self._done = window.start
        self._last = window.until(self.now)
        return self._last

    @property
    def count(self) -> int:
        """How many windows there are to fetch, those that were fetched included."""
        return len(self._windows or ())

    def _is_expired(self, window: Window) -> bool:
        return self._endpoint.is_expired(window.start, self.now)

    def _needed(self) -> list[Window]:
        """Return the windows that are not cached or not final, whether the API answers for them or not."""
        asked = self._request.resolve(self._open_start(), self.now)
        if asked is None:
            return []
        force = self._request.refresh == "force"
        return windows_to_fetch(asked, self._cached, length=self._endpoint.window, now=self.now, force=force)

    def _open_start(self) -> int | None:
        """Return what an open start means; None where only the server knows."""
        horizon = self._endpoint.horizon(self.now)
        if horizon is None:
            return self.begin
        # where the first window that is within the horizon begins
        earliest = grid_window(horizon - 1, self._endpoint.window).end
        return min([earliest, *(info.window.start for info in self._cached)])
