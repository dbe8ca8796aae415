"""How many opt-outs a weekly limit of messages would have saved."""

import polars as pl

from optkit.engine.counts_statistics import poisson_interval


def cap_savings(fatigue: pl.DataFrame, rates: pl.DataFrame, *, confidence: float = 0.95) -> pl.DataFrame:
    """Estimate for each cap how many messages and how many opt-outs it would have prevented.

    Counted are opt-outs after messages beyond the cap, minus those expected without a message. The estimate assumes
    that the remaining messages would have had the same effect, and that nobody would have left later instead.

    Parameters
    ----------
    fatigue : polars.DataFrame
        The result of `optkit.fatigue`, without groups.
    rates : polars.DataFrame
        The result of `optkit.campaign_rates` for the same messages, with the opt-outs expected without a message.
    confidence : float
        Of the interval, between 0 and 1.

    Returns
    -------
    polars.DataFrame
        One row per cap below the largest number of recent exposures: cap (Int64), exposures_saved (Int64),
        exposures_share, opt_outs_saved, opt_outs_saved_low, opt_outs_saved_high (Float64; from the exact Poisson
        interval of the opt-outs beyond the cap).

    Examples
    --------
    >>> from optkit.analysis.message_cap import cap_savings
    >>> fatigue = pl.DataFrame({"exposures_recent": [1, 2], "exposures": [900, 100], "opt_outs": [9, 5]})
    >>> rates = pl.DataFrame({"exposures": [1000], "expected": [10.0]})
    >>> cap_savings(fatigue, rates).select("cap", "exposures_saved", "opt_outs_saved").rows()
    [(1, 100, 4.0)]
    """
    rows = fatigue.sort("exposures_recent", descending=True)
    beyond = rows.select(
        cap=pl.col("exposures_recent") - 1,
        exposures_saved=pl.col("exposures").cum_sum(),
        opt_outs=pl.col("opt_outs").cum_sum(),
        exposures_share=pl.col("exposures").cum_sum() / pl.col("exposures").sum(),
    ).filter(pl.col("cap") > 0)
    low, high = poisson_interval(beyond["opt_outs"].to_numpy(), confidence)
    expected_sum, exposures = rates.select(pl.col("expected", "exposures").sum()).row(0)
    expected = pl.col("exposures_saved") * (expected_sum / max(exposures, 1))
    return (
        beyond.with_columns(low=pl.Series(low, dtype=pl.Float64), high=pl.Series(high, dtype=pl.Float64))
        .select(
            "cap",
            "exposures_saved",
            "exposures_share",
            opt_outs_saved=pl.col("opt_outs") - expected,
            opt_outs_saved_low=pl.col("low") - expected,
            opt_outs_saved_high=pl.col("high") - expected,
        )
        .sort("cap")
    )
