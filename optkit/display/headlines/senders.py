"""Which senders, and which countries, differ."""

from typing import Final

import polars as pl

from optkit.display.headlines.headline import Answer
from optkit.display.headlines.returns import horizon
from optkit.formatting import interval, join_names, percent, plural

#: Opt-outs that a country must have to be named for its returns; with fewer an interval says nothing.
_ENOUGH: Final = 30


def opt_out_rates(table: pl.DataFrame, *, one: str = "sender") -> Answer:
    """Say who differs from the rest by more than chance.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.opt_out_rates` returned.
    one : str
        What a row is.

    Returns
    -------
    Answer
    """
    known = table.filter(pl.col("n") > 0)
    if known.is_empty():
        return Answer(f"There is no {one} with an event, so there is nothing to compare.")
    name = table.columns[0]
    overall = int(known["ever_opted_out"].sum()) / int(known["n"].sum())
    parts, differing = [], 0
    for signal, word in (("high", "above"), ("low", "below")):
        found = known.filter(pl.col("signal").cast(pl.String) == signal)
        rows = (
            found.sort("rate", name, descending=[signal == "high", False])
            .select(name, "rate", "low", "high")
            .rows()
        )
        said = [
            f"{key or 'unknown'} ({percent(rate)}, {interval(low, high)})" for key, rate, low, high in rows
        ]
        parts += [f"{join_names(said)} {word}"] if said else []
        differing += len(said)
    whole = (
        f"Of all who were messaged {percent(overall)} have ever opted out"
        if known["denominator"][0] == "audience"
        else f"Of the people seen in this history {percent(overall)} have ever opted out, which says how the history "
        "is composed and nothing about who was messaged"
    )
    if known.height == 1:
        return Answer(f"{whole}; with one {one} there is nothing to compare it with.")
    verdict = (
        f"{differing:,} of {plural(known.height, one)} {'differs' if differing == 1 else 'differ'} from that by more "
        f"than chance: {' and '.join(parts)}"
        if parts
        else f"none of {plural(known.height, one)} differs from that by more than chance"
    )
    return Answer(f"{whole}; {verdict}.")


def countries(rates: pl.DataFrame, curves: pl.DataFrame, *, days: int = 90) -> Answer:
    """Say where the people of the history live, and where they come back most and least.

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
    Answer
    """
    if rates.is_empty():
        return Answer("There is no event, so nobody lives anywhere.")
    people = (
        rates.sort("recipients", "country", descending=[True, False]).select("country", "recipients").rows()
    )
    total = sum(count for _, count in people)
    said = [f"{country or 'unknown'} {percent(count / total)}" for country, count in people]
    answer = f"Those who acted live in {plural(len(people), 'country', 'countries')}: {join_names(said)}."
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
        return Answer(answer)
    most, least = (
        f"{percent(share)} ({interval(low, high)}) in {country or 'unknown'}"
        for country, share, low, high in (back[0], back[-1])
    )
    return Answer(f"{answer} Of opt-outs, {most} are taken back within {plural(days, 'day')}, and {least}.")
