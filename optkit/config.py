"""Settings: an argument, or else `configure`, or else the environment, or else the default.

The module is not called ``settings``, because ``optkit.settings()`` is a function.
"""

import ipaddress
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack
from urllib.parse import urlsplit

from optkit.errors import SettingsError
from optkit.times import DAY, SECOND, parse_duration
from optkit.warn import warn

if TYPE_CHECKING:
    import polars as pl

#: The made-up account's name.
DEMO: Final = "demo"
#: How the environment variables of settings begin.
_PREFIX: Final = "OPTKIT_"
_HOST: Final = re.compile(r"[\w.:-]+")
#: Seconds of a day: the longest timeout, and the longest time between two requests.
_DAY: Final = DAY // SECOND
#: Windows reserves these names for devices, with or without an extension.
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Settings:
    """What a load works with; made by `resolve`, which checks it.

    Attributes
    ----------
    token : str or None
        The user access token; never shown.
    base_url : str
        The server's origin, for example ``https://cx.avaamo.com``.
    account : str
        Name of the cache's folder; ``demo`` is the made-up account.
    cache_dir : Path
        The folder of the accounts' folders.
    workers : int
        Requests in flight, at most; the actual number adapts to the server while loading.
    timeout : float
        Seconds to wait for a connection, and for a complete response.
    max_rps : float or None
        Requests per second, at most; None for no limit.
    look_back : timedelta
        How late an event may become visible; younger windows are read again.
    """

    token: str | None = field(repr=False)
    base_url: str
    account: str
    cache_dir: Path
    workers: int
    timeout: float
    max_rps: float | None
    look_back: timedelta

    @property
    def account_folder(self) -> Path:
        """The account's folder in the cache."""
        return self.cache_dir / self.account


def default_cache_dir() -> Path:
    """Return the checkout's ``data`` folder when optkit runs from one, else the user's cache folder.

    It depends on where the package is, not on the current folder.
    """
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / "pyproject.toml").is_file() and (checkout / "data" / "README.md").is_file():
        return checkout / "data"
    import platformdirs

    return Path(platformdirs.user_cache_path("optkit"))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token(value: Any) -> str | None:
    if value is None:
        return None
    token = value.strip() if isinstance(value, str) else ""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(
            "token is empty or has characters that an HTTP header cannot carry; copy it again"
        )
    return token


def _base_url(value: Any) -> str:
    try:
        parts = urlsplit(str(value))
        port = parts.port
    except ValueError:
        port = 0
    # urlsplit drops line ends and tabs and keeps blanks
    if port == 0 or re.search(r"[\s\x00-\x1f]", str(value)):
        raise SettingsError("base_url is not a URL; give the origin, such as https://cx.avaamo.com") from None
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or parts.username or parts.password or not _HOST.fullmatch(host):
        raise SettingsError("base_url must be an origin, such as https://cx.avaamo.com")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise SettingsError("base_url is the origin alone: leave out the path (such as /api/v2)")
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError("base_url must be https: a token is never sent unencrypted to another machine")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def _account(value: Any) -> str:
    name = str(value)
    if not re.fullmatch(r"(?=.{1,64}$)[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_-])?", name, re.DOTALL):
        raise SettingsError(
            "account names a folder: up to 64 letters, digits, '.', '_' or '-', no '.' or '-' first and no '.' last"
        )
    if _DEVICES.fullmatch(name):
        raise SettingsError(f"account cannot be {name!r}: Windows keeps that name for a device")
    if name.lower() == DEMO != name:
        raise SettingsError(
            f"account cannot be {name!r}: on systems that ignore case its folder is the one of {DEMO!r}"
        )
    return name


def _cache_dir(value: Any) -> Path:
    try:
        if os.fspath(value):
            return Path(value).expanduser().resolve()
    # not a path, a NUL in it, an unknown user, a loop of links
    except (TypeError, ValueError, RuntimeError, OSError):
        pass
    raise SettingsError("cache_dir is not the path of a folder")


def _workers(value: Any) -> int:
    try:
        workers = int(str(value))
    except ValueError:
        workers = 0
    if not 1 <= workers <= 64:  # noqa: PLR2004 - more requests than such a server answers at a time
        raise SettingsError("workers must be a whole number from 1 to 64")
    return workers


def _positive(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise SettingsError(f"{name} must be a number above 0")
    return number


def _timeout(value: Any) -> float:
    timeout = _positive("timeout", value)
    if timeout > _DAY:
        raise SettingsError(f"timeout must be at most a day, {_DAY:,} seconds")
    return timeout


def _max_rps(value: Any) -> float | None:
    if value is None or value == "":
        return None
    rate = _positive("max_rps", value)
    if rate < 1 / _DAY:
        raise SettingsError("max_rps must be at least one request per day")
    return rate


#: For each setting: how a value is read, and its default.
_KNOWN: Final[Mapping[str, tuple[Callable[[Any], Any], Callable[[], Any]]]] = {
    "token": (_token, lambda: None),
    "base_url": (_base_url, lambda: "https://cx.avaamo.com"),
    "account": (_account, lambda: "default"),
    "cache_dir": (_cache_dir, default_cache_dir),
    "workers": (_workers, lambda: 32),
    "timeout": (_timeout, lambda: 30.0),
    "max_rps": (_max_rps, lambda: None),
    "look_back": (lambda value: parse_duration(value, "look_back"), lambda: timedelta(days=2)),
}

_configured: dict[str, Any] = {}


class NewSettings(TypedDict, total=False):
    """The arguments of `configure`; None removes a setting."""

    token: str | None
    base_url: str | None
    account: str | None
    cache_dir: str | Path | None
    workers: int | None
    timeout: float | None
    max_rps: float | None
    look_back: timedelta | str | None


def configure(**settings: Unpack[NewSettings]) -> None:
    """Set settings for this process.

    They override the environment (``OPTKIT_TOKEN``, ``OPTKIT_BASE_URL``, …) and are overridden by the argument of a
    call. None removes a setting.

    Parameters
    ----------
    **settings
        Any of token, base_url, account, cache_dir, workers, timeout (seconds), max_rps (requests per second)
        and look_back (a `timedelta` or text such as ``"2d"``).

    Raises
    ------
    SettingsError
        A name is unknown or a value cannot be used; then nothing is changed.

    Examples
    --------
    >>> import polars as pl
    >>> import optkit
    >>> optkit.configure(workers=4)
    >>> optkit.settings().row(by_predicate=pl.col("setting") == "workers")
    ('workers', '4', 'configure')
    >>> optkit.configure(workers=None)
    """
    checked = {name: value if value is None else _read(name, value) for name, value in settings.items()}
    for name, value in checked.items():
        if value is None:
            _configured.pop(name, None)
        else:
            _configured[name] = value


def resolve(**arguments: Any) -> Settings:
    """Return the settings in force; an argument that is None counts as not given.

    Raises
    ------
    SettingsError
        A name is unknown or a value cannot be used.
    """
    unknown = arguments.keys() - _KNOWN.keys()
    if unknown:
        _reject_unknown(min(unknown))
    for variable in os.environ:
        if variable.startswith(_PREFIX):
            _warn_if_misspelt(variable.removeprefix(_PREFIX).lower())
    return Settings(**{name: _find(name, arguments.get(name))[0] for name in _KNOWN})


@cache
def _warn_if_misspelt(name: str) -> None:
    """Warn once about a variable that resembles a setting but is none; others may belong to another program."""
    if name in _KNOWN:
        return
    import difflib  # takes as long to import as a small file takes to read

    similar = difflib.get_close_matches(name, _KNOWN, n=1)
    if similar:
        warn(f"{_PREFIX}{name.upper()} is ignored: the setting is {_PREFIX}{similar[0].upper()}")


def settings() -> "pl.DataFrame":
    """Return the settings in force, and where each value came from.

    Returns
    -------
    polars.DataFrame
        One row per setting: setting (String), value (String; null where there is none; a token is not shown),
        source (String: "configure", the environment variable's name, or "default").

    Raises
    ------
    SettingsError
        A value cannot be used.

    Examples
    --------
    >>> import optkit
    >>> optkit.settings().columns
    ['setting', 'value', 'source']
    """
    import polars as pl

    rows = []
    for name in _KNOWN:
        value, source = _find(name, None)
        shown = None if value is None else "(set, not shown)" if name == "token" else str(value)
        rows.append((name, shown, source))
    return pl.DataFrame(
        rows, schema={"setting": pl.String, "value": pl.String, "source": pl.String}, orient="row"
    )


def _find(name: str, argument: Any) -> tuple[Any, str]:
    if argument is not None:
        return _read(name, argument), "argument"
    if name in _configured:
        return _configured[name], "configure"
    variable = f"{_PREFIX}{name.upper()}"
    if os.environ.get(variable):
        try:
            return _read(name, os.environ[variable]), variable
        except SettingsError as error:
            raise SettingsError(f"{variable}: {error}") from None
    return _KNOWN[name][1](), "default"


def _read(name: str, value: Any) -> Any:
    if name not in _KNOWN:
        _reject_unknown(name)
    return _KNOWN[name][0](value)


def _reject_unknown(name: str) -> None:
    raise SettingsError(f"there is no setting {name!r}; there are {', '.join(_KNOWN)}")
