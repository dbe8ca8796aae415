"""Which campaigns drive people away."""

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.formatting import join_names, percent, plural

NO_MESSAGES = "No messages are loaded for this account and period, so this question cannot be answered."


def campaigns(rates: pl.DataFrame, *, window: str) -> Headline:
    """State how many opt-outs followed messages, how many were expected anyway, and which campaigns stand out.

    Parameters
    ----------
    rates : polars.DataFrame
        The result of `optkit.campaign_rates`, by campaign_id and campaign.
    window : str
        The window of `optkit.campaign_rates`.

    Returns
    -------
    Headline
    """
    if rates.is_empty():
        return Headline(NO_MESSAGES)
    opt_outs, exposures, expected = rates.select(pl.col("opt_outs", "exposures", "expected").sum()).row(0)
    whole = (
        f"Of {plural(exposures, 'message')} that reached people who were opted in, {plural(opt_outs, 'opt-out')} "
        f"({percent(opt_outs / exposures if exposures else None)}) followed within {window}; about {expected:,.0f} of "
        "them were expected without a message."
    )
    high = rates.filter(pl.col("signal") == "high").sort("excess", descending=True)
    if high.is_empty():
        return Headline(f"{whole} No campaign differs from the others by more than chance.")
    named = [
        f"{campaign or 'unnamed'} ({percent(rate)}; {excess:,.0f} more than expected, {low:,.0f} to {most:,.0f})"
        for campaign, rate, excess, low, most in high.select(
            "campaign", "rate", "excess", "excess_low", "excess_high"
        ).rows()
    ]
    stands = "stands" if high.height == 1 else "stand"
    return Headline(
        f"{whole} {high.height:,} of {plural(rates.height, 'campaign')} {stands} out: {join_names(named)}."
    )


def supported_window(hazard: pl.DataFrame) -> float | None:
    """Return for how many hours after a message more people leave than usual; None if never, or not known.

    Parameters
    ----------
    hazard : polars.DataFrame
        The result of `optkit.opt_out_hazard`, without groups.

    Returns
    -------
    float or None
        The end of the last stretch, counted from the first, whose interval is above the background.
    """
    above = hazard.sort("from_hours").with_columns(
        above=(pl.col("low") > pl.col("background")).fill_null(value=False)
    )
    run = above.filter(pl.col("above").cum_min())
    return run["to_hours"][-1] if run.height else None


def window_sentence(hazard: pl.DataFrame, window: str) -> Headline:
    """State for how long after a message more people leave than usual, and the window that the page uses."""
    hours = supported_window(hazard)
    if hours is None:
        return Headline(f"These data do not show how long messages have an effect; the page uses {window}.")
    return Headline(
        f"More people than usual leave during the first {hours:,.0f} hours after a message; the page uses {window}."
    )
