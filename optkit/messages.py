"""Messages: the second frame that flows through the package, always together with a history.

Messages have one row per text that a campaign sent, or tried to send, to one recipient. Names, addresses, birth dates
and the texts themselves are never included.
"""

from typing import Final

import polars as pl

from optkit.times import INSTANT

#: What became of a message. Unknown words of the API become "other".
DELIVERY_STATUS: Final = pl.Enum(
    ["sent", "delivered", "undelivered", "failed", "skipped", "pending", "queued", "installed", "other"]
)

#: Statuses of a message that may have been read.
REACHED: Final = ("sent", "delivered")

#: Why a message failed or was skipped.
FAILURE: Final = pl.Enum(
    [
        "unsubscribed",
        "landline",
        "invalid number",
        "unreachable",
        "blocked",
        "filtered",
        "region",
        "queue",
        "rate limit",
        "carrier",
        "account",
        "content",
        "unknown",
    ]
)

#: Columns and dtypes of messages, in order.
SCHEMA: Final = pl.Schema(
    {
        "message_id": pl.Int64(),
        "to_phone": pl.String(),
        "from_phone": pl.String(),
        "sent_at": INSTANT,
        "delivery_status": DELIVERY_STATUS,
        "failure": FAILURE,
        "campaign_id": pl.Int64(),
        "execution_id": pl.Int64(),
        "response_set_id": pl.Int64(),
        "campaign": pl.String(),
        "language": pl.String(),
        "executed_at": INSTANT,
        "characters": pl.Int32(),
        "mentions_stop": pl.Boolean(),
    }
)

#: The order in which messages are sorted; `message_id` alone identifies one.
ORDER: Final = ("sent_at", "message_id")
