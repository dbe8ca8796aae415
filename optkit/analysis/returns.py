"""Do people come back, when, and do they stay: the return curve, and cycles by sender."""

from collections.abc import Callable, Collection, Sequence
from typing import Final

import polars as pl

from optkit.arguments import whole_number
from optkit.engine import statistics
from optkit.engine.aggregate import PartialSum, aggregate, partial_sum
from optkit.engine.frames import History, by_columns
from optkit.engine.states import Partition, Scope
from optkit.errors import SettingsError
from optkit.times import DAY, Duration, Moment, duration_ms

#: Columns of the answers, and those on the way to them, that no column of `by` may be named like.
_COMPUTED: Final = (
    *("days", "at_risk", "returned", "censored", "still_out", "low", "high"),
    *("spells", "cycles", "open_spells", "recipients", "max_cycles", "relapses", "relapse_rate"),
    *("quick_returns", "median_days_out"),
)

#: Two products of the same fractions may differ in the last digits: less than this is equal.
_ROUNDING: Final = 1e-12


def return_curve(
    history: History,
    *,
    by: str | Collection[str] | None = None,
    scope: Scope = "pair",
    resolution: Duration | None = "1h",
    since: Moment | None = None,
    until: Moment | None = None,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Estimate which share is still opted out how long after opting out.

    Every spell counts from its opt-out on; who has not come back by `until` is censored there and was at risk
    until then. A pair's spells count as independent of each other.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    by : str or collection of str, optional
        Columns that are constant for a sender, a recipient or a pair; a curve for each group.
    scope : "pair" or "recipient"
        Whose spells: a pair's, or a recipient's, opted out while opted out of at least one sender.
    resolution : str or timedelta, optional
        Durations are rounded up to it first ("10m", "1h", "1d"), so that the table stays small however long
        the history is; None: exact to the millisecond.
    since, until : str, date or datetime, optional
        Only spells that begin in this stretch, observed up to its end; both ends included, default from the
        first event to the last.
    confidence : float
        Of the interval, between 0 and 1.

    Returns
    -------
    polars.DataFrame
        Sorted by `by` and days; a row per duration at which somebody returned or was censored: the columns
        of `by`; days (Float64, since the opt-out); at_risk (those whose spell lasted that long, the row's
        own included), returned, censored (Int64); still_out (Kaplan-Meier), low, high (Float64; interval on
        the scale log(-log(still_out)), without width where still_out is 1 or 0).

    Raises
    ------
    HistoryError
        The frame is no history.
    SettingsError
        An argument cannot be used.

    References
    ----------
    E. L. Kaplan, P. Meier (1958), Nonparametric estimation from incomplete observations, JASA 53;
    J. D. Kalbfleisch, R. L. Prentice (2002), The statistical analysis of failure time data, 2nd ed.

    Examples
    --------
    >>> history = pl.DataFrame(
    ...     {
    ...         "to_phone": ["+12025550101", "+12025550102", "+12025550101"],
    ...         "from_phone": ["24273"] * 3,
    ...         "created_at": ["2026-01-05T10:00Z", "2026-01-06T10:00Z", "2026-01-14T10:00Z"],
    ...         "status": ["opt-out", "opt-out", "opt-in"],
    ...     }
    ... ).with_columns(pl.col("created_at").str.to_datetime(time_unit="ms", time_zone="UTC"))
    >>> optkit.return_curve(history).select("days", "at_risk", "returned", "censored", "still_out").rows()
    [(8.0, 2, 0, 1, 1.0), (9.0, 1, 1, 0, 0.0)]
    """
    groups = by_columns(by, _COMPUTED)
    step = 1 if resolution is None else duration_ms(resolution, "resolution")
    mapper = _durations(step)
    totals = aggregate(history, mapper, by=groups, scope=scope, since=since, until=until)["durations"]
    return _curves(totals, groups, step, confidence).select(
        *groups, "days", "at_risk", "returned", "censored", "still_out", "low", "high"
    )


def cycles(
    history: History,
    *,
    by: str | Collection[str] = "from_phone",
    horizons: Sequence[int] = (1, 7, 30, 90),
    quick: Duration = "10m",
    resolution: Duration | None = "1h",
    since: Moment | None = None,
    until: Moment | None = None,
) -> pl.DataFrame:
    """Say of each sender how many of those who opted out came back, how soon, and whether they stayed.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    by : str or collection of str
        Columns that are constant for a sender, a recipient or a pair.
    horizons : sequence of int
        Days after the opt-out at which the share that has come back is estimated.
    quick : str or timedelta
        A return within it is a quick one: a mistake mended, or an automatic reply.
    resolution : str or timedelta, optional
        Durations are rounded up to it for the estimates, as in `return_curve`; None: exact.
    since, until : str, date or datetime, optional
        Only spells that begin in this stretch, observed up to its end; both ends included, default from the
        first event to the last.

    Returns
    -------
    polars.DataFrame
        Sorted by `by`; a row per group of the history, those without spells too: the columns of `by`;
        spells, cycles (finished spells), open_spells, recipients (with at least one spell; who knows two
        senders of a group counts once for each), max_cycles (of one pair), relapses (cycles whose pair opted out
        again) (Int64); relapse_rate = relapses / cycles (Float64, null without cycles); quick_returns (Int64);
        median_days_out (Float64: first time at which at most half are still out, null if not reached);
        win_back_1d, … (Float64: 1 - still_out of `return_curve` at so many days, null without spells; beyond
        the longest spell the curve's last value, that is what was won back so far).

    Raises
    ------
    HistoryError
        The frame is no history.
    SettingsError
        An argument cannot be used.

    References
    ----------
    E. L. Kaplan, P. Meier (1958), Nonparametric estimation from incomplete observations, JASA 53.

    Examples
    --------
    >>> history = pl.DataFrame(
    ...     {
    ...         "to_phone": ["+12025550101", "+12025550102", "+12025550101"],
    ...         "from_phone": ["24273"] * 3,
    ...         "created_at": ["2026-01-05T10:00Z", "2026-01-06T10:00Z", "2026-01-14T10:00Z"],
    ...         "status": ["opt-out", "opt-out", "opt-in"],
    ...     }
    ... ).with_columns(pl.col("created_at").str.to_datetime(time_unit="ms", time_zone="UTC"))
    >>> optkit.cycles(history).select(
    ...     "spells", "cycles", "open_spells", "median_days_out", "win_back_7d"
    ... ).rows()
    [(2, 1, 1, 9.0, 0.0)]
    """
    groups = by_columns(by, _COMPUTED)
    if not groups:
        raise SettingsError("by must name at least one column")
    days_out = _check_horizons(horizons)
    step = 1 if resolution is None else duration_ms(resolution, "resolution")
    at_most = duration_ms(quick, "quick")
    durations = _durations(step)

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        soon = pl.col("returned_at") - pl.col("opted_out_at") <= at_most
        return {
            **durations(partition),
            "unit_summary": partial_sum(partition.unit_summary, ["group", "opt_outs", "out"], pairs=pl.len()),
            "quick": partial_sum(partition.spells, ["group"], quick_returns=soon.sum()),
        }

    totals = aggregate(history, mapper, by=groups, since=since, until=until)
    curves = _curves(totals["durations"], groups, step, confidence=0.95)
    days, out = pl.col("days"), pl.col("still_out")
    estimates = [
        days.filter(out <= 0.5 + _ROUNDING).min().alias("median_days_out"),
        *(
            (1 - out.filter(days <= horizon).min().fill_null(1.0)).alias(f"win_back_{horizon}d")
            for horizon in days_out
        ),
    ]
    table = (
        _per_group(totals["unit_summary"], groups)
        .join(totals["quick"], on=groups, how="left", nulls_equal=True)
        .join(curves.group_by(groups).agg(estimates), on=groups, how="left", nulls_equal=True)
    )
    return table.with_columns(pl.col("quick_returns").fill_null(0)).sort(groups, nulls_last=True)


def _check_horizons(horizons: object) -> list[int]:
    """Return the horizons, each once."""
    if isinstance(horizons, str) or not isinstance(horizons, Sequence):
        raise SettingsError("horizons must be a list of whole numbers of days, such as (7, 30)")
    return list(dict.fromkeys(whole_number(days, "horizons", least=1) for days in horizons))


def _durations(step: int) -> Callable[[Partition], dict[str, PartialSum]]:
    """Return a mapper of spells by length, rounded up to a number of steps."""

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        end = pl.col("returned_at").fill_null(partition.until)
        steps = (end - pl.col("opted_out_at") + (step - 1)) // step
        back = pl.col("returned_at").is_not_null()
        spells = partition.spells.with_columns(steps=steps, back=back)
        return {
            "durations": partial_sum(
                spells, ["group", "steps"], returned=pl.col("back").sum(), censored=(~pl.col("back")).sum()
            )
        }

    return mapper


def _curves(totals: pl.DataFrame, groups: list[str], step: int, confidence: float) -> pl.DataFrame:
    """Return each group's Kaplan-Meier estimate, sorted by `groups` and days."""
    totals = totals.with_columns(days=pl.col("steps") * step / DAY).sort(*groups, "steps", nulls_last=True)
    parts = totals.partition_by(groups, maintain_order=True) if groups and totals.height else [totals]
    return pl.concat(_with_curve(part, confidence) for part in parts)


def _with_curve(part: pl.DataFrame, confidence: float) -> pl.DataFrame:
    curve = statistics.kaplan_meier(part["returned"], part["censored"], confidence)
    return part.with_columns(
        at_risk=pl.Series(curve.at_risk, dtype=pl.Int64),
        still_out=pl.Series(curve.still_out, dtype=pl.Float64),
        low=pl.Series(curve.low, dtype=pl.Float64),
        high=pl.Series(curve.high, dtype=pl.Float64),
    )


def _per_group(unit_summary: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """Return the totals of each group from those of pairs by opt-outs and state at the end."""
    pairs, outs = pl.col("pairs"), pl.col("opt_outs").cast(pl.Int64)
    # Of a pair's spells all but the last one are over; the last is open if the pair is opted out.
    backs = outs - (pl.col("out") & (outs > 0))
    relapses, finished = pl.col("relapses"), pl.col("cycles")
    return (
        unit_summary.group_by(groups)
        .agg(
            spells=(outs * pairs).sum(),
            cycles=(backs * pairs).sum(),
            open_spells=((outs - backs) * pairs).sum(),
            recipients=pairs.filter(outs > 0).sum(),
            max_cycles=backs.max(),
            relapses=((outs - 1).clip(0) * pairs).sum(),
        )
        .with_columns(relapse_rate=pl.when(finished > 0).then(relapses / finished))
    )
