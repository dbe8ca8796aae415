"""The rows of cached windows as a lazy frame: read where they are needed, and verified before they are returned."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
_FILE: Final = "file"


def scan_windows(
    infos: Sequence["CachedWindow"], schema: pl.Schema, find_corrupt: FindCorrupt
) -> pl.LazyFrame:
    """Return the rows of windows, which are in order, as a lazy frame; nothing is read before it is collected.

    Parquet does not notice when a file was changed. Therefore a query that reads all rows compares all files with
    their checksums first. A query with a filter does so for each file that has rows for it, before they are returned;
    the other files are not read whole: `load` and `verify` find it where a corrupt one has lost rows. Counting all
    rows reads no contents.

    Collecting raises `CacheError` where a window is corrupt (`find_corrupt` says which are), or is not cached any more.
    """
    source = _Source(infos, schema, find_corrupt)
    columns = {_COUNTED: pl.Null(), **schema}
    return register_io_source(source.read, schema=columns, is_pure=True).select(schema.names())


class _Source:
    """What polars reads the rows from; see `scan_windows`."""

    def __init__(self, infos: Sequence["CachedWindow"], schema: pl.Schema, find_corrupt: FindCorrupt) -> None:
        self._infos = {str(info.path): info for info in infos}
        self._schema = schema
        self._find_corrupt = find_corrupt

    def read(
        self,
        columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        """Read batches of rows: what a query needs, as polars' documentation of sources says."""
        columns = columns or [_COUNTED, *self._schema]
        try:
            for info in self._infos.values():
                info.path.stat()
            if columns == [_COUNTED] and predicate is None:
                yield self._count(n_rows)
                return
            frame = self._scan_files() if n_rows is None else self._scan_files().head(n_rows)
            if predicate is None and n_rows is None:
                self._reject_corrupt(self._infos)
                yield from frame.select(columns).collect_batches(chunk_size=batch_size, engine="streaming")
                return
            wanted = frame if predicate is None else frame.filter(predicate)
            batches = wanted.select(*columns, _FILE).collect_batches(
                chunk_size=batch_size, engine="streaming"
            )
            yield from self._only_verified(batches)
        except FileNotFoundError:
            raise CacheError("a window was removed from the cache before it was read; load again") from None
        except pl.exceptions.PolarsError:
            self._reject_corrupt(self._infos)
            raise

    def _count(self, n_rows: int | None) -> pl.DataFrame:
        """Return a row for each row there is, without what is in it."""
        count = sum(info.rows for info in self._infos.values())
        count = count if n_rows is None else min(count, n_rows)
        return pl.select(pl.repeat(None, count, dtype=pl.Null()).alias(_COUNTED))

    def _scan_files(self) -> pl.LazyFrame:
        """Return all rows with the file of each."""
        frame = pl.scan_parquet(list(self._infos), glob=False, include_file_paths=_FILE)
        return frame.cast(self._schema).with_columns(pl.lit(None, pl.Null()).alias(_COUNTED))

    def _only_verified(self, batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        verified: set[str] = set()
        for batch in batches:
            files = set(batch[_FILE].unique()) - verified
            self._reject_corrupt(files)
            verified |= files
            yield batch.drop(_FILE)

    def _reject_corrupt(self, files: Iterable[str]) -> None:
        for path, problem in self._find_corrupt([self._infos[file] for file in files]).items():
            raise CacheError(
                f"the cached window {path.name} {problem}; a load of it, or optkit refresh, fetches it again"
            )
