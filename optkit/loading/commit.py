"""Commit windows to the cache as they are read, except those whose totals contradict what came."""

from typing import TYPE_CHECKING, Final

import polars as pl

from optkit.datasets.endpoint import TimeUnit
from optkit.errors import DriftError
from optkit.loading.account import Account
from optkit.loading.cache import Cache, CachedWindows
from optkit.loading.window_file import CachedWindow
from optkit.loading.windows import Window, grid_window, is_final, name_windows
from optkit.times import from_ms

if TYPE_CHECKING:
    from optkit.loading.reader import WindowRows

#: After this many windows with wrong totals, and none with a right one, the server's totals are ignored.
_ENOUGH: Final = 8


class Committer:
    """Commits windows to the cache as they are read."""

    def __init__(
        self,
        account: Account,
        cache: Cache,
        cached: CachedWindows,
        *,
        begin: int | None,
        time_unit: TimeUnit | None,
    ) -> None:
        self.warning = ""  # what the user should know of the server's totals; empty where they are true
        self.latest = cached.latest  # until when windows are cached, those that were committed included
        self._account = account
        self._cache = cache
        self._covered = {info.window.start: info.window.end for info in cached.windows}  # what is cached
        self._time_unit = time_unit.name if time_unit else None
        self._begin = begin
        self._doubtful: list[tuple[Window, WindowRows]] = []
        self._do_totals_fit = self._are_totals_ignored = False

    def take(self, window: Window, result: "WindowRows") -> None:
        """Commit a window.

        If the server counted another number of entries in it than came, it waits: whether the server's totals mean
        anything is known once some other windows have been read.
        """
        self._do_totals_fit |= result.totals_fit
        if result.totals_contradict and not self._are_totals_ignored:
            self._doubtful.append((window, result))
            if len(self._doubtful) == _ENOUGH and not self._do_totals_fit:
                self._ignore_totals()
        else:
            self._commit(window, result)

    def finish(self) -> None:
        """Decide about the windows that wait.

        Raises
        ------
        DriftError
            The server counts other numbers of entries in them than it sends, though its other totals are true.
        """
        if not self._doubtful:
            return
        if not self._do_totals_fit:
            self._ignore_totals()
            return
        names = name_windows(window for window, _ in self._doubtful)
        raise DriftError(
            f"the server counts another number of entries in {names} than it sends; load again, and tell the vendor if "
            "that does not help"
        )

    def _ignore_totals(self) -> None:
        """Commit the windows that wait: no total of this server has been the number of entries that came."""
        self._are_totals_ignored = True
        self.warning = (
            "this server's totals mean nothing: it counts other numbers of entries than it sends, each time that it is "
            "asked; what it sends is assumed to be complete"
        )
        for window, result in self._doubtful:
            self._commit(window, result)
        self._doubtful.clear()

    def _commit(self, window: Window, result: "WindowRows") -> None:
        covered = window.until(result.clock.now)
        if covered.length == 0 or covered.end < self._covered.get(window.start, 0):
            return  # it has not begun; or more is cached already, read before or by a clock that was later then
        self._covered[window.start] = covered.end
        self.latest = max(self.latest, covered.end)
        whole = grid_window(window.start, self._cache.endpoint.window)
        identity = self._account.claim()
        frame = result.frame.filter(pl.col(self._cache.endpoint.time) < from_ms(covered.end))
        info = CachedWindow(
            covered,
            fetched_at=result.clock.now,
            final=is_final(whole, result.clock.cautious, self._account.settings.look_back),
            begins=window.start == self._begin,
            path=self._cache.path(covered),
            rows=frame.height,
            duplicates=result.duplicates,
            dropped=result.dropped,
            pages=result.pages,
            salt=identity.salt,
            time_unit=self._time_unit,
        )
        self._cache.commit(frame, info)
