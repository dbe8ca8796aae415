"""Campaign messages: the second dataset, beside the events.

Names, mail addresses, birth dates and texts are part of every entry. They are not decoded, or only until the three
facts that are kept of them are known: how long the text is, whether it tells how to opt out, and why sending failed.
"""

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
import polars as pl

from optkit.datasets.endpoint import Endpoint, TimeUnit
from optkit.datasets.timestamps import read_timestamps
from optkit.errors import ResponseError
from optkit.messages import DELIVERY_STATUS, FAILURE, ORDER, SCHEMA
from optkit.times import DAY, INSTANT

#: Words that tell how to opt out.
_STOP: Final = re.compile(r"\b(?:STOP|UNSUBSCRIBE|QUIT|END|CANCEL|OPT[ -]?OUT)\b", re.IGNORECASE)

#: One of these is part of every such text; to look for them takes a tenth of the time.
_HINTS: Final = ("stop", "unsubscribe", "quit", "end", "cancel", "opt")

#: Parts of the vendor's texts of errors, in lower case, and what they mean; the first that is found counts.
_FAILURES: Final = {
    "unsubscribed": "unsubscribed",
    "landline": "landline",
    "not a valid mobile": "invalid number",
    "invalid recipient": "invalid number",
    "same from and to": "invalid number",
    "same 'from' and 'to'": "invalid number",
    "unreachable": "unreachable",
    "unknown handset": "unreachable",
    "unknown destination handset": "unreachable",
    "blocked": "blocked",
    "filtered": "filtered",
    "region": "region",
    "queue": "queue",
    "rate limit": "rate limit",
    "congestion": "carrier",
    "suspended": "account",
    "too large": "content",
}
_FAILED: Final = frozenset({"failed", "skipped"})
_STATUSES: Final = frozenset(DELIVERY_STATUS.categories)


class _Named(msgspec.Struct, gc=False):
    id: int | None = None
    name: str | None = None


class _Execution(msgspec.Struct, gc=False):
    id: int | None = None
    created_at: int | float | str | None = None


class Message(msgspec.Struct, gc=False):
    """One message as the API sends it; other fields, `user` among them, are never decoded.

    Once it is decoded, `content` and `error` are gone.
    """

    id: int
    created_at: int | float | str
    delivery_status: str
    to_phone: str | None = None
    from_phone: str | None = None
    delivery_channel: str | None = None
    campaign: _Named | None = None
    execution: _Execution | None = None
    response_set: _Named | None = None
    language: str | None = None
    content: str | None = None
    error: str | None = None
    characters: int | None = msgspec.field(name="characters of content", default=None)
    mentions_stop: bool | None = msgspec.field(name="content mentions stop", default=None)
    failure: str | None = msgspec.field(name="class of error", default=None)

    def __post_init__(self) -> None:
        status = self.delivery_status
        if status not in _STATUSES:
            status = status.strip().lower()
            self.delivery_status = status = status if status in _STATUSES else "other"
        if self.error or status in _FAILED:
            self.failure = _classify(self.error)
            self.error = None
        content = self.content
        if content is not None:
            self.characters = len(content)
            self.mentions_stop = _mentions_stop(content)
            self.content = None


def _mentions_stop(content: str) -> bool:
    text = content.lower()
    return any(hint in text for hint in _HINTS) and _STOP.search(content) is not None


def _classify(error: str | None) -> str:
    """Return the class of a failure."""
    text = (error or "").lower()
    return next((failure for part, failure in _FAILURES.items() if part in text), "unknown")


def _belongs(message: Message) -> bool:
    """Return whether it is a text to a phone."""
    channel = message.delivery_channel
    return bool(message.to_phone) and (channel is None or channel == "sms" or channel.lower() == "sms")


_fields = attrgetter(
    "id",
    "to_phone",
    "from_phone",
    "created_at",
    "delivery_status",
    "failure",
    "campaign",
    "execution",
    "response_set",
    "language",
    "characters",
    "mentions_stop",
)


def _to_columns(messages: Sequence[Message]) -> pl.DataFrame:
    """Return messages as a frame with the columns of `optkit.messages.SCHEMA`."""
    if not messages:
        return SCHEMA.to_frame()
    columns = zip(*map(_fields, messages), strict=True)
    ids, to_phone, from_phone, created_at, status, failure, campaign, execution, response_set, *rest = columns
    language, characters, mentions_stop = rest
    return pl.DataFrame(
        {
            "message_id": pl.Series(ids, dtype=pl.Int64),
            "to_phone": pl.Series(to_phone, dtype=pl.String).str.strip_chars(),
            "from_phone": pl.Series(from_phone, dtype=pl.String).str.strip_chars(),
            "sent_at": read_timestamps(created_at, "created_at"),
            "delivery_status": pl.Series(status, dtype=pl.String).cast(DELIVERY_STATUS),
            "failure": pl.Series(failure, dtype=pl.String).cast(FAILURE),
            "campaign_id": _ids(campaign),
            "execution_id": _ids(execution),
            "response_set_id": _ids(response_set),
            "campaign": pl.Series([item and item.name for item in campaign], dtype=pl.String),
            "language": pl.Series(language, dtype=pl.String),
            "executed_at": _executed_at(execution),
            "characters": pl.Series(characters, dtype=pl.Int32),
            "mentions_stop": pl.Series(mentions_stop, dtype=pl.Boolean),
        }
    )


def _ids(items: Sequence[Any]) -> pl.Series:
    return pl.Series([item and item.id for item in items], dtype=pl.Int64)


def _executed_at(executions: Sequence[_Execution | None]) -> pl.Series:
    """Return when executions began; there are few of them, so each time is read once."""
    times = [None if execution is None else execution.created_at for execution in executions]
    known = list({time for time in times if time is not None})
    try:
        instants = dict(zip(known, read_timestamps(known, "created_at").to_physical().to_list(), strict=True))
    except ResponseError:
        raise ResponseError("the field 'created_at' of an entry's 'execution' is not a timestamp") from None
    return pl.Series([None if time is None else instants[time] for time in times], dtype=pl.Int64).cast(
        INSTANT
    )


MESSAGES: Final = Endpoint(
    dataset="messages",
    subfolder="messages",
    paths=("/api/v2/campaigns/insights",),
    record=Message,
    identity=attrgetter("id"),
    to_columns=_to_columns,
    belongs=_belongs,
    schema=SCHEMA,
    time="sent_at",
    order=ORDER,
    key=("message_id",),
    filters=(),
    private=("to_phone", "from_phone", "to_email", "recipient_uuid"),
    constants={"delivery_channel": "sms"},
    # ten times to a thousand times as many as events: a week of them would be too much to read at once
    window=DAY,
    horizon_months=6,
    # the document says milliseconds for the end and nothing for the start
    time_units=(TimeUnit("ms", 1, 1), TimeUnit("s", 1000, 1000), TimeUnit("start s, end ms", 1000, 1)),
)
