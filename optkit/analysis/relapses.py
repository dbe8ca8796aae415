"""How many people come back and leave again, and how soon: overall, and by how often they had left before."""

import polars as pl

from optkit.engine.aggregate import PartialSum, aggregate
from optkit.engine.durations import ended_by, survival_curves, time_back, time_out
from optkit.engine.frames import History
from optkit.engine.states import Partition
from optkit.times import HOUR, Moment


def relapse_curve(
    history: History, *, since: Moment | None = None, until: Moment | None = None
) -> pl.DataFrame:
    """Estimate the share of returns that were followed by another opt-out within each time.

    A return without a later opt-out by `until` is censored there, so that last week's returns do not lower the
    estimate. The interval treats a pair's returns as independent of each other.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    since, until : str, date or datetime, optional
        Only spells that begin in this stretch, observed up to its end.

    Returns
    -------
    polars.DataFrame
        One row per duration, as in `optkit.return_curve`: days (Float64, since the return), at_risk, relapsed, censored
        (Int64), still_in, low, high (Float64; 95 % interval).
    """
    totals = aggregate(
        history, lambda partition: {"back": time_back(partition, HOUR)}, since=since, until=until
    )
    curve = survival_curves(totals["back"], [], HOUR, 0.95)
    return curve.rename({"ended": "relapsed", "surviving": "still_in"})


def relapses_by_spell(
    history: History, *, days: int = 90, since: Moment | None = None, until: Moment | None = None
) -> pl.DataFrame:
    """Count how many come back and leave again after their first opt-out, the second, and so on.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    days : int
        The time within which returns and relapses are estimated.
    since, until : str, date or datetime, optional
        See `relapse_curve`.

    Returns
    -------
    polars.DataFrame
        One row per number of the spell: spell (UInt32, 1: the pair's first opt-out), opt_outs, returned,
        left_again (Int64: so far); return_90d, relapse_90d (Float64, named after `days`: shares of opt-outs and of
        returns, by Kaplan-Meier; null if there are none).
    """

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        return {"out": time_out(partition, HOUR, "spell"), "back": time_back(partition, HOUR, "spell")}

    totals = aggregate(history, mapper, since=since, until=until)
    out, back = (survival_curves(totals[name], ["spell"], HOUR, 0.95) for name in ("out", "back"))
    ended, censored = pl.col("ended").sum(), pl.col("censored").sum()
    share_back, share_again = f"return_{days}d", f"relapse_{days}d"
    returns = out.group_by("spell").agg(
        opt_outs=ended + censored, returned=ended, **{share_back: ended_by(days)}
    )
    relapses = back.group_by("spell").agg(left_again=ended, **{share_again: ended_by(days)})
    table = returns.join(relapses, on="spell", how="left").with_columns(pl.col("left_again").fill_null(0))
    return table.select("spell", "opt_outs", "returned", "left_again", share_back, share_again).sort("spell")
