"""Events and messages in one order: the state at a message, the exposure before an opt-out, the next exposure.

A message is packed into an integer of the same layout as an event (see `packing`)::

    recipient (51 bits) | sender (30) | sent_at in ms (45) | 0

and a change of state is packed with a 1 at the end. So a message precedes an event of the same millisecond, two keys
belong to the same pair if all bits before the time are equal, and each lookup above is one binary search of sorted
integers in sorted integers. In recipient scope the sender's bits are 0: the unit is the recipient.

The frames of a `JointPartition` (polars DataFrames; instants are Int64 milliseconds since 1970)::

`messages`    one row per message, lazy: message, reached, message_id and the payload; for a question that needs no
              order a scan, with the columns that are read, recipient, sender, reached, message and the payload
`runs`        one row per run: key, sender, recipient, at, out, first (see `states`)
`ordered`     the messages of known units, sorted: key, the columns of `messages`, run (place of the run in force at
              sent_at, null before the first), out (the unit was opted out)
`exposures`   those of `ordered` that were reached while the unit was opted in
`opt_outs`    the runs that are out, with exposure (place of the last exposure before, null: none)
`stretches`   the times opted in after an exposure: exposure (its place), begin, end (ms since that exposure), opt_out
              (true: an opt-out ended it), returned (true: it begins with a re-opt-in)
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import polars as pl

from optkit.engine.packing import (
    EVENT,
    SENDER_BITS,
    TIME_BITS,
    Codes,
    at_of,
    big,
    pack,
    recipient_of,
    sender_of,
)
from optkit.engine.states import Partition, Scope
from optkit.errors import HistoryError

#: The code of a sender that is null: it matches no sender.
NO_SENDER: Final = 2**SENDER_BITS - 1

MESSAGE: Final = pl.col("message")
KEY: Final = pl.col("key")


def unit_of(key: pl.Expr) -> pl.Expr:
    """Return the unit of a key: the key without its time."""
    return key // big(2**TIME_BITS)


def _has_sender() -> pl.Expr:
    """Return which messages have a sender, without the division of `sender_of`, which is slower."""
    sender = big(NO_SENDER * 2**TIME_BITS)
    return (MESSAGE & sender) != sender


def message_sender() -> pl.Expr:
    """Return the sender code of a message; null where it has no sender."""
    code = sender_of(MESSAGE)
    return pl.when(code != NO_SENDER).then(code)


class JointPartition:
    """All events of some recipients, and all messages to them; the module's docstring describes the frames.

    Attributes
    ----------
    codes : Codes
        The senders and recipients behind the codes.
    scope : "pair" or "recipient"
        Whose states these are.
    since, until : int
        Begin and end of the record, in milliseconds since 1970. If there is no message, `since` is after `until`.
    """

    def __init__(
        self,
        events: pl.DataFrame,
        messages: pl.LazyFrame,
        codes: Codes,
        *,
        scope: Scope,
        since: int | None,
        until: int | None,
    ) -> None:
        self.codes = codes
        self.scope = scope
        self.until = until or 0
        self.since = self.until + 1 if since is None else since
        self.messages = messages
        self._events = events
        self._states = Partition(events["event"], codes, scope=scope, first=0, since=0, until=self.until)

    @cached_property
    def runs(self) -> pl.DataFrame:
        """One row per run, sorted by key."""
        sender = pl.lit(0) if self.scope == "recipient" else pl.col("sender")
        key = pack(pl.col("recipient"), sender, pl.col("at"), pl.lit(1))
        return self._states.runs.drop("group").with_columns(key=key).collect()

    def keys(self, packed: pl.Expr) -> pl.Expr:
        """Return packed events or messages as keys of this scope."""
        if self.scope == "pair":
            return packed
        time = packed & big(2**TIME_BITS - 1)
        return recipient_of(packed).cast(pl.Int128) * big(2 ** (SENDER_BITS + TIME_BITS)) + time

    @property
    def _messages_of_units(self) -> pl.LazyFrame:
        """The messages of known units with their key: in pair scope those that have a sender."""
        messages = self.messages
        if self.scope == "pair":
            messages = messages.filter(_has_sender())
        return messages.with_columns(key=self.keys(MESSAGE))

    @cached_property
    def ordered(self) -> pl.DataFrame:
        """The messages of known units, sorted; of several at one instant the greatest message_id is the last."""
        # Sorting a collected frame takes half the time of sorting a lazy one.
        ordered = self._messages_of_units.collect().sort("key", "message_id")
        run = last_before(ordered["key"], self.runs["key"])
        return ordered.with_columns(run=run, out=self.runs["out"].gather(run).fill_null(False))

    @cached_property
    def exposures(self) -> pl.DataFrame:
        """The messages that were reached while their unit was opted in, sorted."""
        return self.ordered.filter(pl.col("reached") & ~pl.col("out")).drop("run", "out", "reached")

    @cached_property
    def opt_outs(self) -> pl.DataFrame:
        """The runs that are out, each with the place of the last exposure before it."""
        outs = self.runs.filter("out").drop("out", "first")
        return outs.with_columns(exposure=last_before(outs["key"], self.exposures["key"]))

    @cached_property
    def stretches(self) -> pl.DataFrame:
        """The times opted in after an exposure, from each exposure or re-opt-in to the next change."""
        exposed_at, opt_outs = self.exposures["key"], self.opt_outs["key"]
        after = KEY.shift(-1)
        exposed = self.exposures.select(
            "key",
            exposure=pl.int_range(pl.len(), dtype=pl.UInt32),
            following=pl.when((KEY ^ after) < big(2**TIME_BITS)).then(after),
            returned=pl.lit(False),
        )
        returns = self.runs.filter(~pl.col("out") & ~pl.col("first")).select("key")
        returns = returns.with_columns(
            exposure=last_before(returns["key"], exposed_at),
            following=exposed_at.gather(first_after(returns["key"], exposed_at)),
            returned=pl.lit(True),
        ).drop_nulls("exposure")
        starts = pl.concat([exposed, returns])
        leaving = opt_outs.gather(first_after(starts["key"], opt_outs)).alias("leaving")
        exposure = exposed_at.gather(starts["exposure"]).alias("last")
        end = pl.min_horizontal("following", "leaving")
        last = at_of(pl.col("last"))
        return (
            starts.with_columns(leaving, exposure)
            .lazy()
            .select(
                "exposure",
                begin=at_of(KEY) - last,
                end=at_of(end).fill_null(self.until) - last,
                opt_out=(pl.col("leaving") == end).fill_null(False),
                returned="returned",
            )
            .collect()
        )

    def moments(self) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        """Return events and messages, in any order, each with recipient, sender, at and reached.

        The sender is the unit's: 0 in recipient scope, otherwise null where a message has none.
        """
        events = self._events.lazy().select(
            recipient=recipient_of(EVENT), sender=sender_of(EVENT), at=at_of(EVENT), reached=True
        )
        messages = self.messages.select("recipient", "sender", "reached", at=pl.col("sent_at").cast(pl.Int64))
        if self.scope == "pair":
            return events, messages
        return events.with_columns(sender=0), messages.with_columns(sender=0)

    def grouped(self, frame: pl.LazyFrame, groups: Sequence[str]) -> pl.LazyFrame:
        """Return a frame that has `unit` with columns of the events and messages that have one value per unit.

        Raises
        ------
        HistoryError
            A unit has several values.
        """
        if not groups:
            return frame
        parts = [
            part.select(unit_of(KEY).alias("unit"), *groups)
            for part in (self._events.lazy().with_columns(key=self.keys(EVENT)), self._messages_of_units)
            if set(groups) <= set(part.collect_schema().names())
        ]
        values = pl.concat(parts).unique().collect()
        several = values.height - values["unit"].n_unique()
        if several:
            raise HistoryError(
                f"by: {', '.join(groups)} has several values for a sender and recipient in {several} cases: group "
                "by columns that are constant for a sender, or for a recipient"
            )
        return frame.join(values.lazy(), on="unit", how="left")

    def with_exposure(self, frame: pl.DataFrame, *columns: str, **named: pl.Expr) -> pl.LazyFrame:
        """Return a frame that has places of exposures with columns of the exposures; null where a place is null."""
        exposed = self.exposures.select(*columns, **named)
        return frame.with_columns(column.gather(frame["exposure"]) for column in exposed).lazy()


def last_before(keys: pl.Series, among: pl.Series) -> pl.Series:
    """Return the place in `among`, sorted, of the last key before each of `keys` in its unit; null if there is none."""
    return _neighbour(keys, among, pl.col("place") - 1)


def first_after(keys: pl.Series, among: pl.Series) -> pl.Series:
    """Return the place in `among`, sorted, of the first key after each of `keys` in its unit; null if there is none."""
    return _neighbour(keys, among, pl.col("place"))


def _neighbour(keys: pl.Series, among: pl.Series, place: pl.Expr) -> pl.Series:
    if among.is_empty():
        return pl.repeat(None, len(keys), dtype=pl.UInt32, eager=True)
    found = pl.lit(among).gather(pl.col("place").clip(0, len(among) - 1))
    same = pl.col("place").is_between(0, len(among) - 1) & ((found ^ pl.col("key")) < big(2**TIME_BITS))
    places = pl.DataFrame({"key": keys, "place": among.search_sorted(keys, side="right")})
    return (
        places.lazy()
        .with_columns(pl.col("place").cast(pl.Int64))
        .with_columns(place=place)
        .select(pl.when(same).then("place").cast(pl.UInt32))
        .collect()
        .to_series()
    )


def count_until(keys: pl.Series, among: pl.Series, ago: int = 0) -> pl.Series:
    """Return how many of `among`, sorted, are at least `ago` ms before each of `keys`.

    Keys of other units that sort before are included; they cancel out in the difference of two such counts.
    """
    ends = pl.select(pl.lit(keys) - big(2 * ago)).to_series()
    return among.search_sorted(ends, side="right").cast(pl.Int64)
