"""Columns to group rates of messages by: the local hour and weekday of sending, and the number of the message."""

from typing import Final

import polars as pl

from optkit.analysis.local_time import with_local_time

#: The first message number of each class, and its name.
_CLASSES: Final = {1: "1", 2: "2-3", 4: "4-7", 8: "8+"}


def local_hours(messages: pl.DataFrame) -> pl.DataFrame:
    """Add the hour and the weekday in the recipient's local time.

    Parameters
    ----------
    messages : polars.DataFrame
        Messages.

    Returns
    -------
    polars.DataFrame
        The same rows with hour (Int8: 0 to 23) and weekday (Int8: 1 is Monday); null if the number has no time zone.

    Examples
    --------
    >>> import optkit
    >>> from optkit.analysis.message_times import local_hours
    >>> messages = optkit.demo_messages(recipients=100)
    >>> local_hours(messages)["weekday"].is_between(1, 7).all()
    True
    """
    local = pl.col("local_time").dt
    timed = with_local_time(messages, at="sent_at")
    return messages.with_columns(timed.select(hour=local.hour(), weekday=local.weekday()))


def message_number(messages: pl.DataFrame) -> pl.DataFrame:
    """Add the number of each message among those of its sender to its recipient.

    Parameters
    ----------
    messages : polars.DataFrame
        Messages, sorted by time.

    Returns
    -------
    polars.DataFrame
        The same rows with message_number (String: "1", "2-3", "4-7", "8+").

    Examples
    --------
    >>> from optkit.analysis.message_times import message_number
    >>> pairs = pl.DataFrame({"from_phone": ["24273"] * 3, "to_phone": ["+12025550101"] * 3})
    >>> message_number(pairs)["message_number"].to_list()
    ['1', '2-3', '2-3']
    """
    number = pl.int_range(1, pl.len() + 1).over("from_phone", "to_phone")
    name = pl.lit(_CLASSES[1])
    for least, text in _CLASSES.items():
        name = pl.when(number >= least).then(pl.lit(text)).otherwise(name)
    return messages.with_columns(message_number=name)
