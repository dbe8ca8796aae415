"""Whether groups come back at different rates, and which come back most and least."""

from typing import NamedTuple

import polars as pl

from optkit.engine import statistics


class ReturnDifferences(NamedTuple):
    """How groups' return curves differ.

    Attributes
    ----------
    shares : polars.DataFrame
        One row per group, sorted by shrunk_share, most first: the groups' columns; opt_outs (Int64); share, low, high
        (Float64: came back within the days, with its interval); shrunk_share (Float64: shrunken towards the others, the
        more the fewer opt-outs).
    p_value : float
        How likely equal groups would differ as much (log-rank test); NaN if there is nothing to compare.
    """

    shares: pl.DataFrame
    p_value: float


def return_differences(curves: pl.DataFrame, *, days: int = 90) -> ReturnDifferences:
    """Compare groups by the share that has come back within some days.

    The first and last of many groups are partly chance: so the shares are shrunken, and one test says whether there is
    any difference at all.

    Parameters
    ----------
    curves : polars.DataFrame
        The result of `optkit.return_curve`, with groups.
    days : int
        Later returns are ignored.

    Returns
    -------
    ReturnDifferences
    """
    groups = curves.columns[: curves.columns.index("days")]
    early = pl.col("days") <= days
    ended = pl.when(early).then("returned").otherwise(0)
    seen = curves.select(
        "days",
        group=pl.struct(groups).rank("dense"),
        ended=ended,
        censored=pl.col("returned") + pl.col("censored") - ended,
    )
    p_value = statistics.log_rank(*(seen[name] for name in ("group", "days", "ended", "censored")))
    back, left = pl.col("returned"), (pl.col("at_risk") - pl.col("returned")).cast(pl.Float64)
    summary = curves.group_by(groups).agg(
        opt_outs=pl.col("at_risk").max(),
        share=1 - pl.col("still_out").filter(early).min().fill_null(1.0),
        low=1 - pl.col("high").filter(early).last().fill_null(1.0),
        high=1 - pl.col("low").filter(early).last().fill_null(0.0),
        greenwood=(back / (pl.col("at_risk") * left)).filter(early & (back > 0)).sum(),
        at_risk=pl.col("at_risk").filter(early).min().fill_null(pl.col("at_risk").max()),
    )
    # the number of completely observed opt-outs that would give the share the same variance
    share = pl.col("share")
    size = pl.when((share > 0) & (share < 1)).then(share / ((1 - share) * pl.col("greenwood")))
    summary = summary.with_columns(size=size.otherwise(pl.col("at_risk")))
    shrunk = statistics.shrink(summary["share"] * summary["size"], summary["size"])
    shares = summary.with_columns(shrunk_share=pl.Series(shrunk, dtype=pl.Float64)).select(
        *groups, "opt_outs", "share", "low", "high", "shrunk_share"
    )
    return ReturnDifferences(
        shares.sort("shrunk_share", *groups, descending=[True, *[False] * len(groups)]), p_value
    )
