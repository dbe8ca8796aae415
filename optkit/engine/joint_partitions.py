"""A history and messages packed with the same codes, and cut into partitions of recipients."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import polars as pl

from optkit.engine import frames, message_frames
from optkit.engine.canonical import canonical_column, canonical_recipient, canonical_sender
from optkit.engine.exposures import NO_SENDER, JointPartition
from optkit.engine.frames import Table
from optkit.engine.packing import EVENT, Codes, Interning, at_of, event_of, pack, recipient_of
from optkit.engine.partitions import CollectedSum, parts_by_pass, passes_of
from optkit.engine.question import Question, Side, record_of
from optkit.engine.shared_columns import add_columns
from optkit.times import INSTANT

#: Approximate number of messages per partition: few enough to be sorted quickly, enough to keep all threads busy.
SIZE: Final = 2**20

#: The columns of a packed message, without its payload.
_MESSAGE: Final = ("message", "reached", "message_id")

_WIDTH: Final = 48  # bytes of a packed message with a usual payload

_BOUND: Final = "first or last opt-out"  # unlike any of the payload's columns


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
        self._asked = asked
        self._found_invalid = False
        self._odd, self._names = Interning(), Interning()
        codes = pl.Categorical(pl.Categories.random())
        recipient = canonical_recipient(asked.region, self._odd)
        sender = canonical_sender(asked.region, self._names).alias("sender")
        self._events = history.with_columns(sender, recipient=recipient).select(
            event=event_of(pl.col("recipient"), pl.col("sender")),
            recipient="recipient",
            **_payload(history, asked.by_unit, codes, asked.region),
        )
        reached = pl.any_horizontal(pl.col("delivery_status") == status for status in asked.statuses)
        known_or_none = pl.col("sender").fill_null(NO_SENDER)
        # Each column is computed only where it is used.
        self._sent = messages.with_columns(
            sender, recipient=pl.when(self._valid()).then(recipient), reached=reached
        ).with_columns(
            message=pack(pl.col("recipient"), known_or_none, pl.col("sent_at"), pl.lit(0)),
            **_payload(messages, asked.payload, codes, asked.region),
        )

    def _valid(self) -> pl.Expr:
        """Return which messages have all values that are needed except sent_at; note whether one lacks any."""

        def note(valid: pl.Series) -> pl.Series:
            if not valid.all():  # not `|=`, with which one of two threads could undo what the other has noted
                self._found_invalid = True
            return valid

        needed = [name for name in self._asked.keys if name not in {message_frames.MAY_BE_NULL, "sent_at"}]
        valid = pl.all_horizontal(pl.col(name).is_not_null() for name in needed)
        return valid.map_batches(note, return_dtype=pl.Boolean(), is_elementwise=True)

    def validate(self) -> None:
        """Raise `HistoryError` if the messages collected so far have a value that cannot be used."""
        if self._found_invalid:
            message_frames.validate_values(self._messages)

    def events(self, parts: int, chosen: range) -> pl.DataFrame:
        """Pack the events of the `chosen` parts: event, the columns of `by_unit`; and part if there are several."""
        events = _of_parts(self._events, parts, chosen).collect(engine="streaming")
        if events["event"].null_count():
            frames.validate_values(self._history)
        return events

    def in_order(self, parts: int, chosen: range, events: pl.DataFrame) -> pl.DataFrame:
        """Pack the messages of the `chosen` parts, whose events are given.

        Returns
        -------
        polars.DataFrame
            message, reached, message_id, and the payload; and part if there are several.
        """
        side = self._asked.beside_opt_outs
        sent = self._sent if side is None else _beside_opt_outs(self._sent, events, side)
        packed = sent.select(*dict.fromkeys([*_MESSAGE, "recipient", *self._asked.payload]))
        messages = _of_parts(packed, parts, chosen).collect(engine="streaming")
        self.validate()
        return messages

    def as_they_come(self, parts: int, part: int) -> pl.LazyFrame:
        """Return the messages of one part, not read yet; call `validate` after collecting them."""
        return self._sent if parts == 1 else self._sent.filter(pl.col("recipient") % parts == part)

    def codes(self) -> Codes:
        """Return what the codes given so far stand for."""
        return Codes(pl.DataFrame({"from_phone": self._names.words()}), self._odd.words(), [])


def _beside_opt_outs(messages: pl.LazyFrame, events: pl.DataFrame, side: Side) -> pl.LazyFrame:
    """Return the messages up to their recipient's last opt-out, or those after the first."""
    after = side == "after"
    at = at_of(EVENT)
    bounds = (
        events.lazy()
        .filter((EVENT & 1) == 1)
        .group_by(recipient=recipient_of(EVENT))
        .agg((at.min() if after else at.max()).cast(INSTANT).alias(_BOUND))
    )
    sent_at, bound = pl.col("sent_at"), pl.col(_BOUND)
    return messages.join(bounds, on="recipient").filter(sent_at > bound if after else sent_at <= bound)


def _payload(
    frame: pl.LazyFrame, columns: Sequence[str], codes: pl.Categorical, region: str | None
) -> dict[str, pl.Expr]:
    """Return columns, phones in canonical form and texts as small codes: they are sorted and grouped faster."""
    schema = frame.collect_schema()
    phones = {name: canonical_column(name, region) for name in ("to_phone", "from_phone")}
    return {
        name: phones.get(name, pl.col(name)).cast(codes) if schema[name] == pl.String else pl.col(name)
        for name in columns
    }


def _of_parts(frame: pl.LazyFrame, parts: int, chosen: range) -> pl.LazyFrame:
    """Return the rows of some parts, of several with the number of their part instead of the recipient."""
    if parts == 1:
        return frame.drop("recipient")
    numbered = frame.with_columns(part=(pl.col("recipient") % parts).cast(pl.UInt16)).drop("recipient")
    if len(chosen) < parts:
        numbered = numbered.filter(pl.col("part").is_between(chosen[0], chosen[-1]).fill_null(True))
    return numbered


class JointPartitions:
    """The partitions of a history and messages that are not Spark's; there is at least one, even of empty frames.

    All of both is packed at once and then taken partition by partition. Where there is not the memory for that, the
    frames are read several times, for some of the partitions each time. Messages whose order does not matter are not
    packed: a partition reads its own.

    Attributes
    ----------
    since, until : int or None
        See `JointTotals`.
    """

    def __init__(self, history: Table, messages: Table, asked: Question) -> None:
        events, sent = _read(history, messages, asked)
        events = _until(events, "created_at", asked.record.until)
        sent = observed = _until(sent, "sent_at", asked.record.until)
        if asked.record.since is not None:
            sent = sent.filter(
                (pl.col("sent_at") < pl.lit(asked.record.since).cast(INSTANT)).fill_null(False).not_()
            )
        of_events = _extent(events, "created_at", frames.validate_values)
        if asked.needs_record or asked.in_order:
            rows, _, first, last = _extent(sent, "sent_at", message_frames.validate_values)
        else:
            rows, first, last = sent.select(pl.len()).collect(engine="streaming").item(), None, None
        if not rows:  # a record may begin after the last message: then a warning says where the data ends
            last = _extent(observed, "sent_at", message_frames.validate_values).last
        self.since, self.until = record_of(asked, first, last, of_events.last)
        self._asked = asked
        self._packing = JointPacking(events, sent, asked)
        passes = passes_of(rows, _WIDTH)
        self._parts = max(1, -(-rows // SIZE), -(-of_events.rows // SIZE)) if asked.in_order else passes
        self._passes = min(self._parts, passes) if asked.in_order else self._parts

    def __iter__(self) -> Iterator[JointPartition]:
        """Yield the partitions one by one."""
        for chosen in parts_by_pass(self._parts, self._passes):
            events = self._packing.events(self._parts, chosen)
            packed = self._packing.in_order(self._parts, chosen, events) if self._asked.in_order else None
            codes = self._packing.codes()
            for part in chosen:
                yield JointPartition(
                    _only(events, part),
                    self._packing.as_they_come(self._parts, part)
                    if packed is None
                    else _only(packed, part).lazy(),
                    codes,
                    scope=self._asked.scope,
                    since=self.since,
                    until=self.until,
                )

    def run(
        self, work: Callable[[JointPartition], dict[str, CollectedSum]]
    ) -> Iterator[dict[str, CollectedSum]]:
        """Yield what `work` counts in each partition."""
        for partition in self:
            counted = work(partition)
            self._packing.validate()
            yield counted

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


def _extent(frame: pl.LazyFrame, time: str, validate: Callable[[pl.LazyFrame], None]) -> frames.Extent:
    """Return number of rows, first and last instant.

    Raises
    ------
    HistoryError
        An instant is null or centuries off.
    """
    at = pl.col(time).cast(pl.Int64)
    found = frame.select(pl.len(), at.count().alias("known"), at.min().alias("first"), at.max().alias("last"))
    extent = frames.Extent(*found.collect(engine="streaming").row(0))
    if not extent.is_valid:
        validate(frame)
    return extent


def _only(frame: pl.DataFrame, part: int) -> pl.DataFrame:
    return frame.filter(pl.col("part") == part).drop("part") if "part" in frame.columns else frame
