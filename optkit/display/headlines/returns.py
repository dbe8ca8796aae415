"""How many people come back, and how many of them leave again."""

from math import ceil

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.engine.statistics import wilson
from optkit.formatting import interval, percent, plural


def cycles(table: pl.DataFrame, curve: pl.DataFrame, relapses: pl.DataFrame) -> Headline:
    """State which share comes back within 90 days, and how many of them leave again.

    Parameters
    ----------
    table : polars.DataFrame
        The result of `optkit.cycles`.
    curve : polars.DataFrame
        The result of `optkit.return_curve`, without groups.
    relapses : polars.DataFrame
        The result of `relapse_curve`.

    Returns
    -------
    Headline
    """
    outs, back, quick = (int(table[column].sum()) for column in ("spells", "cycles", "quick_returns"))
    if not outs:
        return Headline("Nobody opted out, so nobody can come back.")
    days = horizon(curve)
    share, low, high = _by_day(curve, "still_out", days)
    at_once, *_ = _by_day(curve, "still_out", 1)
    answer = (
        f"Of {plural(outs, 'opt-out')} {percent(share)} ({interval(low, high)}) are followed by a return within "
        f"{plural(days, 'day')}, {percent(at_once)} within one day."
    )
    if not back:
        return Headline(answer)
    days = min(days, horizon(relapses))
    again, low, high = _by_day(relapses, "still_in", days)
    return Headline(
        f"{answer} Of the {plural(back, 'return')} so far {percent(quick / back)} came within minutes "
        f"(probably a STOP by mistake). Of all returns {percent(again)} ({interval(low, high)}) are followed by "
        f"another opt-out within {plural(days, 'day')}."
    )


def _by_day(curve: pl.DataFrame, surviving: str, days: int) -> tuple[float, float, float]:
    """Return the share that has ended within some days, with its interval."""
    row = curve.filter(pl.col("days") <= days).tail(1)
    if row.is_empty():
        return 0.0, 0.0, float(wilson(0, curve["at_risk"].to_numpy().max()).high)
    return 1 - row[surviving].item(), 1 - row["high"].item(), 1 - row["low"].item()


def horizon(curve: pl.DataFrame) -> int:
    """Return 90 days, or the length of the curve if that is shorter."""
    reach = float(curve["days"].to_numpy().max(initial=0.0))
    return min(90, max(1, ceil(reach)))
