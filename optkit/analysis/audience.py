"""Who was messaged: recipients and messages by sender, the denominator that events do not provide."""

from collections.abc import Collection
from typing import Final

import polars as pl

from optkit.engine.aggregate import PartialSum, instants, partial_sum
from optkit.engine.exposures import MESSAGE, JointPartition, message_sender
from optkit.engine.frames import by_columns
from optkit.engine.joint import aggregate_joint, no_events
from optkit.engine.message_frames import Messages
from optkit.engine.packing import at_of, recipient_of
from optkit.engine.question import question
from optkit.messages import REACHED
from optkit.times import Moment

_COUNTED: Final = ("delivered", "undelivered", "failed", "skipped")


def audience(
    messages: Messages,
    *,
    by: str | Collection[str] | None = "from_phone",
    since: Moment | None = None,
    until: Moment | None = None,
    statuses: Collection[str] = REACHED,
    region: str | None = None,
) -> pl.DataFrame:
    """Count recipients and messages by sender, or by any other columns of the messages.

    `optkit.churn` and `optkit.opt_out_rates` accept the result as their `audience`.

    Parameters
    ----------
    messages : any frame
        Messages, in any order.
    by : str or collection of str, optional
        Columns of the messages; None: one row for all. If it contains from_phone, messages without a sender are left
        out, because they belong to no sender's audience.
    since, until : str, date or datetime, optional
        The stretch that is counted, both ends included; by default from the first message to the last.
    statuses : collection of str
        Delivery statuses of messages that may have been read; only their recipients count.
    region : str, optional
        ISO code of the country of phones without a country code. A recipient whose number is written in several ways
        counts once.

    Returns
    -------
    polars.DataFrame
        Sorted by `by`; one row per group: the columns of `by` (phones in E.164); recipients (distinct, of messages with
        one of `statuses`), messages (all), delivered, undelivered, failed, skipped (messages with that status) (Int64);
        first_sent_at, last_sent_at (Datetime ms, UTC; of all messages).

    Raises
    ------
    HistoryError
        The frame does not have messages.
    SettingsError
        An argument cannot be used.

    Examples
    --------
    >>> import optkit
    >>> messages = optkit.demo_messages(recipients=1000)
    >>> optkit.audience(messages).columns[:4]
    ['from_phone', 'recipients', 'messages', 'delivered']
    """
    groups = by_columns(by, ("recipients", "messages", *_COUNTED, "first_sent_at", "last_sent_at"))
    columns = [name for name in groups if name != "from_phone"]
    asked = question(since, until, statuses, region, payload=[*columns, "delivery_status"], with_ids=False)
    # Grouping by the sender's code, which is in the key, is faster than by its text.
    keys = ["sender", *columns] if "from_phone" in groups else columns

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        sent = partition.messages.lazy().with_columns(at=at_of(MESSAGE), sender=message_sender())
        if "sender" in keys:
            sent = sent.drop_nulls("sender")
        status, recipient = pl.col("delivery_status"), recipient_of(MESSAGE)
        counts = {name: (status == name).sum() for name in _COUNTED}
        # First and last do not add up, so they are keys here; their extremes are taken at the end.
        extent = [pl.col("at").min().alias("first_sent_at"), pl.col("at").max().alias("last_sent_at")]
        extents = sent.group_by(keys).agg(extent) if keys else sent.select(extent)
        return {
            "counts": partial_sum(sent, keys, messages=pl.len(), **counts),
            "recipients": partial_sum(sent.filter("reached"), keys, recipients=recipient.n_unique()),
            "extents": PartialSum([*keys, "first_sent_at", "last_sent_at"], extents),
        }

    totals = aggregate_joint(no_events(messages), messages, mapper, asked)
    extent = [instants("first_sent_at").min(), instants("last_sent_at").max()]
    counted = ["recipients", "messages", *_COUNTED]
    if not keys:
        parts = [totals["counts"], totals["recipients"], totals["extents"].select(extent)]
        return pl.concat(parts, how="horizontal").select(*counted, "first_sent_at", "last_sent_at")
    joined = totals["counts"].join(totals["recipients"], on=keys, how="left", nulls_equal=True)
    joined = joined.join(totals["extents"].group_by(keys).agg(extent), on=keys, nulls_equal=True)
    return (
        joined.rename({"sender": "from_phone"}, strict=False)
        .select(*groups, *(pl.col(name).fill_null(0) for name in counted), "first_sent_at", "last_sent_at")
        .sort(groups, nulls_last=True)
    )
