"""Which senders differ."""

from datetime import datetime
from typing import Final

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.engine.funnel import homogeneity
from optkit.formatting import day, interval, join_names, percent, plural

#: Equal rates are said to differ in one such sentence of a hundred.
_DIFFERENT: Final = 0.01


def opt_out_rates(
    table: pl.DataFrame, *, since: datetime | None = None, one: str = "sender", many: str = "senders"
) -> Headline:
    """Say who differs from the others by more than senders usually do.

    Parameters
    ----------
    table : polars.DataFrame
        The result of `optkit.opt_out_rates`.
    since : datetime, optional
        From when on people were counted.
    one, many : str
        What to call a row, and several.

    Returns
    -------
    Headline
    """
    known = table.filter(pl.col("n") > 0)
    if known.is_empty():
        return Headline(f"No {one} has any events, so there is nothing to compare.")
    overall = percent(int(known["ever_opted_out"].sum()) / int(known["n"].sum()))
    if known["denominator"][0] != "audience":
        return Headline(
            f"Of the people seen in this history {overall} have ever opted out. That says how the history is "
            f"composed, not how likely a message drives somebody away, and compares no {many}: for that, say how many "
            "were messaged (audience)."
        )
    whole = f"Of all who were messaged{f' since {day(since)}' if since else ''} {overall} have opted out"
    if known.height == 1:
        return Headline(f"{whole}; there is only one {one}, so there is nothing to compare.")
    if known["signal"].is_null().all():
        return Headline(
            f"{whole}. {known.height:,} {many} are too few to show how much {many} usually differ, so none is called "
            f"high or low. {_order(known, one)}"
        )
    parts, differing = [], 0
    for signal, word in (("high", "above"), ("low", "below")):
        found = known.filter(pl.col("signal").cast(pl.String) == signal)
        said = named(found.sort("rate", table.columns[0], descending=[signal == "high", False]))
        parts += [f"{join_names(said)} {word}"] if said else []
        differing += len(said)
    if parts:
        verb = "differs" if differing == 1 else "differ"
        return Headline(
            f"{whole}; {differing:,} of {plural(known.height, one, many)} {verb} from the others by more than {many} "
            f"usually differ here: {' and '.join(parts)}."
        )
    return Headline(
        f"{whole}; none of {plural(known.height, one, many)} differs from the others by more than {many} usually "
        f"differ here. {_order(known, one)}"
    )


def named(rows: pl.DataFrame) -> list[str]:
    """Return each row of a table of rates as text: its name, with its rate and interval."""
    return [
        f"{key or 'unknown'} ({percent(rate)}, {interval(low, high)})"
        for key, rate, low, high in rows.select(rows.columns[0], "rate", "low", "high").rows()
    ]


def _order(known: pl.DataFrame, one: str) -> str:
    """Return whether first and last place are more than luck."""
    by_rate = known.sort("rate", known.columns[0], descending=[True, False])
    first, last = named(by_rate)[0], named(by_rate)[-1]
    if homogeneity(known["ever_opted_out"], known["n"]) < _DIFFERENT:
        return f"Their rates are not all the same, though, by more than chance: from {first} down to {last}."
    return f"Which {one} comes first and which last, {first} and {last}, may be chance."


def denominator_note(table: pl.DataFrame) -> str:
    """Return the note below a table of rates that says what they are rates of."""
    if table.is_empty() or table["denominator"][0] == "audience":
        return "Rates are shares of all who were messaged (the audience)."
    if table["denominator"][0] == "list":
        return (
            "Rates are shares of those who were on the list when the week began: messaged before, and opted in. Where "
            "there is none, the messages on record do not tell yet who was on the list."
        )
    return (
        "It is not known how many were messaged. These are shares of the people seen in this history, who all opted "
        "out or in at least once: they say how the history is composed. They are no opt-out rates, and a higher one "
        "is not worse."
    )
