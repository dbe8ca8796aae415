"""Which senders' opt-out rates differ."""

from datetime import datetime
from typing import Final

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.engine.funnel import homogeneity
from optkit.formatting import day, interval, join_names, percent, plural

#: Largest p value at which rates are said to differ.
_DIFFERENT: Final = 0.01


def opt_out_rates(table: pl.DataFrame, *, since: datetime | None = None) -> Headline:
    """State which senders differ from the others by more than senders usually do.

    Parameters
    ----------
    table : polars.DataFrame
        The result of `optkit.opt_out_rates`.
    since : datetime, optional
        The time from which people were counted.

    Returns
    -------
    Headline
    """
    known = table.filter(pl.col("n") > 0)
    if known.is_empty():
        return Headline("No sender has any events, so there is nothing to compare.")
    overall = percent(int(known["ever_opted_out"].sum()) / int(known["n"].sum()))
    if known["denominator"][0] != "audience":
        return Headline(
            f"Of the people in this history {overall} have ever opted out. This describes the mix of opt-outs and "
            "opt-ins, not how likely a message is to drive somebody away, and does not compare senders: for that, give "
            "the number of people who were messaged (audience)."
        )
    whole = f"Of all who were messaged{f' since {day(since)}' if since else ''} {overall} have opted out"
    if known.height == 1:
        return Headline(f"{whole}; there is only one sender, so there is nothing to compare.")
    if known["signal"].is_null().all():
        return Headline(
            f"{whole}. {known.height:,} senders are too few to show how much senders usually differ, so none of them "
            f"is called high or low. {_order(known)}"
        )
    parts, differing = [], 0
    for signal, word in (("high", "above"), ("low", "below")):
        found = known.filter(pl.col("signal").cast(pl.String) == signal)
        names = named(found.sort("rate", table.columns[0], descending=[signal == "high", False]))
        parts += [f"{join_names(names)} {word}"] if names else []
        differing += len(names)
    if parts:
        verb = "differs" if differing == 1 else "differ"
        return Headline(
            f"{whole}; {differing:,} of {plural(known.height, 'sender')} {verb} from the others by more than senders "
            f"usually differ here: {' and '.join(parts)}."
        )
    return Headline(
        f"{whole}; none of {plural(known.height, 'sender')} differs from the others by more than senders usually "
        f"differ here. {_order(known)}"
    )


def named(rows: pl.DataFrame) -> list[str]:
    """Return each row of a table of rates as text: the name with its rate and interval."""
    return [
        f"{key or 'unknown'} ({percent(rate)}, {interval(low, high)})"
        for key, rate, low, high in rows.select(rows.columns[0], "rate", "low", "high").rows()
    ]


def _order(known: pl.DataFrame) -> str:
    """Return a sentence on whether first and last place are more than chance."""
    by_rate = known.sort("rate", known.columns[0], descending=[True, False])
    first, last = named(by_rate)[0], named(by_rate)[-1]
    if homogeneity(known["ever_opted_out"], known["n"]) < _DIFFERENT:
        return f"But their rates differ by more than chance: from {first} down to {last}."
    return f"It may be chance which sender is first, {first}, and which is last, {last}."


def denominator_note(table: pl.DataFrame) -> str:
    """Return the note below a table of rates that states their denominator."""
    if table.is_empty() or table["denominator"][0] == "audience":
        return "Rates are shares of all who were messaged (the audience)."
    if table["denominator"][0] == "list":
        return (
            "Rates are shares of the people on the list when the week began: messaged before, and opted in. A week "
            "without a rate is so early in the record that it is not yet known who was on the list."
        )
    return (
        "It is not known how many people were messaged. These are shares of the people in this history, who all opted "
        "out or in at least once: they describe the mix of opt-outs and opt-ins. They are not opt-out rates, and a "
        "higher share is not worse."
    )
