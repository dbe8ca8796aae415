"""Messages as columns of numbers, and what their entries say."""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.emulator.code_books import CodeBook, Codes, Phones
from optkit.emulator.rows import Index, Rows
from optkit.errors import HistoryError
from optkit.messages import DELIVERY_STATUS, FAILURE, SCHEMA

SMS: Final = 0
VOICE: Final = 1
TEAMS: Final = 2
#: The words of the API for the channels, by their numbers.
CHANNELS: Final = ("sms", "voice", "ms_teams")
#: The words of the API for statuses, by their codes; "other" is a word that no document knows.
STATUS_WORDS: Final = tuple("rejected" if word == "other" else word for word in DELIVERY_STATUS.categories)
FAILURES: Final = ("", *FAILURE.categories)  # code 0: nothing failed

_FIRST_FOREIGN_ID: Final = 9_000_000_000  # higher than those of messages

#: What all messages of one run with the same text have in common.
RUN_SCHEMA: Final = pl.Schema(
    {
        name: SCHEMA[name]
        for name in (
            "campaign_id",
            "campaign",
            "execution_id",
            "executed_at",
            "response_set_id",
            "language",
            "mentions_stop",
        )
    }
)
_MAY_BE_NULL: Final = {
    "from_phone",
    "failure",
    "campaign_id",
    "execution_id",
    "response_set_id",
    "campaign",
    "language",
    "executed_at",
}


@dataclass(frozen=True, slots=True)
class Messages(Rows):
    """Messages, with codes of their phones, runs, statuses, failures and channels."""

    message_id: npt.NDArray[np.int64]
    to: Codes
    sender: Codes
    run: Codes
    characters: npt.NDArray[np.int32]
    status: npt.NDArray[np.int8]
    failure: npt.NDArray[np.int8]
    channel: npt.NDArray[np.int8]

    @classmethod
    def of(cls, messages: pl.DataFrame, phones: Phones, runs: CodeBook) -> Self:
        """Return the messages of a frame, sorted by id.

        Raises
        ------
        HistoryError
            A column is missing, has another dtype, or has a null where none is allowed.
        """
        found = messages.schema
        for name, dtype in SCHEMA.items():
            if found.get(name) != dtype:
                raise HistoryError(f"the emulator serves messages: {name} must be {dtype}")
            if name not in _MAY_BE_NULL and messages[name].null_count():
                raise HistoryError(f"the emulator serves messages: {name} must not have nulls")
        messages = messages.sort("message_id")
        return cls(
            messages["sent_at"].to_physical().to_numpy() * 2,
            messages["message_id"].to_numpy(),
            phones.codes(messages["to_phone"]),
            phones.codes(messages["from_phone"]),
            runs.codes(messages),
            messages["characters"].to_numpy(),
            messages["delivery_status"].to_physical().cast(pl.Int8).to_numpy(),
            (messages["failure"].to_physical().cast(pl.Int8) + 1).fill_null(0).to_numpy(),
            np.full(messages.height, SMS, np.int8),
        )

    @classmethod
    def empty(cls) -> Self:
        """Return no messages."""
        return cls.of(pl.DataFrame(schema=SCHEMA), Phones(), CodeBook(RUN_SCHEMA))

    def identity(self) -> Index:
        """Return the id of each message."""
        return self.message_id

    def in_channel(self, channel: int) -> Self:
        """Return copies of the messages as entries of another channel, with ids of their own."""
        word = "pending" if channel == VOICE else "installed"
        return replace(
            self,
            message_id=self.message_id + _FIRST_FOREIGN_ID,
            status=np.full(len(self), STATUS_WORDS.index(word), np.int8),
            failure=np.zeros(len(self), np.int8),
            channel=np.full(len(self), channel, np.int8),
        )
