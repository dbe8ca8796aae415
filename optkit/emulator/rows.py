"""Entries as columns of numbers, sorted by time: what both endpoints have in common."""

from dataclasses import dataclass, fields
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Entries as columns of equal length. Their order is that of the key: epoch ms * 2, + 1 for the second of a tie."""

    key: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.key)

    def ms(self) -> Index:
        """Return when each entry was created, in epoch ms."""
        return self.key >> 1

    def take(self, which: Index | npt.NDArray[np.bool_] | slice) -> Self:
        """Return some of the entries, in the order of `which`."""
        return type(self)(*(column[which] for column in self._columns()))

    def insert(self, places: Index, other: Self) -> Self:
        """Return these entries with `other`, each before the place given for it."""
        pairs = zip(self._columns(), other._columns(), strict=True)
        return type(self)(*(np.insert(column, places, added) for column, added in pairs))

    def sorted(self) -> Self:
        """Return the entries in order of time."""
        return self.take(np.argsort(self.key, kind="stable"))

    def identity(self) -> Index:
        """Return a number that, together with the key, depends on nothing but the entry itself."""
        raise NotImplementedError

    def scramble(self, seed: int) -> npt.NDArray[np.uint64]:
        """Return a number for each entry that looks random and depends on nothing but the entry."""
        mixed = self.identity().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= self.key.astype(np.uint64) + np.uint64(seed << 60)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        return mixed ^ (mixed >> np.uint64(31))

    def share(self, share: float, seed: int) -> npt.NDArray[np.bool_]:
        """Return for each entry whether it is among a share (0 to 1) of them; that depends on nothing but the entry."""
        if share >= 1:
            return np.full(len(self), fill_value=True)
        return self.scramble(seed) < np.uint64(int(share * 2**64))

    def _columns(self) -> list[npt.NDArray[Any]]:
        return [getattr(self, field.name) for field in fields(self)]


R = TypeVar("R", bound=Rows)


class Snapshot(Generic[R]):
    """What is visible at one moment, oldest first; it never changes.

    Attributes
    ----------
    rows : Rows
        The entries, in order of time.
    """

    def __init__(self, rows: R) -> None:
        self.rows = rows

    def with_arrived(self, arrived: R) -> Self:
        """Return the snapshot after `arrived`, in order of time, became visible."""
        raise NotImplementedError

    def entries(self, places: Index, now: int) -> bytes:
        """Return the entries at `places` as JSON, joined by commas; `now` is the server's time in epoch ms."""
        raise NotImplementedError

    def between(self, first: int | None, last: int) -> range:
        """Return the places of the entries with ``first <= created_at <= last`` (epoch ms)."""
        begin = 0 if first is None else int(np.searchsorted(self.rows.key, first * 2))
        return range(begin, max(begin, int(np.searchsorted(self.rows.key, last * 2 + 2))))


def as_index(places: range | Index) -> Index:
    """Return `places` as an array."""
    return np.arange(places.start, places.stop, places.step) if isinstance(places, range) else places


def where(places: range | Index, column: npt.NDArray[Any], value: Any) -> Index:
    """Return those of `places` at which `column` has the value."""
    kept: Index
    if isinstance(places, range):
        kept = np.flatnonzero(column[places.start : places.stop] == value) + places.start
    else:
        kept = places[column[places] == value]
    return kept


def where_in(places: range | Index, column: npt.NDArray[Any], values: npt.ArrayLike) -> Index:
    """Return those of `places` at which `column` has one of the values."""
    index = as_index(places)
    kept: Index = index[np.isin(column[index], values)]
    return kept
