"""How many requests may be in flight, and when the next one may start."""

import threading
import time
from statistics import fmean, median
from typing import Final

from optkit.errors import LoadInterrupted

_STOPPED: Final = "the load was stopped"

#: Requests in flight at the start. More would hide how quick the server is on its own.
_START: Final = 2
#: Latencies that make a round, at least: while the limit doubles, and later.
_SHORT_ROUND: Final = 3
_ROUND: Final = 8
#: A latency counts as at most this many times the median of its round, because a single hang says little.
_OUTLIER: Final = 3
#: The limit grows while a round takes at most this many times the best one: by this factor, then by one of so many.
_NEAR: Final = 1.25
_GROWTH: Final = 2
_SLOW_GROWTH: Final = 8
#: The limit is lowered where a round takes more than this many times the best one, or so many rounds are not near it.
_SLOW: Final = 1.6
_HOLD: Final = 8
#: A refusal multiplies the limit by this.
_BACK_OFF: Final = 0.75
#: Rounds without a refusal before one more request than was refused is tried; doubled by each refusal.
_CALM_ROUNDS: Final = 16


class AdaptiveLimit:
    """How many requests may be in flight: a number up to `most` that follows the latency, without threads and clocks.

    The latencies of as many requests as the limit make a round, and their mean is compared with the best one so far.
    (Of requests that come in waves, the median would hide a queue of nearly half of them.)

    * Near the best: the limit doubles, and once a round has not been near, it rises by an eighth.
    * Not near: requests wait for each other, at the server or for this processor. At once where they are slow, and
      otherwise after a while, the limit is lowered to what kept them from waiting (Little's law). If the next round is
      not quicker, the server has become slower by itself: its latency is the new best, and the limit is restored.
    * A refusal (429, 503) or a time-out lowers the limit at once. The number that was refused becomes a ceiling, which
      rises again only after a while.
    """

    def __init__(self, most: int) -> None:
        self.value = min(_START, most)  # the limit
        self.generation = 0  # of the limit: what started under an earlier one does not count
        self._most = most
        self._ceiling = most
        self._best: float | None = None
        self._round: list[float] = []
        self._is_doubling = True
        self._rounds_not_near = 0
        self._lowered_from: tuple[int, float] | None = None  # the limit, and the latency under it
        self._calm_rounds = 0  # without a refusal
        self._calm_rounds_needed = _CALM_ROUNDS  # before the ceiling rises by one

    def add(self, latency: float, generation: int) -> None:
        """Take the latency of a request that started under the limit of that generation, most slots in use."""
        if generation != self.generation:
            return
        self._round.append(latency)
        if len(self._round) >= max(_SHORT_ROUND if self._is_doubling else _ROUND, self.value):
            most = _OUTLIER * median(self._round)
            typical = fmean(min(latency, most) for latency in self._round)
            self._round.clear()
            self._adapt(typical)

    def refuse(self, generation: int) -> None:
        """Record that the server refused a request, or that it timed out."""
        if generation != self.generation:
            return  # it started before the limit was lowered
        self._ceiling = max(1, self.value - 1)
        self._calm_rounds = 0
        self._calm_rounds_needed *= 2
        self._is_doubling = False
        self._lowered_from = None
        self._set(int(self.value * _BACK_OFF))

    def _adapt(self, typical: float) -> None:
        """Set the limit by the mean latency of a round."""
        self._calm_rounds += 1
        if self._lowered_from is not None:
            limit, latency = self._lowered_from
            self._lowered_from = None
            # midway between not quicker at all and quicker in proportion to the limit
            if typical > latency * (1 + self.value / limit) / 2:
                self._best = typical
                self._set(limit)
                return
        # a request that is alone waits for no other
        best = typical if self._best is None or self.value == 1 else min(self._best, typical)
        self._best = best
        if typical <= _NEAR * best:
            self._rounds_not_near = 0
            self._set(
                self.value * _GROWTH if self._is_doubling else self.value + max(1, self.value // _SLOW_GROWTH)
            )
            return
        self._is_doubling = False
        self._rounds_not_near += 1
        if self.value > 1 and (typical > _SLOW * best or self._rounds_not_near >= _HOLD):
            self._rounds_not_near = 0
            self._lowered_from = (self.value, typical)
            self._set(round(self.value * best / typical))

    def _set(self, limit: int) -> None:
        """Set the limit, within its bounds; the ceiling rises by one after enough calm rounds."""
        if limit > self._ceiling:
            if self._calm_rounds >= self._calm_rounds_needed and self._ceiling < self._most:
                self._ceiling += 1
                self._calm_rounds = 0
            limit = self._ceiling
        limit = max(1, min(limit, self._most))
        if limit != self.value:
            self.value = limit
            self.generation += 1
            self._round.clear()


class ConcurrencyLimiter:
    """Lets as many requests be in flight as an `AdaptiveLimit` says, from any number of threads."""

    def __init__(self, most: int) -> None:
        self._limit = AdaptiveLimit(most)
        self._in_flight = 0
        self._free = threading.Condition()
        self._stopped = False

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return self._limit.value

    def start(self) -> int:
        """Wait until a request may start, and count it; return the generation of the limit that it starts under.

        Once `stop` is called, it raises `LoadInterrupted`.
        """
        with self._free:
            while self._in_flight >= self._limit.value and not self._stopped:
                self._free.wait()
            if self._stopped:
                raise LoadInterrupted(_STOPPED)
            self._in_flight += 1
            return self._limit.generation

    def finish(self, generation: int, latency: float | None, *, was_refused: bool) -> None:
        """Record how a request went; `generation` is what `start` returned for it.

        Its latency, in seconds, is None where it says nothing about the server. A request that the server did not
        answer in time counts as refused.
        """
        with self._free:
            if was_refused:
                self._limit.refuse(generation)
            elif latency is not None and 2 * self._in_flight > self._limit.value:
                self._limit.add(latency, generation)
            self._in_flight -= 1
            self._free.notify(max(0, self._limit.value - self._in_flight))

    def stop(self) -> None:
        """End all waiting: `start` raises from now on."""
        with self._free:
            self._stopped = True
            self._free.notify_all()


class RateLimiter:
    """Says when the next request may start: one for all workers, so that one answer of 429 holds all of them back."""

    def __init__(self, max_rps: float | None) -> None:
        self._stopped = threading.Event()
        self._interval = 1 / max_rps if max_rps else 0.0  # seconds between two requests
        self._opens = 0.0  # when the next one may start
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until a request may start, and count it, or raise `LoadInterrupted` as soon as `stop` is called."""
        while True:
            if self._stopped.is_set():
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
        """Sleep, or raise `LoadInterrupted` as soon as `stop` is called."""
        if self._stopped.wait(seconds):
            raise LoadInterrupted(_STOPPED)

    def stop(self) -> None:
        """End all waiting: `wait` and `sleep` raise from now on."""
        self._stopped.set()
