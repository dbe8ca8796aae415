"""The status of one number."""

from datetime import datetime

import polars as pl

from optkit.display.headlines.headline import Headline
from optkit.errors import SettingsError
from optkit.formatting import day, join_names, minute, plural


def one_number(events: pl.DataFrame, shown: str, until: datetime) -> Headline:
    """State which senders one number is opted out of, and when it last opted out or in.

    Parameters
    ----------
    events : polars.DataFrame
        The result of `optkit.timeline`, with or without messages.
    shown : str
        The number, masked if it must not be shown.
    until : datetime
        The end of observation.

    Returns
    -------
    Headline
    """
    sent = events.filter(pl.col("status").is_null())
    messages = f" {plural(sent.height, 'message')} went to it, " if sent.height else ""
    if sent.height:
        leaks = int((sent["note"].cast(pl.String) == "leak").sum())
        messages += (
            f"{leaks:,} of them although it had opted out." if leaks else "none of them after an opt-out."
        )
    events = events.filter(pl.col("status").is_not_null())
    if events.is_empty():
        return Headline(f"{shown} never opted out or in: it counts as opted in everywhere.{messages}")
    last = events.group_by("from_phone", maintain_order=True).last()
    out = last.filter(pl.col("state_after").cast(pl.String) == "opt-out")
    status = (
        f"is opted out of {join_names(out['from_phone'].to_list())}, which must not message it,"
        if out.height
        else "is opted in everywhere"
    )
    return Headline(
        f"{shown} {status} as of {minute(until)}: {plural(events.height, 'event')} with "
        f"{plural(last.height, 'sender')}, the last on {day(events['created_at'][-1])}.{messages}"
    )


def most_active(history: pl.DataFrame) -> str:
    """Return the number with the most events; of several the first in order.

    Raises
    ------
    SettingsError
        There are no events.
    """
    if history.is_empty():
        raise SettingsError(
            "there are no events, so there is no number to show: choose other senders, dates or another phone"
        )
    counts = history.group_by("to_phone").len().sort("len", "to_phone", descending=[True, False])
    return str(counts["to_phone"][0])
