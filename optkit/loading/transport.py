"""Connections to one server, by the proxies and certificates that the environment names."""

import io
import logging
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, PoolManager, ProxyManager
from urllib3.exceptions import HTTPError
from urllib3.util import Retry, create_urllib3_context, make_headers

from optkit.config import is_loopback
from optkit.errors import SettingsError

#: The session repeats; made once, because urllib3 would make one for each request.
_NO_RETRIES: Final = Retry(False, redirect=False)
#: A page has some 20 kB: few reads should bring it.
_BUFFER: Final = 2**16
#: The variables that may name a file or folder of certificates, the first one wins.
_CERTIFICATES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


class _HidePrivate(logging.Filter):
    """Takes phone numbers and the like out of urllib3's debug lines, which hold each request's query."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and self.names:
            pattern = rf"((?:{'|'.join(sorted(self.names))})(?:\[\])?=)[^&\s]*"
            record.args = tuple(
                re.sub(pattern, r"\1(hidden)", value) if isinstance(value, str) else value
                for value in record.args
            )
        return True


_hide_private: Final = _HidePrivate()
logging.getLogger("urllib3.connectionpool").addFilter(_hide_private)


class _UntilDeadline(io.RawIOBase):
    """A socket's incoming bytes; the socket's timeout is for all of them, not for each piece."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._bytes = sock.makefile("rb", buffering=0)
        timeout = sock.gettimeout()
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _Response(HTTPResponse):
    """An answer whose headers and body must come within the socket's timeout; byte by byte, it could take for ever."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_UntilDeadline(sock), _BUFFER)


#: Seconds that the present thread spent on opening connections since it last asked.
_setup: Final = threading.local()


def setup_seconds() -> float:
    """Return the seconds that this thread spent on opening connections since the last call.

    They say nothing about how busy the server is.
    """
    seconds: float = getattr(_setup, "seconds", 0.0)
    _setup.seconds = 0.0
    return seconds


def _timed(connection: Any) -> Any:
    """Return a class of connections that notes how long they take to open, and whose answers have a deadline."""

    def connect(self: Any) -> None:
        began = time.monotonic()
        connection.connect(self)
        _setup.seconds = getattr(_setup, "seconds", 0.0) + time.monotonic() - began

    return type("Connection", (connection,), {"response_class": _Response, "connect": connect})


class Connections:
    """Connections to one origin, kept open between requests and shared by threads.

    Redirects are not followed: the token would go along. Loopback is never reached through a proxy.

    Parameters
    ----------
    origin : str
        Of the server.
    size : int
        So many connections are kept.
    private : iterable of str
        Query parameters that are hidden in logs.

    Attributes
    ----------
    proxy : str or None
        Host and port of the proxy in use, without its password.

    Raises
    ------
    SettingsError
        A proxy or a file of certificates that the environment names cannot be used.
    """

    def __init__(self, origin: str, size: int, private: tuple[str, ...] = ()) -> None:
        _hide_private.names.update(private)
        parts = urlsplit(origin)
        host = parts.hostname or ""
        proxy = None if is_loopback(host) else _proxy_for(parts.scheme, host)
        self.proxy = None if proxy is None else urlsplit(proxy).netloc.rpartition("@")[2]
        options: dict[str, Any] = {"maxsize": size, "num_pools": 1}
        if parts.scheme == "https":
            options["ssl_context"] = _trusting()
        manager = PoolManager(**options) if proxy is None else _through(proxy, options)
        pool = manager.connection_from_url(origin)
        assert isinstance(pool, HTTPConnectionPool)
        pool.ConnectionCls = _timed(pool.ConnectionCls)
        self._pool = pool
        # a proxy for plain http wants whole URLs, everybody else paths
        self._prefix = origin if proxy is not None and parts.scheme == "http" else ""

    def get(self, target: str, headers: Mapping[str, str], timeout: float) -> BaseHTTPResponse:
        """Request a path and query once; the answer's body is still to be read, within the same seconds."""
        return self._pool.urlopen(
            "GET",
            self._prefix + target,
            headers=headers,
            timeout=timeout,
            retries=_NO_RETRIES,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._pool.close()


def _proxy_for(scheme: str, host: str) -> str | None:
    """Return the URL of the proxy that the environment names for a host."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _through(proxy: str, options: dict[str, Any]) -> PoolManager:
    parts = urlsplit(proxy)
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise SettingsError(
            "the proxy that the environment names cannot be used; set HTTPS_PROXY (or HTTP_PROXY, ALL_PROXY) to a "
            "URL such as http://proxy.example:3128"
        )
    headers = None
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = make_headers(proxy_basic_auth=login)
    try:
        return ProxyManager(proxy, proxy_headers=headers, **options)
    except (HTTPError, ValueError):
        raise SettingsError(
            "the proxy that HTTPS_PROXY (or HTTP_PROXY, ALL_PROXY) names cannot be used"
        ) from None


def _trusting() -> ssl.SSLContext:
    """Return a TLS context that trusts the certificates that the environment names, or else the usual ones."""
    name = next((name for name in _CERTIFICATES if os.environ.get(name)), None)
    path = Path(os.environ[name] if name else certifi.where())
    context = create_urllib3_context()
    try:
        if path.is_dir():
            context.load_verify_locations(capath=str(path))
        else:
            context.load_verify_locations(cafile=str(path))
    except (OSError, ssl.SSLError):
        raise SettingsError(
            f"the certificates of {path}, which {name} names, cannot be read; set it to a file in PEM format"
        ) from None
    return context
