"""Do those who left in one month behave like those who left in another: returns by age of the cohort."""

import polars as pl

from optkit.engine.aggregate import PartialSum, Totals, aggregate, partial_sum
from optkit.engine.frames import History
from optkit.engine.periods import calendar
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
    """Follow those who first opted out in the same period: how many have come back by which age.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    every : str
        Length of a period: a whole number of "d", "w" (from Monday), "mo", "q" or "y".
    time_zone : str
        IANA name of the zone whose calendar is used.
    since, until : str, date or datetime, optional
        Only pairs whose first opt-out ever lies in this stretch are followed, up to its end; both ends
        included, default from the first event to the last. Where `until` is exactly the beginning of a period,
        the table ends with the period before, unless a state changed in that millisecond.

    Returns
    -------
    polars.DataFrame
        Sorted by cohort and age; for each period in which a pair opted out for the first time one row per age
        that has begun by `until`: cohort (Date: the period's first local day); age (Int64: whole calendar
        periods since, from 0); size (pairs in the cohort), returned (of them, those that have come back at
        least once by the end of that age, whether or not they stayed) (Int64); share = returned / size
        (Float64); mature (Boolean: false where `until` comes before the end of that age, so that `returned`
        may still rise).

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
    if totals.since is None or totals.until is None:
        return pl.DataFrame(schema={"place": pl.Int32, "period": pl.Date, "mature": pl.Boolean})
    periods = calendar(totals.since, totals.until, every, time_zone)
    mature = [end - 1 <= totals.until for end in periods.ends]
    table = pl.DataFrame({"period": periods.starts, "mature": mature}).with_row_index("place")
    last = table.height - 1
    moved = totals["first"].select((pl.max_horizontal("born", "place") == last).any()).item()
    just_begun = last > 0 and periods.begins[-1] == totals.until and not moved
    return table.head(table.height - just_begun).cast({"place": pl.Int32})


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
            "size",
            "returned",
            "mature",
            age=(pl.col("place") - pl.col("born")).cast(pl.Int64),
            share=pl.col("returned") / pl.col("size"),
        )
        .select("cohort", "age", "size", "returned", "share", "mature")
    )
