"""Whether people who left in different months come back alike: returns by age of the cohort."""

import polars as pl

from optkit.engine.aggregate import PartialSum, Totals, aggregate, partial_sum
from optkit.engine.frames import History
from optkit.engine.periods import calendar, period_rows, validate_calendar
from optkit.engine.states import Partition
from optkit.times import Moment


def cohorts(
    history: History,
    *,
    every: str = "1mo",
    time_zone: str = "UTC",
    since: Moment | None = None,
    until: Moment | None = None,
) -> pl.DataFrame:
    """Follow those who first opted out in the same period: how many have come back at each age.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    every, time_zone : str
        See `optkit.churn`.
    since, until : str, date or datetime, optional
        Only pairs whose first opt-out ever is in this stretch are followed, up to its end; both ends included, by
        default from the first event to the last. If `until` is exactly the beginning of a period, the table ends with
        the period before, unless a state changed in that millisecond.

    Returns
    -------
    polars.DataFrame
        Sorted by cohort and age; for each period in which a pair opted out for the first time, one row per age that
        has begun by `until`: cohort (Date: the period's first local day); age (Int64: whole calendar periods since,
        from 0); size (pairs in the cohort), returned (those of them that have come back at least once by the end of
        that age, whether or not they stayed) (Int64); share = returned / size (Float64); mature (Boolean: false if
        `until` is before the end of that age, so that `returned` may still rise).

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> optkit.cohorts(history).columns
    ['cohort', 'age', 'size', 'returned', 'share', 'mature']
    """
    validate_calendar(every, time_zone)

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        periods = calendar(partition.since, max(partition.since, partition.until), every, time_zone)
        out, back = pl.col("opted_out_at"), pl.col("returned_at")
        first = partition.spells.filter(pl.col("spell") == 1).select(
            born=periods.index(out),
            place=pl.when(back.is_not_null()).then(periods.index(back.fill_null(out))),
        )
        return {"first": partial_sum(first, ["born", "place"], pairs=pl.len())}

    totals = aggregate(history, mapper, since=since, until=until)
    return _triangle(totals["first"], _periods(totals, every, time_zone))


def _periods(totals: Totals, every: str, time_zone: str) -> pl.DataFrame:
    """Return the periods to show: place, period, mature."""
    # An age is mature once its period has ended, even if `since` cuts the first period.
    since = None if totals.since is None else calendar(totals.since, totals.since, every, time_zone).begins[0]
    moved = totals["first"].select(pl.max_horizontal("born", "place")).to_series()
    return period_rows(since, totals.until, every, time_zone, moved).rename({"complete": "mature"})


def _triangle(first: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    """Return the table from the totals of pairs by the periods of their first opt-out and first return."""
    pairs = pl.col("pairs").sum()
    sizes = first.group_by("born").agg(size=pairs)
    returns = first.drop_nulls("place").group_by("born", "place").agg(now=pairs)
    return (
        sizes.join(periods.select(born="place", cohort="period"), on="born")
        .join_where(periods, pl.col("place") >= pl.col("born"))
        .join(returns, on=["born", "place"], how="left")
        .sort("born", "place")
        .with_columns(returned=pl.col("now").fill_null(0).cum_sum().over("born"))
        .select(
            "cohort",
            age=(pl.col("place") - pl.col("born")).cast(pl.Int64),
            size="size",
            returned="returned",
            share=pl.col("returned") / pl.col("size"),
            mature="mature",
        )
    )
