"""Where recipients live, and where they come back most and least."""

from datetime import datetime
from math import isnan
from typing import Final

import polars as pl

from optkit.analysis.return_differences import return_differences
from optkit.display.headlines.headline import Headline
from optkit.display.headlines.rates import named
from optkit.display.headlines.returns import horizon
from optkit.formatting import day, interval, join_names, percent, plural

#: A country needs this many opt-outs for its share of returns to be named; with fewer the interval says nothing.
_ENOUGH: Final = 30

#: Countries with one truth are said to differ in one such sentence of a hundred.
_DIFFERENT: Final = 0.01


def countries(
    rates: pl.DataFrame, curves: pl.DataFrame, *, since: datetime | None = None, days: int = 90
) -> Headline:
    """Say where people live, which countries' rates differ, and where people come back most and least.

    Parameters
    ----------
    rates : polars.DataFrame
        The result of `optkit.opt_out_rates`, by country.
    curves : polars.DataFrame
        The result of `optkit.return_curve`, by country.
    since : datetime, optional
        From when on people were counted.
    days : int
        The horizon.

    Returns
    -------
    Headline
    """
    if rates.is_empty():
        return Headline("There are no events, so no country is known.")
    messaged = rates["denominator"][0] == "audience"
    people = rates.select("country", "n").sort("n", "country", descending=[True, False]).rows()
    total = max(1, sum(count for _, count in people))
    said = [f"{country or 'unknown'} {percent(count / total)}" for country, count in people]
    who = f"were messaged{f' since {day(since)}' if since else ''}" if messaged else "opted out or in"
    answer = f"Those who {who} live in {plural(len(people), 'country', 'countries')}: {join_names(said)}."
    if messaged:
        answer += f" {_opted_out(rates)}"
    days = horizon(curves, days)
    enough = curves.filter(pl.col("at_risk").max().over("country") >= _ENOUGH)
    shares, p_value = return_differences(enough, days=days)
    if isnan(p_value):
        return Headline(answer)
    if p_value >= _DIFFERENT:
        return Headline(
            f"{answer} How many opt-outs are followed by a return within {plural(days, 'day')} does not differ between "
            "countries by more than chance."
        )
    most, least = (
        f"in {row['country'] or 'unknown'} about {percent(row['shrunk_share'])} (counted: {percent(row['share'])}, "
        f"{interval(row['low'], row['high'])})"
        for row in (shares.row(0, named=True), shares.row(-1, named=True))
    )
    return Headline(
        f"{answer} How many opt-outs are followed by a return within {plural(days, 'day')} differs between countries "
        f"by more than chance: most {most}, fewest {least}."
    )


def _opted_out(rates: pl.DataFrame) -> str:
    """Return how many of the messaged opted out, and which countries differ from the others."""
    overall = percent(int(rates["ever_opted_out"].sum()) / max(1, int(rates["n"].sum())))
    differing = [
        f"{join_names(named(rates.filter(pl.col('signal').cast(pl.String) == signal)))} {word}"
        for signal, word in (("high", "more"), ("low", "fewer"))
        if (rates["signal"] == signal).any()
    ]
    if differing:
        return f"{overall} of them opted out; by more than countries usually differ, in {' and in '.join(differing)}."
    if rates["signal"].is_null().all():
        return f"{overall} of them opted out; too few countries to say whether one differs."
    return f"{overall} of them opted out; no country differs by more than countries usually do."
