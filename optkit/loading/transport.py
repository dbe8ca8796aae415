"""Connections to one server, by the proxies and certificates that the environment names.

They are the standard library's, because a load sends thousands of small requests: urllib3 takes three times the
processor time for each, requests six times.
"""

import logging
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from optkit.loading.environment import find_proxy, proxy_login, trusted_tls
from optkit.loading.http_responses import Response, read_response
from optkit.setting_values import is_loopback

_log: Final = logging.getLogger("optkit")


class ProxyError(OSError):
    """A proxy cannot be reached, or does not connect to the server."""

    def __init__(self, status: int | None) -> None:
        super().__init__()
        self.status = status  # the HTTP status that it answered; None where it did not answer


class Connections:
    """Connections to one origin, kept open between requests and shared by threads.

    Redirects are not followed: the token would go along. Loopback is never reached through a proxy. The timeout, in
    seconds, is for opening a connection, and for a whole answer. Query parameters that are private are hidden in logs.

    Raises
    ------
    SettingsError
        A proxy or a file of certificates that the environment names cannot be used.
    """

    def __init__(
        self, origin: str, headers: Mapping[str, str], timeout: float, private: tuple[str, ...]
    ) -> None:
        parts = urlsplit(origin)
        self._host, self._port = parts.hostname or "", parts.port
        lines = "".join(f"{name}: {value}\r\n" for name, value in {"host": parts.netloc, **headers}.items())
        self._head = f" HTTP/1.1\r\n{lines}\r\n".encode("ascii")
        self._timeout = timeout
        self._private = re.compile(rf"\b({'|'.join(private)})=[^&]*")
        self._tls = trusted_tls() if parts.scheme == "https" else None
        self._proxy = None if is_loopback(self._host) else find_proxy(self._host)
        #: Host and port of the proxy in use, without its password.
        self.proxy = None if self._proxy is None else self._proxy.netloc.rpartition("@")[2]
        self._idle: list[HTTPConnection] = []  # the one used last is used next
        self._is_closed = False
        self._lock = threading.Lock()

    def get(self, target: str, most: int) -> tuple[Response, float]:
        """Request a path and query once; its body may have `most` bytes.

        The seconds that are returned begin once there is a connection: to open one says nothing about how busy the
        server is.

        Raises
        ------
        OSError, http.client.HTTPException
            There is no response, or it cannot be read; `ProxyError` if a proxy is the reason.
        TooLargeError
            The body is larger than `most`.
        """
        connection = self._take()
        try:
            if connection.sock is None:
                self._open(connection)
            began = time.monotonic()
            connection.sock.settimeout(self._timeout)
            connection.sock.sendall(b"GET " + target.encode("ascii") + self._head)
            response = read_response(connection.sock, self._timeout, most)
        except BaseException:
            connection.close()
            raise
        seconds = time.monotonic() - began
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("GET %s: HTTP %s", self._private.sub(r"\1=(hidden)", target), response.status)
        if response.is_last:
            connection.close()
        else:
            self._give_back(connection)
        return response, seconds

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
                if not self._idle:
                    return self._new()
                connection = self._idle.pop()
            if not _has_news(connection.sock):
                return connection
            connection.close()

    def _give_back(self, connection: HTTPConnection) -> None:
        with self._lock:
            if not self._is_closed:
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


def _has_news(sock: socket.socket) -> bool:
    """Return whether something came without a request: the server has closed the connection."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])
