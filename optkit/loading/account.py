"""An account: its folder in the cache, the identity that the folder belongs to, and the account's server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from optkit.config import Settings
from optkit.datasets import DATASETS
from optkit.datasets.endpoint import Endpoint
from optkit.errors import CacheError
from optkit.loading.cache import Cache, make_folder
from optkit.loading.clocks import now_of
from optkit.loading.identity import AccountIdentity
from optkit.loading.window_file import CachedWindow
from optkit.setting_values import DEMO
from optkit.version import __version__

if TYPE_CHECKING:
    from optkit.loading.session import ApiSession

#: If at least this many rows are equal, two accounts are the same.
_EVIDENCE: Final = 20


class Account:
    """The account that the settings name.

    Raises
    ------
    CacheError
        The folder was filled from another server, or it is not known from which.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.account_folder
        self.is_demo = settings.account == DEMO
        # another version of optkit may make up another account
        self._server = f"made up by optkit {__version__}" if self.is_demo else settings.base_url
        #: Whose windows the folder holds; None as long as the folder is new.
        self.identity = AccountIdentity.read(self.folder)
        if self._other_server is not None and not self.is_demo:
            raise CacheError(
                f"the cache of account '{settings.account}' was filled from {self._other_server}, not "
                f"{settings.base_url}; give the other one a name of its own (OPTKIT_ACCOUNT), or forget this one with "
                "optkit clear"
            )

    @property
    def is_confirmed(self) -> bool:
        """Whether the token, if there is one, is known to read the account that the folder holds."""
        token = self.settings.token
        return token is None or (self.identity is not None and self.identity.has(token))

    @contextmanager
    def connect(self, endpoint: Endpoint) -> Iterator["ApiSession"]:
        """Connect to the account's server; to the made-up account's by starting the emulator on loopback.

        Raises
        ------
        SettingsError
            There is no token; or the emulator is not installed.
        """
        from optkit.loading.session import ApiSession

        if not self.is_demo:
            with ApiSession(self.settings, endpoint) as session:
                yield session
            return
        from optkit.demo import CLOCK, demo_history, demo_messages
        from optkit.emulator import Emulator

        with Emulator(demo_history(), demo_messages(), clock=CLOCK) as server:
            settings = replace(self.settings, base_url=server.url, token=server.token)
            with ApiSession(settings, endpoint) as session:
                yield session

    def confirm(self) -> None:
        """Make sure that the token reads the account that the folder holds.

        A token that is not known is accepted only after a final window of any dataset, read again, has the same rows.

        Raises
        ------
        CacheError
            It reads another account, or nothing cached can tell.
        """
        if self.identity is not None and self.identity.has(self._token):
            return
        cached = [
            (endpoint, info)
            for endpoint in DATASETS.values()
            for info in Cache(self.folder, endpoint).list_windows().windows
        ]
        if self.identity is None and not cached:
            return
        name = self.settings.account
        evidence = [(endpoint, info) for endpoint, info in cached if self._is_evidence(endpoint, info)]
        if not evidence:
            raise CacheError(
                f"the cache of account '{name}' was filled with another token, and has no final window to tell "
                "whether it is the same account; give this one a name of its own (OPTKIT_ACCOUNT), or forget that one "
                "with optkit clear"
            )
        endpoint, info = min(evidence, key=lambda pair: _how_telling(pair[1]))
        # a session of its own, because the window may be of another dataset than the load
        with self.connect(endpoint) as session:
            is_same = _reads_same(session, self.folder, info)
        if not is_same:
            raise CacheError(
                f"this token reads another account than the one cached as '{name}': window {info.window} "
                "differs; give it a name of its own (OPTKIT_ACCOUNT), or forget the cached one with optkit clear"
            )
        salt = self.identity.salt if self.identity is not None else info.salt
        self.identity = AccountIdentity.of(self._server, self._token, salt)
        self.identity.write(self.folder)

    def _is_evidence(self, endpoint: Endpoint, info: CachedWindow) -> bool:
        """Return whether a window can be read again, and must then have the same rows."""
        is_expired = endpoint.is_expired(info.window.start, now_of(self.settings))
        return info.final and info.rows > 0 and not is_expired

    def claim(self) -> AccountIdentity:
        """Return the identity that the folder belongs to; a new folder is given to this account.

        Raises
        ------
        CacheError
            Another process has given it to another account, or has cleared it, at the same time.
        """
        if self.identity is None:
            make_folder(self.folder)
            mine = AccountIdentity.of(self._server, self._token)
            mine.write_first(self.folder)
            self.identity = AccountIdentity.read(self.folder)
            if self.identity is None:
                raise CacheError("the cache was cleared while it was filled; load again")
            if self.identity != mine and not self.identity.has(self._token):
                raise CacheError(
                    f"another process fills the cache of account '{self.settings.account}' with another token; load "
                    "again once it has finished"
                )
        return self.identity

    def forget_other_demo(self) -> None:
        """Forget what another version of optkit has cached of its made-up account."""
        if self.is_demo and self._other_server is not None:
            for endpoint in DATASETS.values():
                cache = Cache(self.folder, endpoint)
                cache.remove(cache.named())
            AccountIdentity.forget(self.folder)
            self.identity = None

    @property
    def _other_server(self) -> str | None:
        """The server that the folder was filled from, if it is another one."""
        server = self.identity.server if self.identity is not None else self._server
        return None if server == self._server else server

    @property
    def _token(self) -> str:
        return self.settings.token or DEMO


def _how_telling(info: CachedWindow) -> tuple[bool, int]:
    """Return a sort key: the first window has enough rows to tell accounts apart, and few pages to read."""
    return info.rows < _EVIDENCE, abs(info.rows - _EVIDENCE)


def _reads_same(session: "ApiSession", folder: Path, info: CachedWindow) -> bool:
    """Return whether a window, read again, has the rows that are cached."""
    from optkit.loading.explore import find_time_unit
    from optkit.loading.fetch import fetch_window

    find_time_unit(session, [info.window], {info.time_unit})
    frame = fetch_window(info.window, session).frame
    cached = Cache(folder, session.endpoint).scan([info]).collect()
    order = session.endpoint.order
    return frame.select(order).equals(cached.select(order))
