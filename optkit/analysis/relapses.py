"""Who comes back and leaves again, by how often they had left before."""

import polars as pl


def relapses_by_spell(spells: pl.DataFrame) -> pl.DataFrame:
    """Count how many came back and how many of these left again, for the first opt-out, the second, and so on.

    Parameters
    ----------
    spells : polars.DataFrame
        What `optkit.spells` returned.

    Returns
    -------
    polars.DataFrame
        One row per number of the spell: spell (1: the first opt-out), opt_outs, returned, left_again (UInt32),
        return_rate and relapse_rate (Float64; both can still grow).
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
