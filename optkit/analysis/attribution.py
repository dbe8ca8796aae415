"""Which message an opt-out followed: the last one that may have been read while opted in, and how long before."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, overload

import polars as pl

from optkit.engine.aggregate import Rows, instants
from optkit.engine.exposures import JointPartition, count_until
from optkit.engine.frames import History, Table
from optkit.engine.joint import map_rows_joint
from optkit.engine.message_frames import Messages
from optkit.engine.packing import at_of
from optkit.engine.question import question
from optkit.engine.states import Scope
from optkit.messages import REACHED
from optkit.times import DAY, HOUR, INSTANT, Duration, Moment, duration_ms

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

#: Whether a message preceded an opt-out.
SOURCE: Final = pl.Enum(["message", "earlier", "none", "unknown"])

_OF_MESSAGE: Final = ("message_id", "campaign_id", "campaign", "execution_id")


@overload
def attribution(
    history: Table,
    messages: Table,
    *,
    window: Duration = ...,
    scope: Scope = ...,
    since: Moment | None = ...,
    until: Moment | None = ...,
    statuses: Collection[str] = ...,
    region: str | None = ...,
) -> pl.DataFrame: ...


@overload
def attribution(
    history: "SparkFrame",
    messages: "SparkFrame",
    *,
    window: Duration = ...,
    scope: Scope = ...,
    since: Moment | None = ...,
    until: Moment | None = ...,
    statuses: Collection[str] = ...,
    region: str | None = ...,
) -> "SparkFrame": ...


def attribution(
    history: History,
    messages: Messages,
    *,
    window: Duration = "72h",
    scope: Scope = "pair",
    since: Moment | None = None,
    until: Moment | None = None,
    statuses: Collection[str] = REACHED,
    region: str | None = None,
) -> Rows:
    """List every opt-out with the last message that may have led to it.

    That is the last exposure of the pair (or recipient): a message with one of `statuses`, sent while opted in, at or
    before the opt-out. A STOP does not say which message it answers, and some people opt out without a message:
    `optkit.campaign_rates` subtracts those.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    messages : any frame
        Messages, in any order; a Spark frame if the history is one.
    window : str or timedelta
        The longest time between the message and the opt-out.
    scope : "pair" or "recipient"
        Whose states: a pair's, or a recipient's, opted out while opted out of at least one sender. In recipient
        scope from_phone is the sender of the event that made the change, and the messages of all senders count.
    since : str, date or datetime, optional
        Begin of the record: earlier messages and opt-outs are ignored. By default the record begins with the first
        message, and all opt-outs are listed.
    until : str, date or datetime, optional
        End of the record: later events and messages are ignored. Default: the last event or message.
    statuses, region
        See `optkit.campaign_rates`.

    Returns
    -------
    polars.DataFrame
        One row per opt-out, sorted by opted_out_at, from_phone, to_phone: from_phone, to_phone (String), opted_out_at
        (Datetime ms, UTC); source (Enum: "message": the last exposure is within `window`; "earlier": it is before that;
        "none": the record has no exposure, and begins at least `window` before the opt-out; "unknown": the record
        begins later than that); message_id, campaign_id (Int64), campaign (String), execution_id (Int64), sent_at
        (Datetime ms, UTC), hours (Float64: from sent_at to the opt-out), all of the last exposure, null without one;
        messages_7d, messages_30d (Int64: exposures in the 7 and 30 days up to the opt-out). For Spark frames a Spark
        DataFrame of the same columns (source a string), in no order.

    Raises
    ------
    HistoryError
        A frame is not what it should be.
    SettingsError
        An argument cannot be used.

    Examples
    --------
    >>> import optkit
    >>> history, messages = optkit.demo_history(recipients=1000), optkit.demo_messages(recipients=1000)
    >>> table = optkit.attribution(history, messages, window="72h")
    >>> table.filter(source="message")["hours"].max() <= 72
    True
    """
    asked = question(
        since, until, statuses, region, scope=scope, payload=_OF_MESSAGE[1:], beside_opt_outs="before"
    )
    within, begin = duration_ms(window, "window"), asked.record.since

    def mapper(partition: JointPartition) -> pl.LazyFrame:
        rows = _with_last_exposure(partition, within)
        if begin is not None:
            rows = rows.filter(pl.col("opted_out_at") >= pl.lit(begin).cast(INSTANT))
        return rows

    return map_rows_joint(history, messages, mapper, asked, sort=["opted_out_at", "from_phone", "to_phone"])


def _with_last_exposure(partition: JointPartition, window: int) -> pl.LazyFrame:
    """Return the opt-outs of a partition with their last exposure."""
    opt_outs, exposures = partition.opt_outs, partition.exposures
    last = exposures.select(*_OF_MESSAGE, sent_at=at_of(pl.col("key")))
    gathered = [last[name].gather(opt_outs["exposure"]).alias(name) for name in last.columns]
    until = count_until(opt_outs["key"], exposures["key"])
    recent = [
        (until - count_until(opt_outs["key"], exposures["key"], days * DAY)).alias(f"messages_{days}d")
        for days in (7, 30)
    ]
    waited, at = pl.col("at") - pl.col("sent_at"), pl.col("at")
    source = (
        pl.when(waited <= window)
        .then(pl.lit("message", SOURCE))
        .when(waited > window)
        .then(pl.lit("earlier", SOURCE))
        .when(at - window >= partition.since)
        .then(pl.lit("none", SOURCE))
        .otherwise(pl.lit("unknown", SOURCE))
    )
    return (
        opt_outs.with_columns(*gathered, *recent)
        .lazy()
        .select(
            "sender",
            "recipient",
            opted_out_at=instants("at"),
            source=source,
            message_id="message_id",
            campaign_id="campaign_id",
            campaign="campaign",
            execution_id="execution_id",
            sent_at=instants("sent_at"),
            hours=waited / HOUR,
            messages_7d="messages_7d",
            messages_30d="messages_30d",
        )
    )
