"""Which senders differ."""

from typing import Final

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.engine.funnel import homogeneity
from optkit.formatting import interval, join_names, percent, plural

#: Equal rates are said to differ in one such sentence of a hundred.
_DIFFERENT: Final = 0.01


def opt_out_rates(table: pl.DataFrame, *, one: str = "sender") -> Headline:
    """Say who differs from the others by more than senders usually do.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.opt_out_rates` returned.
    one : str
        What to call a row.

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
            f"composed, not how likely a message drives somebody away, and compares no {one}s: for that, say how many "
            "were messaged (audience)."
        )
    whole = f"Of all who were messaged {overall} have ever opted out"
    if known.height == 1:
        return Headline(f"{whole}; there is only one {one}, so there is nothing to compare.")
    if known["signal"].is_null().all():
        return Headline(
            f"{whole}. {known.height:,} {one}s are too few to show how much {one}s usually differ, so none is called "
            f"high or low. {_order(known, one)}"
        )
    parts, differing = [], 0
    for signal, word in (("high", "above"), ("low", "below")):
        found = known.filter(pl.col("signal").cast(pl.String) == signal)
        said = _named(found.sort("rate", table.columns[0], descending=[signal == "high", False]))
        parts += [f"{join_names(said)} {word}"] if said else []
        differing += len(said)
    if parts:
        verb = "differs" if differing == 1 else "differ"
        return Headline(
            f"{whole}; {differing:,} of {plural(known.height, one)} {verb} from the others by more than {one}s "
            f"usually differ here: {' and '.join(parts)}."
        )
    return Headline(
        f"{whole}; none of {plural(known.height, one)} differs from the others by more than {one}s usually differ "
        f"here. {_order(known, one)}"
    )


def _named(rows: pl.DataFrame) -> list[str]:
    return [
        f"{key or 'unknown'} ({percent(rate)}, {interval(low, high)})"
        for key, rate, low, high in rows.select(rows.columns[0], "rate", "low", "high").rows()
    ]


def _order(known: pl.DataFrame, one: str) -> str:
    """Return whether first and last place are more than luck."""
    by_rate = known.sort("rate", known.columns[0], descending=[True, False])
    first, last = _named(by_rate)[0], _named(by_rate)[-1]
    if homogeneity(known["ever_opted_out"], known["n"]) < _DIFFERENT:
        return f"Their rates are not all the same, though, by more than chance: from {first} down to {last}."
    return f"Which {one} comes first and which last, {first} and {last}, may be chance."


def denominator_note(table: pl.DataFrame) -> str:
    """Return the note below a table of rates that says what they are rates of."""
    if table.is_empty() or table["denominator"][0] == "audience":
        return "Rates are shares of all who were messaged (the audience)."
    return (
        "It is not known how many were messaged. These are shares of the people seen in this history, who all opted "
        "out or in at least once: they say how the history is composed. They are no opt-out rates, and a higher one "
        "is not worse."
    )
