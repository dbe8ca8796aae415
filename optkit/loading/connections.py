"""Connections to one server, by the proxies and certificates that `requests` finds in the environment."""

import io
import logging
import re
import socket
import time
from collections.abc import Mapping
from http.client import HTTPResponse
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from optkit.config import is_loopback
from optkit.errors import SettingsError


class _HidePhones(logging.Filter):
    """Takes phone numbers out of urllib3's debug lines, which hold each request's query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                re.sub(r"((?:to|from)_phone=)[^&\s]*", r"\1(hidden)", value)
                if isinstance(value, str)
                else value
                for value in record.args
            )
        return True


#: Whoever calls repeats; made once, because urllib3 would make one for each request.
_NO_RETRIES: Final = Retry(False, redirect=False)

#: A page has some 20 kB: few reads should bring it.
_BUFFER: Final = 2**16

logging.getLogger("urllib3.connectionpool").addFilter(_HidePhones())


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
    """An answer whose headers and body must come within the socket's timeout; sent by bytes, it could last for ever."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_UntilDeadline(sock), _BUFFER)


class Connections(HTTPAdapter):
    """Kept open between requests, and shared by threads.

    `requests` is asked once, how this origin is reached; from then on urllib3 is, directly, which takes half the time
    a request. Redirects are not followed: `requests` would hand the token on.

    Parameters
    ----------
    origin : str
        Of the server.
    size : int
        So many connections are kept.

    Raises
    ------
    SettingsError
        A proxy or a file of certificates that the environment names cannot be used.
    """

    def __init__(self, origin: str, size: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=size)
        request = requests.Request("GET", origin).prepare()
        try:
            with requests.Session() as session:
                found = session.merge_environment_settings(origin, {}, None, None, None)
            # what runs on this machine is no proxy's business, nor is the token that it is sent
            proxies = {} if is_loopback(urlsplit(origin).hostname or "") else found["proxies"]
            ways = (found["verify"], proxies, found["cert"])
            pool = self.get_connection_with_tls_context(request, *ways)
            self.cert_verify(pool, origin, found["verify"], found["cert"])  # type: ignore[no-untyped-call]
        except (OSError, HTTPError):  # those of requests are all OSErrors
            raise SettingsError(
                "the proxy or the certificates that the environment names cannot be used; check HTTPS_PROXY, "
                "REQUESTS_CA_BUNDLE and their like"
            ) from None
        assert isinstance(pool, HTTPConnectionPool)
        pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": _Response})
        self._pool = pool
        # a proxy for plain http wants whole URLs, everybody else paths
        self._prefix = self.request_url(request, proxies).rstrip("/")

    def get(self, target: str, headers: Mapping[str, str], timeout: float) -> BaseHTTPResponse:
        """Ask once for a path and query; the answer's body is still to be read, within the same seconds."""
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
