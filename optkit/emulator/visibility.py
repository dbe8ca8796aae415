"""An account: its events, of which some become visible only as time goes by."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

import numpy as np
import polars as pl

from optkit.emulator.events import Events, Phones, Snapshot
from optkit.emulator.variants import ApiVariant, Arrivals

_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Account:
    """The events of an account, and what is visible of them.

    Parameters
    ----------
    history : polars.DataFrame
        The events that the account has from the beginning.
    now : callable
        Returns the server's time.
    variant : ApiVariant
        Which events are late, and how entries are written.
    arrivals : Arrivals or None
        Events that arrive while pages are read.
    """

    def __init__(
        self,
        history: pl.DataFrame,
        now: Callable[[], datetime],
        variant: ApiVariant,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._phones = Phones()
        events = Events.of(history, self._phones)
        late = np.full(len(events), variant.late_share >= 1)
        if 0 < variant.late_share < 1:
            late = events.scramble(seed=2) < np.uint64(int(variant.late_share * 2**64))
        due = (events.key >> 1) + late * (variant.late_by // _MS)
        hidden = due > self._ms()
        self._snapshot = Snapshot.of(events.take(~hidden), self._phones, variant)
        by_due = np.argsort(due[hidden], kind="stable")
        self._hidden, self._due = events.take(hidden).take(by_due), due[hidden][by_due]
        self._arrivals = arrivals or Arrivals(rows=history.clear())
        self._arriving = Events.of(self._arrivals.rows, self._phones)
        self._arrived = 0
        self._pages = 0
        self._started = monotonic()

    def add(self, rows: pl.DataFrame) -> None:
        """Make `rows` visible from now on."""
        with self._lock:
            self._let_in(Events.of(rows, self._phones))

    def page(self) -> Snapshot:
        """Return what is visible to the next request for a page."""
        with self._lock:
            self._pages += 1
            if len(self._due) and self._due[0] <= self._ms():
                count = int(np.searchsorted(self._due, self._ms(), "right"))
                self._let_in(self._hidden.take(slice(count)))
                self._hidden, self._due = self._hidden.take(slice(count, None)), self._due[count:]
            if self._arrived < len(self._arriving):
                per_request, per_second = self._arrivals.per_request, self._arrivals.per_second
                count = int(self._pages * per_request + (monotonic() - self._started) * per_second)
                self._let_in(self._arriving.take(slice(self._arrived, count)))
                self._arrived = max(self._arrived, count)
            return self._snapshot

    def _let_in(self, events: Events) -> None:
        if len(events):
            self._snapshot = self._snapshot.with_arrived(events)

    def _ms(self) -> int:
        return (self._now() - _EPOCH) // _MS
