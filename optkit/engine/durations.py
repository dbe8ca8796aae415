"""How long spells and returns lasted: counts by duration that add up over partitions, and their curves."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.engine import statistics
from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.states import Partition
from optkit.engine.statistics import Array
from optkit.times import DAY

#: Products of the same fractions may differ in the last digits: smaller differences than this are ignored.
_ROUNDING: Final = 1e-12

_COMPARED: Final = 50  # spells per unit that are compared with each other


def time_out(partition: Partition, step: int, *keys: str) -> PartialSum:
    """Count spells by their length in steps, rounded up, and by `keys`: ended by a return, or censored."""
    return _by_length(_spells_in_steps(partition, step), keys)


def repeats_out(partition: Partition, step: int) -> PartialSum:
    """Count pairs of spells of one unit by their lengths, to measure how similar a unit's spells are.

    Only the first 50 spells of a unit are compared.
    """
    unit = ["recipient"] if partition.scope == "recipient" else ["sender", "recipient"]
    spells = (
        _spells_in_steps(partition, step)
        .filter(pl.col("spell") <= _COMPARED)
        .select(*unit, "group", "spell", "steps", "over")
    )
    same = pl.struct(unit)
    several = spells.filter((same == same.shift(1)) | (same == same.shift(-1)))
    other = several.drop("group").rename({name: f"{name}_b" for name in ("spell", "steps", "over")})
    pairs = several.join(other, on=unit).filter(pl.col("spell") < pl.col("spell_b"))
    return partial_sum(pairs, ["group", "steps", "over", "steps_b", "over_b"], pairs=pl.len())


def time_back(partition: Partition, step: int, *keys: str) -> PartialSum:
    """Count returns by the time to the pair's next opt-out, in steps, rounded up: ended by it, or censored."""
    following = pl.col("sender", "recipient").shift(-1)
    same = pl.all_horizontal(pl.col("sender", "recipient") == following)
    again = pl.when(same).then(pl.col("opted_out_at").shift(-1))
    returns = partition.spells.with_columns(again_at=again).filter(pl.col("returned_at").is_not_null())
    return _by_length(_in_steps(returns, "returned_at", "again_at", partition.until, step), keys)


def _spells_in_steps(partition: Partition, step: int) -> pl.LazyFrame:
    return _in_steps(partition.spells, "opted_out_at", "returned_at", partition.until, step)


def _in_steps(frame: pl.LazyFrame, start: str, end: str, until: int, step: int) -> pl.LazyFrame:
    """Add over (`end` is known) and steps: the length to `end`, or else to `until`, in steps, rounded up."""
    length = pl.col(end).fill_null(until) - pl.col(start)
    return frame.with_columns(over=pl.col(end).is_not_null(), steps=(length + (step - 1)) // step)


def _by_length(lasted: pl.LazyFrame, keys: tuple[str, ...]) -> PartialSum:
    over = pl.col("over")
    return partial_sum(lasted, ["group", *keys, "steps"], ended=over.sum(), censored=(~over).sum())


def survival_curves(
    totals: pl.DataFrame,
    keys: list[str],
    step: int,
    confidence: float,
    repeats: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the Kaplan-Meier estimate for each value of `keys`; `repeats` widen the interval for repeated spells.

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
    shared = _shared_variance(totals, number.to_numpy(), repeats, keys) if repeats is not None else 0.0
    curve = statistics.kaplan_meier(totals["ended"], totals["censored"], confidence, cuts=cuts, shared=shared)
    return totals.select(
        *keys,
        "days",
        at_risk=pl.Series(curve.at_risk, dtype=pl.Int64),
        ended="ended",
        censored="censored",
        surviving=pl.Series(curve.still_out, dtype=pl.Float64),
        low=pl.Series(curve.low, dtype=pl.Float64),
        high=pl.Series(curve.high, dtype=pl.Float64),
    )


def _shared_variance(
    totals: pl.DataFrame, curve: npt.NDArray[np.int64], repeats: pl.DataFrame, keys: list[str]
) -> Array:
    """Return the part of the variance of log(surviving) that comes from similar spells of one unit, at each duration.

    The log of the estimate is approximately a sum over spells of ``over / at_risk(length) - hazard(min(length, t))``,
    where hazard(t) is the sum of ended / at_risk² up to t. Greenwood's variance is the sum of its squares; this is
    twice the sum of the products of two spells of one unit (a sandwich estimate, clustered by unit).
    """
    first = np.searchsorted(curve, curve)  # the row at which a row's curve begins
    last = np.searchsorted(curve, curve, side="right") - 1

    def so_far(values: Array) -> Array:
        total = np.cumsum(values)
        return total - total[first] + values[first]

    ended = totals["ended"].to_numpy().astype(np.float64)
    gone = so_far(ended + totals["censored"].to_numpy())
    at_risk = gone[last] - gone + ended + totals["censored"].to_numpy()
    hazard = so_far(ended / at_risk**2)

    rows = totals.select(*keys, "steps").with_row_index("row")
    other = rows.rename({"row": "row_b", "steps": "steps_b"})
    found = repeats.join(rows, on=[*keys, "steps"], nulls_equal=True).join(
        other, on=[*keys, "steps_b"], nulls_equal=True
    )
    pairs, row, row_b = (found[name].to_numpy() for name in ("pairs", "row", "row_b"))
    part, part_b = (
        found[over].to_numpy() / at_risk[place] - hazard[place]
        for over, place in (("over", row), ("over_b", row_b))
    )
    low, high = np.minimum(row, row_b), np.maximum(row, row_b)
    sooner = np.where(row <= row_b, part, part_b)

    def up_to(place: npt.NDArray[np.int64], weight: Array) -> Array:
        return so_far(np.bincount(place, weight, len(curve)).astype(np.float64))

    over = up_to(low, pairs)
    both = up_to(high, pairs * part * part_b)
    one = up_to(low, pairs * sooner) - up_to(high, pairs * sooner)
    shared: Array = 2 * (both - hazard * one + hazard**2 * (over[last] - over))
    return shared


def ended_by(horizon: int) -> pl.Expr:
    """Return the share that has ended within a number of days; aggregates a curve."""
    return 1 - pl.col("surviving").filter(pl.col("days") <= horizon).min().fill_null(1.0)


def median_days() -> pl.Expr:
    """Return the first time at which at most half survive, null if there is none; aggregates a curve."""
    return pl.col("days").filter(pl.col("surviving") <= 0.5 + _ROUNDING).min()
