"""Messages to people who were opted out: every leak."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, overload

import polars as pl

from optkit.arguments import whole_number
from optkit.engine.aggregate import Rows, instants
from optkit.engine.exposures import KEY, JointPartition, message_sender
from optkit.engine.frames import History, Table
from optkit.engine.joint import map_rows_joint
from optkit.engine.message_frames import Messages
from optkit.engine.packing import at_of
from optkit.engine.question import question
from optkit.engine.states import Scope
from optkit.errors import SettingsError
from optkit.messages import DELIVERY_STATUS, REACHED
from optkit.times import HOUR, MINUTE, Moment
from optkit.times import time_zone as zone_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

#: The first message within this time after an opt-out may be its confirmation.
_CONFIRMATION: Final = 5 * MINUTE

#: The failure by which the messaging service says that it knew of the opt-out.
_BLOCKED: Final = "unsubscribed"


@overload
def leaks(
    history: Table,
    messages: Table,
    *,
    scope: Scope = ...,
    business_days: int = ...,
    holidays: Collection[date | str] = ...,
    time_zone: str = ...,
    since: Moment | None = ...,
    until: Moment | None = ...,
    statuses: Collection[str] = ...,
    region: str | None = ...,
) -> pl.DataFrame: ...


@overload
def leaks(
    history: "SparkFrame",
    messages: "SparkFrame",
    *,
    scope: Scope = ...,
    business_days: int = ...,
    holidays: Collection[date | str] = ...,
    time_zone: str = ...,
    since: Moment | None = ...,
    until: Moment | None = ...,
    statuses: Collection[str] = ...,
    region: str | None = ...,
) -> "SparkFrame": ...


def leaks(
    history: History,
    messages: Messages,
    *,
    scope: Scope = "pair",
    business_days: int = 10,
    holidays: Collection[date | str] = (),
    time_zone: str = "UTC",
    since: Moment | None = None,
    until: Moment | None = None,
    statuses: Collection[str] = REACHED,
    region: str | None = None,
) -> Rows:
    """List every message to somebody who was opted out when it was sent, whether it arrived or not.

    Not legal advice: which of these messages the law allows depends on where the recipient is.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    messages : any frame
        Messages, in any order; a Spark frame if the history is one.
    scope : "pair" or "recipient"
        Which opt-outs count: of the message's sender, or of any sender.
    business_days : int
        A message more than so many business days after the opt-out is overdue.
    holidays : collection of date or str
        Days that are not business days, as dates or ISO texts, in addition to Saturdays and Sundays.
    time_zone : str
        IANA name of the time zone in which business days are counted.
    since, until, statuses, region
        See `optkit.campaign_rates`.

    Returns
    -------
    polars.DataFrame
        One row per leak, sorted by sent_at, message_id: from_phone, to_phone (String: of the message; from_phone may be
        null in recipient scope), opted_out_at (Datetime ms, UTC: the opt-out in force), message_id (Int64), sent_at
        (Datetime ms, UTC), campaign_id (Int64), campaign (String), delivery_status (Enum), hours (Float64: since the
        opt-out), business_days (Int64: Monday to Friday without holidays, after the local date of the opt-out up to the
        date of the message); reached, blocked (the messaging service knew of the opt-out), confirmation (the first
        message after the opt-out, within 5 minutes), overdue (reached, not a confirmation, and later than
        `business_days`) (Boolean). For Spark frames a Spark DataFrame of the same columns (delivery_status a string),
        in no order.

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
    >>> table = optkit.leaks(history, messages)
    >>> (table["opted_out_at"] < table["sent_at"]).all(), table.filter("overdue")["reached"].all()
    (True, True)
    """
    limit = whole_number(business_days, "business_days", least=0)
    closed = _read_holidays(holidays)
    zone = zone_of(time_zone).key
    payload = ("campaign_id", "campaign", "delivery_status", "failure")
    asked = question(
        *(since, until, statuses, region),
        scope=scope,
        payload=payload,
        beside_opt_outs="after",
        needs_record=False,
    )

    def mapper(partition: JointPartition) -> pl.LazyFrame:
        day = timedelta(days=1)
        opted_out, sent = (
            pl.col(name).dt.convert_time_zone(zone).dt.date() for name in ("opted_out_at", "sent_at")
        )
        days = pl.business_day_count(opted_out + day, sent + day, holidays=closed)
        overdue = pl.col("reached") & ~pl.col("confirmation") & (pl.col("business_days") > limit)
        rows = _leaks_of(partition).with_columns(business_days=days.cast(pl.Int64))
        return rows.with_columns(overdue=overdue).select(
            "sender", "recipient", "opted_out_at", "message_id", "sent_at", "campaign_id", "campaign",
            "delivery_status", "hours", "business_days", "reached", "blocked", "confirmation", "overdue",
        )  # fmt: skip

    return map_rows_joint(history, messages, mapper, asked, sort=["sent_at", "message_id"])


def _read_holidays(holidays: Collection[date | str]) -> list[date]:
    try:
        return [day if isinstance(day, date) else date.fromisoformat(day) for day in holidays]
    except (TypeError, ValueError):
        raise SettingsError("holidays must be dates, or ISO texts such as '2026-12-25'") from None


def _leaks_of(partition: JointPartition) -> pl.LazyFrame:
    """Return the leaks of a partition, without the columns that depend on the calendar."""
    previous = partition.ordered.select(previous=KEY.shift(1)).to_series()
    found = partition.ordered.with_columns(previous).filter("out")
    holding = partition.runs.select(run_key="key", opted_out="at", recipient="recipient")
    waited = pl.col("at") - pl.col("opted_out")
    status = pl.col("delivery_status").cast(pl.String).cast(DELIVERY_STATUS, strict=False)
    return (
        found.with_columns(column.gather(found["run"]) for column in holding)
        .lazy()
        .with_columns(at=at_of(KEY))
        .select(
            "recipient",
            "message_id",
            "campaign_id",
            "campaign",
            "reached",
            sender=message_sender(),
            opted_out_at=instants("opted_out"),
            sent_at=instants("at"),
            delivery_status=status.fill_null(pl.lit("other", DELIVERY_STATUS)),
            hours=waited / HOUR,
            blocked=(pl.col("failure").cast(pl.String) == _BLOCKED).fill_null(False),
            # The previous message was sent before the opt-out, or to another pair, whose keys are lower.
            confirmation=(waited <= _CONFIRMATION) & (pl.col("previous") < pl.col("run_key")).fill_null(True),
        )
    )
