"""How many come back, and how many of these leave again."""

from math import ceil

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.formatting import interval, percent, plural


def cycles(table: pl.DataFrame, curve: pl.DataFrame, *, days: int = 90) -> Headline:
    """Say which share comes back within some days, and how many leave again.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.cycles` returned.
    curve : polars.DataFrame
        What `optkit.return_curve` returned, without groups.
    days : int
        Within how many days.

    Returns
    -------
    Headline
    """
    outs, back, again, quick = (
        int(table[column].sum()) for column in ("spells", "cycles", "relapses", "quick_returns")
    )
    if not outs:
        return Headline("Nobody opted out, so nobody can come back.")
    days = horizon(curve, days)
    late, soon = (curve.filter(pl.col("days") <= day).tail(1) for day in (days, 1))
    share, low, high = (
        (1 - late[column].item() for column in ("still_out", "high", "low")) if late.height else (0.0,) * 3
    )
    at_once = 1 - soon["still_out"].item() if soon.height else 0.0
    answer = (
        f"Of {plural(outs, 'opt-out')} {percent(share)} ({interval(low, high)}) are followed by a return within "
        f"{plural(days, 'day')}, {percent(at_once)} within one day."
    )
    if not back:
        return Headline(answer)
    return Headline(
        f"{answer} Of the {plural(back, 'return')} so far {percent(quick / back)} came within minutes "
        f"(probably a STOP by mistake), and {percent(again / back)} were followed by another opt-out."
    )


def horizon(curve: pl.DataFrame, days: int) -> int:
    """Return `days`, but at most as many days as the curve reaches."""
    reach = float(curve["days"].to_numpy().max(initial=0.0))
    return min(days, max(1, ceil(reach)))
