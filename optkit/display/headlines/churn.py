"""How many people opted out and came back."""

from datetime import timedelta
from typing import Final

import polars as pl

from optkit.display.account_data import AccountData
from optkit.display.headlines.headline import Headline
from optkit.formatting import day, interval, percent, plural

_MILLISECOND: Final = timedelta(milliseconds=1)

#: A week is compared with this many before it; with fewer it would be the highest or lowest by chance too often.
_BEFORE: Final = 12


def churn(table: pl.DataFrame, data: AccountData) -> Headline:
    """State how many opted out and came back in the shown time, and whether its last week is unusual.

    Parameters
    ----------
    table : polars.DataFrame
        The result of `optkit.churn` for the weeks of the shown time, without groups.
    data : AccountData
        The result of `open_account`.

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
    return Headline(f"{movement}{compare_last(table.filter('complete'))}")


def compare_last(complete: pl.DataFrame) -> str:
    """Return a sentence on whether the last week is unusual; empty with fewer than twelve before it.

    The number of opt-outs is compared if no rate is known.
    """
    last = complete.tail(_BEFORE + 1)
    if last.height <= _BEFORE:
        return ""
    rated = last["churn_rate"].null_count() == 0
    *before, value = last["churn_rate" if rated else "opt_outs"].to_list()
    low, high = min(before), max(before)
    if rated:
        what, usual = f"{percent(value)} of the people who could be messaged left", interval(low, high)
    else:
        what = f"{plural(value, 'opt-out was', 'opt-outs were')} counted"
        usual = f"{low:,} to {high:,}"
    last_week = f" In the last complete week {what}, "
    if low <= value <= high:
        return f"{last_week}as usual in the {_BEFORE} weeks before ({usual})."
    extreme = "more" if value > high else "fewer"
    return (
        f"{last_week}{extreme} than in any of the {_BEFORE} weeks before ({usual}). If nothing changes, one week in "
        f"{_BEFORE + 1} is the highest by chance, and one the lowest."
    )
