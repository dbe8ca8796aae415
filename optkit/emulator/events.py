"""The account's events as columns of numbers, and the snapshot of them that one answer is made from."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.emulator.variants import ApiVariant
from optkit.errors import HistoryError
from optkit.history import OPT_IN, OPT_OUT, STATUS
from optkit.times import INSTANT

Index = npt.NDArray[np.int64]

_NEEDED: Final = {"to_phone": pl.String(), "from_phone": pl.String(), "created_at": INSTANT, "status": STATUS}
#: The end of an entry, by whether it is an opt-out and whether its pair is opted out now.
_STATUSES: Final = np.array(
    [
        f'"status":"{status}","current_status":"{current}"'.encode()
        for status in (OPT_IN, OPT_OUT)
        for current in (OPT_IN, OPT_OUT)
    ]
)


class Phones:
    """Phone numbers as codes; kept as the JSON text that answers hold."""

    def __init__(self) -> None:
        self._book = pl.DataFrame(schema={"code": pl.Int32, "text": pl.String})
        #: the JSON text of each code, in fixed width: a page is written from slices of plain memory
        self.texts: npt.NDArray[np.bytes_] = np.empty(0, dtype="S1")

    def codes(self, phones: pl.Series) -> npt.NDArray[np.int32]:
        """Return the codes of `phones`; those not known yet are added."""
        texts = _json_text(phones).alias("text").to_frame()
        new = texts.unique(maintain_order=True).join(self._book, on="text", how="anti", maintain_order="left")
        if new.height:
            code = pl.int_range(self._book.height, self._book.height + new.height, dtype=pl.Int32)
            self._book = pl.concat([self._book, new.select(code.alias("code"), "text")])
            added = np.array(new["text"].cast(pl.Binary).to_list(), dtype=np.bytes_)
            self.texts = np.concatenate((self.texts, added))
        coded = texts.lazy().join(self._book.lazy(), on="text", how="left", maintain_order="left")
        return coded.select("code").collect()["code"].to_numpy()

    def code(self, phone: str) -> int:
        """Return the code of `phone`, -1 if it is not known."""
        place = self._book["text"].index_of(json.dumps(phone, ensure_ascii=False))
        return -1 if place is None else place


def _json_text(texts: pl.Series) -> pl.Series:
    quoted = '"' + texts + '"'
    odd = texts.str.contains(r'["\\\x00-\x1f]')
    if odd.any():
        escaped = [json.dumps(text, ensure_ascii=False) for text in texts.filter(odd)]
        quoted = quoted.scatter(odd.arg_true(), escaped)
    return quoted


@dataclass(frozen=True, slots=True)
class Events:
    """Events as equally long columns: epoch ms * 2, + 1 for an opt-out; codes of the phones."""

    key: npt.NDArray[np.int64]
    to: npt.NDArray[np.int32]
    sender: npt.NDArray[np.int32]

    @classmethod
    def of(cls, history: pl.DataFrame, phones: Phones) -> Self:
        """Return the events of `history`; its current_status, if it has one, plays no part.

        Raises
        ------
        HistoryError
            A column is missing, has another dtype or a null.
        """
        for name, dtype in _NEEDED.items():
            if history.schema.get(name) != dtype or history[name].has_nulls():
                raise HistoryError(f"the emulator serves a history: {name} must be {dtype}, without nulls")
        ms, out = history["created_at"].to_physical().to_numpy(), (history["status"] == OPT_OUT).to_numpy()
        return cls(ms * 2 + out, phones.codes(history["to_phone"]), phones.codes(history["from_phone"]))

    def __len__(self) -> int:
        return len(self.key)

    def take(self, which: Index | npt.NDArray[np.bool_] | slice) -> Self:
        """Return some of the events, in the order of `which`."""
        return type(self)(self.key[which], self.to[which], self.sender[which])

    def insert(self, places: Index, other: Self) -> Self:
        """Return these events with `other`, each before the place given for it."""
        return type(self)(
            np.insert(self.key, places, other.key),
            np.insert(self.to, places, other.to),
            np.insert(self.sender, places, other.sender),
        )

    def pairs(self) -> Index:
        """Return a number for each event that is the same for events of the same pair."""
        return (self.to.astype(np.int64) << 32) | self.sender

    def scramble(self, seed: int) -> npt.NDArray[np.uint64]:
        """Return a number for each event that looks random and depends on nothing but the event."""
        mixed = self.pairs().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= self.key.astype(np.uint64) + np.uint64(seed << 60)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        return mixed ^ (mixed >> np.uint64(31))


class Snapshot:
    """What is visible at one moment, oldest first; it never changes.

    Attributes
    ----------
    events : Events
        By time; of equal times opt-ins first.
    current : numpy.ndarray of bool
        Of each event whether its pair is opted out now.
    phones : Phones
        What the events' codes stand for.
    """

    def __init__(
        self, events: Events, current: npt.NDArray[np.bool_], phones: Phones, variant: ApiVariant
    ) -> None:
        self.events = events
        self.current = current
        self.phones = phones
        self._variant = variant
        self._created_at = _CREATED_AT[variant.created_at]

    @classmethod
    def of(cls, events: Events, phones: Phones, variant: ApiVariant) -> Self:
        """Return the snapshot of `events`, which come in any order."""
        events = events.take(np.argsort(events.key, kind="stable"))
        return cls(events, _current(events), phones, variant)

    def with_arrived(self, arrived: Events) -> Self:
        """Return the snapshot after `arrived` became visible."""
        arrived = arrived.take(np.argsort(arrived.key, kind="stable"))
        places = np.searchsorted(self.events.key, arrived.key, "right")
        events = self.events.insert(places, arrived)
        current = np.insert(self.current, places, values=False)
        touched = np.flatnonzero(np.isin(events.pairs(), arrived.pairs()))
        current[touched] = _current(events.take(touched))
        return type(self)(events, current, self.phones, self._variant)

    def between(self, first: int | None, last: int) -> range:
        """Return the places of the events with ``first <= created_at <= last`` (epoch ms)."""
        begin = 0 if first is None else int(np.searchsorted(self.events.key, first * 2))
        return range(begin, max(begin, int(np.searchsorted(self.events.key, last * 2 + 2))))

    def entries(self, places: range | Index) -> bytes:
        """Return the entries at `places` as JSON, joined by commas."""
        places = as_index(places)
        events = self.events.take(places)
        values: list[Any] = [None] * (4 * len(places))
        values[0::4] = self.phones.texts[events.to].tolist()
        values[1::4] = self.phones.texts[events.sender].tolist()
        form, convert = _CREATED_AT[self._variant.created_at]
        values[2::4] = convert(events.key >> 1).tolist()
        values[3::4] = _STATUSES[(events.key & 1) * 2 + self.current[places]].tolist()
        # one formatting for the whole page: twice as fast as one for each entry
        entry = b'{"to_phone":%%b,"from_phone":%%b,"created_at":%b,%%b},' % form
        page = (entry * len(places))[:-1] % tuple(values)
        if self._variant.extra_fields or self._variant.damage:
            return self._odd(page, places)
        return page

    def _odd(self, page: bytes, places: Index) -> bytes:
        """Return the entries as no document describes them."""
        variant, entries = self._variant, json.loads(b"[%b]" % page)
        for entry, place in zip(entries, places.tolist(), strict=True):
            if variant.extra_fields:
                entry["carrier"] = {"id": 7, "tags": ["a", "b"]}
            if variant.damage and place % variant.damaged_every == 0:
                entry[variant.damaged_field] = None if variant.damage == "null" else "perhaps"
                if variant.damage == "missing":
                    del entry[variant.damaged_field]
        return json.dumps(entries)[1:-1].encode()


def as_index(places: range | Index) -> Index:
    """Return `places` as an array."""
    return np.arange(places.start, places.stop, places.step) if isinstance(places, range) else places


def _current(events: Events) -> npt.NDArray[np.bool_]:
    """Return of each event whether its pair is opted out after its last one; `events` are in order."""
    pairs = events.pairs()
    by_pair = np.argsort(pairs, kind="stable")
    last = np.flatnonzero(np.diff(pairs[by_pair], append=-1))
    current = np.empty(len(events), dtype=np.bool_)
    current[by_pair] = np.repeat(events.key[by_pair][last] & 1, np.diff(last, prepend=-1))
    return current


def _iso(ms: Index) -> npt.NDArray[np.bytes_]:
    return np.datetime_as_string(ms.astype("datetime64[ms]")).astype(np.bytes_)


#: Of each form of created_at: its form, and the value that goes into it, of epoch ms.
_CREATED_AT: Final[dict[str, tuple[bytes, Callable[[Index], npt.NDArray[Any]]]]] = {
    "ms": (b"%d", lambda ms: ms),
    "ms text": (b'"%d"', lambda ms: ms),
    "s": (b"%d", lambda ms: ms // 1000),
    "s text": (b'"%d"', lambda ms: ms // 1000),
    "s float": (b"%.3f", lambda ms: ms / 1000),
    "s float text": (b'"%.3f"', lambda ms: ms / 1000),
    "us": (b"%d", lambda ms: ms * 1000),
    "us text": (b'"%d"', lambda ms: ms * 1000),
    "iso": (b'"%b+00:00"', _iso),
}
