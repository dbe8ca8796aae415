"""A window's file: written in secret, shown whole, checked before it is trusted.

All that must be known of a window is in its own Parquet file, under a checksum of the whole file.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from optkit.errors import CacheError
from optkit.history import SCHEMA, STATUS
from optkit.loading.windows import Cached, Window
from optkit.private_files import PrivateFile
from optkit.times import from_ms

#: The layout of the files; another one is read anew.
VERSION: Final = 1
SUFFIX: Final = ".parquet"
_ENTRY: Final = "optkit"
_UNSIGNED: Final = "0" * 32
_MARK: Final = '"checksum": "'
#: The footer ends with what is said of the window; this is more than enough of it.
_TAIL: Final = 65_536
_REPEATING: Final = ["from_phone", "status", "current_status"]
#: Events a row group: what a filter by time can skip, and what is in memory at once.
_ROW_GROUP: Final = 65_536


class DamagedError(Exception):
    """A file under a window's name is not what optkit wrote there; the text says why."""


@dataclass(frozen=True)
class Entry:
    """A window in the cache: its file, and what the file says of itself."""

    path: Path
    cached: Cached
    rows: int
    duplicates: int
    pages: int


class Writer:
    """Writes one window; nobody sees it before `commit`."""

    def __init__(self, folder: Path, week: Window) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = folder / f"{from_ms(week.start):%Y-%m-%d}{SUFFIX}"
        schema = pa.schema(
            [
                ("to_phone", pa.large_string()),
                ("from_phone", pa.large_string()),
                ("created_at", pa.timestamp("ms", "UTC")),
                ("status", pa.large_string()),
                ("current_status", pa.large_string()),
            ]
        )
        self._content = io.BytesIO()
        # no dictionaries of what hardly repeats, recipients and times: they would take memory and save nothing
        self._writer = pq.ParquetWriter(self._content, schema, compression="zstd", use_dictionary=_REPEATING)
        self._pending: list[pl.DataFrame] = []

    def write(self, events: pl.DataFrame) -> None:
        """Add events, sorted, later than those before."""
        self._pending.append(events)
        if sum(frame.height for frame in self._pending) >= _ROW_GROUP:
            self._write_pending()

    def _write_pending(self) -> None:
        events = pl.concat(self._pending or [SCHEMA.to_frame()])
        text = events.with_columns(pl.col("status", "current_status").cast(pl.String))
        # no cast: it would import pyarrow.compute, which takes longer than many a load
        self._writer.write_table(text.to_arrow(compat_level=pl.CompatLevel.oldest()))
        self._pending.clear()

    def commit(self, cached: Cached, *, rows: int, duplicates: int, pages: int) -> None:
        """Make the window part of the cache."""
        about = {
            "version": VERSION,
            "start": cached.window.start,
            "end": cached.window.end,
            "fetched_at": cached.fetched_at,
            "final": cached.final,
            "begins": cached.begins,
            "rows": rows,
            "duplicates": duplicates,
            "pages": pages,
            "checksum": _UNSIGNED,
        }
        self._write_pending()
        self._writer.add_key_value_metadata({_ENTRY: json.dumps(about)})
        self._writer.close()
        remedy = "make room there, or set OPTKIT_CACHE_DIR to another folder; what was committed stays"
        with PrivateFile(self._path, error=CacheError, remedy=remedy) as file:
            file.write(_signed(self._content.getvalue()))

    def discard(self) -> None:
        """Forget what was written, if it was not committed."""
        self._writer.close()


def _signed(content: bytes) -> bytes:
    """Put the checksum of the whole file, with zeros in the checksum's own place, into that place."""
    at = content.rindex((_MARK + _UNSIGNED).encode()) + len(_MARK)
    return content[:at] + _digest(content).encode() + content[at + len(_UNSIGNED) :]


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def read_entry(path: Path) -> Entry:
    """Read a window's file whole and check it.

    Raises
    ------
    DamagedError
        It is not what optkit wrote.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"cannot be read ({error.strerror})") from None
    if not content:
        raise DamagedError("is empty")
    found = list(re.finditer(rb'\{"version": [^{}]*"checksum": "([0-9a-f]{32})"\}', content[-_TAIL:]))
    if not found:
        raise DamagedError("is cut off or was not written by optkit")
    match = found[-1]
    start = max(0, len(content) - _TAIL) + match.start(1)
    if _digest(content[:start] + _UNSIGNED.encode() + content[start + 32 :]) != match[1].decode():
        raise DamagedError("differs from what was written (checksum)")
    about = json.loads(match[0])
    if about["version"] != VERSION:
        raise DamagedError(f"has the layout {about['version']} of another optkit version")
    window = Window(about["start"], about["end"])
    if path.stem != f"{from_ms(window.start):%Y-%m-%d}":
        raise DamagedError("was renamed: it holds another week than its name says")
    cached = Cached(window, about["fetched_at"], about["final"], about["begins"])
    return Entry(path, cached, about["rows"], about["duplicates"], about["pages"])


def scan(entries: Iterable[Entry]) -> pl.LazyFrame:
    """Return the events of windows as a lazy frame with the history's columns; nothing is read yet."""
    paths = [entry.path for entry in sorted(entries, key=lambda entry: entry.cached.window)]
    if not paths:
        return SCHEMA.to_frame(eager=False)
    return pl.scan_parquet(paths, glob=False).with_columns(
        pl.col("created_at").cast(SCHEMA["created_at"]), pl.col("status", "current_status").cast(STATUS)
    )
