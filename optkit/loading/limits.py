"""How many requests may be in flight, and when the next one may start."""

import threading
import time
from statistics import fmean, median
from typing import Final

from optkit.errors import LoadInterrupted

_STOPPED: Final = "the load was stopped"

#: Requests in flight at the start. More would hide how quick the server is on its own.
_START: Final = 2
#: How many times its best the latency may be before the limit stops growing, and before it is lowered immediately.
_NEAR: Final = 1.25
_SLOW: Final = 1.6
#: Rounds between the two after which the limit is also lowered.
_HOLD: Final = 8
#: Latencies that make a round, at least: while the limit grows fast, and later.
_SHORT_ROUND: Final = 3
_ROUND: Final = 8
#: A latency counts as at most this many times the median, because a single hang says little.
_OUTLIER: Final = 3
#: Growth per round, until latency rises for the first time; lowering after a refusal.
_GROWTH: Final = 2
_BACK_OFF: Final = 0.75
#: Rounds without a refusal before one more request than was refused is tried; doubled by each refusal.
_PATIENCE: Final = 16


class ConcurrencyLimit:
    """How many requests may be in flight: a number that follows the latency. It knows neither threads nor clocks.

    The latencies of as many requests as the limit make a round. While their mean stays near the best one, the limit
    grows: it doubles at first, then rises slowly. (Of requests that come in waves, the median hides a queue of nearly
    half of them.) Where it rises, requests wait for each other, at the server or for this
    processor: the limit is lowered to what kept them from waiting (Little's law). If that does not make them quicker,
    the server has become slower by itself; its latency is the new best, and the limit is restored. Refusals
    (429, 503) and time-outs lower it at once, and the number refused is tried again only after a while.

    `most` is its upper bound.
    """

    def __init__(self, most: int) -> None:
        self.limit = min(_START, most)
        self._most = most
        self._best: float | None = None
        self._is_starting = True
        self._held = 0
        self._round: list[float] = []
        #: Changes with the limit: only requests that started under the present limit count.
        self.generation = 0
        self._lowered_from: tuple[int, float] | None = None
        self._ceiling = most
        self._patience = _PATIENCE
        self._calm_rounds = 0

    def add(self, latency: float, generation: int) -> None:
        """Take the latency of a request that started under the limit of that generation, most slots in use."""
        if generation != self.generation:
            return
        self._round.append(latency)
        if len(self._round) >= max(_SHORT_ROUND if self._is_starting else _ROUND, self.limit):
            most = _OUTLIER * median(self._round)
            typical = fmean(min(latency, most) for latency in self._round)
            self._round.clear()
            self._adapt(typical)

    def refuse(self, generation: int) -> None:
        """Record that the server refused a request, or that it timed out."""
        if generation != self.generation:
            return  # it started before the limit was lowered
        self._ceiling = max(1, self.limit - 1)
        self._calm_rounds = 0
        self._patience *= 2
        self._is_starting = False
        self._lowered_from = None
        self._set(int(self.limit * _BACK_OFF))

    def _adapt(self, typical: float) -> None:
        self._calm_rounds += 1
        if self._lowered_from is not None:
            limit, latency = self._lowered_from
            self._lowered_from = None
            if typical > latency * (1 + self.limit / limit) / 2:
                # fewer requests are not quicker: they did not wait for each other
                self._best = typical
                self._set(limit)
                return
        # a request that is alone waits for no other
        best = typical if self._best is None or self.limit == 1 else min(self._best, typical)
        self._best = best
        self._held = self._held + 1 if typical > _NEAR * best else 0
        if not self._held:
            self._set(self.limit * _GROWTH if self._is_starting else self.limit + max(1, self.limit // 8))
            return
        self._is_starting = False
        if self.limit > 1 and (typical > _SLOW * best or self._held >= _HOLD):
            self._held = 0
            self._lowered_from = (self.limit, typical)
            self._set(round(self.limit * best / typical))

    def _set(self, limit: int) -> None:
        if limit > self._ceiling:
            if self._calm_rounds >= self._patience and self._ceiling < self._most:
                self._ceiling += 1
                self._calm_rounds = 0
            limit = self._ceiling
        limit = max(1, min(limit, self._most))
        if limit != self.limit:
            self.limit = limit
            self.generation += 1
            self._round.clear()


class ConcurrencyLimiter:
    """Limits how many requests are in flight, from any number of threads, as `ConcurrencyLimit` says."""

    def __init__(self, most: int) -> None:
        self._limit = ConcurrencyLimit(most)
        self._in_flight = 0
        self._free = threading.Condition()
        self._stopped = False

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return self._limit.limit

    def start(self) -> int:
        """Wait until a request may start; return the generation of the limit that it starts under.

        Raises
        ------
        LoadInterrupted
            `stop` was called.
        """
        with self._free:
            while self._in_flight >= self._limit.limit and not self._stopped:
                self._free.wait()
            if self._stopped:
                raise LoadInterrupted(_STOPPED)
            self._in_flight += 1
            return self._limit.generation

    def finish(self, generation: int, latency: float | None, *, was_refused: bool) -> None:
        """Record how a request went.

        Parameters
        ----------
        generation : int
            What `start` returned.
        latency : float or None
            Seconds that it took; None where it says nothing about the server.
        was_refused : bool
            The server refused it for its load, or did not answer in time.
        """
        with self._free:
            if was_refused:
                self._limit.refuse(generation)
            elif latency is not None and 2 * self._in_flight > self._limit.limit:
                self._limit.add(latency, generation)
            self._in_flight -= 1
            self._free.notify(max(0, self._limit.limit - self._in_flight))

    def stop(self) -> None:
        """End all waiting: `start` raises from now on."""
        with self._free:
            self._stopped = True
            self._free.notify_all()


class RateLimiter:
    """When the next request may start: one for all workers, so that one answer of 429 holds all of them back.

    Parameters
    ----------
    max_rps : float or None
        Requests per second, at most; None for any number.
    """

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

    def pause(self, seconds: float) -> None:
        """Start no request for this many seconds."""
        with self._lock:
            self._opens = max(self._opens, time.monotonic() + seconds)

    def sleep(self, seconds: float) -> None:
        """Sleep, or raise `LoadInterrupted` as soon as the load is stopped."""
        if self.stopped.wait(seconds):
            raise LoadInterrupted(_STOPPED)
