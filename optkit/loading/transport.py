"""Connections to one server, by the proxies and certificates that the environment names.

By the standard library's HTTP, because a load sends thousands of small requests: urllib3 takes twice the processor time
for each, requests three times.
"""

import io
import logging
import re
import select
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from optkit.config import is_loopback
from optkit.loading.environment import find_proxy, proxy_login, trusted_tls

_log: Final = logging.getLogger("optkit")

#: A page has some 20 kB: few reads should bring it.
_BUFFER: Final = 2**16


class UnpackError(Exception):
    """A body is not the gzip that it says it is."""


class TooLargeError(Exception):
    """A body is larger than any page."""


class Response(NamedTuple):
    """An answer, read whole.

    Attributes
    ----------
    status : int
        HTTP status.
    headers : HTTPMessage
        By name, whatever its case.
    body : bytes
        Unpacked.
    """

    status: int
    headers: HTTPMessage
    body: bytes


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


class ProxyError(OSError):
    """A proxy cannot be reached, or does not connect to the server.

    Attributes
    ----------
    status : int or None
        What it answered; None where it did not.
    """

    def __init__(self, status: int | None = None) -> None:
        super().__init__()
        self.status = status


class Connections:
    """Connections to one origin, kept open between requests and shared by threads.

    Redirects are not followed: the token would go along. Loopback is never reached through a proxy.

    Parameters
    ----------
    origin : str
        Of the server.
    timeout : float
        Seconds to connect, and for a whole answer.
    private : tuple of str
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

    def __init__(self, origin: str, timeout: float, private: tuple[str, ...] = ()) -> None:
        parts = urlsplit(origin)
        self._host, self._port = parts.hostname or "", parts.port
        self._timeout = timeout
        self._private = re.compile(rf"\b({'|'.join(private)})=[^&]*") if private else None
        self._tls = trusted_tls() if parts.scheme == "https" else None
        self._proxy = None if is_loopback(self._host) else find_proxy(parts.scheme, self._host)
        self.proxy = None if self._proxy is None else self._proxy.netloc.rpartition("@")[2]
        self._idle: list[HTTPConnection] = []  # the one used last is used next
        self._is_closed = False
        self._lock = threading.Lock()

    def get(self, target: str, headers: Mapping[str, str], most: int) -> tuple[Response, float]:
        """Request a path and query once.

        Parameters
        ----------
        target : str
            Path and query.
        headers : mapping
            Of the request.
        most : int
            Bytes that a body may have.

        Returns
        -------
        response : Response
            The answer.
        seconds : float
            How long it took once there was a connection: to open one says nothing about how busy the server is.

        Raises
        ------
        OSError, http.client.HTTPException, UnpackError
            There is no answer, or it cannot be read; `ProxyError` where a proxy is the reason.
        TooLargeError
            The body is larger than `most`.
        """
        connection = self._take()
        try:
            if connection.sock is None:
                self._open(connection)
            began = time.monotonic()
            connection.sock.settimeout(self._timeout)
            connection.request("GET", target, headers=headers)
            # an answer that is not closed would keep its socket open
            with connection.getresponse() as answer:
                body = _read(answer, most)
        except BaseException:
            connection.close()
            raise
        seconds = time.monotonic() - began
        self._log(target, answer.status)
        self._give_back(connection)
        return Response(answer.status, answer.headers, body), seconds

    def close(self) -> None:
        """Close the connections: those in use as soon as they are not."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> HTTPConnection:
        """Return a connection that is open, or a new one that is not open yet."""
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._new()
            if not _has_news(connection.sock):
                return connection
            connection.close()  # the server has closed it meanwhile

    def _give_back(self, connection: HTTPConnection) -> None:
        with self._lock:
            if connection.sock is not None and not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()

    def _new(self) -> HTTPConnection:
        host, port = self._host, self._port
        if self._proxy is not None:
            host, port = self._proxy.hostname or "", self._proxy.port or 80
        connection = (
            HTTPConnection(host, port, timeout=self._timeout)
            if self._tls is None
            else HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)
        )
        if self._proxy is not None:
            connection.set_tunnel(self._host, self._port or 443, proxy_login(self._proxy))
        connection.response_class = _Response
        return connection

    def _open(self, connection: HTTPConnection) -> None:
        try:
            connection.connect()
        except ssl.SSLError:
            raise
        except OSError as error:
            if self._proxy is None:
                raise
            answered = re.match(r"Tunnel connection failed: (\d+)", str(error))
            raise ProxyError(int(answered[1]) if answered else None) from error

    def _log(self, target: str, status: int) -> None:
        if _log.isEnabledFor(logging.DEBUG):
            shown = target if self._private is None else self._private.sub(r"\1=(hidden)", target)
            _log.debug("GET %s: HTTP %s", shown, status)


def _read(answer: HTTPResponse, most: int) -> bytes:
    """Return a body, unpacked."""
    if answer.length is not None and answer.length > most:
        raise TooLargeError
    # to read up to a length would not notice that the body ends before it
    body = answer.read() if answer.length is not None else answer.read(most + 1)
    packing = (answer.headers.get("content-encoding") or "").lower()
    if answer.status == HTTPStatus.OK and packing in {"gzip", "x-gzip"}:
        unpacking = zlib.decompressobj(31)  # gzip's header and checksum
        try:
            body = unpacking.decompress(body, most + 1)
        except zlib.error:
            raise UnpackError from None
        if not unpacking.eof and len(body) <= most:
            raise UnpackError
    if len(body) > most:
        raise TooLargeError
    return body


def _has_news(sock: socket.socket) -> bool:
    """Return whether something has come that nobody asked for: the end of the connection."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])
