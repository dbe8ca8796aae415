"""What one more message costs."""

import polars as pl

from optkit.display.headlines.campaigns import NO_MESSAGES
from optkit.display.headlines.headline import Headline
from optkit.formatting import interval, percent

_NONE_AFTER_BURN_IN = (
    "No message that reached somebody in this period has 30 days of known messages before it, so this question cannot "
    "be answered."
)


def fatigue(table: pl.DataFrame, caps: pl.DataFrame, messages: pl.DataFrame) -> Headline:
    """State how the opt-out rate changes with the number of messages in a week, and what a cap would have saved.

    Parameters
    ----------
    table : polars.DataFrame
        The result of `optkit.fatigue`, without groups.
    caps : polars.DataFrame
        The result of `optkit.analysis.message_cap.cap_savings`.
    messages : polars.DataFrame
        The messages that are loaded.

    Returns
    -------
    Headline
    """
    if table.is_empty():
        return Headline(NO_MESSAGES if messages.is_empty() else _NONE_AFTER_BURN_IN)
    rows = table.select("exposures_recent", "rate", "low", "high").rows()
    (_, rate, low, high), (most, last_rate, last_low, last_high) = rows[0], rows[-1]
    rise = f"After the only message of a week, {percent(rate)} ({interval(low, high)}) opt out"
    if len(rows) > 1:
        rise += f"; after the {_ordinal(most)} {percent(last_rate)} ({interval(last_low, last_high)})"
    two = caps.filter(pl.col("cap") == 2)  # noqa: PLR2004 - a week's cap that programmes use
    if two.is_empty():
        return Headline(f"{rise}.")
    share, saved, least, most_saved = two.select(
        "exposures_share", "opt_outs_saved", "opt_outs_saved_low", "opt_outs_saved_high"
    ).row(0)
    return Headline(
        f"{rise}. A limit of two messages per week would have prevented {percent(share)} of the messages and, as "
        f"estimated, {saved:,.0f} opt-outs ({least:,.0f} to {most_saved:,.0f})."
    )


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
