"""The account's events as columns of numbers, and the snapshot of them that one answer is made from."""

import json
from collections import OrderedDict
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.emulator.modes import Readings
from optkit.errors import HistoryError
from optkit.history import INSTANT, OPT_IN, OPT_OUT, STATUS

Index = npt.NDArray[np.int64]

_NEEDED: Final = {"to_phone": pl.String(), "from_phone": pl.String(), "created_at": INSTANT, "status": STATUS}
_BLOCK: Final = 2048  # rows encoded at once: enough to make polars' cost per call small
_BLOCKS: Final = 128  # blocks kept, about 45 MB


class Phones:
    """Phone numbers as codes; kept as the JSON text that answers hold."""

    def __init__(self) -> None:
        self._book = pl.DataFrame(schema={"code": pl.Int32, "text": pl.String})

    @property
    def texts(self) -> pl.Series:
        """The JSON text of each code (String)."""
        return self._book["text"]

    def codes(self, phones: pl.Series) -> npt.NDArray[np.int32]:
        """Return the codes of `phones`; those not known yet are added."""
        texts = _json_text(phones).alias("text").to_frame()
        new = texts.unique(maintain_order=True).join(self._book, on="text", how="anti", maintain_order="left")
        self._book = pl.concat(
            [
                self._book,
                new.select(pl.int_range(pl.len(), dtype=pl.Int32).alias("code") + self._book.height, "text"),
            ]
        )
        return texts.join(self._book, on="text", how="left", maintain_order="left")["code"].to_numpy()

    def code(self, phone: str) -> int:
        """Return the code of `phone`, -1 if it is not known."""
        place = self.texts.index_of(json.dumps(phone, ensure_ascii=False))
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
    """Events as equally long columns: epoch milliseconds, codes of the phones, whether it is an opt-out."""

    ms: npt.NDArray[np.int64]
    to: npt.NDArray[np.int32]
    sender: npt.NDArray[np.int32]
    out: npt.NDArray[np.bool_]

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
                raise HistoryError(
                    f"the emulator serves a history: column {name} must be {dtype}, without nulls"
                )
        return cls(
            history["created_at"].to_physical().to_numpy(),
            phones.codes(history["to_phone"]),
            phones.codes(history["from_phone"]),
            history["status"].to_physical().to_numpy() == STATUS.categories.to_list().index(OPT_OUT),
        )

    def __len__(self) -> int:
        return len(self.ms)

    def take(self, which: Index | npt.NDArray[np.bool_] | slice) -> Self:
        """Return some of the events, in the order of `which`."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    def insert(self, at: Index, other: Self) -> Self:
        """Return these events with `other`, each before the place that `at` names."""
        return type(self)(
            *(np.insert(getattr(self, field.name), at, getattr(other, field.name)) for field in fields(self))
        )

    def pairs(self) -> Index:
        """Return a number for each event that is the same for events of the same pair."""
        return (self.to.astype(np.int64) << 32) | self.sender

    def scramble(self, seed: int) -> npt.NDArray[np.uint64]:
        """Return a number for each event that looks random and depends on nothing but the event."""
        mixed = self.pairs().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= (self.ms * 2 + self.out).astype(np.uint64) + np.uint64(seed)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        return mixed ^ (mixed >> np.uint64(31))


class Snapshot:
    """What is visible at one moment, newest first; it never changes."""

    def __init__(
        self, events: Events, current: npt.NDArray[np.bool_], phones: Phones, readings: Readings
    ) -> None:
        self.events = events
        self.current = current
        self.phones = phones
        self.readings = readings
        self._ages = -events.ms
        self._blocks: OrderedDict[int, tuple[bytes, list[int]]] = OrderedDict()

    @classmethod
    def of(cls, events: Events, phones: Phones, readings: Readings) -> Self:
        """Return the snapshot of `events`, which come in any order; of equal times the first stays first."""
        events = events.take(np.argsort(-events.ms, kind="stable"))
        return cls(events, _current(events), phones, readings)

    def __len__(self) -> int:
        return len(self.events)

    def with_arrived(self, arrived: Events) -> Self:
        """Return the snapshot after `arrived` became visible."""
        arrived = arrived.take(np.argsort(-arrived.ms, kind="stable"))
        places = np.searchsorted(self._ages, -arrived.ms)
        events = self.events.insert(places, arrived)
        current = np.insert(self.current, places, arrived.out)
        touched = np.flatnonzero(np.isin(events.pairs(), arrived.pairs()))
        current[touched] = _current(events.take(touched))
        return type(self)(events, current, self.phones, self.readings)

    def between(self, first: float, last: float) -> range:
        """Return the places of the events with ``first <= created_at <= last`` (epoch ms)."""
        begin = int(np.searchsorted(self._ages, -last, "left"))
        return range(begin, max(begin, int(np.searchsorted(self._ages, -first, "right"))))

    def entries(self, places: range | Index) -> bytes:
        """Return the JSON entries of these places, joined by commas."""
        if isinstance(places, range) and places.step == 1:
            return b",".join(
                self._from_block(block, places)
                for block in range(places.start // _BLOCK, -(-places.stop // _BLOCK))
            )
        return _joined(self._encode(np.asarray(places, dtype=np.int64)))

    def _from_block(self, number: int, places: range) -> bytes:
        start = number * _BLOCK
        if number in self._blocks:
            self._blocks.move_to_end(number)
        else:
            texts = self._encode(np.arange(start, min(start + _BLOCK, len(self))))
            ends = (texts.str.len_bytes() + 1).cum_sum().to_list()
            self._blocks[number] = _joined(texts), [0, *ends]
            if len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
        body, ends = self._blocks[number]
        begin, end = max(places.start - start, 0), min(places.stop - start, _BLOCK)
        return body[ends[begin] : ends[end] - 1]

    def _encode(self, places: Index) -> pl.Series:
        events, texts = self.events.take(places), self.phones.texts
        frame = pl.DataFrame(
            {
                "place": places,
                "ms": events.ms,
                "to_phone": texts.gather(events.to),
                "from_phone": texts.gather(events.sender),
                "out": events.out,
                "current_out": self.current[places],
            }
        )
        fields = {
            "to_phone": pl.col("to_phone"),
            "from_phone": pl.col("from_phone"),
            "created_at": _CREATED_AT[self.readings.created_at],
            "status": _status("out"),
            "current_status": _status("current_out"),
        }
        if self.readings.extra_fields:
            fields["carrier"] = pl.lit('{"id":7,"tags":["a","b"]}')
        members = [self._member(name, value) for name, value in fields.items()]
        inner = pl.concat_str(members, separator=",", ignore_nulls=True)
        return frame.select(entry=pl.concat_str(pl.lit("{"), inner, pl.lit("}")))["entry"]

    def _member(self, name: str, value: pl.Expr) -> pl.Expr:
        whole = pl.concat_str(pl.lit(f'"{name}":'), value)
        if self.readings.damage is None or name != self.readings.damaged_field:
            return whole
        damaged = {"null": f'"{name}":null', "missing": None, "unknown": f'"{name}":"perhaps"'}
        hit = pl.col("place") % self.readings.damaged_every == 0
        return pl.when(hit).then(pl.lit(damaged[self.readings.damage])).otherwise(whole)


def _joined(texts: pl.Series) -> bytes:
    joined: str = texts.str.join(",").item()
    return joined.encode()


def _current(events: Events) -> npt.NDArray[np.bool_]:
    """Return of each event whether its pair is opted out now: after its last event, of a tie the opt-out."""
    frame = pl.DataFrame({"pair": events.pairs(), "key": events.ms * 2 + events.out})
    last = frame.select(pl.col("key").max().over("pair"))["key"]
    return (last.to_numpy() & 1).astype(np.bool_)


def _status(out: str) -> pl.Expr:
    return pl.when(pl.col(out)).then(pl.lit(f'"{OPT_OUT}"')).otherwise(pl.lit(f'"{OPT_IN}"'))


_SECONDS = pl.col("ms").floordiv(1000).cast(pl.String)
_FLOAT = pl.concat_str(_SECONDS, pl.lit("."), (pl.col("ms") % 1000).cast(pl.String).str.zfill(3))
_MICRO = pl.concat_str("ms", pl.lit("000"))
_ISO = pl.from_epoch("ms", time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00")


def _quoted(text: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit('"'), text, pl.lit('"'))


_CREATED_AT: Final = {
    "ms": pl.col("ms").cast(pl.String),
    "s": _SECONDS,
    "s float": _FLOAT,
    "us": _MICRO,
    "ms text": _quoted(pl.col("ms").cast(pl.String)),
    "s text": _quoted(_SECONDS),
    "s float text": _quoted(_FLOAT),
    "us text": _quoted(_MICRO),
    "iso": _quoted(_ISO),
}
