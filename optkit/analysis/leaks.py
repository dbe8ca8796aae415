"""Who was messaged although opted out: every leak, and how soon after an opt-out they come."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, overload

import polars as pl

from optkit.analysis.attribution import HOUR
from optkit.engine import statistics
from optkit.engine.aggregate import PartialSum, Rows, instants, partial_sum
from optkit.engine.exposures import KEY, JointPartition, first_after, message_sender, unit_of
from optkit.engine.frames import History, Table, by_columns
from optkit.engine.joint import aggregate_joint, map_rows_joint, question
from optkit.engine.message_frames import Messages
from optkit.engine.packing import at_of
from optkit.engine.states import Scope
from optkit.errors import SettingsError
from optkit.messages import DELIVERY_STATUS, REACHED
from optkit.times import DAY, Duration, Moment, duration_ms
from optkit.times import time_zone as zone_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

#: A single message within so many ms of an opt-out may confirm it.
_CONFIRMATION: Final = 5 * 60_000

#: The failure that says that the messaging service had the opt-out.
_BLOCKED: Final = "unsubscribed"

KIND: Final = pl.Enum(["attempted", "reached"])

#: Columns of the answer, and those on the way to it, that no column of `by` may be named like.
_COMPUTED: Final = (
    *("at_risk", "attempted", "censored", "days", "events", "high"),
    *("kind", "leak", "low", "share", "steps", "unit"),
)


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
        Whose opt-out counts: the sender's of the message, or that of any sender.
    business_days : int
        So many business days after the opt-out a message is overdue.
    holidays : collection of date or str
        Days that are not business days, as dates or ISO texts, besides Saturdays and Sundays.
    time_zone : str
        IANA name of the zone whose calendar counts business days.
    since, until : str, date or datetime, optional
        The record: messages outside of it are not looked at; default from the first message to the later of last event
        and last message. Events before it still say who is opted out.
    statuses : collection of str
        Delivery statuses of messages that reached somebody.
    region : str, optional
        ISO code of the country that phones without a country code belong to; see `optkit.attribution`.

    Returns
    -------
    polars.DataFrame
        One row per leak, sorted by sent_at, message_id: from_phone, to_phone (String: of the message; from_phone may be
        null in recipient scope), opted_out_at (Datetime ms, UTC: the opt-out that holds), message_id (Int64), sent_at
        (Datetime ms, UTC), campaign_id (Int64), campaign (String), delivery_status (Enum), hours (Float64: since the
        opt-out), business_days (Int64: Monday to Friday without holidays, after the opt-out's local date up to the
        message's); reached, blocked (Boolean: the messaging service knew of the opt-out), confirmation (within 5
        minutes of the opt-out and the first message after it), overdue (reached, not a confirmation, and later than
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
    if isinstance(business_days, bool) or not isinstance(business_days, int) or business_days < 0:
        raise SettingsError("business_days must be a whole number from 0 on")
    closed = _read_holidays(holidays)
    zone = zone_of(time_zone).key
    asked = question(
        since=since,
        until=until,
        statuses=statuses,
        region=region,
        scope=scope,
        payload=("campaign_id", "campaign", "delivery_status", "failure"),
    )

    def mapper(partition: JointPartition) -> pl.LazyFrame:
        day = timedelta(days=1)
        opted_out, sent = (
            pl.col(name).dt.convert_time_zone(zone).dt.date() for name in ("opted_out_at", "sent_at")
        )
        days = pl.business_day_count(opted_out + day, sent + day, holidays=closed)
        overdue = pl.col("reached") & ~pl.col("confirmation") & (pl.col("business_days") > business_days)
        return (
            _leaks_of(partition.of_opted_out())
            .with_columns(business_days=days.cast(pl.Int64))
            .with_columns(overdue=overdue)
            .select(
                *("sender", "recipient", "opted_out_at", "message_id", "sent_at", "campaign_id", "campaign"),
                *(
                    "delivery_status",
                    "hours",
                    "business_days",
                    "reached",
                    "blocked",
                    "confirmation",
                    "overdue",
                ),
            )
        )

    return map_rows_joint(history, messages, mapper, asked, sort=["sent_at", "message_id"])


def _read_holidays(holidays: Collection[date | str]) -> list[date]:
    try:
        return [day if isinstance(day, date) else date.fromisoformat(day) for day in holidays]
    except (TypeError, ValueError):
        raise SettingsError("holidays must be dates, or ISO texts such as '2026-12-25'") from None


def _leaks_of(partition: JointPartition) -> pl.LazyFrame:
    """Return the leaks of a partition, without what depends on the calendar."""
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
            # The message before it came before the opt-out, or went to another pair, whose keys are lower.
            confirmation=(waited <= _CONFIRMATION) & (pl.col("previous") < pl.col("run_key")).fill_null(True),
        )
    )


def leak_curve(
    history: History,
    messages: Messages,
    *,
    scope: Scope = "pair",
    resolution: Duration | None = "1h",
    by: str | Collection[str] | None = None,
    confidence: float = 0.95,
    since: Moment | None = None,
    until: Moment | None = None,
    statuses: Collection[str] = REACHED,
    region: str | None = None,
) -> pl.DataFrame:
    """Estimate which share of opt-outs was followed by a message how long after, while still opted out.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    messages : any frame
        Messages, in any order; a Spark frame if the history is one.
    scope : "pair" or "recipient"
        Whose opt-outs and messages.
    resolution : str or timedelta, optional
        Durations are rounded up to it first, so that the table stays small; None: exact.
    by : str or collection of str, optional
        Columns of either frame that are constant for a sender, a recipient or a pair (of Spark frames, columns of
        both); curves for each group.
    confidence : float
        Of the interval, between 0 and 1.
    since, until : str, date or datetime, optional
        The record: opt-outs in it, and messages, are counted; default from the first message to the later of last event
        and last message. Of an earlier opt-out it is not known whether a message followed before the record.
    statuses : collection of str
        Delivery statuses of messages that reached somebody.
    region : str, optional
        ISO code of the country that phones without a country code belong to; see `optkit.attribution`.

    Returns
    -------
    polars.DataFrame
        Sorted by `by`, kind and days; one row per kind and duration at which a first leak came or an opt-out was
        censored, by its re-opt-in or the end of the record: the columns of `by`; kind (Enum: "attempted": any
        message, "reached"); days (Float64, since the opt-out); at_risk (opt-outs without such a leak until then, the
        row's own included), events (first leaks) (Int64); share (1 - Kaplan-Meier), low, high (Float64; interval on
        the scale log(-log)).

    Raises
    ------
    HistoryError
        A frame is not what it should be, or a column of `by` has several values for a pair.
    SettingsError
        An argument cannot be used.

    References
    ----------
    E. L. Kaplan, P. Meier (1958), Nonparametric estimation from incomplete observations, JASA 53.

    Examples
    --------
    >>> import optkit
    >>> account = {"recipients": 3000, "days": 365}
    >>> table = optkit.leak_curve(optkit.demo_history(**account), optkit.demo_messages(**account))
    >>> table["kind"].unique().sort().to_list()
    ['attempted', 'reached']
    """
    groups = by_columns(by, _COMPUTED)
    statistics.normal_quantile(confidence)  # an error now rather than after the counting
    step = 1 if resolution is None else duration_ms(resolution, "resolution")
    asked = question(since=since, until=until, statuses=statuses, region=region, scope=scope, by_unit=groups)

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        spells = _spells_with_first_leaks(partition.of_opted_out()).with_columns(unit=unit_of(KEY))
        long = partition.grouped(spells, groups).unpivot(
            on=KIND.categories.to_list(),
            index=[*groups, "at", "end"],
            variable_name="kind",
            value_name="leak",
        )
        leaked = pl.col("leak").is_not_null()
        steps = (pl.coalesce("leak", "end") - pl.col("at") + (step - 1)) // step
        return {
            "first leaks": partial_sum(
                long.with_columns(steps=steps),
                [*groups, "kind", "steps"],
                events=leaked.sum(),
                censored=(~leaked).sum(),
            )
        }

    totals = aggregate_joint(history, messages, mapper, asked)["first leaks"]
    counted = totals.with_columns(pl.col("kind").cast(KIND), days=pl.col("steps") * step / DAY)
    counted = counted.sort(*groups, "kind", "steps", nulls_last=True)
    parts = counted.partition_by(*groups, "kind", maintain_order=True) if counted.height else [counted]
    return pl.concat(_with_share(part, confidence) for part in parts).select(
        *groups, "kind", "days", "at_risk", "events", "share", "low", "high"
    )


def _spells_with_first_leaks(partition: JointPartition) -> pl.LazyFrame:
    """Return the opt-outs of the record: key, at, end, and the instants of the first leaks, attempted and reached."""
    runs = partition.runs.with_row_index("run")
    following = runs["at"].gather(first_after(runs["key"], runs["key"])).alias("end")
    at = pl.col("at")
    first = (
        partition.ordered.lazy()
        .filter("out")
        .select("run", "reached", at=at_of(KEY))
        .group_by("run")
        .agg(attempted=at.min(), reached=at.filter("reached").min())
    )
    return (
        runs.with_columns(following)
        .lazy()
        .filter(pl.col("out") & (at >= partition.since))
        .join(first, on="run", how="left")
        .select("key", "at", "attempted", "reached", end=pl.col("end").fill_null(partition.until))
    )


def _with_share(part: pl.DataFrame, confidence: float) -> pl.DataFrame:
    curve = statistics.kaplan_meier(part["events"], part["censored"], confidence)
    return part.with_columns(
        at_risk=pl.Series(curve.at_risk, dtype=pl.Int64),
        share=pl.Series(1 - curve.still_out, dtype=pl.Float64),
        low=pl.Series(1 - curve.high, dtype=pl.Float64),
        high=pl.Series(1 - curve.low, dtype=pl.Float64),
    )
