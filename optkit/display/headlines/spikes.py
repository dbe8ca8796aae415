"""Which days had more opt-outs than expected."""

from datetime import date

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.formatting import day, percent, plural


def spikes(table: pl.DataFrame, by_sender: pl.DataFrame) -> Headline:
    """State how many days stood out, and which sender caused most of the largest spike.

    Parameters
    ----------
    table : polars.DataFrame
        The result of `optkit.spikes` for days, without groups.
    by_sender : polars.DataFrame
        The result of `opt_outs_by_sender` for the largest spike.

    Returns
    -------
    Headline
    """
    if table.is_empty():
        return Headline("There are no events, so nothing stands out.")
    found = table.filter("spike").sort("opt_outs", "period", descending=[True, False])
    usual = f"{plural(table.height, 'day')} from {day(table['period'][0])} on"
    if found.is_empty():
        return Headline(f"None of the {usual} had more opt-outs than expected.")
    top = found.row(0, named=True)
    behind = ""
    if by_sender.height:
        sender, _, share = by_sender.select("from_phone", "opt_outs", "share").row(0)
        behind = f", {percent(share)} of them from {sender}"
    return Headline(
        f"{found.height:,} of the {usual} had more opt-outs than expected. The largest was "
        f"{_weekday(top['period'])}: {plural(top['opt_outs'], 'opt-out')}{behind}; {top['low']:,.0f} to "
        f"{top['high']:,.0f} are usual."
    )


def _weekday(when: date) -> str:
    return f"{when:%A} {day(when)}"
