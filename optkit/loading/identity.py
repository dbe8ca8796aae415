"""The account that a cache folder belongs to: the data of two accounts must never mix."""

import contextlib
import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from optkit.errors import CacheError
from optkit.loading.cache import REMEDY
from optkit.private_files import PrivateFile

_FILE: Final = "account.json"


@dataclass(frozen=True)
class AccountIdentity:
    """Which server and which token filled a folder; of the token only a salted hash.

    Attributes
    ----------
    server : str
        The origin.
    salt : str
        Random; the window files name it, so that a file of another account's folder is recognized.
    token : str
        The salted hash.
    """

    server: str
    salt: str
    token: str

    @classmethod
    def of(cls, server: str, token: str, salt: str | None = None) -> Self:
        """Return the identity that a server and a token make."""
        salt = salt or secrets.token_hex(16)
        digest = hashlib.scrypt(token.encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=32)
        return cls(server, salt, digest.hex())

    def has(self, token: str) -> bool:
        """Return whether a token is the one that filled the folder."""
        return secrets.compare_digest(self.token, AccountIdentity.of(self.server, token, self.salt).token)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the identity that a folder belongs to, None for a new folder."""
        path = folder / _FILE
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CacheError(
                f"{path} cannot be read ({error.strerror}), so it is not known whose account the folder holds; "
                "correct its permissions, or set OPTKIT_CACHE_DIR to another folder"
            ) from None
        except (ValueError, TypeError):
            raise CacheError(
                f"{path} is damaged, so it is not known whose account the folder holds; optkit clear forgets it"
            ) from None

    def write(self, folder: Path, *, is_first: bool) -> None:
        """Write the identity into a folder; if it is the first, only where no other process has done so."""
        path = folder / _FILE
        target = folder / f".{_FILE}-{os.getpid()}-{secrets.token_hex(4)}.part" if is_first else path
        with PrivateFile(target, error=CacheError, remedy=REMEDY) as file:
            file.write(json.dumps(asdict(self)).encode())
        if is_first:
            with contextlib.suppress(FileExistsError):
                os.link(target, path)
            target.unlink()

    @staticmethod
    def forget(folder: Path) -> None:
        """Forget which account a folder belongs to."""
        (folder / _FILE).unlink(missing_ok=True)
