"""The result of one check of a history."""

from typing import NamedTuple

import polars as pl

from optkit.times import INSTANT


class Check(NamedTuple):
    """How many rows (or pairs, or days) `of` so many were found; up to the share `fine` that is ok."""

    name: str
    rows: int
    of: int
    fine: float
    meaning: str

    def row(self) -> tuple[str, int, float | None, bool, str]:
        """Return check, rows, share, ok, meaning."""
        share = self.rows / self.of if self.of else None
        return self.name, self.rows, share, (share or 0.0) <= self.fine, self.meaning


def before(events: pl.LazyFrame, until: int | None) -> pl.LazyFrame:
    """Return the events up to and including an instant, in milliseconds since 1970; all where it is None."""
    return events if until is None else events.filter(pl.col("created_at") <= pl.lit(until).cast(INSTANT))
