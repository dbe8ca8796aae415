"""Messages to people who had opted out."""

import polars as pl

from optkit.display.headlines.campaigns import NO_MESSAGES
from optkit.display.headlines.headline import Headline
from optkit.formatting import join_names, plural


def leaks(table: pl.DataFrame, messages: pl.DataFrame) -> Headline:
    """State how many messages went to people who had opted out, how many arrived, and how many are overdue.

    Parameters
    ----------
    table : polars.DataFrame
        The result of `optkit.leaks`.
    messages : polars.DataFrame
        The messages behind `table`.

    Returns
    -------
    Headline
    """
    if messages.is_empty():
        return Headline(NO_MESSAGES)
    if table.is_empty():
        return Headline(f"None of {plural(messages.height, 'message')} went to somebody who had opted out.")
    reached, blocked, confirmations, overdue = (
        int(table[name].sum()) for name in ("reached", "blocked", "confirmation", "overdue")
    )
    whole = (
        f"{plural(table.height, 'message')} of {messages.height:,} went to people who had opted out: {blocked:,} "
        f"blocked, {reached:,} arrived ({confirmations:,} of them to confirm the opt-out)."
    )
    if not overdue:
        return Headline(f"{whole} None arrived after the limit of business days.")
    late = (
        table.filter("overdue").group_by("campaign").len().sort("len", "campaign", descending=[True, False])
    )
    named = [f"{campaign or 'unnamed'} ({count:,})" for campaign, count in late.rows()]
    return Headline(f"{whole} {overdue:,} arrived after the limit of business days: {join_names(named)}.")
