"""How soon after an opt-out people are messaged nevertheless."""

from collections.abc import Collection
from typing import Final

import polars as pl

from optkit.arguments import share
from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.durations import survival_curves
from optkit.engine.exposures import KEY, JointPartition, first_after, unit_of
from optkit.engine.frames import History, by_columns
from optkit.engine.joint import aggregate_joint
from optkit.engine.message_frames import Messages
from optkit.engine.packing import at_of
from optkit.engine.question import question
from optkit.engine.states import Scope
from optkit.messages import REACHED
from optkit.times import Duration, Moment, duration_ms

KIND: Final = pl.Enum(["attempted", "reached"])

#: Columns of the result and of intermediate tables: a column of `by` must not have one of these names.
_COMPUTED: Final = (
    "kind", "days", "at_risk", "events", "share", "low", "high", "attempted", "leak", "unit", "steps", "ended",
    "censored", "surviving",
)  # fmt: skip


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
    """Estimate the share of opt-outs that were followed by a message within each time, while still opted out.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    messages : any frame
        Messages, in any order; a Spark frame if the history is one.
    scope : "pair" or "recipient"
        Whose opt-outs and messages are counted.
    resolution : str or timedelta, optional
        Durations are rounded up to it first, which keeps the table small; None: exact.
    by : str or collection of str, optional
        Columns of either frame that are constant for a sender, a recipient or a pair (with Spark frames: columns of
        both); one curve per group and kind.
    confidence : float
        Of the interval, between 0 and 1.
    since, until : str, date or datetime, optional
        The record: only opt-outs and messages in it are counted, because for an earlier opt-out it is not known whether
        a message followed before the record. By default from the first message to the last event or message, whichever
        is later.
    statuses, region
        See `optkit.campaign_rates`.

    Returns
    -------
    polars.DataFrame
        Sorted by `by`, kind and days; one row per kind and duration at which a first leak occurred or an opt-out was
        censored (by its re-opt-in or the end of the record): the columns of `by`; kind (Enum: "attempted": any message;
        "reached"); days (Float64, since the opt-out); at_risk (opt-outs without such a leak until then, including the
        row's own), events (first leaks) (Int64); share (1 - Kaplan-Meier), low, high (Float64; interval on the scale
        log(-log)).

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
    groups = by_columns(by, _COMPUTED, {"history": history, "messages": messages})
    share(confidence, "confidence")
    step = 1 if resolution is None else duration_ms(resolution, "resolution")
    asked = question(since, until, statuses, region, scope=scope, by_unit=groups, beside_opt_outs="after")

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        spells = _spells_with_first_leaks(partition).with_columns(unit=unit_of(KEY))
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
                ended=leaked.sum(),
                censored=(~leaked).sum(),
            )
        }

    totals = aggregate_joint(history, messages, mapper, asked)["first leaks"]
    totals = totals.with_columns(pl.col("kind").cast(KIND))
    return survival_curves(totals, [*groups, "kind"], step, confidence).select(
        *groups,
        "kind",
        "days",
        "at_risk",
        events="ended",
        share=1 - pl.col("surviving"),
        low=1 - pl.col("high"),
        high=1 - pl.col("low"),
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
