"""How long spells lasted, and returns: counts by duration that add up over partitions, and their curves."""

from typing import Final

import polars as pl

from optkit.engine import statistics
from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.states import Partition
from optkit.times import DAY

#: Two products of the same fractions may differ in the last digits: less than this is equal.
_ROUNDING: Final = 1e-12


def time_out(partition: Partition, step: int, *keys: str) -> PartialSum:
    """Count spells by their length in steps, rounded up: ended by a return, or censored; `keys`: by what else."""
    start, end = pl.col("opted_out_at"), pl.col("returned_at")
    spells = partition.spells.with_columns(over=end.is_not_null(), ms=end.fill_null(partition.until) - start)
    return _by_length(spells, step, keys)


def time_back(partition: Partition, step: int, *keys: str) -> PartialSum:
    """Count returns by the time to the pair's next opt-out in steps, rounded up: ended by it, or censored."""
    following = pl.col("sender", "recipient").shift(-1)
    same = pl.all_horizontal(pl.col("sender", "recipient") == following)
    again = pl.when(same).then(pl.col("opted_out_at").shift(-1))
    start, end = pl.col("returned_at"), pl.col("again_at")
    returns = partition.spells.with_columns(again_at=again).filter(start.is_not_null())
    lasted = returns.with_columns(over=end.is_not_null(), ms=end.fill_null(partition.until) - start)
    return _by_length(lasted, step, keys)


def _by_length(lasted: pl.LazyFrame, step: int, keys: tuple[str, ...]) -> PartialSum:
    over, steps = pl.col("over"), (pl.col("ms") + (step - 1)) // step
    return partial_sum(
        lasted.with_columns(steps=steps), ["group", *keys, "steps"], ended=over.sum(), censored=(~over).sum()
    )


def survival_curves(totals: pl.DataFrame, keys: list[str], step: int, confidence: float) -> pl.DataFrame:
    """Return Kaplan-Meier's estimate for each value of `keys`.

    Returns
    -------
    polars.DataFrame
        Sorted by `keys` and days, one row per duration: `keys`, days (Float64), at_risk, ended, censored
        (Int64), surviving, low, high (Float64).
    """
    totals = totals.with_columns(days=pl.col("steps") * step / DAY).sort(*keys, "steps", nulls_last=True)
    number = (
        totals.select(pl.struct(keys).rle_id()).to_series() if keys else pl.zeros(totals.height, eager=True)
    )
    cuts = (number.diff() > 0).arg_true()
    curve = statistics.kaplan_meier(totals["ended"], totals["censored"], confidence, cuts=cuts)
    return totals.select(
        *keys,
        "days",
        "ended",
        "censored",
        at_risk=pl.Series(curve.at_risk, dtype=pl.Int64),
        surviving=pl.Series(curve.still_out, dtype=pl.Float64),
        low=pl.Series(curve.low, dtype=pl.Float64),
        high=pl.Series(curve.high, dtype=pl.Float64),
    ).select(*keys, "days", "at_risk", "ended", "censored", "surviving", "low", "high")


def ended_by(horizon: int) -> pl.Expr:
    """Return the share that has ended by a number of days; aggregates a curve."""
    return 1 - pl.col("surviving").filter(pl.col("days") <= horizon).min().fill_null(1.0)


def median_days() -> pl.Expr:
    """Return the first time at which at most half survive, null if there is none; aggregates a curve."""
    return pl.col("days").filter(pl.col("surviving") <= 0.5 + _ROUNDING).min()
