"""How fast and how often: retries and the pace that all workers share."""

import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from optkit.errors import LoadInterrupted

_STOPPED: Final = "the load was stopped"


@dataclass(frozen=True)
class RetryPolicy:
    """How often and after what pause a request is repeated.

    Attributes
    ----------
    attempts : int
        Requests in all for one page, counting those that failed for want of a usable answer.
    base, cap : float
        Seconds; before attempt n + 1 a random pause up to min(cap, base * 2 ** n) ("full jitter").
    patience : float
        Seconds that the server may make one page wait by Retry-After; beyond that the user decides.
    """

    attempts: int = 6
    base: float = 0.5
    cap: float = 20.0
    patience: float = 120.0

    def pause(self, failures: int, chance: float) -> float:
        """Return the seconds to wait after so many failures; `chance` lies in [0, 1)."""
        return chance * min(self.cap, self.base * 2.0 ** (failures - 1))


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read a Retry-After header, in seconds or as an HTTP date; None if there is none that can be read."""
    if value is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


class Gate:
    """When the next request may start: one for all workers, so that one answer of 429 holds all of them back."""

    def __init__(self, max_rps: float | None) -> None:
        self.stopped = threading.Event()
        self._interval = 1 / max_rps if max_rps else 0.0
        self._opens = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when a request may start; it then counts as started."""
        while True:
            if self.stopped.is_set():
                raise LoadInterrupted(_STOPPED)
            with self._lock:
                now = time.monotonic()
                left = self._opens - now
                if left <= 0:
                    self._opens = now + self._interval
                    return
            self.sleep(left)

    def close(self, seconds: float) -> None:
        """Let no request start for so many seconds."""
        with self._lock:
            self._opens = max(self._opens, time.monotonic() + seconds)

    def sleep(self, seconds: float) -> None:
        """Sleep, unless the load is stopped meanwhile."""
        if self.stopped.wait(seconds):
            raise LoadInterrupted(_STOPPED)
