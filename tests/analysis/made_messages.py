"""Made-up messages for the made-up histories: they coincide with events within one second."""

from typing import NamedTuple

import polars as pl
from histories import INSTANTS, RECIPIENTS, SENDERS
from hypothesis import strategies as st

from optkit.messages import SCHEMA


class Message(NamedTuple):
    message_id: int
    to_phone: str
    from_phone: str | None
    at: int
    delivery_status: str
    failure: str | None
    campaign_id: int | None
    campaign: str | None


STATUSES = ["sent", "delivered", "undelivered", "failed", "skipped", "pending", "other"]
CAMPAIGNS = [(511, "Flu vaccination"), (512, "Reminder"), (512, "Reminder II"), (None, None)]

#: Also the whole seconds that the endpoint gives, and days, hours and minutes after events.
SENT = sorted(
    {at // 1000 * 1000 for at in INSTANTS}
    | set(INSTANTS[:6])
    | {INSTANTS[0] // 1000 * 1000 + step * 60_000 for step in (-1, 1, 5, 6, 60, 1440, 7 * 1440, 30 * 1440)}
)

#: Other spellings of recipients of the histories.
SPELLED = [*RECIPIENTS[:6], "+1 (202) 555-0101", "1-202-555-0101", "+44 7700 900001"]


def messages(max_size: int = 20) -> st.SearchStrategy[list[Message]]:
    """Return lists of messages in any order, each with its own id."""

    def numbered(made: list[tuple[int, Message]]) -> list[Message]:
        return [message._replace(message_id=number) for number, message in made]

    message = st.builds(
        lambda to, sender, at, status, campaign: Message(
            0, to, sender, at, status, "unsubscribed" if status == "failed" else None, *campaign
        ),
        st.sampled_from(SPELLED[:3]) | st.sampled_from(SPELLED),
        st.sampled_from(SENDERS[:2]) | st.sampled_from([*SENDERS, None]),
        st.sampled_from(SENT[:4]) | st.sampled_from(SENT),
        st.sampled_from(STATUSES[:2]) | st.sampled_from(STATUSES),
        st.sampled_from(CAMPAIGNS),
    )
    pairs = st.tuples(st.integers(1, 10**9), message)
    return st.lists(pairs, max_size=max_size, unique_by=lambda pair: pair[0]).map(numbered)


def message_frame(made: list[Message]) -> pl.DataFrame:
    """Return messages with all columns of the schema."""
    rows = [message._asdict() | {"sent_at": message.at} for message in made]
    given = pl.DataFrame(rows, schema_overrides={"sent_at": pl.Int64}, infer_schema_length=None)
    missing = [name for name in SCHEMA if name not in given.columns]
    return given.with_columns(pl.lit(None).alias(name) for name in missing).select(
        pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()
    )
