"""What is particular to one endpoint of the API: the loader reads any of them by this description."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import polars as pl


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint that lists records page by page, filtered by time.

    Attributes
    ----------
    dataset : str
        What users call it, such as ``"events"``.
    subfolder : str
        Where its windows are cached, within the account's folder.
    paths : tuple of str
        Where it may be served; the first one that is not a 404 is used.
    record : type
        A `msgspec.Struct`: one entry of a page.
    identity : callable
        Returns of a record everything that makes it this record; what may change between two readings is left out.
    to_columns : callable
        Returns records as a frame with the columns of `schema`, one row per record, and raises `ResponseError` where
        one cannot be read.
    belongs : callable or None
        Returns whether a record belongs to the dataset; None: every record does.
    schema : polars.Schema
        Columns and dtypes of the dataset.
    time : str
        The column by which the API filters, and windows are cut.
    order : tuple of str
        The columns by which the dataset is sorted; `time` is the first one.
    key : tuple of str
        The columns that identify a row.
    filters : tuple of str
        The query parameters that `fetch` may send.
    private : tuple of str
        Query parameters that must not appear in logs.
    constants : mapping
        Query parameters of every request.
    window : int
        Length of a cached window, in milliseconds.
    horizon : timedelta or None
        How far back the API answers; None: to the account's first record.
    """

    dataset: str
    subfolder: str = ""
    paths: tuple[str, ...]
    record: type[Any]
    identity: Callable[[Any], Any]
    to_columns: Callable[[Sequence[Any]], pl.DataFrame]
    belongs: Callable[[Any], bool] | None = None
    schema: pl.Schema
    time: str
    order: tuple[str, ...]
    key: tuple[str, ...]
    filters: tuple[str, ...]
    private: tuple[str, ...]
    constants: Mapping[str, str] = field(default_factory=dict)
    window: int
    horizon: timedelta | None = None

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
