"""How soon after an opt-out is somebody messaged all the same."""

from collections.abc import Collection
from typing import Final

import polars as pl

from optkit.engine import statistics
from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.exposures import KEY, JointPartition, first_after, unit_of
from optkit.engine.frames import History, by_columns
from optkit.engine.joint import aggregate_joint
from optkit.engine.message_frames import Messages
from optkit.engine.packing import at_of
from optkit.engine.question import question
from optkit.engine.states import Scope
from optkit.messages import REACHED
from optkit.times import DAY, Duration, Moment, duration_ms

KIND: Final = pl.Enum(["attempted", "reached"])

#: Columns of the answer, and those on the way to it, that no column of `by` may be named like.
_COMPUTED: Final = (
    *("at_risk", "attempted", "censored", "days", "events", "high"),
    *("kind", "leak", "low", "share", "steps", "unit"),
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
    asked = question(
        since=since,
        until=until,
        statuses=statuses,
        region=region,
        scope=scope,
        by_unit=groups,
        of_opted_out=True,
    )

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
