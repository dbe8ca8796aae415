"""Who was messaged: recipients and messages by sender, the denominator that events do not provide."""

import functools
import operator
from collections.abc import Collection
from typing import Final

import polars as pl

from optkit.engine import frames, message_frames
from optkit.engine.aggregate import PartialSum, instants
from optkit.engine.canonical import canonical_column
from optkit.engine.exposures import JointPartition
from optkit.engine.frames import by_columns
from optkit.engine.joint import aggregate_joint, no_events
from optkit.engine.message_frames import Messages
from optkit.engine.packing import RECIPIENT_BITS, least_of_each
from optkit.engine.question import question
from optkit.messages import REACHED
from optkit.times import Moment

_COUNTED: Final = ("delivered", "undelivered", "failed", "skipped")

_NUMBER: Final = "number of the group"  # beside the messages' own columns
_TIMES: Final = "number of times"  # beside them as well
_RECIPIENTS: Final = 2**RECIPIENT_BITS
_FEW: Final = 1 << (63 - RECIPIENT_BITS)  # as many groups fit beside a recipient into 63 bits
_SEEDS: Final = 8  # hashes of up to about 100 groups differ with one of so many seeds


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
    asked = question(since, until, statuses, region, payload=columns, in_order=False, needs_record=False)

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        at = pl.col("sent_at").cast(pl.Int64)
        # Group by the sender's text as it is, then rewrite the few different texts.
        by_status = partition.messages.group_by(*groups, "delivery_status").agg(
            at.count().alias(_TIMES),
            messages=pl.len().cast(pl.Int64),
            first_sent_at=at.min(),
            last_sent_at=at.max(),
        )
        written = by_status.collect(engine="streaming")
        _validate_times(partition.messages, written)
        if "from_phone" in groups:
            written = written.drop_nulls("from_phone")
        counts = _rewritten(written.drop(_TIMES), region).lazy()
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


def _validate_times(messages: pl.LazyFrame, counts: pl.DataFrame) -> None:
    """Raise `HistoryError` if an instant that was counted is null or centuries off."""
    known = pl.col(_TIMES).sum(), pl.col("first_sent_at").min(), pl.col("last_sent_at").max()
    extent = frames.Extent(*counts.select(pl.col("messages").sum(), *known).row(0))
    if not extent.is_valid:
        message_frames.validate_values(messages)


def _rewritten(table: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Return a table with senders in canonical form, where it has them."""
    return table.with_columns(
        canonical_column(name, region) for name in table.columns if name == "from_phone"
    )


def _recipients(messages: pl.LazyFrame, groups: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Count the distinct recipients who were reached, per group.

    Group number and recipient are packed into one integer: sorted integers are counted in less time and memory than
    distinct recipients within each group.
    """
    sent, numbered = _numbered(messages, groups, _rewritten(groups, region))
    width = pl.Int64 if groups.height <= _FEW else pl.Int128
    first = pl.col(_NUMBER).cast(width) * pl.lit(_RECIPIENTS, width)
    pair = pl.when("reached").then(first + pl.col("recipient").cast(width))
    pairs = sent.select(pair=pair).drop_nulls().collect(engine="streaming")["pair"]
    distinct = least_of_each(pairs, 0)
    # Several spellings of a sender have one number.
    counted = numbered.unique(_NUMBER)
    least = counted.select(first).to_series()
    begins = distinct.search_sorted(least, side="left")
    ends = distinct.search_sorted(least + pl.Series([_RECIPIENTS - 1], dtype=width), side="right")
    return counted.select(*groups.columns, recipients=(ends - begins).cast(pl.Int64))


def _numbered(
    messages: pl.LazyFrame, groups: pl.DataFrame, canonical: pl.DataFrame
) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """Return messages with the number of their group, null where they have none, and canonical groups with theirs."""
    names = groups.columns
    if not names:
        return messages.with_columns(pl.lit(0).alias(_NUMBER)), pl.DataFrame({_NUMBER: [0]})
    number = _differing_hash(groups) if canonical.n_unique() == groups.height else None
    if number is None:
        numbered = canonical.with_row_index(_NUMBER).with_columns(pl.col(_NUMBER).first().over(names))
        numbers = groups.with_columns(numbered[_NUMBER]).lazy()
        return messages.join(numbers, on=names, nulls_equal=True), numbered
    has_sender = pl.col("from_phone").is_not_null() if "from_phone" in names else pl.lit(True)
    sent = messages.with_columns(pl.when(has_sender).then(number))
    return sent, canonical.with_columns(groups.select(number).to_series())


def _differing_hash(groups: pl.DataFrame) -> pl.Expr | None:
    """Return a number below `_FEW` that differs between all groups, or None: groups are too many, or collide.

    It is computed in a quarter of the time of a join.
    """
    for seed in range(0, _SEEDS * groups.width, groups.width):
        hashes = (pl.col(name).hash(seed + place) for place, name in enumerate(groups.columns))
        number = (functools.reduce(operator.xor, hashes) % _FEW).reinterpret(signed=True).alias(_NUMBER)
        if groups.select(number.n_unique()).item() == groups.height:
            return number
    return None
