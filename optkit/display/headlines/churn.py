"""How many opted out and came back lately."""

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.formatting import day, interval, percent, plural


def churn(table: pl.DataFrame, *, periods: int = 4, word: str = "week") -> Headline:
    """Say how many opted out and came back in the last complete periods, and whether that is unusual.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.churn` returned, without groups.
    periods : int
        How many complete periods to add up.
    word : str
        What to call a period.

    Returns
    -------
    Headline
    """
    complete = table.filter("complete")
    if complete.is_empty():
        return Headline(f"No {word} is complete, so there is nothing to compare yet.")
    last = complete.tail(periods)
    outs, backs = int(last["opt_outs"].sum()), int(last["re_opt_ins"].sum())
    moved = f"a net {abs(outs - backs):,} {'left' if outs >= backs else 'came back'}"
    movement = (
        f"In the last {plural(last.height, f'complete {word}')}, from {day(last['period'][0])} on, people opted "
        f"out {plural(outs, 'time')} and came back {plural(backs, 'time')}: {moved}; "
        f"{last['opted_out_end'][-1]:,} were opted out at the end."
    )
    before = complete.head(-1).tail(12)["churn_rate"].drop_nulls()
    rate = complete["churn_rate"][-1]
    if rate is None or before.is_empty():
        return Headline(movement)
    low, *_, high = sorted(before.to_list() * 2)
    usual = "more than in any of" if rate > high else "less than in any of" if rate < low else "as usual in"
    return Headline(
        f"{movement} In the last complete {word} {percent(rate)} of {_population(complete)} left, {usual} the "
        f"{before.len()} {word}s before ({interval(low, high)})."
    )


def _population(table: pl.DataFrame) -> str:
    if table["denominator"][0] == "audience":
        return "all who were messaged and opted in"
    return "the opted-in pairs seen in this history (compare weeks only: others are not counted)"
