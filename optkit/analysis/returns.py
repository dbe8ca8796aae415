"""Whether and when people come back, and whether they stay: the return curve, and cycles by sender."""

from collections.abc import Collection, Sequence
from typing import Final

import polars as pl

from optkit.arguments import share, whole_number
from optkit.engine.aggregate import PartialSum, aggregate, partial_sum
from optkit.engine.durations import ended_by, median_days, repeats_out, survival_curves, time_back, time_out
from optkit.engine.frames import History, by_columns
from optkit.engine.states import Partition, Scope
from optkit.errors import SettingsError
from optkit.times import Duration, Moment, duration_ms

#: Columns of the results and of intermediate tables: a column of `by` must not have one of these names.
_COMPUTED: Final = (
    "days", "at_risk", "returned", "censored", "still_out", "low", "high", "steps", "ended", "surviving",
    "steps_b", "over", "over_b", "pairs", "row", "row_b",
    "spells", "cycles", "open_spells", "recipients", "max_cycles", "relapses", "relapse_rate",
    "relapse_30d", "relapse_90d", "quick_returns", "median_days_out",
)  # fmt: skip

#: Days after a return at which the share that has opted out again is estimated.
_RELAPSES: Final = (30, 90)

_COUNTS: Final = ("spells", "cycles", "open_spells", "recipients", "max_cycles", "relapses")


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
    """Estimate the share that is still opted out at each time after the opt-out.

    Each spell is observed from its opt-out on; a spell without a return by `until` is censored there. Some people come
    back again and again and others never do, so the interval does not treat a pair's spells as independent.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    by : str or collection of str, optional
        Columns that are constant for a sender, a recipient or a pair; a curve for each group.
    scope : "pair" or "recipient"
        Whose spells: a pair's, or a recipient's, opted out while opted out of at least one sender.
    resolution : str or timedelta, optional
        Durations are rounded up to it first ("10m", "1h", "1d"), which keeps the table small for long histories; None:
        exact to the millisecond.
    since, until : str, date or datetime, optional
        Only spells that begin in this stretch, observed up to its end; both ends included, by default from the first
        event to the last.
    confidence : float
        Of the interval, between 0 and 1.

    Returns
    -------
    polars.DataFrame
        Sorted by `by` and days; one row per duration at which somebody returned or was censored: the columns of `by`;
        days (Float64, since the opt-out); at_risk (spells that lasted at least that long), returned, censored (Int64);
        still_out (Kaplan-Meier), low, high (Float64; interval on the scale log(-log(still_out)); where still_out is 1
        or 0, Wilson's interval for zero of those at risk).

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used.

    References
    ----------
    E. L. Kaplan, P. Meier (1958), Nonparametric estimation from incomplete observations, JASA 53;
    J. D. Kalbfleisch, R. L. Prentice (2002), The statistical analysis of failure time data, 2nd ed.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> curve = optkit.return_curve(history)
    >>> curve["still_out"].is_sorted(descending=True), (curve["low"] <= curve["still_out"]).all()
    (True, True)
    """
    groups = by_columns(by, _COMPUTED, {"history": history})
    share(confidence, "confidence")
    step = 1 if resolution is None else duration_ms(resolution, "resolution")

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        return {"spells": time_out(partition, step), "repeats": repeats_out(partition, step)}

    totals = aggregate(history, mapper, by=groups, scope=scope, since=since, until=until)
    curves = survival_curves(totals["spells"], groups, step, confidence, totals["repeats"])
    return curves.rename({"ended": "returned", "surviving": "still_out"})


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
    """Count for each sender how many opt-outs were followed by a return, how soon, and whether people stayed.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    by : str or collection of str
        Columns that are constant for a sender, a recipient or a pair.
    horizons : sequence of int
        Days after the opt-out at which the share that has come back is estimated.
    quick : str or timedelta
        A return within this time is quick: a mistake corrected, or an automatic reply.
    resolution, since, until
        See `optkit.return_curve`.

    Returns
    -------
    polars.DataFrame
        Sorted by `by`; one row per group of the history, including those without spells: the columns of `by`; spells,
        cycles (finished spells), open_spells, recipients (with at least one spell; a recipient of two senders of a
        group counts twice), max_cycles (of one pair), relapses (cycles whose pair opted out again) (Int64);
        relapse_rate = relapses / cycles (Float64, null without cycles; the longer the history, the higher); relapse_30d
        and relapse_90d (Float64: share of returns followed by an opt-out within so many days, by Kaplan-Meier, which
        accounts for recent returns; null without cycles); quick_returns (Int64); median_days_out (Float64: first time
        at which at most half are still out, null if not reached); win_back_1d, … (Float64: 1 - still_out of
        `return_curve` at so many days, null without spells; beyond the longest spell the last value of the curve, which
        is the share won back so far).

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used.

    References
    ----------
    E. L. Kaplan, P. Meier (1958), Nonparametric estimation from incomplete observations, JASA 53.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> table = optkit.cycles(history, horizons=(7, 30))
    >>> (table["cycles"] + table["open_spells"] == table["spells"]).all(), table.columns[-2:]
    (True, ['win_back_7d', 'win_back_30d'])
    """
    groups = by_columns(by, _COMPUTED, {"history": history}, required=True)
    days_out = _check_horizons(horizons)
    step = 1 if resolution is None else duration_ms(resolution, "resolution")
    at_most = duration_ms(quick, "quick")

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        soon = pl.col("returned_at") - pl.col("opted_out_at") <= at_most
        return {
            "time_out": time_out(partition, step),
            "time_back": time_back(partition, step),
            "unit_summary": partial_sum(partition.unit_summary, ["group", "opt_outs", "out"], pairs=pl.len()),
            "quick": partial_sum(partition.spells, ["group"], quick_returns=soon.sum()),
        }

    totals = aggregate(history, mapper, by=groups, since=since, until=until)
    out, back = (
        survival_curves(totals[name], groups, step, confidence=0.95) for name in ("time_out", "time_back")
    )
    win_backs = {f"win_back_{days}d": ended_by(days) for days in days_out}
    relapses = {f"relapse_{days}d": ended_by(days) for days in _RELAPSES}
    estimates = [
        totals["quick"],
        back.group_by(groups).agg(**relapses),
        out.group_by(groups).agg(median_days_out=median_days(), **win_backs),
    ]
    table = _per_group(totals["unit_summary"], groups)
    for estimate in estimates:
        table = table.join(estimate, on=groups, how="left", nulls_equal=True)
    return (
        table.with_columns(pl.col("quick_returns").fill_null(0))
        .select(*groups, *_COUNTS, "relapse_rate", *relapses, "quick_returns", "median_days_out", *win_backs)
        .sort(groups, nulls_last=True)
    )


def _check_horizons(horizons: object) -> list[int]:
    """Return the horizons, each once."""
    if isinstance(horizons, str) or not isinstance(horizons, Sequence):
        raise SettingsError("horizons must be a list of whole numbers of days, such as (7, 30)")
    return list(dict.fromkeys(whole_number(days, "horizons", least=1) for days in horizons))


def _per_group(unit_summary: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """Return each group's totals from the number of pairs by opt-outs and final state."""
    pairs, outs = pl.col("pairs"), pl.col("opt_outs").cast(pl.Int64)
    # All of a pair's spells are finished, except the last one if the pair is opted out.
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
