"""Limits how many requests the emulator serves at the same time; the others wait in a queue."""

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
    """A number of requests that are served at the same time; the others wait, first come, first served.

    Parameters
    ----------
    limit : int or None
        The number; None for no limit.
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
        """Wait until the request may be served; the next one may when the context ends."""
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
