"""Who comes back and leaves again, and how soon: over all, and by how often they had left before."""

from typing import Final

import polars as pl

from optkit.engine.aggregate import PartialSum, aggregate
from optkit.engine.durations import ended_by, survival_curves, time_back, time_out
from optkit.engine.frames import History
from optkit.engine.states import Partition
from optkit.times import Moment

_HOUR: Final = 3_600_000


def relapse_curve(
    history: History, *, since: Moment | None = None, until: Moment | None = None, confidence: float = 0.95
) -> pl.DataFrame:
    """Estimate which share of returns has been followed by another opt-out how long after the return.

    A return with no opt-out after it by `until` is censored there, so that last week's returns do not make
    people look faithful. The interval counts a pair's returns as independent of each other.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    since, until : str, date or datetime, optional
        Only spells that begin in this stretch, observed up to its end.
    confidence : float
        Of the interval, between 0 and 1.

    Returns
    -------
    polars.DataFrame
        As `optkit.return_curve`, one row per duration: days (Float64, since the return), at_risk, relapsed,
        censored (Int64), still_in, low, high (Float64).
    """
    totals = aggregate(
        history, lambda partition: {"back": time_back(partition, _HOUR)}, since=since, until=until
    )
    curve = survival_curves(totals["back"], [], _HOUR, confidence)
    return curve.rename({"ended": "relapsed", "surviving": "still_in"})


def relapses_by_spell(
    history: History, *, days: int = 90, since: Moment | None = None, until: Moment | None = None
) -> pl.DataFrame:
    """Say how many come back and leave again, for the first opt-out, the second, and so on.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    days : int
        Within how many days returns and relapses are estimated.
    since, until : str, date or datetime, optional
        Only spells that begin in this stretch, observed up to its end.

    Returns
    -------
    polars.DataFrame
        One row per number of the spell: spell (UInt32, 1: the pair's first opt-out), opt_outs, returned,
        left_again (Int64: so far); return_90d, relapse_90d (Float64, named by `days`: shares of opt-outs and of
        returns, by Kaplan-Meier; null where there are none).
    """

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        return {"out": time_out(partition, _HOUR, "spell"), "back": time_back(partition, _HOUR, "spell")}

    totals = aggregate(history, mapper, since=since, until=until)
    out, back = (survival_curves(totals[name], ["spell"], _HOUR, 0.95) for name in ("out", "back"))
    ended, censored = pl.col("ended").sum(), pl.col("censored").sum()
    share_back, share_again = f"return_{days}d", f"relapse_{days}d"
    returns = out.group_by("spell").agg(
        opt_outs=ended + censored, returned=ended, **{share_back: ended_by(days)}
    )
    relapses = back.group_by("spell").agg(left_again=ended, **{share_again: ended_by(days)})
    table = returns.join(relapses, on="spell", how="left").with_columns(pl.col("left_again").fill_null(0))
    return table.select("spell", "opt_outs", "returned", "left_again", share_back, share_again).sort("spell")
