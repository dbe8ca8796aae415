"""The cache: one folder per account, one Parquet file per window; renaming a file into place commits the window.

What exists is complete, what is missing is fetched. Two processes at once do double work but no harm. All that must be
known of a window is in its file's footer, beside a checksum of the whole file: to know what is cached, footers are
read; the checksum is verified where contents are read.
"""

import hashlib
import io
import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import polars as pl

from optkit.datasets.endpoint import Endpoint
from optkit.errors import CacheError
from optkit.loading.cached_rows import scan_windows
from optkit.loading.windows import Window, WindowInfo, grid_window
from optkit.private_files import PrivateFile, remove_leftovers
from optkit.times import from_ms, to_ms

#: The layout of the files; files of another layout are fetched again.
VERSION: Final = 1
SUFFIX: Final = ".parquet"
REMEDY: Final = "make room there, or set OPTKIT_CACHE_DIR to another folder; what was committed stays"
_KEY: Final = "optkit"
_BEGIN: Final = b'{"version": '
_UNSIGNED: Final = "0" * 32
_MARK: Final = b'"checksum": "'
#: The footer ends with what is said of the window; this is more than enough of it.
_TAIL: Final = 65_536
#: Rows per row group: what a filter by time can skip.
_ROW_GROUP: Final = 65_536
#: Files whose checksums are computed at the same time.
_HASHING: Final = 4


class CorruptFileError(Exception):
    """A file under a window's name is not what optkit wrote there; the text says why."""


@dataclass(frozen=True)
class CachedWindow:
    """A window in the cache: its file, and what the file says of itself.

    Attributes
    ----------
    path : Path
        The file.
    info : WindowInfo
        What the planner must know.
    rows, duplicates, dropped, pages : int
        Rows in the file; exact repetitions and entries of other kinds that were dropped; pages that it took.
    account : str or None
        Which account identity it was written for; None in files of older versions.
    time_unit : str or None
        Name of the unit in which the API read the bounds; None where it is not known.
    """

    path: Path
    info: WindowInfo
    rows: int
    duplicates: int
    dropped: int
    pages: int
    account: str | None
    time_unit: str | None


class Cache:
    """The cached windows of one dataset of one account.

    Parameters
    ----------
    folder : Path
        Of the account; is made on first writing.
    endpoint : Endpoint
        The dataset.
    """

    #: Files whose checksum this process has verified, by what tells whether they were changed since.
    _verified: ClassVar[dict[Path, tuple[int, int, int]]] = {}

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self.folder = folder / endpoint.subfolder
        self.endpoint = endpoint

    def list_windows(self, account: str | None = None) -> tuple[dict[int, CachedWindow], dict[Path, str]]:
        """Return the windows by their start, and what is wrong with the files that are not a window; reads footers.

        Parameters
        ----------
        account : str or None
            The account identity that the files must have been written for; None where it is not known.
        """
        windows: dict[int, CachedWindow] = {}
        corrupt: dict[Path, str] = {}
        for path in self.paths():
            try:
                window = read_footer(path)
            except CorruptFileError as problem:
                corrupt[path] = str(problem)
                continue
            except FileNotFoundError:  # another process has cleared it
                continue
            if account is not None and window.account not in {account, None}:
                corrupt[path] = "was written for another account"
            else:
                windows[window.info.window.start] = window
        return windows, corrupt

    def find_corrupt(self, windows: Iterable[CachedWindow], *, again: bool = False) -> dict[Path, str]:
        """Read files whole and return what is wrong with those whose checksum is not right.

        Parameters
        ----------
        windows : iterable of CachedWindow
            Which files.
        again : bool
            Verify every file, also those that this process has verified and that look unchanged.
        """
        paths = [window.path for window in windows]
        with ThreadPoolExecutor(min(_HASHING, len(paths) or 1)) as pool:
            problems = pool.map(lambda path: self._verify(path, again=again), paths)
            return {path: problem for path, problem in zip(paths, problems, strict=True) if problem}

    def _verify(self, path: Path, *, again: bool) -> str:
        try:
            stat = path.stat()
            state = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if again or self._verified.get(path) != state:
                self._verified.pop(path, None)
                verify_checksum(path)
                self._verified[path] = state
        except FileNotFoundError:  # another process has cleared it: whoever reads it will see
            return ""
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        except CorruptFileError as problem:
            return str(problem)
        return ""

    def commit(self, frame: pl.DataFrame, info: WindowInfo, **counts: Any) -> None:
        """Make a window part of the cache."""
        self.make()
        about = {
            "version": VERSION,
            "start": info.window.start,
            "end": info.window.end,
            "fetched_at": info.fetched_at,
            "final": info.final,
            "begins": info.begins,
            "rows": frame.height,
            **counts,
            "checksum": _UNSIGNED,
        }
        buffer = io.BytesIO()
        frame.cast(self.endpoint.files_schema()).write_parquet(
            buffer, row_group_size=_ROW_GROUP, metadata={_KEY: json.dumps(about)}
        )
        path = self.folder / f"{from_ms(info.window.start):%Y-%m-%d}{SUFFIX}"
        with PrivateFile(path, error=CacheError, remedy=REMEDY) as file:
            file.write(_signed(buffer.getvalue()))

    def make(self) -> None:
        """Make the folder, for its owner alone, and remove what killed processes left in it."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_leftovers(self.folder)
        except OSError as error:
            raise CacheError(
                f"the cache folder {self.folder} cannot be used ({error.strerror}); set OPTKIT_CACHE_DIR to a folder "
                "that can be written"
            ) from None

    def clear(self, windows: Iterable[Window] | None = None) -> int:
        """Forget windows, or all of them; return how many."""
        chosen = None if windows is None else set(windows)
        count = 0
        for path in self.paths():
            window = self.named_window(path)
            if window is None or (chosen is not None and window not in chosen):
                continue
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise CacheError(f"{path} cannot be removed ({error.strerror}); remove it yourself") from None
            count += 1
        return count

    def named_window(self, path: Path) -> Window | None:
        """Return the window that a file's name says it holds, None if it names none."""
        try:
            day = date.fromisoformat(path.stem)
        except ValueError:
            return None
        return grid_window(to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC)), self.endpoint.window)

    def paths(self) -> list[Path]:
        """Return the files that may be windows, by name."""
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == SUFFIX)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CacheError(
                f"the cache folder {self.folder} cannot be read ({error.strerror}); set OPTKIT_CACHE_DIR to a folder"
            ) from None

    def scan(self, windows: Sequence[CachedWindow]) -> pl.LazyFrame:
        """Return the rows of windows as a lazy frame with the dataset's schema; see `scan_windows`."""
        if not windows:
            return self.endpoint.schema.to_frame(eager=False)
        return scan_windows(
            sorted(windows, key=lambda window: window.info.window), self.endpoint.schema, self.find_corrupt
        )


def read_footer(path: Path) -> CachedWindow:
    """Read what a file says of its window.

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
    start, end = tail.rfind(_BEGIN), tail.rfind(b"}")
    try:
        about = json.loads(tail[start : tail.index(b"}", start) + 1]) if 0 <= start < end else None
    except ValueError:
        about = None
    if about is None or not tail.endswith(b"PAR1"):
        raise CorruptFileError("is cut off or was not written by optkit")
    if about["version"] != VERSION:
        raise CorruptFileError(f"has the layout {about['version']} of another optkit version")
    try:
        window = Window(about["start"], about["end"])
        info = WindowInfo(window, about["fetched_at"], about["final"], about["begins"])
        cached = CachedWindow(
            path,
            info,
            about["rows"],
            about["duplicates"],
            about.get("dropped", 0),
            about["pages"],
            about.get("account"),
            about.get("time_unit"),
        )
    except KeyError:
        raise CorruptFileError("differs from what was written (its description)") from None
    if path.stem != f"{from_ms(window.start):%Y-%m-%d}":
        raise CorruptFileError("was renamed: it holds another window than its name says")
    return cached


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
