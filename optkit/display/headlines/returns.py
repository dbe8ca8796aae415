"""Who comes back, and who leaves again."""

from math import ceil

import polars as pl

from optkit.display.headlines.headline import Answer
from optkit.formatting import interval, percent, plural


def cycles(table: pl.DataFrame, curve: pl.DataFrame, *, days: int = 90) -> Answer:
    """Say how many come back, how soon, and whether they stay.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.cycles` returned.
    curve : polars.DataFrame
        What `optkit.return_curve` returned, without groups.
    days : int
        The horizon.

    Returns
    -------
    Answer
    """
    outs, back, again, quick = (
        int(table[column].sum()) for column in ("spells", "cycles", "relapses", "quick_returns")
    )
    if not outs:
        return Answer("Nobody opted out, so nobody can come back.")
    days = horizon(curve, days)
    late, soon = (curve.filter(pl.col("days") <= day).tail(1) for day in (days, 1))
    share, low, high = (
        (1 - late[column].item() for column in ("still_out", "high", "low")) if late.height else (0.0,) * 3
    )
    at_once = 1 - soon["still_out"].item() if soon.height else 0.0
    answer = (
        f"Of {plural(outs, 'opt-out')} {percent(share)} ({interval(low, high)}) are taken back within "
        f"{plural(days, 'day')}, {percent(at_once)} within one day."
    )
    if not back:
        return Answer(answer)
    return Answer(
        f"{answer} Of the {plural(back, 'return')} so far {percent(quick / back)} came within minutes, which looks "
        f"like a STOP by mistake, and {percent(again / back)} were followed by another opt-out."
    )


def horizon(curve: pl.DataFrame, days: int) -> int:
    """Return `days`, or how many days the curve reaches if these are fewer: no further than was observed."""
    reach = float(curve["days"].to_numpy().max(initial=0.0))
    return min(days, max(1, ceil(reach)))


def relapses(spells: pl.DataFrame) -> pl.DataFrame:
    """Count, by how often somebody had left before, how many came back and how many of these left again.

    Parameters
    ----------
    spells : polars.DataFrame
        What `optkit.spells` returned.

    Returns
    -------
    polars.DataFrame
        A row a number of the spell: spell (1: the first opt-out), opt_outs, returned, left_again (UInt32),
        return_rate and relapse_rate (Float64; of those so far, so both can still grow).
    """
    return (
        spells.group_by("spell")
        .agg(opt_outs=pl.len(), returned=pl.col("returned").sum())
        .sort("spell")
        .with_columns(left_again=pl.col("opt_outs").shift(-1, fill_value=0))
        .with_columns(
            return_rate=pl.col("returned") / pl.col("opt_outs"),
            relapse_rate=pl.when(pl.col("returned") > 0).then(pl.col("left_again") / pl.col("returned")),
        )
    )
