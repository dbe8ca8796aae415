"""How the value of each setting is read: what cannot be used is an error that says why, and quotes no token."""

import ipaddress
import math
import os
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from optkit.errors import SettingsError
from optkit.times import DAY, SECOND

#: The made-up account's name.
DEMO: Final = "demo"
_HOST: Final = re.compile(r"[\w.:-]+")
#: Seconds of a day: the longest timeout, and the longest time between two requests.
_DAY: Final = DAY // SECOND
#: Windows reserves these names for devices, with or without an extension.
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def token(value: Any) -> str | None:
    """Read a token: text that an HTTP header can carry, or None."""
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise SettingsError(
            "token is empty or has characters that an HTTP header cannot carry; copy it again"
        )
    return text


def base_url(value: Any) -> str:
    """Read a server's origin; return it without a slash at its end."""
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


def account(value: Any) -> str:
    """Read an account: a name that a folder may have on every system."""
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


def cache_dir(value: Any) -> Path:
    """Read the path of a folder, which need not exist."""
    try:
        if os.fspath(value):
            return Path(value).expanduser().resolve()
    # not a path, a NUL in it, an unknown user, a loop of links
    except (TypeError, ValueError, RuntimeError, OSError):
        pass
    raise SettingsError("cache_dir is not the path of a folder")


def workers(value: Any) -> int:
    """Read a number of requests in flight."""
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if not 1 <= number <= 64:  # noqa: PLR2004 - more requests than such a server answers at a time
        raise SettingsError("workers must be a whole number from 1 to 64")
    return number


def timeout(value: Any) -> float:
    """Read a number of seconds, a day at most."""
    seconds = _positive("timeout", value)
    if seconds > _DAY:
        raise SettingsError(f"timeout must be at most a day, {_DAY:,} seconds")
    return seconds


def max_rps(value: Any) -> float | None:
    """Read a number of requests per second; None or an empty text for no limit."""
    if value is None or value == "":
        return None
    rate = _positive("max_rps", value)
    if rate < 1 / _DAY:
        raise SettingsError("max_rps must be at least one request per day")
    return rate


def _positive(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise SettingsError(f"{name} must be a number above 0")
    return number
