"""Who was messaged: recipients and messages by sender, the denominator that events do not provide."""

from collections.abc import Collection
from typing import Final

import polars as pl

from optkit.engine.aggregate import PartialSum, instants
from optkit.engine.canonical import canonical_column
from optkit.engine.exposures import JointPartition
from optkit.engine.frames import by_columns
from optkit.engine.joint import aggregate_joint, no_events
from optkit.engine.message_frames import Messages
from optkit.engine.question import question
from optkit.messages import REACHED
from optkit.times import Moment

_COUNTED: Final = ("delivered", "undelivered", "failed", "skipped")

_NUMBER: Final = "number of the group"  # beside the messages' own columns
_FEW: Final = 2**12  # numbers beside the 51 bits of a recipient


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
    taken = ("recipients", "messages", *_COUNTED, "first_sent_at", "last_sent_at")
    groups = by_columns(by, taken, {"messages": messages})
    columns = [name for name in groups if name != "from_phone"]
    asked = question(since, until, statuses, region, payload=columns, in_order=False)

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        at = pl.col("sent_at").cast(pl.Int64)
        # Group by the sender's text as it is, then rewrite the few different texts.
        by_status = partition.messages.group_by(*groups, "delivery_status").agg(
            messages=pl.len().cast(pl.Int64), first_sent_at=at.min(), last_sent_at=at.max()
        )
        written = by_status.collect(engine="streaming")
        if "from_phone" in groups:
            written = written.drop_nulls("from_phone")
        counts = _rewritten(written, groups, region).lazy()
        # First and last do not add up, so they are keys here; their extremes are taken at the end.
        extent = ["first_sent_at", "last_sent_at"]
        recipients = _recipients(partition.messages, written.select(groups).unique(), region)
        return {
            "counts": PartialSum([*groups, "delivery_status"], counts.drop(extent)),
            "recipients": PartialSum(groups, recipients.lazy()),
            "extents": PartialSum([*groups, *extent], counts.select(*groups, *extent)),
        }

    totals = aggregate_joint(no_events(messages), messages, mapper, asked)
    messages_of = pl.col("messages")
    tables = [
        totals["counts"].select(
            *groups,
            "messages",
            *(pl.when(pl.col("delivery_status") == name).then(messages_of).alias(name) for name in _COUNTED),
        ),
        totals["recipients"],
        totals["extents"].select(*groups, instants("first_sent_at"), instants("last_sent_at")),
    ]
    together = pl.concat(tables, how="diagonal")
    sums = [
        *(pl.col(name).sum() for name in ("recipients", "messages", *_COUNTED)),
        pl.col("first_sent_at").min(),
        pl.col("last_sent_at").max(),
    ]
    counted = together.group_by(groups).agg(sums) if groups else together.select(sums)
    return counted.sort(groups, nulls_last=True) if groups else counted


def _rewritten(table: pl.DataFrame, groups: list[str], region: str | None) -> pl.DataFrame:
    """Return a table with senders in canonical form, where it has them."""
    return table.with_columns(canonical_column(name, region) for name in groups if name == "from_phone")


def _recipients(messages: pl.LazyFrame, groups: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Count the distinct recipients who were reached, per group.

    Recipient and group number are packed into one integer: distinct integers take less time and memory than distinct
    recipients within each group.
    """
    names = groups.columns
    canonical = _rewritten(groups, names, region).with_row_index(_NUMBER)
    width = pl.Int64 if groups.height < _FEW else pl.Int128
    count = pl.lit(max(groups.height, 1), width)
    if names:
        # One number for all spellings of a sender.
        first = canonical.select(pl.col(_NUMBER).first().over(names))
        sent = messages.join(groups.with_columns(first).lazy(), on=names, nulls_equal=True)
    else:
        sent = messages.with_columns(pl.lit(0).alias(_NUMBER))
    pair = pl.col("recipient").cast(width) * count + pl.col(_NUMBER).cast(width)
    pairs = sent.select(pair=pl.when("reached").then(pair)).drop_nulls().collect(engine="streaming")
    counts = (
        pairs["pair"]
        .unique()
        .to_frame()
        .group_by((pl.col("pair") % count).cast(pl.Int64).alias(_NUMBER))
        .agg(recipients=pl.len().cast(pl.Int64))
    )
    recipients = counts.select("recipients")
    return canonical.select(names)[counts[_NUMBER]].hstack(recipients) if names else recipients
