"""How many requests the emulator serves at once, and the queue of those that wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import NamedTuple


class Turn(NamedTuple):
    """What happened to a request before it was served.

    Attributes
    ----------
    queue_length : int
        Requests that were waiting when it arrived.
    waited : float
        Seconds that it waited for its turn.
    """

    queue_length: int = 0
    waited: float = 0.0


class Capacity:
    """Serves so many requests at once, first come, first served.

    Parameters
    ----------
    limit : int or None
        Requests that are served at once; None for any number.
    """

    def __init__(self, limit: int | None) -> None:
        self._free = asyncio.Semaphore(limit) if limit else None
        self._waiting = 0

    @property
    def is_used_up(self) -> bool:
        """Whether a new request would have to wait."""
        return self._free is not None and self._free.locked()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait for a free place, and hold it for the duration of the context."""
        if self._free is None:
            yield Turn()
            return
        queue_length, arrived = self._waiting, monotonic()
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield Turn(queue_length, monotonic() - arrived)
        finally:
            self._free.release()
