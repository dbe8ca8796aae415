"""How many opted out and came back lately."""

from datetime import timedelta
from typing import Final

import polars as pl

from optkit.display.account import AccountData
from optkit.display.headlines.headline import Headline
from optkit.formatting import day, interval, percent, plural

_MILLISECOND: Final = timedelta(milliseconds=1)


def churn(table: pl.DataFrame, data: AccountData, *, word: str = "week") -> Headline:
    """Say how many opted out and came back in the period that is shown, and whether its last part is unusual.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.churn` returned for the period, without groups.
    data : AccountData
        What `open_account` returned.
    word : str
        What to call a row of the table.

    Returns
    -------
    Headline
    """
    if table.is_empty():
        return Headline(f"There are no events up to {day(data.until)}.")
    totals = data.totals
    first = data.since or data.history["created_at"][0]
    movement = (
        f"From {day(first)} to {day(data.until - _MILLISECOND)} people opted out {plural(totals.opt_outs, 'time')} and "
        f"came back {plural(totals.re_opt_ins, 'time')}: {totals.opted_out_start:,} opt-outs were in force at the "
        f"start, {totals.opted_out_end:,} at the end."
    )
    complete = table.filter("complete")
    before = complete.head(-1).tail(12)["churn_rate"].drop_nulls()
    rate = complete["churn_rate"][-1] if complete.height else None
    if rate is None or before.is_empty():
        return Headline(movement)
    low, *_, high = sorted(before.to_list() * 2)
    usual = "more than in any of" if rate > high else "less than in any of" if rate < low else "as usual in"
    return Headline(
        f"{movement} In the last complete {word} {percent(rate)} of {_population(complete)} left, {usual} the "
        f"{before.len()} {word}s before ({interval(low, high)})."
    )


def _population(table: pl.DataFrame) -> str:
    if table["denominator"][0] == "audience":
        return "all who were messaged and opted in"
    return "the opted-in pairs seen in this history (compare weeks only: others are not counted)"
