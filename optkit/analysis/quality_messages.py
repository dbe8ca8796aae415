"""Whether a history and messages fit together, and what is unusual about the messages."""

from typing import Final

import polars as pl

from optkit.analysis.quality_check import Check
from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.canonical import E164
from optkit.engine.exposures import KEY, MESSAGE, JointPartition, last_before, message_sender, unit_of
from optkit.engine.frames import History
from optkit.engine.joint import JointTotals, aggregate_joint
from optkit.engine.message_frames import Messages
from optkit.engine.packing import at_of, recipient_of
from optkit.engine.question import question
from optkit.times import SECOND, WEEK, Moment, from_ms

#: A status "sent" that is older than this does not change any more.
_SETTLED: Final = WEEK


def checks_of_messages(history: History, messages: Messages, until: Moment | None) -> list[Check]:
    """Return the checks of a history's messages."""
    asked = question(until=until, payload=("delivery_status", "failure"))
    totals = aggregate_joint(history, messages, _counted, asked)
    return [_left_edge(totals), *_of_pairs(totals), *_of_messages(totals)]


def _counted(partition: JointPartition) -> dict[str, PartialSum]:
    messages = partition.messages.lazy().with_columns(at=at_of(MESSAGE), recipient=recipient_of(MESSAGE))
    number = partition.codes.recipient(pl.col("recipient"))
    status = pl.col("delivery_status").cast(pl.String)
    waiting = (status == "sent") & (pl.col("at") < partition.until - _SETTLED)
    odd = messages.group_by("recipient").agg(messages=pl.len()).filter(~number.str.contains(E164))
    in_record = _opt_outs(partition).lazy().filter(pl.col("at") >= partition.since)
    return {
        "messages": partial_sum(
            messages, [], messages=pl.len(), unknown=(status == "other").sum(), waiting=waiting.sum()
        ),
        "numbers": partial_sum(odd, [], odd=pl.col("messages").sum()),
        "weeks": partial_sum(messages.with_columns(week=pl.col("at") // WEEK), ["week"], messages=pl.len()),
        "opt-outs": partial_sum(
            in_record,
            [],
            opt_outs=pl.len(),
            never=(~pl.col("messaged")).sum(),
            failed=pl.col("at_failure").sum(),
        ),
        "writing": partial_sum(
            messages.select(sender=message_sender()).drop_nulls(), ["sender"], messages=pl.len()
        ),
        "leaving": partial_sum(partition.runs.lazy(), ["sender"], runs=pl.len()),
    }


def _opt_outs(partition: JointPartition) -> pl.DataFrame:
    """Return the opt-outs: at, messaged (ever), at_failure (the last message was blocked within the second before)."""
    ordered, opt_outs = partition.ordered, partition.opt_outs
    units = ordered.select(unit=unit_of(KEY)).unique()
    last = last_before(opt_outs["key"], ordered["key"])
    failure = ordered["failure"].cast(pl.String).gather(last).alias("failure")
    sent = ordered.select(sent=at_of(KEY)).to_series().gather(last)
    known = pl.col("unit").is_in(units["unit"].implode())
    at_failure = (pl.col("failure") == "unsubscribed") & (pl.col("at") - pl.col("sent") <= SECOND)
    return opt_outs.with_columns(failure, sent, unit=unit_of(KEY)).select(
        "at", messaged=known, at_failure=at_failure.fill_null(False)
    )


def _left_edge(totals: JointTotals) -> Check:
    count = totals["messages"]["messages"].item()
    begin = (
        "there is no message"
        if totals.since is None
        else f"the record begins at {from_ms(totals.since):%Y-%m-%d %H:%M} UTC"
    )
    return Check(
        "messages: left edge", min(count, 1), count, 1.0,
        f"{begin}: what was sent before is unknown, and opt-outs before it cannot be attributed",
    )  # fmt: skip


def _of_pairs(totals: JointTotals) -> list[Check]:
    """Return the checks that events and messages belong to the same pairs and senders."""
    opt_outs, never, failed = totals["opt-outs"].row(0)
    writing, leaving = set(totals["writing"]["sender"]), set(totals["leaving"]["sender"])
    return [
        Check(
            "opt-outs never messaged", never, opt_outs, 0.2,
            "opt-outs of pairs without any message in the record: another system also sends, or numbers differ",
        ),
        Check(
            "opt-outs at a failure", failed, opt_outs, 0.05,
            "opt-outs within a second after a blocked message: the failure reported them, so their times are late",
        ),
        Check(
            "senders without messages", len(leaving - writing), len(leaving), 0.0,
            "senders with events but without messages: the messages are missing, or have another sender name",
        ),
        Check(
            "senders without events", len(writing - leaving), len(writing), 0.5,
            "senders of messages without events: they are new, or their events are missing",
        ),
    ]  # fmt: skip


def _of_messages(totals: JointTotals) -> list[Check]:
    """Return the checks of the messages themselves."""
    count, unknown, waiting = totals["messages"].row(0)
    weeks = totals["weeks"]["week"]
    first, last = weeks.min(), weeks.max()
    span = 0 if first is None or last is None else int(last) - int(first) + 1  # type: ignore[arg-type]
    return [
        Check(
            "messages: unmatched numbers", totals["numbers"]["odd"].item(), count, 0.01,
            "messages to a text that is not a phone number with a country code: without region they match no event",
        ),
        Check(
            "messages: unknown status", unknown, count, 0.01,
            "messages with an undocumented delivery status: they do not count as read",
        ),
        Check(
            "messages: never confirmed", waiting, count, 0.2,
            "messages sent more than a week before the end without a delivery report; they count as read",
        ),
        Check(
            "weeks without messages", span - weeks.len(), span, 0.0,
            "weeks (from Thursday, UTC) between the first and the last message in which nothing was sent",
        ),
    ]  # fmt: skip
