"""The visible messages of an account."""

from collections.abc import Collection
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.emulator.code_books import CodeBook, Phones
from optkit.emulator.message_entries import EntryWriter
from optkit.emulator.message_rows import RUN_SCHEMA, TEAMS, VOICE, Messages
from optkit.emulator.rows import Index, Snapshot
from optkit.emulator.variants import ApiVariant
from optkit.messages import DELIVERY_STATUS

_SENT: Final = DELIVERY_STATUS.categories.to_list().index("sent")
_SETTLED: Final = [DELIVERY_STATUS.categories.to_list().index(word) for word in ("delivered", "undelivered")]


class MessageBook:
    """What the codes of messages stand for, and what their statuses are."""

    def __init__(self, variant: ApiVariant) -> None:
        self.variant = variant
        self.phones = Phones()
        self.runs = CodeBook(RUN_SCHEMA)
        self.writer = EntryWriter(self.phones, self.runs, variant)
        self._seen: set[int] = set()  # ids of messages that a page has shown

    def rows(self, messages: pl.DataFrame) -> Messages:
        """Return the messages of a frame, with entries of other channels where the variant has some."""
        rows = Messages.of(messages, self.phones, self.runs)
        foreign = rows.take(rows.share(self.variant.other_channels, seed=3))
        for channel, others in ((VOICE, slice(0, None, 2)), (TEAMS, slice(1, None, 2))):
            copies = foreign.take(others).in_channel(channel)
            rows = rows.insert(np.full(len(copies), len(rows)), copies)
        return rows

    def runs_where(self, name: str, values: Collection[Any]) -> Index:
        """Return the codes of the runs that have one of the values in a column."""
        return self.runs.values[name].is_in(values).fill_null(value=False).arg_true().to_numpy()

    def statuses(self, rows: Messages, now: int) -> npt.NDArray[np.int8]:
        """Return what the status of each message is now (epoch ms)."""
        settle_after = self.variant.settle_after.total_seconds() * 1000
        waits = rows.ms() + settle_after > now
        if self.variant.settle_when_shown:
            waits |= np.array([number not in self._seen for number in rows.message_id.tolist()], np.bool_)
        if not waits.any():
            return rows.status
        status: npt.NDArray[np.int8] = np.where(waits & np.isin(rows.status, _SETTLED), _SENT, rows.status)
        return status

    def show(self, rows: Messages) -> None:
        """Note that a page has shown these messages."""
        if self.variant.settle_when_shown:
            self._seen.update(rows.message_id.tolist())


class MessageSnapshot(Snapshot[Messages]):
    """The visible messages."""

    def __init__(self, rows: Messages, book: MessageBook) -> None:
        super().__init__(rows)
        self.book = book

    def with_arrived(self, arrived: Messages) -> Self:
        """Return the snapshot after `arrived`, in order of time, became visible."""
        places = np.searchsorted(self.rows.key, arrived.key, "right")
        return type(self)(self.rows.insert(places, arrived), self.book)

    def entries(self, places: Index, now: int) -> bytes:
        """Return the entries at `places` as JSON, joined by commas."""
        rows = self.rows.take(places)
        entries = self.book.writer.write(rows, self.book.statuses(rows, now))
        self.book.show(rows)
        return entries
