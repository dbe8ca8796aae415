"""A history split into partitions of recipients, as many as its size and the available memory require."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from optkit.engine import frames
from optkit.engine.frames import Table
from optkit.engine.packing import Packing
from optkit.engine.periods import Stretch
from optkit.engine.states import Partition, Scope

#: Approximate number of events per partition: sorting and counting them takes a few hundred MB.
SIZE: Final = 2**23

_WIDTH: Final = 18  # bytes of a packed event and the number of its part
_SHARE: Final = 4  # packed rows take at most a quarter of the memory
_UNKNOWN: Final = 8 * 2**30  # bytes of memory to assume if the system does not tell


@dataclass(frozen=True)
class CollectedSum:
    """A partial sum of one partition, counted: sums by `keys`, with names in place of codes."""

    keys: list[str]
    frame: pl.DataFrame


class Partitions:
    """The partitions of a history that is not Spark's; iterating yields at least one, even of an empty history.

    All events are packed at once, which takes 16 bytes each, and then processed partition by partition. If memory is
    too small for that, the history is read several times, for some of the partitions each time.

    Attributes
    ----------
    first, since, until : int or None
        See `aggregate.Totals`.
    """

    def __init__(
        self, history: Table, by: list[str], scope: Scope, stretch: Stretch, parts: int | None
    ) -> None:
        self._packing = Packing(frames.read(history, [*frames.KEYS, *by]), by, stretch.until)
        self._scope: Scope = scope
        at = pl.col("created_at").cast(pl.Int64)
        sizes = self._packing.history.select(rows=pl.len(), first=at.min(), last=at.max())
        rows, self.first, last = sizes.collect(engine="streaming").row(0)
        self.since, self.until = stretch.within(self.first, last)
        self._parts = parts or max(1, -(-rows // SIZE))
        self._passes = min(self._parts, passes_of(rows, _WIDTH))

    def __iter__(self) -> Iterator[Partition]:
        """Yield the partitions one by one."""
        for chosen in parts_by_pass(self._parts, self._passes):
            events = self._packing.events(self._parts, chosen)
            codes = self._packing.codes()
            for part in chosen:
                mine = events if self._parts == 1 else events.filter(pl.col("part") == part)
                yield Partition(
                    mine["event"],
                    codes,
                    scope=self._scope,
                    first=self.first or 0,
                    since=self.since or 0,
                    until=self.until or 0,
                )

    def run(self, work: Callable[[Partition], dict[str, CollectedSum]]) -> Iterator[dict[str, CollectedSum]]:
        """Yield what `work` counts in each partition."""
        return map(work, self)

    def rows(self, work: Callable[[Partition], pl.DataFrame]) -> pl.DataFrame:
        """Return the rows that `work` makes of each partition."""
        return pl.concat(map(work, self))


def passes_of(rows: int, width: int) -> int:
    """Return how often to read a frame, some rows at a time, so that its rows of `width` bytes fit into memory."""
    return max(1, -(-rows * width * _SHARE // memory()))


def parts_by_pass(parts: int, passes: int) -> list[range]:
    """Return which of so many parts are read in each pass."""
    step = -(-parts // passes)
    return [range(low, min(low + step, parts)) for low in range(0, parts, step)]


def memory() -> int:
    """Return how many bytes of memory this process may use, at most."""
    if not hasattr(os, "sysconf"):
        return _UNKNOWN
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")  # of a container
    allowed = limit.read_text().strip() if limit.is_file() else "max"
    return min(installed, int(allowed)) if allowed.isdigit() else installed
