"""The cache: one folder per account, one Parquet file per window; renaming a file into place commits the window.

What exists is complete, what is missing is fetched. Two processes at once do double work but no harm. All that must be
known of a window is in its file's footer, beside a checksum of the whole file: to know what is cached, footers are
read; the checksum is verified where contents are read.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import polars as pl

from optkit.datasets.endpoint import Endpoint
from optkit.errors import CacheError
from optkit.loading.cached_rows import scan_windows
from optkit.loading.window_file import CachedWindow, CorruptFileError, make_file, read_footer, verify_checksum
from optkit.loading.windows import Window, beginning, grid_window
from optkit.private_files import PrivateFile, remove_leftovers
from optkit.times import from_ms, to_ms

if TYPE_CHECKING:
    from optkit.loading.identity import AccountIdentity

_SUFFIX: Final = ".parquet"
REMEDY: Final = "free some space there, or set OPTKIT_CACHE_DIR to another folder; what was committed stays"
#: Files whose checksums are computed at the same time.
_HASHING: Final = 4


@dataclass(frozen=True)
class CachedWindows:
    """The windows in the cache."""

    windows: list[CachedWindow]  # in order of time
    corrupt: dict[Path, str]  # what is wrong with the files that have a window's name and are not that window

    @property
    def latest(self) -> int:
        """Until when windows are cached, in epoch milliseconds; 0 where none is."""
        return max((info.window.end for info in self.windows), default=0)

    @property
    def last_read(self) -> int:
        """When the last one was read, in epoch milliseconds; 0 where none is."""
        return max((info.fetched_at for info in self.windows), default=0)

    def without(self, corrupt: dict[Path, str]) -> Self:
        """Return the windows whose files are not among some corrupt ones."""
        kept = [info for info in self.windows if info.path not in corrupt]
        return type(self)(kept, self.corrupt | corrupt)


def make_folder(folder: Path) -> None:
    """Make a folder of the cache, for its owner alone."""
    with _explained(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say which folder cannot be used, and what to do."""
    try:
        yield
    except OSError as error:
        raise CacheError(
            f"the cache folder {folder} cannot be used ({error.strerror}); set OPTKIT_CACHE_DIR to a folder that can "
            "be written"
        ) from None


class Cache:
    """The cached windows of one dataset in an account's folder, which is made when the first window is committed."""

    #: Files whose checksum this process has verified: inode, size and time, which change with the file.
    _verified: ClassVar[dict[Path, tuple[int, int, int]]] = {}

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self.folder = folder / endpoint.subfolder
        self.endpoint = endpoint

    def list_windows(self, identity: "AccountIdentity | None" = None) -> CachedWindows:
        """Return what is cached; reads footers.

        Parameters
        ----------
        identity : AccountIdentity or None
            Who the files must have been written for; None where it is not known.
        """
        infos: list[CachedWindow] = []
        corrupt: dict[Path, str] = {}
        for path, window in self.named().items():
            try:
                info = read_footer(path)
            except CorruptFileError as problem:
                corrupt[path] = str(problem)
                continue
            except FileNotFoundError:  # another process has cleared it
                continue
            if info.window.start != window.start:
                corrupt[path] = "was renamed: it holds another window than its name says"
            elif identity is not None and info.salt not in {identity.salt, None}:
                corrupt[path] = "was written for another account"
            else:
                infos.append(info)
        return CachedWindows(infos, corrupt)

    def find_corrupt(self, infos: Iterable[CachedWindow], *, again: bool = False) -> dict[Path, str]:
        """Read files whole and return what is wrong with those whose checksum is not right.

        Files that this process has verified, and that look unchanged, are only read if `again` is true.
        """
        paths = [info.path for info in infos]
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
        except FileNotFoundError:  # another process has cleared it, which the reader will notice
            return ""
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        except CorruptFileError as problem:
            return str(problem)
        return ""

    def path(self, window: Window) -> Path:
        """Return the file of a window."""
        return self.folder / f"{from_ms(window.start):%Y-%m-%d}{_SUFFIX}"

    def commit(self, frame: pl.DataFrame, info: CachedWindow) -> None:
        """Make a window part of the cache."""
        make_folder(self.folder)
        with PrivateFile(info.path, error=CacheError, remedy=REMEDY) as file:
            file.write(make_file(frame.cast(self.endpoint.files_schema()), info))

    def remove_leftovers(self) -> None:
        """Remove what killed processes left."""
        with _explained(self.folder):
            remove_leftovers(self.folder)

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove files of windows."""
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise CacheError(f"{path} cannot be removed ({error.strerror}); remove it yourself") from None

    def named(self) -> dict[Path, Window]:
        """Return the files that have a window's name, in order, and which window that is."""
        windows = {}
        for path in self.paths():
            try:
                start = datetime.fromisoformat(path.stem).replace(tzinfo=UTC)
            except ValueError:
                continue
            window = grid_window(to_ms(start), self.endpoint.window)
            if path == self.path(window):
                windows[path] = window
        return windows

    def paths(self) -> list[Path]:
        """Return the files that may be windows, by name."""
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == _SUFFIX)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CacheError(
                f"the cache folder {self.folder} cannot be read ({error.strerror}); set OPTKIT_CACHE_DIR to a folder"
            ) from None

    def scan(self, infos: Sequence[CachedWindow]) -> pl.LazyFrame:
        """Return the rows of windows, which are in order of time, as a lazy frame; see `scan_windows`."""
        if not infos:
            return self.endpoint.schema.to_frame(eager=False)
        return scan_windows(infos, self.endpoint.schema, self.find_corrupt)

    def open_start(self, cached: CachedWindows) -> int | None:
        """Return what an open start means, as far as the cache knows."""
        if self.endpoint.horizon_months is None:
            return beginning(cached.windows)
        return cached.windows[0].window.start if cached.windows else None
