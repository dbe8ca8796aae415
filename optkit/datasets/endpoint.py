"""What is particular to one endpoint of the API: the loader reads any of them by this description."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from optkit.times import months_before


class TimeUnit(NamedTuple):
    """How the API reads the bounds of a request."""

    name: str  # under which cached files remember it
    start_ms: int  # milliseconds per unit of the start
    end_ms: int  # milliseconds per unit of the end


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint that lists records page by page, filtered by time."""

    #: Where its windows are cached, within the account's folder.
    subfolder: str = ""
    #: Where it may be served; the first one that is not a 404 is used.
    paths: tuple[str, ...]
    #: Query parameters of every request.
    constants: Mapping[str, str] = field(default_factory=dict)
    #: Query parameters that must not appear in logs.
    private: tuple[str, ...]
    #: The units in which the API may read the bounds that are sent; if there are several, the loader finds out which.
    time_units: tuple[TimeUnit, ...] = (TimeUnit("ms", 1, 1),)
    #: How far back the API answers, in months of the calendar; None: to the account's first record.
    horizon_months: int | None = None
    #: Length of a cached window, in milliseconds.
    window: int

    #: A `msgspec.Struct`: one entry of a page.
    record: type[Any]
    #: Returns what identifies a record, without what may change between two readings.
    record_key: Callable[[Any], Any]
    #: Removes from the records of a page what must not be kept, such as texts, and leaves the facts that are; None:
    #: there is nothing to remove.
    strip_private: Callable[[Sequence[Any]], None] | None = None
    #: Returns those of some records that belong to the dataset; None: all do.
    select: Callable[[Sequence[Any]], list[Any]] | None = None
    #: Returns records as a frame with the columns of `schema`, one row per record, and raises `ResponseError` where one
    #: cannot be read.
    to_columns: Callable[[Sequence[Any]], pl.DataFrame]

    #: Columns and dtypes of the dataset.
    schema: pl.Schema
    #: The column by which the API filters, and windows are cut.
    time: str
    #: The columns by which the dataset is sorted; `time` is the first one.
    order: tuple[str, ...]
    #: The columns that identify a row.
    key: tuple[str, ...]

    def horizon(self, now: int) -> int | None:
        """Return how far back the API answers at an instant, both in epoch milliseconds; None for no limit."""
        return None if self.horizon_months is None else months_before(now, self.horizon_months)

    def is_expired(self, start: int, now: int) -> bool:
        """Return whether the API does not answer any more for a window that begins at `start`."""
        horizon = self.horizon(now)
        return horizon is not None and start < horizon

    def is_repeated(self) -> pl.Expr:
        """Return, for rows in `order`, whether a row is the same as the one before it."""
        return pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in self.key)

    def files_schema(self) -> pl.Schema:
        """Return the dtypes in cached files: enums are plain text there."""
        return pl.Schema(
            {
                name: pl.String() if isinstance(dtype, pl.Enum) else dtype
                for name, dtype in self.schema.items()
            }
        )
