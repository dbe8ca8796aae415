"""The rows of cached windows as a lazy frame: read where they are needed, and verified before they are returned."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl
from polars.io.plugins import register_io_source

from optkit.errors import CacheError

if TYPE_CHECKING:
    from pathlib import Path

    from optkit.loading.window_file import CachedWindow

FindCorrupt: TypeAlias = "Callable[[Sequence[CachedWindow]], dict[Path, str]]"

#: A column that is in no file. It comes first: of a query that only counts rows, polars asks for the first column.
_COUNTED: Final = "counted"
_NOTHING: Final = pl.lit(None, pl.Null()).alias(_COUNTED)
_FILE: Final = "file"


def scan_windows(
    windows: Sequence["CachedWindow"], schema: pl.Schema, find_corrupt: FindCorrupt
) -> pl.LazyFrame:
    """Return the rows of cached windows as a lazy frame; nothing is read before it is collected.

    Parquet does not notice when a file was changed. Therefore each file that has rows for a query is compared with its
    checksum before they are returned. The other files are not read whole: `load` and `verify` find it where a corrupt
    one has lost rows. Counting all rows reads no contents.

    Parameters
    ----------
    windows : sequence of CachedWindow
        Which ones, in order.
    schema : polars.Schema
        Columns and dtypes.
    find_corrupt : callable
        Verifies windows, and returns what is wrong with the files of some.

    Returns
    -------
    polars.LazyFrame
        Collecting it raises `CacheError` where a window is corrupt, or is not cached any more.
    """
    source_schema = {_COUNTED: pl.Null(), **schema}
    by_file = {str(window.path): window for window in windows}

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        try:
            for window in windows:
                window.path.stat()
            if columns == [_COUNTED]:
                rows = _only_counted(windows)
            else:
                files = pl.scan_parquet(list(by_file), glob=False, include_file_paths=_FILE)
                rows = files.cast(schema).with_columns(_NOTHING)
            rows = rows if n_rows is None else rows.head(n_rows)
            rows = rows if predicate is None else rows.filter(predicate)
            rows = rows.select(*(columns or source_schema), _FILE)
            verified: set[str | None] = {None}
            for batch in rows.collect_batches(chunk_size=batch_size, engine="streaming"):
                new = set(batch[_FILE].unique()) - verified
                reject([by_file[file] for file in new if file is not None])
                verified |= new
                yield batch.drop(_FILE)
        except FileNotFoundError:
            raise CacheError("a window went out of the cache before it was read; load again") from None
        except pl.exceptions.PolarsError:
            reject(windows)
            raise

    def reject(suspects: Sequence["CachedWindow"]) -> None:
        for path, problem in find_corrupt(suspects).items():
            raise CacheError(
                f"the cached window {path.name} {problem}; optkit.load fetches it again, optkit.clear forgets it"
            )

    return register_io_source(read, schema=source_schema, is_pure=True).select(schema.names())


def _only_counted(windows: Sequence["CachedWindow"]) -> pl.LazyFrame:
    """Return as many rows as the windows have."""
    count = sum(window.rows for window in windows)
    return pl.LazyFrame().select(
        pl.repeat(None, count, dtype=pl.Null()).alias(_COUNTED), pl.lit(None, pl.String()).alias(_FILE)
    )
