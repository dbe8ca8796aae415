"""Since when each pair or recipient is known: its first event, or its first message that reached somebody.

Only the period of that moment counts, and periods are few: recipient, sender and a coarse time are packed into one
integer, and the first of each unit in their order is kept. In most accounts they fit into 63 bits, which take half the
time and memory of the keys of `exposures`.
"""

from typing import Final, NamedTuple

import polars as pl

from optkit.engine.exposures import KEY, JointPartition
from optkit.engine.packing import RECIPIENT_BITS, SENDER_BITS, big, least_of_each
from optkit.engine.periods import Calendar

_USUAL_RECIPIENT_BITS: Final = 44  # a phone number with '+' and up to 13 digits


class _Layout(NamedTuple):
    """The type of a key, and how many bits its parts have, from the highest to the lowest."""

    dtype: type[pl.DataType]
    recipient: int
    sender: int
    time: int

    def key(self, time: pl.Expr) -> pl.Expr:
        """Return a known unit with its time; -1 if it does not fit, null if it is not known."""
        recipient, sender = pl.col("recipient"), pl.col("sender")
        is_known = pl.col("reached") & recipient.is_not_null() & sender.is_not_null()
        fits = (recipient < 2**self.recipient) & (sender < 2**self.sender)
        key = recipient.cast(self.dtype)
        for part, bits in ((sender, self.sender), (time, self.time)):
            key = key * pl.lit(2**bits, self.dtype) + part.cast(self.dtype)
        return pl.when(is_known).then(pl.when(fits).then(key).otherwise(-1)).alias("key")


def known_units(partition: JointPartition, since: int, periods: Calendar) -> pl.LazyFrame:
    """Return one row per unit: unit, and at, an instant in the period in which it was first known.

    Parameters
    ----------
    partition : JointPartition
    since : int
        Milliseconds since 1970. An instant before it stands for all of them.
    periods : Calendar
        From `since` to the end of the record.
    """
    # Edges of periods are whole steps apart, so that rounding down to a step does not change the period.
    step = periods.step
    begin = since - (since - periods.edges[0]) % step
    time = pl.when(pl.col("at") >= since).then((pl.col("at") - begin) // step + 1).otherwise(0)
    time_bits = ((max(since, partition.until) - begin) // step + 1).bit_length()
    spare = 63 - _USUAL_RECIPIENT_BITS - time_bits
    layout = _Layout(pl.Int64, _USUAL_RECIPIENT_BITS, spare, time_bits)
    keys = _first_keys(partition, time, layout) if spare > 0 else None
    if keys is None:
        layout = _Layout(pl.Int128, RECIPIENT_BITS, SENDER_BITS, time_bits)
        keys = _first_keys(partition, time, layout)
    assert keys is not None
    steps = (KEY % 2**time_bits).cast(pl.Int64)
    pair = (KEY // 2**time_bits).cast(pl.Int128)
    unit = pair // 2**layout.sender * big(2**SENDER_BITS) + pair % 2**layout.sender
    at = pl.when(steps > 0).then((begin + (steps - 1) * step).clip(since)).otherwise(since - 1)
    return keys.alias("key").to_frame().lazy().select(unit=unit, at=at)


def _first_keys(partition: JointPartition, time: pl.Expr, layout: _Layout) -> pl.Series | None:
    """Return the first key of each unit of events and reached messages, in order; None if one does not fit."""
    keys = []
    for frame in partition.moments():
        keys.append(frame.select(layout.key(time)).drop_nulls().collect(engine="streaming")["key"])
        if (keys[-1] < 0).any():
            return None
    return least_of_each(pl.concat(keys), layout.time)
