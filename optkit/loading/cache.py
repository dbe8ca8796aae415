"""The cache: a folder an account, one file a week, whose appearance is its commit.

What exists is complete, what is missing is fetched; two processes at once do double work but never harm. Locks are not
what correctness rests on.
"""

import contextlib
import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar, Final, Self

from optkit.errors import CacheError
from optkit.loading.files import SUFFIX, DamagedError, Entry, Writer, read_entry
from optkit.loading.windows import Window, week_of
from optkit.private_files import SUFFIX as PART
from optkit.private_files import PrivateFile, remove_leftovers
from optkit.times import to_ms

_IDENTITY: Final = "account.json"


@dataclass(frozen=True)
class Owner:
    """Which server and which token filled a folder; of the token only a salted hash."""

    server: str
    salt: str
    token: str

    @classmethod
    def of(cls, server: str, token: str, salt: str | None = None) -> Self:
        """Return the owner that a server and a token make."""
        salt = salt or secrets.token_hex(16)
        digest = hashlib.scrypt(token.encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=32)
        return cls(server, salt, digest.hex())

    def has(self, token: str) -> bool:
        """Return whether it is this token."""
        return secrets.compare_digest(self.token, Owner.of(self.server, token, self.salt).token)


class Cache:
    """The folder of one account on one server.

    Parameters
    ----------
    folder : Path
        Is made on first writing.
    """

    #: Files whose checksum was seen to be right by this process, by what tells whether they were changed since.
    _checked: ClassVar[dict[Path, tuple[tuple[int, int, int], Entry]]] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def survey(self, *, anew: bool = False) -> tuple[dict[int, Entry], dict[Path, str]]:
        """Return the windows by their start, and what is wrong with the files that are none.

        Parameters
        ----------
        anew : bool
            Check every file, also those that this process has checked and that look unchanged.
        """
        entries: dict[int, Entry] = {}
        damaged: dict[Path, str] = {}
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            try:
                entry = self._read(path, anew=anew)
                entries[entry.cached.window.start] = entry
            except DamagedError as error:
                damaged[path] = str(error)
        return entries, damaged

    def _read(self, path: Path, *, anew: bool) -> Entry:
        try:
            stat = path.stat()
        except OSError as error:
            raise DamagedError(f"cannot be read ({error.strerror})") from None
        state = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known = self._checked.get(path)
        if known is None or known[0] != state or anew:
            self._checked.pop(path, None)
            known = self._checked[path] = (state, read_entry(path))
        return known[1]

    def new(self, week: Window) -> Writer:
        """Return a writer for a week."""
        self.make()
        return Writer(self.folder, week)

    def make(self) -> None:
        """Make the folder, for its owner alone, and sweep out what killed processes left in it."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_leftovers(self.folder)
        except OSError as error:
            raise CacheError(
                f"the cache folder {self.folder} cannot be used ({error.strerror}); set OPTKIT_CACHE_DIR to a folder "
                "that can be written"
            ) from None

    def clear(self, asked: Window | None = None) -> int:
        """Forget the windows that `asked` touches, or all, and with the last one whose account it was."""
        paths = []
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            week = week_named(path)
            if week is None:
                continue
            if asked is None or (week.start < asked.end and asked.start < week.end):
                path.unlink(missing_ok=True)
                paths.append(path)
        if asked is None:
            (self.folder / _IDENTITY).unlink(missing_ok=True)
        return len(paths)

    def owner(self) -> "Owner | None":
        """Return whose account is kept here, None if nobody's yet."""
        path = self.folder / _IDENTITY
        try:
            return Owner(**json.loads(path.read_text("utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, TypeError):
            raise CacheError(
                f"{path} is damaged, so nobody knows whose account the folder holds; optkit clear forgets it"
            ) from None

    def set_owner(self, owner: "Owner", *, first: bool) -> None:
        """Write down whose account this is; as the `first`, only if no other process was faster."""
        self.make()
        path = self.folder / _IDENTITY
        written = self.folder / f".{_IDENTITY}.{secrets.token_hex(4)}{PART}" if first else path
        with PrivateFile(written, error=CacheError, remedy="set OPTKIT_CACHE_DIR to another folder") as file:
            file.write(json.dumps(asdict(owner)).encode())
        if first:
            with contextlib.suppress(FileExistsError):
                os.link(written, path)
            written.unlink()


def week_named(path: Path) -> Window | None:
    """Return the week that a file's name says it holds, None if it names none."""
    try:
        day = date.fromisoformat(path.stem)
    except ValueError:
        return None
    return week_of(to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC)))
