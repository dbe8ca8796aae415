"""Columns that only one of two frames has: messages can be grouped by a column of the history."""

from collections.abc import Collection

import polars as pl

from optkit.engine.canonical import canonical_phones
from optkit.errors import HistoryError

#: The units that a column may be constant for; the first one that it is constant for is taken.
_KEYS = (["from_phone"], ["to_phone"], ["from_phone", "to_phone"])


def add_columns(
    frame: pl.LazyFrame, source: pl.LazyFrame, columns: Collection[str], region: str | None
) -> pl.LazyFrame:
    """Return a frame with columns of another one that are constant for a sender, a recipient or a pair.

    Both have from_phone and to_phone. Rows with a sender, recipient or pair that is not in the source have nulls.

    Raises
    ------
    HistoryError
        A column has several values for a pair.
    """
    if not columns:
        return frame
    phones = canonical_phones(region)
    known = (
        source.with_columns(phones)
        .select("from_phone", "to_phone", *columns)
        .unique()
        .collect(engine="streaming")
    )
    for key in _KEYS:
        values = known.select(*key, *columns).unique()
        if values.select(key).is_unique().all():
            return frame.with_columns(phones).join(values.lazy(), on=key, how="left")
    raise HistoryError(
        f"by: {', '.join(columns)} has several values for one sender and recipient, so it is not clear which one "
        "counts; add the column to the messages"
    )
