"""The account that a cache folder belongs to: the data of two accounts must never mix."""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from optkit.errors import CacheError
from optkit.loading.cache import REMEDY
from optkit.private_files import SUFFIX, PrivateFile

_FILE: Final = "account.json"

#: How much work the hash of a token is: some milliseconds, and as many for each token that somebody tries.
WORK: Final = 2**12


@dataclass(frozen=True)
class AccountIdentity:
    """Which server and which token filled a folder; of the token only a salted hash."""

    server: str  # its origin
    salt: str  # random; the window files name it, so that a file of another account's folder is recognized
    token_hash: str

    @classmethod
    def of(cls, server: str, token: str, salt: str | None = None) -> Self:
        """Return the identity that a server and a token make."""
        salt = salt or secrets.token_hex(16)
        digest = hashlib.scrypt(token.encode(), salt=salt.encode(), n=WORK, r=8, p=1, dklen=32)
        return cls(server, salt, digest.hex())

    def has(self, token: str) -> bool:
        """Return whether a token is the one that filled the folder."""
        return secrets.compare_digest(
            self.token_hash, AccountIdentity.of(self.server, token, self.salt).token_hash
        )

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the identity that a folder belongs to, None for a new folder."""
        path = folder / _FILE
        try:
            content = json.loads(path.read_text("utf-8"))
            return cls(content["server"], content["salt"], content["token"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CacheError(
                f"{path} cannot be read ({error.strerror}), so it is not known whose account the folder holds; "
                "correct its permissions, or set OPTKIT_CACHE_DIR to another folder"
            ) from None
        except (ValueError, TypeError, KeyError):
            raise CacheError(
                f"{path} is damaged, so it is not known whose account the folder holds; optkit clear forgets it"
            ) from None

    def write(self, folder: Path) -> None:
        """Write the identity into a folder."""
        self._write(folder / _FILE)

    def write_first(self, folder: Path) -> None:
        """Write the identity into a folder, unless it has one: another process may be faster."""
        path = folder / _FILE
        complete = folder / f".{_FILE}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._write(complete)
        try:
            os.link(complete, path)
        except FileExistsError:
            return
        except OSError:
            # a file system without hard links, such as exFAT. Should two processes find no file at the same moment, the
            # later identity stays, and the windows of the other one, which name another salt, are fetched again.
            if not path.exists():
                self._write(path)
        finally:
            complete.unlink()

    def _write(self, path: Path) -> None:
        content = {"server": self.server, "salt": self.salt, "token": self.token_hash}
        with PrivateFile(path, error=CacheError, remedy=REMEDY) as file:
            file.write(json.dumps(content).encode())

    @staticmethod
    def forget(folder: Path) -> None:
        """Forget which account a folder belongs to."""
        (folder / _FILE).unlink(missing_ok=True)
