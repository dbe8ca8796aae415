"""The file of one cached window: what it says of itself in its footer, and its checksum."""

import hashlib
import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from optkit.loading.windows import Window, WindowInfo

#: The layout of the files; files of another layout are fetched again.
VERSION: Final = 1
#: The key in the footer's metadata, and what stands there: one object in JSON.
_KEY: Final = "optkit"
_DESCRIPTION: Final = re.compile(rb'\{"version": [^}]*\}')
_UNSIGNED: Final = "0" * 32
_MARK: Final = b'"checksum": "'
#: The footer ends with the metadata of the window; this many bytes contain them.
_TAIL: Final = 65_536
#: Rows per row group: what a filter by time can skip.
_ROW_GROUP: Final = 65_536


class CorruptFileError(Exception):
    """A file under a window's name is not what optkit wrote there; the text says why."""


@dataclass(frozen=True)
class CachedWindow(WindowInfo):
    """A window in the cache: its file, and what the file says of itself."""

    path: Path
    rows: int  # in the file
    duplicates: int  # exact repetitions that were dropped
    dropped: int  # entries of other kinds that were dropped
    pages: int  # that it took to read the window
    salt: str | None  # of the account identity that it was written for; None in files of older versions
    time_unit: str | None  # name of the unit in which the API read the bounds; None where it is not known


def make_file(frame: pl.DataFrame, info: CachedWindow) -> bytes:
    """Return the bytes of a window's file: rows, and what is to be known of them.

    The checksum is inside the content that it covers, in place of zeros: so a window is one file, committed by one
    rename, and plain Parquet.
    """
    about = {
        "version": VERSION,
        "start": info.window.start,
        "end": info.window.end,
        "fetched_at": info.fetched_at,
        "final": info.final,
        "begins": info.begins,
        "rows": info.rows,
        "duplicates": info.duplicates,
        "dropped": info.dropped,
        "pages": info.pages,
        "account": info.salt,
        "time_unit": info.time_unit,
        "checksum": _UNSIGNED,
    }
    buffer = io.BytesIO()
    frame.write_parquet(buffer, row_group_size=_ROW_GROUP, metadata={_KEY: json.dumps(about)})
    return _signed(buffer.getvalue())


def read_footer(path: Path) -> CachedWindow:
    """Read what a file says of its window.

    `polars.read_parquet_metadata` is experimental, takes longer the more rows there are, and panics at some damaged
    files. The end of the file has all that is needed.

    Raises
    ------
    FileNotFoundError
        It is not there any more.
    CorruptFileError
        It is not what optkit wrote.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            tail = file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CorruptFileError(f"cannot be read ({error.strerror})") from None
    if not tail:
        raise CorruptFileError("is empty")
    try:
        about = json.loads(_DESCRIPTION.findall(tail)[-1])
    except (IndexError, ValueError):
        about = None
    if about is None or not tail.endswith(b"PAR1"):
        raise CorruptFileError("is cut off or was not written by optkit")
    if about["version"] != VERSION:
        raise CorruptFileError(f"has the layout {about['version']} of another optkit version")
    try:
        return CachedWindow(
            Window(about["start"], about["end"]),
            fetched_at=about["fetched_at"],
            final=about["final"],
            begins=about["begins"],
            path=path,
            rows=about["rows"],
            duplicates=about["duplicates"],
            pages=about["pages"],
            # what files of older versions do not say
            dropped=about.get("dropped", 0),
            salt=about.get("account"),
            time_unit=about.get("time_unit"),
        )
    except KeyError:
        raise CorruptFileError("differs from what was written (its description)") from None


def verify_checksum(path: Path) -> None:
    """Read a file whole and compare it with the checksum in its footer.

    Raises
    ------
    OSError
        It cannot be read.
    CorruptFileError
        It is not what optkit wrote.
    """
    content = memoryview(path.read_bytes())
    tail = bytes(content[-_TAIL:])
    at = tail.rfind(_MARK)
    if at < 0:
        raise CorruptFileError("is cut off or was not written by optkit")
    at += len(content) - len(tail) + len(_MARK)
    if _digest(content, at) != bytes(content[at : at + 32]).decode("latin-1"):
        raise CorruptFileError("differs from what was written (checksum)")


def _signed(content: bytes) -> bytes:
    """Return a file's bytes with the checksum in its place."""
    at = content.rindex(_MARK + _UNSIGNED.encode()) + len(_MARK)
    return b"".join((content[:at], _digest(memoryview(content), at).encode(), content[at + 32 :]))


def _digest(content: memoryview, at: int) -> str:
    """Return the checksum of a whole file, with zeros in the checksum's own place."""
    digest = hashlib.blake2b(content[:at], digest_size=16)
    digest.update(_UNSIGNED.encode())
    digest.update(content[at + 32 :])
    return digest.hexdigest()
