"""Where recipients live, and where they come back most and least."""

from math import isnan
from typing import Final

import polars as pl

from optkit.analysis.return_differences import return_differences
from optkit.display.headlines.headline import Headline
from optkit.display.headlines.returns import horizon
from optkit.formatting import interval, join_names, percent, plural

#: A country needs this many opt-outs for its share of returns to be named; with fewer the interval says nothing.
_ENOUGH: Final = 30

#: Countries with one truth are said to differ in one such sentence of a hundred.
_DIFFERENT: Final = 0.01


def countries(rates: pl.DataFrame, curves: pl.DataFrame, *, days: int = 90) -> Headline:
    """Say where the people in the history live, and where they come back most and least.

    Parameters
    ----------
    rates : polars.DataFrame
        What `optkit.opt_out_rates` returned, by country.
    curves : polars.DataFrame
        What `optkit.return_curve` returned, by country.
    days : int
        The horizon.

    Returns
    -------
    Headline
    """
    if rates.is_empty():
        return Headline("There are no events, so no country is known.")
    people = (
        rates.sort("recipients", "country", descending=[True, False]).select("country", "recipients").rows()
    )
    total = sum(count for _, count in people)
    said = [f"{country or 'unknown'} {percent(count / total)}" for country, count in people]
    answer = f"Those who opted out or in live in {plural(len(people), 'country', 'countries')}: {join_names(said)}."
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
