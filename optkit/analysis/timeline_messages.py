"""The messages to one number, merged with its events, and whether the recipient was opted out."""

from typing import Final

import polars as pl

from optkit.engine import frames, message_frames, spark
from optkit.engine.canonical import canonical_column, canonical_phone
from optkit.engine.message_frames import Messages
from optkit.history import OPT_IN, OPT_OUT, STATUS
from optkit.messages import DELIVERY_STATUS
from optkit.times import INSTANT, Moment, instant

MESSAGE: Final = "message"

#: The kinds of rows.
KIND: Final = pl.Enum([OPT_IN, OPT_OUT, MESSAGE])

_COLUMNS: Final = (*message_frames.KEYS, "campaign")
_DIGITS: Final = 6


def add_messages(
    events: pl.DataFrame, messages: Messages, number: str, region: str | None, until: Moment | None
) -> pl.DataFrame:
    """Return the timeline of a number with its messages, and the columns kind, delivery_status and campaign."""
    sent = _messages_to(messages, canonical_phone(number, region), region)
    if until is not None:
        sent = sent.filter(pl.col("sent_at") <= pl.lit(instant(until, "until")).cast(INSTANT))
    sender = canonical_column("from_phone", region)
    states = events.lazy().select("created_at", "state_after", sender=sender).sort("created_at")
    rows = (
        sent.sort("sent_at", "message_id")
        .with_columns(sender=sender)
        # A message comes before an event of the same millisecond.
        .join_asof(
            states,
            left_on="sent_at",
            right_on="created_at",
            by="sender",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .select(
            "from_phone",
            created_at="sent_at",
            status=pl.lit(None, STATUS),
            # A message without a sender belongs to no pair, so it has no state.
            state_before=pl.when(pl.col("sender").is_not_null()).then(
                pl.col("state_after").fill_null(pl.lit(OPT_IN, STATUS))
            ),
            delivery_status=pl.col("delivery_status").cast(pl.String).cast(DELIVERY_STATUS, strict=False),
            campaign="campaign",
        )
        .with_columns(
            state_after="state_before",
            note=pl.when(pl.col("state_before") == OPT_OUT).then(pl.lit("leak")).otherwise(pl.lit("")),
            kind=pl.lit(MESSAGE, KIND),
        )
    )
    kinds = events.lazy().with_columns(
        kind=pl.col("status").cast(KIND),
        delivery_status=pl.lit(None, DELIVERY_STATUS),
        campaign=pl.lit(None, pl.String),
    )
    together = pl.concat([rows.select(kinds.collect_schema().names()), kinds])
    return together.sort("created_at", pl.col("kind") != MESSAGE, maintain_order=True).collect()


def _messages_to(messages: Messages, number: str, region: str | None) -> pl.LazyFrame:
    """Return the messages to one number, in any spelling."""
    if frames.is_spark(messages):
        from pyspark.sql import functions as F

        ending = "".join(digit for digit in number if digit.isdigit())[-_DIGITS:]
        written = spark.digits(F.col("to_phone")).endswith(ending)
        sent = message_frames.read(spark.collect(messages.where(written).select(*_COLUMNS)), _COLUMNS)
    else:
        sent = message_frames.read(messages, _COLUMNS)
    return sent.filter(canonical_column("to_phone", region) == number)
