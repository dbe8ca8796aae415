"""Files with personal data: readable by their owner only, written completely or not at all."""

import contextlib
import errno
import io
import os
import secrets
import shutil
import stat
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from optkit.errors import OptkitError, SettingsError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

if sys.platform != "win32":
    import fcntl

#: How the name of an unfinished file ends.
SUFFIX: Final = ".part"
#: An unfinished file younger than this is never removed: its process may not have locked it yet.
_LEFTOVER_AGE: Final = timedelta(hours=6).total_seconds()
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class PrivateFile(io.RawIOBase):
    r"""A binary file for writing that appears under its name only once it is complete.

    The bytes go to a temporary file in the same folder (mode 0600). `commit`, or the end of a `with` block, flushes
    it to disk and renames it; until then an existing file stays as it is. A symbolic link is followed: its target is
    replaced. A FIFO or a device is written to directly.

    A failed write does not raise, because the library that writes would wrap the error in its own. The remaining bytes
    are only counted, and `commit` raises and says how many bytes are needed.

    Parameters
    ----------
    path : str or Path
        The file; its folder must exist.
    error : type of OptkitError
        Raised if the file cannot be written.
    remedy : str
        The end of the error's message: what to do.

    Raises
    ------
    OptkitError
        Of the type `error`: the file cannot be written, or there is not enough space for it.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "list.csv"
    >>> with PrivateFile(path) as file:
    ...     _ = file.write(b"to_phone\n")
    >>> path.read_bytes()
    b'to_phone\n'
    """

    def __init__(
        self, path: str | Path, *, error: type[OptkitError] = SettingsError, remedy: str = "give another path"
    ) -> None:
        self._path = Path(path)
        self._target: Path | None = None
        self._temporary: Path | None = None
        self._descriptor: int | None = None
        self._error = error
        self._remedy = remedy
        self._size = 0
        self._failure: OSError | None = None
        try:
            self._open()
        except OSError as failure:
            raise self._explain(failure) from None

    def _open(self) -> None:
        if _is_special(self._path):
            self._descriptor = os.open(self._path, os.O_WRONLY)
            return
        self._target = Path(os.path.realpath(self._path))
        if self._target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        self._temporary = self._target.with_name(f".optkit-{os.getpid()}-{secrets.token_hex(8)}{SUFFIX}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self._temporary, flags, 0o600)
        _lock(self._descriptor)

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write all of `content` and return its length in bytes."""
        view = memoryview(content).cast("B")
        assert self._descriptor is not None
        self._size += len(view)
        done = 0
        while done < len(view) and self._failure is None:
            try:
                done += os.write(self._descriptor, view[done:])
            except OSError as failure:
                self._failure = failure
        return len(view)

    def commit(self) -> None:
        """Rename the file to its final name."""
        assert self._descriptor is not None
        try:
            if self._failure is not None:
                raise self._failure
            if self._temporary is not None and self._target is not None:
                os.fsync(self._descriptor)
                self._close_descriptor()
                self._temporary.replace(self._target)
                self._temporary = None
                _sync_folder(self._target.parent)
        except OSError as failure:
            raise self._explain(failure) from None
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the temporary file, unless it was committed."""
        self._close_descriptor()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def __enter__(self) -> BinaryIO:  # type: ignore[override] # libraries expect BinaryIO; this has all that they use
        return cast("BinaryIO", self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # after a failed write, the failure says more than the error that the writing library raised because of it
        if kind is None or (self._failure is not None and issubclass(kind, Exception)):
            self.commit()
        else:
            self.discard()

    def _explain(self, failure: OSError) -> OptkitError:
        reason = failure.strerror or type(failure).__name__
        if failure.errno in _NO_SPACE:
            reason += f"; {_megabytes(self._size)} are needed{self._free()}"
        return self._error(f"{self._path} cannot be written ({reason}); {self._remedy}")

    def _free(self) -> str:
        try:
            return f" and {_megabytes(shutil.disk_usage(self._path.parent).free)} are free"
        except OSError:
            return ""


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished files of killed processes from a folder; those of running processes stay.

    Parameters
    ----------
    folder : Path
        The folder to search.

    Raises
    ------
    OSError
        The folder cannot be read, or a file cannot be removed.

    Examples
    --------
    >>> import tempfile
    >>> remove_leftovers(Path(tempfile.mkdtemp()))
    """
    for path in folder.glob(f".*{SUFFIX}"):
        # another process may rename or remove its file at any moment
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _LEFTOVER_AGE and not _is_locked(path):
                path.unlink()


def _is_special(path: Path) -> bool:
    """Return whether a path leads to something that cannot be replaced: a FIFO, a device, a socket."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _lock(descriptor: int) -> None:
    """Lock a file until it is closed, even if its process is killed."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_locked(path: Path) -> bool:
    if sys.platform != "win32":
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
    return False  # on Windows a file that is open cannot be removed anyway


def _sync_folder(folder: Path) -> None:
    # otherwise a power failure could undo the rename; Windows cannot open folders and does not need it
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
