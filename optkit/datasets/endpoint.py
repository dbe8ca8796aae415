"""What is particular to one endpoint of the API: the loader reads any of them by this description."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from optkit.times import months_before


class TimeUnit(NamedTuple):
    """How the API reads the bounds of a request.

    Attributes
    ----------
    name : str
        Under which cached files remember it.
    start_ms, end_ms : int
        Milliseconds per unit of the start, and per unit of the end.
    """

    name: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint that lists records page by page, filtered by time.

    Attributes
    ----------
    subfolder : str
        Where its windows are cached, within the account's folder.
    paths : tuple of str
        Where it may be served; the first one that is not a 404 is used.
    record : type
        A `msgspec.Struct`: one entry of a page.
    record_key : callable
        Returns what identifies a record, without what may change between two readings.
    to_columns : callable
        Returns records as a frame with the columns of `schema`, one row per record, and raises `ResponseError` where
        one cannot be read.
    strip_private : callable or None
        Removes from the records of a page what must not be kept, such as texts, and leaves the facts that are; None:
        there is nothing to remove.
    select : callable or None
        Returns those of some records that belong to the dataset; None: all do.
    schema : polars.Schema
        Columns and dtypes of the dataset.
    time : str
        The column by which the API filters, and windows are cut.
    order : tuple of str
        The columns by which the dataset is sorted; `time` is the first one.
    key : tuple of str
        The columns that identify a row.
    private : tuple of str
        Query parameters that must not appear in logs.
    constants : mapping
        Query parameters of every request.
    window : int
        Length of a cached window, in milliseconds.
    horizon_months : int or None
        How far back the API answers, in months of the calendar; None: to the account's first record.
    time_units : tuple of TimeUnit
        The units in which the API may read the bounds that are sent; if there are several, the loader finds out which.
    """

    subfolder: str = ""
    paths: tuple[str, ...]
    record: type[Any]
    record_key: Callable[[Any], Any]
    to_columns: Callable[[Sequence[Any]], pl.DataFrame]
    strip_private: Callable[[Sequence[Any]], None] | None = None
    select: Callable[[Sequence[Any]], list[Any]] | None = None
    schema: pl.Schema
    time: str
    order: tuple[str, ...]
    key: tuple[str, ...]
    private: tuple[str, ...]
    constants: Mapping[str, str] = field(default_factory=dict)
    window: int
    horizon_months: int | None = None
    time_units: tuple[TimeUnit, ...] = (TimeUnit("ms", 1, 1),)

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
