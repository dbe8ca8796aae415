"""Campaign messages: the second dataset, after the events.

Every entry has names, mail addresses, birth dates and texts. They are not decoded, except for two texts, which are
replaced by three facts as soon as a page is decoded: how long the message is, whether it tells how to opt out, and why
sending failed.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Annotated, Any, Final, TypeAlias

import msgspec
import polars as pl

from optkit.datasets.endpoint import Endpoint, TimeUnit
from optkit.datasets.timestamps import read_timestamps
from optkit.messages import DELIVERY_STATUS, FAILURE, ORDER, SCHEMA
from optkit.times import DAY

#: Whole words that tell how to opt out, by how they begin: whether a page has a beginning at all is found out quickly.
#: Each pattern begins with plain letters, which are found quickly, and then looks back at the character before them. A
#: pattern that began with a boundary would be tried at each character.
_STOP: Final = {
    word: re.compile(rf"{word}(?<!\w{word})\b") for word in ("stop", "unsubscribe", "quit", "end", "cancel")
} | {"opt": re.compile(r"opt(?<!\wopt)[ -]?out\b")}

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
_FAILED: Final = ("failed", "skipped")


#: A number that fits into a column.
_Id: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Campaign(msgspec.Struct, gc=False):
    id: _Id | None = None
    name: str | None = None


class _Execution(msgspec.Struct, gc=False):
    id: _Id | None = None
    created_at: int | float | str | None = None


class _ResponseSet(msgspec.Struct, gc=False):
    id: _Id | None = None


_NO_CAMPAIGN: Final = _Campaign()
_NO_EXECUTION: Final = _Execution()
_NO_RESPONSE_SET: Final = _ResponseSet()


class Message(msgspec.Struct, gc=False, kw_only=True):
    """One message as the API sends it; other fields, `user` among them, are never decoded.

    The fields stand in the API's order, because they are found more quickly then.
    `_strip_private` replaces `content` and `error` by the last three fields, which the API cannot set.
    """

    id: _Id
    delivery_status: str
    created_at: int | float | str
    content: str | None = None
    language: str | None = None
    execution: _Execution | None = None
    delivery_channel: str | None = None
    from_phone: str | None = None
    response_set: _ResponseSet | None = None
    error: str | None = None
    campaign: _Campaign | None = None
    to_phone: str | None = None
    characters: int | None = msgspec.field(name="characters of content", default=None)
    mentions_stop: bool | None = msgspec.field(name="content mentions stop", default=None)
    failure: str | None = msgspec.field(name="class of error", default=None)


def _strip_private(messages: Sequence[Message]) -> None:
    """Keep of the texts of a page what is wanted of them."""
    mentions = _mention_stop([message.content or "" for message in messages])
    for message, mentions_stop in zip(messages, mentions, strict=True):
        content = message.content
        if content is not None:
            message.characters = len(content)
            message.mentions_stop = mentions_stop
            message.content = None
        if message.error:
            message.failure = _classify(message.error)
            message.error = None


def _mention_stop(texts: Sequence[str]) -> list[bool]:
    """Return for each text whether it tells how to opt out."""
    # all texts at once, and as bytes first: to search each text would take most of a load's processor time
    page = b"\n".join(map(str.encode, texts)).lower()
    words = [word for begin, word in _STOP.items() if begin.encode() in page]
    if not words:
        return [False] * len(texts)
    lowered = page.decode()  # only ASCII letters have changed: each text is as long as before
    ends = list(accumulate(len(text) + 1 for text in texts))
    found = {bisect_right(ends, match.start()) for word in words for match in word.finditer(lowered)}
    return [number in found for number in range(len(texts))]


def _classify(error: str) -> str:
    """Return the class of a failure."""
    text = error.lower()
    return next((failure for part, failure in _FAILURES.items() if part in text), "unknown")


def _select(messages: Sequence[Message]) -> list[Message]:
    """Return the texts to a phone."""
    return [
        message
        for message in messages
        if message.to_phone
        and ((channel := message.delivery_channel) == "sms" or channel is None or channel.lower() == "sms")
    ]


def _to_columns(messages: Sequence[Message]) -> pl.DataFrame:
    """Return messages as a frame with the columns of `optkit.messages.SCHEMA`."""
    campaigns = [message.campaign or _NO_CAMPAIGN for message in messages]
    executions = [message.execution or _NO_EXECUTION for message in messages]
    response_sets = [message.response_set or _NO_RESPONSE_SET for message in messages]
    columns: dict[str, list[Any]] = {
        "message_id": [message.id for message in messages],
        "to_phone": [message.to_phone for message in messages],
        "from_phone": [message.from_phone for message in messages],
        "delivery_status": [message.delivery_status for message in messages],
        "failure": [message.failure for message in messages],
        "campaign_id": [campaign.id for campaign in campaigns],
        "execution_id": [execution.id for execution in executions],
        "response_set_id": [response_set.id for response_set in response_sets],
        "campaign": [campaign.name for campaign in campaigns],
        "language": [message.language for message in messages],
        "characters": [message.characters for message in messages],
        "mentions_stop": [message.mentions_stop for message in messages],
    }
    sent_at = read_timestamps([message.created_at for message in messages], "created_at")
    executed_at = read_timestamps([execution.created_at for execution in executions], "execution.created_at")
    status = pl.col("delivery_status").str.strip_chars().str.to_lowercase()
    dtypes = MESSAGES.files_schema()  # words are text until they are checked
    return pl.DataFrame(columns, schema={name: dtypes[name] for name in columns}).select(
        "message_id",
        pl.col("to_phone", "from_phone").str.strip_chars(),
        sent_at.alias("sent_at"),
        status.cast(DELIVERY_STATUS, strict=False).fill_null("other"),
        pl.when(pl.col("failure").is_null() & status.is_in(_FAILED))
        .then(pl.lit("unknown"))
        .otherwise("failure")
        .cast(FAILURE)
        .alias("failure"),
        "campaign_id",
        "execution_id",
        "response_set_id",
        "campaign",
        "language",
        executed_at.alias("executed_at"),
        "characters",
        "mentions_stop",
    )


MESSAGES: Final = Endpoint(
    subfolder="messages",
    paths=("/api/v2/campaigns/insights",),
    record=Message,
    record_key=attrgetter("id"),
    to_columns=_to_columns,
    strip_private=_strip_private,
    select=_select,
    schema=SCHEMA,
    time="sent_at",
    order=ORDER,
    key=("message_id",),
    private=("to_phone", "from_phone", "to_email", "recipient_uuid"),
    constants={"delivery_channel": "sms"},
    # ten times to a thousand times as many as events: a week of them would be too much to read at once
    window=DAY,
    horizon_months=6,
    # the document says milliseconds for the end and nothing for the start
    time_units=(TimeUnit("ms", 1, 1), TimeUnit("s", 1000, 1000), TimeUnit("start s, end ms", 1000, 1)),
)
