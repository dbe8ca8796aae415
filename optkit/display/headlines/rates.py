"""Which senders differ."""

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.formatting import interval, join_names, percent, plural


def opt_out_rates(table: pl.DataFrame, *, one: str = "sender") -> Headline:
    """Say which groups differ from the overall rate by more than chance.

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
        else f"Of the people seen in this history {percent(overall)} have ever opted out, which says nothing "
        "about those who were messaged and never answered"
    )
    if known.height == 1:
        return Headline(f"{whole}; there is only one {one}, so there is nothing to compare.")
    verdict = (
        f"{differing:,} of {plural(known.height, one)} {'differs' if differing == 1 else 'differ'} from that by more "
        f"than chance: {' and '.join(parts)}"
        if parts
        else f"none of {plural(known.height, one)} differs from that by more than chance"
    )
    return Headline(f"{whole}; {verdict}.")


def denominator_note(table: pl.DataFrame) -> str:
    """Return the note below a table of rates that says what they are rates of."""
    if table.is_empty() or table["denominator"][0] == "audience":
        return "Rates are shares of all who were messaged (the audience)."
    return (
        "It is not known how many were messaged. Rates are shares of the people seen in this history, who all opted "
        "out or in at least once: compare them with each other only."
    )
