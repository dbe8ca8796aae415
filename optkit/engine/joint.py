"""Count a history and messages together, per partition of recipients: `aggregate` for questions that need both.

A mapper takes an `exposures.JointPartition` and returns named partial sums, as for `aggregate.aggregate`. A row mapper
returns rows; its columns ``sender`` and ``recipient`` come back as from_phone and to_phone. What a question needs of
the messages besides their keys, it names in `payload`: a partition's messages have these columns. A key called
``sender`` comes back as that sender's name; other keys come back as they are.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from optkit.engine import frames, message_frames
from optkit.engine.aggregate import PartialSum, Rows
from optkit.engine.canonical import canonical_column
from optkit.engine.exposures import NO_SENDER, JointPartition
from optkit.engine.frames import History, Table
from optkit.engine.message_frames import Messages
from optkit.engine.packing import Codes, Interning, event_of, pack, recipient_code
from optkit.engine.partitions import memory
from optkit.engine.periods import Stretch, read_stretch
from optkit.engine.shared_columns import add_columns
from optkit.engine.states import Scope, validate_scope
from optkit.errors import SettingsError
from optkit.history import STATUS
from optkit.phones import check_region
from optkit.times import INSTANT, Moment

if TYPE_CHECKING:
    from optkit.engine.joint_spark import SparkJointPartitions

#: Messages of a partition, about: small enough to be sorted near the processor, large enough to keep polars busy.
SIZE: Final = 2**20

_WIDTH: Final = 48  # bytes of a packed message with a usual payload
_SHARE: Final = 4  # packed messages take a quarter of the memory, at most

Mapper: TypeAlias = Callable[[JointPartition], Mapping[str, PartialSum]]
RowMapper: TypeAlias = Callable[[JointPartition], pl.LazyFrame]


@dataclass(frozen=True)
class Question:
    """Which messages and states an analysis looks at; made by `question`.

    Attributes
    ----------
    scope : "pair" or "recipient"
        Whose states.
    record : Stretch
        As the caller gave it.
    statuses : list of str
        Delivery statuses of messages that reached somebody.
    region : str or None
        ISO code of the country that phones without a country code belong to.
    payload : list of str
        Columns of the messages that the mapper needs besides the keys.
    by_unit : list of str
        Columns of both that `JointPartition.grouped` needs: constant for a sender, a recipient or a pair.
    """

    scope: Scope
    record: Stretch
    statuses: list[str]
    region: str | None
    payload: list[str]
    by_unit: list[str]


def question(
    *,
    since: Moment | None,
    until: Moment | None,
    statuses: Collection[str],
    region: str | None,
    scope: Scope = "pair",
    payload: Sequence[str] = (),
    by_unit: Sequence[str] = (),
) -> Question:
    """Check what a caller gave.

    Raises
    ------
    SettingsError
        An argument cannot be used.
    """
    validate_scope(scope)
    if scope == "recipient" and "from_phone" in by_unit:
        raise SettingsError(
            "by='from_phone' needs scope='pair': the state of a recipient belongs to no one sender"
        )
    return Question(
        scope=scope,
        record=read_stretch(since, until),
        statuses=message_frames.validate_statuses(statuses),
        region=check_region(region),
        payload=list(dict.fromkeys([*payload, *by_unit])),
        by_unit=list(by_unit),
    )


class Totals(dict[str, pl.DataFrame]):
    """The partial sums of a whole history and its messages by name, and the record that they cover.

    Attributes
    ----------
    since, until : int or None
        Begin and end of the record, in milliseconds since 1970; None where there is neither event nor message, or
        no message to begin with.
    """

    def __init__(self, tables: Mapping[str, pl.DataFrame], since: int | None, until: int | None) -> None:
        super().__init__(tables)
        self.since = since
        self.until = until


def aggregate_joint(
    history: History, messages: Messages, mapper: Mapper, asked: Question, *, partitions: int | None = None
) -> Totals:
    """Run a mapper over a whole history with its messages and return the sums; see the module.

    Raises
    ------
    HistoryError
        A frame is not what it should be.
    SettingsError
        Only one of the frames is Spark's.
    """
    source = _partitions(history, messages, asked, partitions)
    parts: dict[str, list[PartialSum]] = {}
    for counted in source.run(lambda partition: collect_sums(mapper(partition), partition.codes)):
        for name, part in counted.items():
            parts.setdefault(name, []).append(part)
    return Totals({name: _add_up(part) for name, part in parts.items()}, source.since, source.until)


def map_rows_joint(
    history: History,
    messages: Messages,
    mapper: RowMapper,
    asked: Question,
    *,
    sort: Sequence[str],
    partitions: int | None = None,
) -> Rows:
    """Run a mapper of rows over a whole history with its messages; see the module.

    Returns
    -------
    polars.DataFrame or pyspark.sql.DataFrame
        The rows of all partitions; sorted by `sort`, except on Spark, where rows have no order.
    """
    source = _partitions(history, messages, asked, partitions)
    made = source.rows(lambda partition: _name(mapper(partition), partition.codes).collect())
    return made.sort(sort, nulls_last=True) if isinstance(made, pl.DataFrame) else made


def _partitions(
    history: History, messages: Messages, asked: Question, parts: int | None
) -> "JointPartitions | SparkJointPartitions":
    if frames.is_spark(history) and frames.is_spark(messages):
        from optkit.engine.joint_spark import SparkJointPartitions

        return SparkJointPartitions(history, messages, asked, parts)
    if frames.is_spark(history) or frames.is_spark(messages):
        raise SettingsError("history and messages must both be Spark frames, or neither of them")
    return JointPartitions(history, messages, asked, parts)


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
        self._recipient = recipient_code(self._odd)
        codes = pl.Categorical(pl.Categories.random())
        sender = self._names.code(pl.col("from_phone"))
        phones = [canonical_column(name, asked.region) for name in ("to_phone", "from_phone")]
        self._events = history.with_columns(phones).select(
            event=event_of(self._recipient, sender),
            recipient=self._recipient,
            **_texts_as_codes(history, asked.by_unit, codes),
        )
        reached = pl.any_horizontal(pl.col("delivery_status") == status for status in asked.statuses)
        self._packed = messages.with_columns(phones).select(
            message=pack(self._recipient, sender.fill_null(NO_SENDER), pl.col("sent_at"), pl.lit(0)),
            message_id="message_id",
            reached=reached,
            recipient=self._recipient,
            **_texts_as_codes(messages, asked.payload, codes),
        )

    def events(self, parts: int, chosen: range) -> pl.DataFrame:
        """Return the packed events of some of so many parts: event, and part if there are several."""
        events = _of_parts(self._events, "event", parts, chosen)
        if events["event"].null_count():
            frames.validate_values(self._history)
        return events

    def messages(self, parts: int, chosen: range) -> pl.DataFrame:
        """Return the packed messages of some of so many parts, with their payload, and part if there are several."""
        messages = _of_parts(self._packed, "message", parts, chosen)
        if (
            messages["message"].null_count()
            or messages["message_id"].null_count()
            or messages["reached"].null_count()
        ):
            message_frames.validate_values(self._messages)
        return messages

    def codes(self) -> Codes:
        """Return what the codes given so far stand for."""
        return Codes(pl.DataFrame({"from_phone": self._names.words()}), self._odd.words(), [])


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
        See `Totals`.
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
            events = self._packing.events(self._parts, chosen)
            messages = self._packing.messages(self._parts, chosen)
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


def no_events(messages: Messages) -> History:
    """Return a history without events, of the same kind as messages, for questions about messages alone."""
    if frames.is_spark(messages):
        text = "to_phone string, from_phone string, created_at timestamp, status string"
        return messages.sparkSession.createDataFrame([], text)
    dtypes = (pl.String(), pl.String(), INSTANT, STATUS)
    return pl.DataFrame(schema=dict(zip(frames.KEYS, dtypes, strict=True)))


def _read(history: Table, messages: Table, asked: Question) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return both frames with the columns that are asked for; what only one of them has comes from there."""
    events, sent = frames.lazy(history), frames.lazy(messages)
    of_events, of_messages = set(events.collect_schema()), set(sent.collect_schema())
    from_events = [name for name in asked.payload if name not in of_messages and name in of_events]
    from_messages = [name for name in asked.by_unit if name not in of_events and name in of_messages]
    own = dict.fromkeys([*frames.KEYS, *(name for name in asked.by_unit if name not in from_messages)])
    read_events = frames.read(events, [*own, *from_events])
    columns = [name for name in (*message_frames.KEYS, *asked.payload) if name not in from_events]
    read_messages = message_frames.read(sent, columns)
    return (
        add_columns(read_events.select(*own), read_messages, from_messages, asked.region),
        add_columns(read_messages, read_events, from_events, asked.region),
    )


def record_of(asked: Question, first: int | None, last: int | None, last_event: int | None) -> Stretch:
    """Return the record: by default from the first message to the later of last event and last message."""
    ends = [end for end in (last, last_event) if end is not None]
    return asked.record.within(first, max(ends, default=None))


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


def collect_sums(sums: Mapping[str, PartialSum], codes: Codes) -> dict[str, PartialSum]:
    """Count the partial sums of a partition and turn codes back into texts."""
    counted = pl.collect_all([part.frame for part in sums.values()])
    decoded: dict[str, PartialSum] = {}
    for (name, part), frame in zip(sums.items(), counted, strict=True):
        texts = pl.selectors.categorical().cast(pl.String)
        named = frame.with_columns(texts)
        if "sender" in part.keys:
            named = named.with_columns(sender=codes.sender(pl.col("sender")))
        decoded[name] = PartialSum(part.keys, named.lazy())
    return decoded


def _add_up(parts: list[PartialSum]) -> pl.DataFrame:
    keys = parts[0].keys
    together = pl.concat(part.frame for part in parts)
    total = together.group_by(keys).agg(pl.all().sum()) if keys else together.sum()
    return total.collect()


def _name(frame: pl.LazyFrame, codes: Codes) -> pl.LazyFrame:
    """Turn codes back into texts, in place."""
    named = {
        "sender": codes.sender(pl.col("sender")).alias("from_phone"),
        "recipient": codes.recipient(pl.col("recipient")).alias("to_phone"),
    }
    schema = frame.collect_schema()
    return frame.select(
        named.get(name, pl.col(name).cast(pl.String) if isinstance(dtype, pl.Categorical) else pl.col(name))
        for name, dtype in schema.items()
    )
