"""How many people must not be messaged."""

from datetime import datetime

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.formatting import day, minute, plural


def suppression(now: pl.DataFrame, changes: pl.DataFrame, at: datetime, before: datetime) -> Headline:
    """State how many people are on the list, and how many were added and removed.

    Parameters
    ----------
    now : polars.DataFrame
        The result of `optkit.suppression_list` for `at`, in recipient scope.
    changes : polars.DataFrame
        The result of `optkit.suppression_diff` between `before` and `at`, in recipient scope.
    at, before : datetime
        The times of the list and of the earlier one.

    Returns
    -------
    Headline
    """
    change = changes["change"].cast(pl.String)
    added, removed = int((change == "added").sum()), int((change == "removed").sum())
    return Headline(
        f"As of {minute(at)} {plural(now.height, 'person is', 'people are')} opted out of at least one sender. Since "
        f"{day(before)} {added:,} were added and {removed:,} were removed."
    )


def sample_contacts(history: pl.DataFrame) -> pl.DataFrame:
    """Return made-up contacts to show what scrubbing does, for users without a contact file.

    They are every third recipient of the history, at most 1,000, with made-up names, and two texts that are not phone
    numbers.

    Returns
    -------
    polars.DataFrame
        name, phone (String).
    """
    known = history["to_phone"].unique().sort().gather_every(3).head(1000)
    phones = [*known, "n/a", "555-0100 ext"]
    return pl.DataFrame(
        {"name": [f"Contact {number}" for number in range(1, len(phones) + 1)], "phone": phones},
        schema={"name": pl.String, "phone": pl.String},
    )
