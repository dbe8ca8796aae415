"""One HTTP answer, read from a socket: its status, headers and body, whole and unpacked.

Not by the standard library's reader, which takes headers for those of a mail: half of a request's processor time.
"""

import io
import re
import socket
import time
import zlib
from collections.abc import Iterator
from http import HTTPStatus
from http.client import BadStatusLine, HTTPException, IncompleteRead
from typing import Any, BinaryIO, Final, NamedTuple

#: A page has some 20 kB: few reads should bring it.
_BUFFER: Final = 2**16
#: Bytes of a line of the head, and lines of it; beyond that it is no answer.
_LONGEST_LINE: Final = 2**16
_MOST_HEADERS: Final = 100
#: Answers that have no body, whatever their headers say.
_WITHOUT_BODY: Final = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


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
    headers : dict
        By name, in lower case.
    body : bytes
        Unpacked.
    is_last : bool
        The connection cannot be used for another request.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    is_last: bool = False


class _UntilDeadline(io.RawIOBase):
    """A socket's incoming bytes; the timeout is for all of them: byte by byte, an answer could take for ever."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._sock = sock
        self._deadline = time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


def read_response(sock: socket.socket, timeout: float, most: int) -> Response:
    """Read the answer to a request that was sent.

    Parameters
    ----------
    sock : socket.socket
        Where the answer comes.
    timeout : float
        Seconds that all of it may take.
    most : int
        Bytes that a body may have.

    Raises
    ------
    OSError, http.client.HTTPException, UnpackError
        There is no answer, or it cannot be read.
    TooLargeError
        The body is larger than `most`.
    """
    stream: BinaryIO = io.BufferedReader(_UntilDeadline(sock, timeout), _BUFFER)
    version, status, headers = _read_head(stream)
    length = _length(status, headers)
    is_last = version == b"0" or "close" in headers.get("connection", "").lower()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b"".join(_read_chunks(stream, most))
    elif length is None:
        body, is_last = stream.read(most + 1), True
    elif length > most:
        raise TooLargeError
    else:
        body = _read_exactly(stream, length)
    if status == HTTPStatus.OK and headers.get("content-encoding", "").lower() in {"gzip", "x-gzip"}:
        body = _unpack(body, most)
    if len(body) > most:
        raise TooLargeError
    return Response(status, headers, body, is_last)


def _read_head(stream: BinaryIO) -> tuple[bytes, int, dict[str, str]]:
    """Return the minor version, the status and the headers; those of a header that comes twice, the last one."""
    while True:
        found = re.match(rb"HTTP/1\.(\d) +(\d{3})\b", _read_line(stream))
        if found is None:
            raise BadStatusLine("")
        headers: dict[str, str] = {}
        while line := _read_line(stream):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
            if len(headers) > _MOST_HEADERS:
                raise HTTPException
        if int(found[2]) >= HTTPStatus.OK:  # any other one says that the answer is to come
            return found[1], int(found[2]), headers


def _length(status: int, headers: dict[str, str]) -> int | None:
    """Return how long the body is; None where it ends with the connection."""
    if status in _WITHOUT_BODY:
        return 0
    length = headers.get("content-length", "")
    return int(length) if re.fullmatch(r"\d{1,18}", length) else None


def _read_chunks(stream: BinaryIO, most: int) -> Iterator[bytes]:
    """Return the parts of a body whose length nobody knew when it began."""
    left = most
    while True:
        try:
            size = int(_read_line(stream).partition(b";")[0], 16)
        except ValueError:
            raise HTTPException from None
        if not 0 <= size <= left:
            raise TooLargeError
        if size == 0:
            break
        yield _read_exactly(stream, size)
        left -= size
        _read_line(stream)
    while _read_line(stream):
        pass


def _read_line(stream: BinaryIO) -> bytes:
    """Return a line without its end."""
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise HTTPException
    return line.rstrip(b"\r\n")


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise IncompleteRead(b"")
    return data


def _unpack(body: bytes, most: int) -> bytes:
    unpacking = zlib.decompressobj(31)  # gzip's header and checksum
    try:
        unpacked = unpacking.decompress(body, most + 1)
    except zlib.error:
        raise UnpackError from None
    if not unpacking.eof and len(unpacked) <= most:
        raise UnpackError
    return unpacked
