"""The answer of each notebook, first and in a sentence: computed from the tables below it."""

from html import escape

import polars as pl

from optkit.display.opening import Extract
from optkit.phrases import day, interval, percent, plural


class Answer(str):
    """A sentence, shown large."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return (
            '<p style="font-size:1.25em;line-height:1.5;max-width:40em;margin:0.4em 0">'
            f"<strong>{escape(self)}</strong></p>"
        )


def extract(extract: Extract, files: pl.DataFrame) -> Answer:
    """Say what is loaded and whether it is whole.

    Parameters
    ----------
    extract : Extract
        What `open_account` returned.
    files : polars.DataFrame
        What `optkit.verify` returned.

    Returns
    -------
    Answer
    """
    damaged = int((~files["ok"]).sum())
    intact = (
        f"each of its {plural(files.height, 'file')} is intact"
        if not damaged
        else f"{plural(damaged, 'file')} of {files.height:,} cannot be read and will be fetched anew"
    )
    events = extract.history["created_at"]
    if events.is_empty():
        return Answer(f"The account {extract.account} holds no event up to {day(extract.until)}.")
    return Answer(
        f"The extract holds {plural(events.len(), 'event')} from {day(events[0])} to {day(events[-1])}, without "
        f"a gap; {intact}."
    )


def churn(table: pl.DataFrame, *, periods: int = 4, word: str = "week") -> Answer:
    """Say how consent moved in the last whole periods, and whether that is unusual.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.churn` returned, without groups.
    periods : int
        How many whole periods are added up.
    word : str
        What a period is called.

    Returns
    -------
    Answer
    """
    whole = table.filter("complete")
    if whole.is_empty():
        return Answer(f"No {word} is covered whole, so there is nothing to compare yet.")
    last = whole.tail(periods)
    outs, backs = int(last["opt_outs"].sum()), int(last["re_opt_ins"].sum())
    moved = f"a net {abs(outs - backs):,} {'left' if outs >= backs else 'came back'}"
    movement = (
        f"In the last {plural(last.height, f'whole {word}')}, from {day(last['period'][0])} on, people opted "
        f"out {plural(outs, 'time')} and came back {plural(backs, 'time')}: {moved}; "
        f"{last['opted_out_end'][-1]:,} stood opted out at the end."
    )
    before = whole.head(-1).tail(12)["churn_rate"].drop_nulls()
    rate = whole["churn_rate"][-1]
    if rate is None or before.is_empty():
        return Answer(movement)
    low, *_, high = sorted(before.to_list() * 2)
    usual = "more than in any of" if rate > high else "less than in any of" if rate < low else "as usual in"
    return Answer(
        f"{movement} In the last whole {word} {percent(rate)} of {_population(whole)} left, {usual} the "
        f"{before.len()} {word}s before ({interval(low, high)})."
    )


def denominator(table: pl.DataFrame) -> str:
    """Return what a table's rates are rates of, for the note below it."""
    if table.is_empty() or table["denominator"][0] == "audience":
        return "Rates are of all who were messaged (the audience)."
    return (
        "Nobody said how many were messaged: rates are of the people seen in this history, who all acted at "
        "least once. Compare them with each other, not with anything else."
    )


def _population(table: pl.DataFrame) -> str:
    if table["denominator"][0] == "audience":
        return "all who were messaged and opted in"
    return "the opted-in pairs seen in this history (which is no level: it knows only who ever acted)"
