"""Which entries of an account are visible: some appear only as time passes, or while pages are read."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Generic

import numpy as np
import polars as pl

from optkit.emulator.rows import R, Snapshot
from optkit.emulator.variants import ApiVariant, Arrivals
from optkit.times import to_ms


class Visibility(Generic[R]):
    """The entries of one endpoint, and which of them are visible.

    Parameters
    ----------
    snapshot : Snapshot
        A snapshot without any entries.
    read : callable
        Reads a frame of events or messages.
    frame : polars.DataFrame
        What the account has from the beginning, in any order.
    now : callable
        Returns the server's time.
    variant : ApiVariant
        Which entries are late.
    arrivals : Arrivals or None
        What arrives while pages are read.
    """

    def __init__(
        self,
        snapshot: Snapshot[R],
        read: Callable[[pl.DataFrame], R],
        frame: pl.DataFrame,
        *,
        now: Callable[[], datetime],
        variant: ApiVariant,
        arrivals: Arrivals | None,
    ) -> None:
        rows = read(frame)
        self._read = read
        self._now = now
        self._lock = threading.Lock()
        due = rows.ms() + rows.share(variant.late_share, seed=2) * (
            variant.late_by // timedelta(milliseconds=1)
        )
        hidden = due > to_ms(now())
        self._snapshot = snapshot.with_arrived(rows.take(~hidden).sorted())
        by_due = np.argsort(due[hidden], kind="stable")
        self._hidden, self._due = rows.take(hidden).take(by_due), due[hidden][by_due]
        self._arrivals = arrivals or Arrivals(rows=frame.clear())
        self._arriving = read(self._arrivals.rows)
        self._arrived = 0
        self._pages = 0
        self._started = monotonic()

    def add(self, frame: pl.DataFrame) -> None:
        """Make more events or messages visible from now on."""
        with self._lock:
            self._show(self._read(frame))

    def page(self) -> Snapshot[R]:
        """Return what the next request for a page sees."""
        with self._lock:
            self._pages += 1
            now = to_ms(self._now())
            if len(self._due) and self._due[0] <= now:
                count = int(np.searchsorted(self._due, now, "right"))
                self._show(self._hidden.take(slice(count)))
                self._hidden, self._due = self._hidden.take(slice(count, None)), self._due[count:]
            if self._arrived < len(self._arriving):
                per_request, per_second = self._arrivals.per_request, self._arrivals.per_second
                count = int(self._pages * per_request + (monotonic() - self._started) * per_second)
                self._show(self._arriving.take(slice(self._arrived, count)))
                self._arrived = max(self._arrived, count)
            return self._snapshot

    def _show(self, rows: R) -> None:
        if len(rows):
            self._snapshot = self._snapshot.with_arrived(rows.sorted())
