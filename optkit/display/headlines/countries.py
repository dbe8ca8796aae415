"""Where recipients live, and where they come back most and least."""

from typing import Final

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.display.headlines.returns import horizon
from optkit.formatting import interval, join_names, percent, plural

#: A country needs this many opt-outs for its share of returns to be named; with fewer the interval says nothing.
_ENOUGH: Final = 30


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
    back = (
        curves.filter(pl.col("days") <= days)
        .group_by("country", maintain_order=True)
        .agg(pl.first("at_risk"), pl.last("still_out", "low", "high"))
        .filter(pl.col("at_risk") >= _ENOUGH, pl.col("still_out") < 1)
        .sort("still_out", "country")
        .select("country", *((1 - pl.col(column)).alias(column) for column in ("still_out", "high", "low")))
        .rows()
    )
    if len(back) < 2:  # noqa: PLR2004 - nothing to compare
        return Headline(answer)
    most, least = (
        f"in {country or 'unknown'} {percent(share)} ({interval(low, high)})"
        for country, share, low, high in (back[0], back[-1])
    )
    return Headline(
        f"{answer} Opt-outs that are followed by a return within {plural(days, 'day')}: most {most}, fewest {least}."
    )
