"""Settings: an argument, or else `configure`, or else the environment, or else the default.

The module is not called ``settings``, because ``optkit.settings()`` is a function.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

from optkit import setting_values
from optkit.errors import SettingsError
from optkit.times import parse_duration
from optkit.warn import warn

if TYPE_CHECKING:
    import polars as pl

#: How the environment variables of settings begin.
_PREFIX: Final = "OPTKIT_"


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


#: For each setting: how a value is read, and its default.
_KNOWN: Final[Mapping[str, tuple[Callable[[Any], Any], Callable[[], Any]]]] = {
    "token": (setting_values.token, lambda: None),
    "base_url": (setting_values.base_url, lambda: "https://cx.avaamo.com"),
    "account": (setting_values.account, lambda: "default"),
    "cache_dir": (setting_values.cache_dir, default_cache_dir),
    "workers": (setting_values.workers, lambda: 32),
    "timeout": (setting_values.timeout, lambda: 30.0),
    "max_rps": (setting_values.max_rps, lambda: None),
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
