"""How consent moves, and what stood out."""

from datetime import date

import polars as pl

from optkit.display.headlines.headline import Answer
from optkit.formatting import day, interval, percent, plural


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


def spikes(table: pl.DataFrame, blame: pl.DataFrame, *, word: str = "day") -> Answer:
    """Say what stood out, and who was behind the largest of it.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.spikes` returned, without groups.
    blame : polars.DataFrame
        What `who_was_behind` returned for the largest spike.
    word : str
        What a period is called.

    Returns
    -------
    Answer
    """
    if table.is_empty():
        return Answer("There is no event, so nothing stands out.")
    found = table.filter("spike").sort("opt_outs", "period", descending=[True, False])
    usual = f"{plural(table.height, word)} from {day(table['period'][0])} on"
    if found.is_empty():
        return Answer(f"None of the {usual} had more opt-outs than its weekday lets expect.")
    top = found.row(0, named=True)
    behind = ""
    if blame.height:
        sender, _, share = blame.select("from_phone", "opt_outs", "share").row(0)
        behind = f"; {percent(share)} of them left {sender}"
    return Answer(
        f"{found.height:,} of the {usual} had more opt-outs than expected. The largest was "
        f"{_weekday(top['period'])}: {plural(top['opt_outs'], 'opt-out')}, where {top['low']:,.0f} to "
        f"{top['high']:,.0f} are usual{behind}."
    )


def largest_spike(table: pl.DataFrame, chosen: str | None = None) -> date | None:
    """Return the period that was chosen, or else the one with the largest spike; None where nothing stood out.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.spikes` returned, without groups.
    chosen : str, optional
        A day, such as ``"2026-02-14"``.
    """
    if chosen:
        return date.fromisoformat(chosen)
    found = table.filter("spike").sort("opt_outs", descending=True)
    return found["period"][0] if found.height else None


def who_was_behind(transitions: pl.DataFrame, when: date | None, *, time_zone: str = "UTC") -> pl.DataFrame:
    """Count a local day's opt-outs by sender, against the sender's mean of all days with opt-outs.

    Parameters
    ----------
    transitions : polars.DataFrame
        What `optkit.transitions` returned.
    when : date, optional
        Which day; None gives no rows.
    time_zone : str
        IANA name of the zone whose day this is.

    Returns
    -------
    polars.DataFrame
        The most first: from_phone (String), opt_outs (UInt32), share (Float64, of the day's), a_day_on_average
        (Float64).
    """
    outs = transitions.filter(pl.col("kind").cast(pl.String) == "opt-out").with_columns(
        day=pl.col("created_at").dt.convert_time_zone(time_zone).dt.date()
    )
    days = max(1, outs["day"].n_unique())
    mean = outs.group_by("from_phone").agg(a_day_on_average=pl.len() / days)
    return (
        outs.filter(pl.lit(value=False) if when is None else pl.col("day") == when)
        .group_by("from_phone")
        .agg(opt_outs=pl.len())
        .with_columns(share=pl.col("opt_outs") / pl.col("opt_outs").sum())
        .join(mean, on="from_phone")
        .sort("opt_outs", "from_phone", descending=[True, False])
    )


def _weekday(when: date) -> str:
    return f"{when:%A} {day(when)}"


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
