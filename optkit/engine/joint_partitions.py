"""A history and messages packed with the same codes, and cut into partitions of recipients."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import polars as pl

from optkit.engine import frames, message_frames
from optkit.engine.aggregate import PartialSum
from optkit.engine.canonical import canonical_column, canonical_recipient, canonical_sender
from optkit.engine.exposures import NO_SENDER, JointPartition
from optkit.engine.frames import Table
from optkit.engine.packing import EVENT, Codes, Interning, event_of, pack, recipient_of
from optkit.engine.partitions import memory
from optkit.engine.question import Question, record_of
from optkit.engine.shared_columns import add_columns
from optkit.times import INSTANT

#: Messages of a partition, about: small enough to be sorted near the processor, large enough to keep polars busy.
SIZE: Final = 2**20

#: What a packed message has besides its payload, and its message_id where the question needs that.
_MESSAGE: Final = ("message", "reached")

_OPTED_OUT: Final = "recipient ever opted out"  # beside the messages' own columns

_WIDTH: Final = 48  # bytes of a packed message with a usual payload
_SHARE: Final = 4  # packed messages take a quarter of the memory, at most


class JointPacking:
    """Packs events and messages with the same codes.

    Parameters
    ----------
    history, messages : polars.LazyFrame
        With the key columns of a history and of messages, the messages also with the payload.
    asked : Question
    """

    def __init__(self, history: pl.LazyFrame, messages: pl.LazyFrame, asked: Question) -> None:
        self._history = history
        self._messages = messages
        self._odd, self._names = Interning(), Interning()
        recipient = canonical_recipient(asked.region, self._odd).alias("recipient")
        codes = pl.Categorical(pl.Categories.random())
        sender = canonical_sender(asked.region, self._names).alias("sender")
        texts = [canonical_column(name, asked.region) for name in ("to_phone", "from_phone")]
        phones = [recipient, sender, *texts]
        known_or_none = pl.col("sender").fill_null(NO_SENDER)
        self._events = history.with_columns(phones).select(
            event=event_of(pl.col("recipient"), pl.col("sender")),
            recipient="recipient",
            **_texts_as_codes(history, asked.by_unit, codes),
        )
        reached = pl.any_horizontal(pl.col("delivery_status") == status for status in asked.statuses)
        self._packed = messages.with_columns(phones).with_columns(
            message=pack(pl.col("recipient"), known_or_none, pl.col("sent_at"), pl.lit(0)),
            reached=reached,
        )
        self._columns = [*_MESSAGE, *(["message_id"] if asked.with_ids else [])]
        self._payload = _texts_as_codes(messages, asked.payload, codes)
        self._of_opted_out = asked.of_opted_out

    def collect(self, parts: int, chosen: range) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Read and pack the events and messages of some of so many parts.

        Returns
        -------
        tuple of polars.DataFrame
            event; and message, reached, message_id if it is read, and the payload; both with part if there are
            several.
        """
        events = _of_parts(self._events, "event", parts, chosen)
        if events["event"].null_count():
            frames.validate_values(self._history)
        packed = _to_opted_out(self._packed, events) if self._of_opted_out else self._packed
        packed = packed.select(*self._columns, "recipient", **self._payload)
        messages = _of_parts(packed, "message", parts, chosen)
        if any(messages[name].null_count() for name in self._columns):
            message_frames.validate_values(self._messages)
        return events, messages

    def codes(self) -> Codes:
        """Return what the codes given so far stand for."""
        return Codes(pl.DataFrame({"from_phone": self._names.words()}), self._odd.words(), [])


def _to_opted_out(messages: pl.LazyFrame, events: pl.DataFrame) -> pl.LazyFrame:
    """Leave out messages to recipients who never opted out, before their payload is read; nulls have to be found."""
    opted_out = events.lazy().filter((EVENT & 1) == 1).select(recipient=recipient_of(EVENT)).unique()
    joined = messages.join(opted_out.with_columns(pl.lit(True).alias(_OPTED_OUT)), on="recipient", how="left")
    invalid = pl.any_horizontal(pl.col(name).is_null() for name in _MESSAGE)
    return joined.filter(pl.col(_OPTED_OUT).fill_null(False) | invalid).drop(_OPTED_OUT)


def _texts_as_codes(frame: pl.LazyFrame, columns: Sequence[str], codes: pl.Categorical) -> dict[str, pl.Expr]:
    """Return columns, texts as small codes: they are sorted and grouped faster."""
    schema = frame.collect_schema()
    return {name: pl.col(name).cast(codes) if schema[name] == pl.String else pl.col(name) for name in columns}


def _of_parts(packed: pl.LazyFrame, key: str, parts: int, chosen: range) -> pl.DataFrame:
    if parts == 1:
        return packed.drop("recipient").collect(engine="streaming")
    packed = packed.with_columns(part=(pl.col("recipient") % parts).cast(pl.UInt16)).drop("recipient")
    if len(chosen) < parts:
        packed = packed.filter(pl.col("part").is_between(chosen[0], chosen[-1]) | pl.col(key).is_null())
    return packed.collect(engine="streaming")


class JointPartitions:
    """The partitions of a history and messages that are not Spark's; there is at least one, even of empty frames.

    All of both is packed at once and then taken partition by partition. Where there is not the memory for that, the
    frames are read several times, for some of the partitions each time.

    Attributes
    ----------
    since, until : int or None
        See `JointTotals`.
    """

    def __init__(self, history: Table, messages: Table, asked: Question, parts: int | None) -> None:
        events, sent = _read(history, messages, asked)
        events = _until(events, "created_at", asked.record.until)
        sent = _until(sent, "sent_at", asked.record.until)
        if asked.record.since is not None:
            sent = sent.filter(
                (pl.col("sent_at") < pl.lit(asked.record.since).cast(INSTANT)).fill_null(False).not_()
            )
        rows_of_events, _, last_event = _extent(events, "created_at")
        rows, first, last = _extent(sent, "sent_at")
        self.since, self.until = record_of(asked, first, last, last_event)
        self._asked = asked
        self._packing = JointPacking(events, sent, asked)
        self._parts = parts or max(1, -(-rows // SIZE), -(-rows_of_events // SIZE))
        self._passes = min(self._parts, max(1, -(-rows * _WIDTH * _SHARE // memory())))

    def __iter__(self) -> Iterator[JointPartition]:
        """Yield the partitions one by one."""
        step = -(-self._parts // self._passes)
        for low in range(0, self._parts, step):
            chosen = range(low, min(low + step, self._parts))
            events, messages = self._packing.collect(self._parts, chosen)
            codes = self._packing.codes()
            for part in chosen:
                yield JointPartition(
                    _only(events, part),
                    _only(messages, part),
                    codes,
                    scope=self._asked.scope,
                    since=self.since,
                    until=self.until,
                )

    def run(self, work: Callable[[JointPartition], dict[str, PartialSum]]) -> Iterator[dict[str, PartialSum]]:
        """Yield what `work` counts in each partition."""
        return map(work, self)

    def rows(self, work: Callable[[JointPartition], pl.DataFrame]) -> pl.DataFrame:
        """Return the rows that `work` makes of each partition."""
        return pl.concat(map(work, self))


def _read(history: Table, messages: Table, asked: Question) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return both frames with the columns that are asked for; what only one of them has comes from there."""
    events, sent = frames.lazy(history), frames.lazy(messages)
    of_events, of_messages = set(events.collect_schema()), set(sent.collect_schema())
    from_events = [name for name in asked.payload if name not in of_messages and name in of_events]
    from_messages = [name for name in asked.by_unit if name not in of_events and name in of_messages]
    own = dict.fromkeys([*frames.KEYS, *(name for name in asked.by_unit if name not in from_messages)])
    read_events = frames.read(events, [*own, *from_events])
    columns = [name for name in (*asked.keys, *asked.payload) if name not in from_events]
    read_messages = message_frames.read(sent, columns)
    return (
        add_columns(read_events.select(*own), read_messages, from_messages, asked.region),
        add_columns(read_messages, read_events, from_events, asked.region),
    )


def _until(frame: pl.LazyFrame, time: str, until: int | None) -> pl.LazyFrame:
    """Leave out later rows; a null is not later: it has to be found."""
    if until is None:
        return frame
    return frame.filter((pl.col(time) > pl.lit(until).cast(INSTANT)).fill_null(False).not_())


def _extent(frame: pl.LazyFrame, time: str) -> tuple[int, int | None, int | None]:
    """Return number of rows, first and last instant."""
    at = pl.col(time).cast(pl.Int64)
    rows, first, last = (
        frame.select(pl.len(), at.min().alias("first"), at.max().alias("last"))
        .collect(engine="streaming")
        .row(0)
    )
    return rows, first, last


def _only(frame: pl.DataFrame, part: int) -> pl.DataFrame:
    return frame.filter(pl.col("part") == part).drop("part") if "part" in frame.columns else frame
