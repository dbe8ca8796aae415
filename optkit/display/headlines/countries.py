"""Where the recipients' numbers are registered, and where people come back most and least."""

from datetime import datetime
from math import isnan
from typing import Final

import polars as pl

from optkit.analysis.return_differences import return_differences
from optkit.display.headlines.headline import Headline
from optkit.display.headlines.rates import named
from optkit.display.headlines.returns import horizon
from optkit.formatting import day, interval, join_names, percent, plural

#: Least number of opt-outs of a country whose share of returns is named; with fewer the interval is too wide.
_ENOUGH: Final = 30

#: Largest p value at which countries are said to differ.
_DIFFERENT: Final = 0.01


def countries(rates: pl.DataFrame, curves: pl.DataFrame, *, since: datetime | None = None) -> Headline:
    """State where the numbers are registered, which countries' rates differ, and where most and fewest come back.

    Parameters
    ----------
    rates : polars.DataFrame
        The result of `optkit.opt_out_rates`, by country.
    curves : polars.DataFrame
        The result of `optkit.return_curve`, by country.
    since : datetime, optional
        The time from which people were counted.

    Returns
    -------
    Headline
    """
    if rates.is_empty():
        return Headline("There are no events, so no country is known.")
    messaged = rates["denominator"][0] == "audience"
    people = rates.select("country", "n").sort("n", "country", descending=[True, False]).rows()
    total = max(1, sum(count for _, count in people))
    shares = [f"{country or 'unknown'} {percent(count / total)}" for country, count in people]
    who = f"were messaged{f' since {day(since)}' if since else ''}" if messaged else "opted out or in"
    where = plural(len(people), "country", "countries")
    answer = f"The people who {who} have numbers of {where}: {join_names(shares)}."
    if messaged:
        answer += f" {_opted_out(rates)}"
    days = horizon(curves)
    enough = curves.filter(pl.col("at_risk").max().over("country") >= _ENOUGH)
    differences = return_differences(enough, days=days)
    p_value, returned = differences.p_value, differences.shares
    if isnan(p_value):
        return Headline(answer)
    what = f"The share of opt-outs that are followed by a return within {plural(days, 'day')}"
    if p_value >= _DIFFERENT:
        return Headline(f"{answer} {what} does not differ between countries by more than chance.")
    most, least = (
        f"in {row['country'] or 'unknown'} about {percent(row['shrunk_share'])} (counted: {percent(row['share'])}, "
        f"{interval(row['low'], row['high'])})"
        for row in (returned.row(0, named=True), returned.row(-1, named=True))
    )
    return Headline(
        f"{answer} {what} differs between countries by more than chance: most {most}, fewest {least}."
    )


def _opted_out(rates: pl.DataFrame) -> str:
    """Return how many of the messaged people opted out, and which countries differ from the others."""
    overall = percent(int(rates["ever_opted_out"].sum()) / max(1, int(rates["n"].sum())))
    differing = [
        f"{join_names(named(rates.filter(pl.col('signal').cast(pl.String) == signal)))} {word}"
        for signal, word in (("high", "more"), ("low", "fewer"))
        if (rates["signal"] == signal).any()
    ]
    if differing:
        return f"{overall} of them opted out; by more than countries usually differ, in {' and in '.join(differing)}."
    if rates["signal"].is_null().all():
        return f"{overall} of them opted out; there are too few countries to say whether one differs."
    return f"{overall} of them opted out; no country differs by more than countries usually do."
