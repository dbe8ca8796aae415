"""Who must not be messaged, and the story of one number."""

from datetime import datetime

import polars as pl

from optkit.display.headlines.headline import Answer
from optkit.errors import SettingsError
from optkit.formatting import day, join_names, minute, plural


def suppression(now: pl.DataFrame, changes: pl.DataFrame, at: datetime, before: datetime) -> Answer:
    """Say how long the list is and what changed on it.

    Parameters
    ----------
    now : polars.DataFrame
        What `optkit.suppression_list` returned for `at`, in recipient scope.
    changes : polars.DataFrame
        What `optkit.suppression_diff` returned between `before` and `at`, in recipient scope.
    at, before : datetime
        The moments of the list and of the one before.

    Returns
    -------
    Answer
    """
    change = changes["change"].cast(pl.String)
    added, removed = int((change == "added").sum()), int((change == "removed").sum())
    return Answer(
        f"As of {minute(at)} {plural(now.height, 'person is', 'people are')} opted out of at least one sender. Since "
        f"{day(before)} {added:,} were added and {removed:,} taken off."
    )


def one_number(events: pl.DataFrame, shown: str, until: datetime) -> Answer:
    """Say where one number stands, and since when.

    Parameters
    ----------
    events : polars.DataFrame
        What `optkit.timeline` returned.
    shown : str
        The number as it is shown.
    until : datetime
        As of when.

    Returns
    -------
    Answer
    """
    if events.is_empty():
        return Answer(f"{shown} never opted out or in: it counts as opted in everywhere.")
    last = events.group_by("from_phone", maintain_order=True).last()
    out = last.filter(pl.col("state_after").cast(pl.String) == "opt-out")
    stands = (
        f"is opted out of {join_names(out['from_phone'].to_list())} and must not be messaged from there"
        if out.height
        else "is opted in everywhere"
    )
    return Answer(
        f"{shown} {stands} as of {minute(until)}: {plural(events.height, 'event')} with "
        f"{plural(last.height, 'sender')}, the last on {day(events['created_at'][-1])}."
    )


def most_active(history: pl.DataFrame) -> str:
    """Return the number with the most events; of equals the first.

    Raises
    ------
    SettingsError
        There is no event.
    """
    if history.is_empty():
        raise SettingsError(
            "there is no event here, so no number either: choose other senders, dates or a phone"
        )
    counts = history.group_by("to_phone").len().sort("len", "to_phone", descending=[True, False])
    return str(counts["to_phone"][0])


def sample_contacts(history: pl.DataFrame, *, count: int = 1000) -> pl.DataFrame:
    """Return contacts as a campaign tool might export them: to show what scrubbing does without a file of your own.

    Every third recipient of the history, as many as there are up to `count`, under made-up names, and two entries that
    are no numbers.

    Returns
    -------
    polars.DataFrame
        name, phone (String).
    """
    known = history["to_phone"].unique().sort().gather_every(3).head(count)
    phones = [*known, "n/a", "555-0100 ext"]
    return pl.DataFrame(
        {"name": [f"Contact {number}" for number in range(1, len(phones) + 1)], "phone": phones},
        schema={"name": pl.String, "phone": pl.String},
    )
