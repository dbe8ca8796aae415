"""How long after a message people opt out: the hazard by hours since the last exposure, and its background."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final

import polars as pl

from optkit.arguments import share
from optkit.engine import counts_statistics
from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.exposures import JointPartition
from optkit.engine.frames import History, by_columns
from optkit.engine.joint import aggregate_joint
from optkit.engine.message_frames import Messages
from optkit.engine.question import question
from optkit.errors import SettingsError
from optkit.messages import REACHED
from optkit.times import HOUR, Moment

#: Hours of 1,000 person-days.
_PER: Final = 24_000.0

#: Hours after which a message is assumed to have no effect.
_FADED: Final = 168.0

_CENTURY: Final = 100 * 366 * 24.0  # hours; the largest edge
_COMPUTED: Final = (
    "from_hours", "to_hours", "person_hours", "opt_outs", "hazard", "low", "high", "background"
)  # fmt: skip


def opt_out_hazard(
    history: History,
    messages: Messages,
    *,
    edges: Sequence[float] = (0, 1, 3, 6, 12, 24, 48, 72, 168, 336, 720),
    by: str | Collection[str] | None = None,
    confidence: float = 0.95,
    since: Moment | None = None,
    until: Moment | None = None,
    statuses: Collection[str] = REACHED,
    region: str | None = None,
) -> pl.DataFrame:
    """Estimate the hazard of opting out by the hours since the last exposure.

    Person-time is counted while a pair is opted in and has had an exposure: a message that may have been read, sent
    while opted in. Fewer pairs reach a long time since their last message than a short one. Unlike a histogram of the
    times, a hazard takes this into account.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    messages : any frame
        Messages, in any order; a Spark frame if the history is one.
    edges : sequence of float
        Hours since the last exposure at which the stretches begin, rising; the last stretch is open.
    by : str or collection of str, optional
        See `optkit.campaign_rates`; person-time belongs to the group of its last exposure.
    confidence, since, until, statuses, region
        See `optkit.campaign_rates`.

    Returns
    -------
    polars.DataFrame
        Sorted by `by` and from_hours; one row per group and stretch: the columns of `by`; from_hours, to_hours
        (Float64; the stretch includes the first and excludes the second; null: open), person_hours (Float64), opt_outs
        (Int64), hazard (opt-outs per 1,000 person-days), low, high (exact Poisson interval) (Float64, null without
        person-time); background (Float64: the hazard of the open stretch if it begins at 168 hours or later, otherwise
        null).

    Raises
    ------
    HistoryError
        A frame is not what it should be.
    SettingsError
        An argument cannot be used.

    References
    ----------
    F. Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28.

    Examples
    --------
    >>> import optkit
    >>> account = {"recipients": 3000, "days": 365}
    >>> table = optkit.opt_out_hazard(optkit.demo_history(**account), optkit.demo_messages(**account))
    >>> soon, background = table.select("hazard", "background").row(0)
    >>> soon > 10 * background
    True
    """
    groups = by_columns(by, _COMPUTED, {"messages": messages})
    begins = _validate(edges)
    share(confidence, "confidence")
    asked = question(since, until, statuses, region, payload=groups)
    bounds = list(pairwise([*(round(edge * HOUR) for edge in begins), None]))

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        stretches = partition.with_exposure(partition.stretches, *groups)
        sums: dict[str, pl.Expr] = {}
        for place, (low, high) in enumerate(bounds):
            begin, end = pl.col("begin").clip(low), pl.col("end")
            inside = (end >= low) if high is None else end.is_between(low, high, closed="left")
            sums[f"time {place}"] = (end.clip(upper_bound=high) - begin).clip(0).sum()
            sums[f"opt_outs {place}"] = (pl.col("opt_out") & inside).sum()
        return {"stretches": partial_sum(stretches, groups, **sums)}

    totals = aggregate_joint(history, messages, mapper, asked)["stretches"]
    rows = pl.concat(
        totals.select(
            *groups,
            from_hours=pl.lit(low, pl.Float64),
            to_hours=pl.lit(high, pl.Float64),
            person_hours=pl.col(f"time {place}") / HOUR,
            opt_outs=f"opt_outs {place}",
        )
        for place, (low, high) in enumerate(pairwise([*begins, None]))
    )
    return _with_hazard(rows, groups, confidence).sort(*groups, "from_hours", nulls_last=True)


def _validate(edges: Sequence[float]) -> list[float]:
    """Return the edges in hours.

    Raises
    ------
    SettingsError
        They are not rising numbers of at least 0.
    """
    numbers = isinstance(edges, Sequence) and all(isinstance(edge, int | float) for edge in edges)
    begins = [float(edge) for edge in edges] if numbers else []
    rising = all(low < high for low, high in pairwise([*begins, _CENTURY]))
    if not begins or begins[0] < 0 or not rising:
        raise SettingsError("edges must be rising numbers of hours, such as (0, 1, 24, 168)")
    return begins


def _with_hazard(rows: pl.DataFrame, groups: list[str], confidence: float) -> pl.DataFrame:
    exact = counts_statistics.poisson_interval(rows["opt_outs"], confidence)
    known = pl.col("person_hours") > 0
    numbers = rows.with_columns(low=pl.Series(exact.low), high=pl.Series(exact.high), hazard="opt_outs")
    rates = numbers.with_columns(
        pl.when(known).then(pl.col("hazard", "low", "high") * _PER / pl.col("person_hours"))
    )
    faded = pl.col("to_hours").is_null() & (pl.col("from_hours") >= _FADED)
    background = pl.col("hazard").filter(faded).first()
    return rates.with_columns(background=background.over(groups) if groups else background).select(
        *groups, *_COMPUTED
    )
