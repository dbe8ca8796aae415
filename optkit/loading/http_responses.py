"""One HTTP answer, read from a socket: its status, headers and body, whole and unpacked.

llhttp, the parser of Node.js, parses it, because a load reads thousands of small answers: the standard library parses
headers as those of an e-mail, which takes half of a request's processor time.
"""

import socket
import time
import zlib
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead
from typing import Final, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

#: A page has some 20 to 80 kB: few reads should bring it.
_BUFFER: Final = 2**17
#: A head that has not ended after this many bytes is not a response.
_LONGEST_HEAD: Final = 2**16


class UnpackError(HTTPException):
    """A body is not the gzip that it says it is."""


class TooLargeError(Exception):
    """A body is larger than any page."""


class Response(NamedTuple):
    """An answer, read whole."""

    status: int
    headers: dict[str, str]  # by name, in lower case; of a header that comes twice, the last one
    body: bytes  # unpacked
    is_last: bool  # the connection cannot be used for another request


class _Answer:
    """What the parser has found so far; its methods are the parser's callbacks."""

    def __init__(self) -> None:
        self.status = 0  # until the head is complete
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.size = 0
        self.is_complete = False
        self.is_last = True
        self._head = 0
        self.parser = HttpResponseParser(self)

    def on_message_begin(self) -> None:
        if self.is_complete:
            raise HTTPException  # a second answer to one request
        self.status, self.headers = 0, {}

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.status:  # what follows a body in chunks says nothing that is needed
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)
        self.size += len(part)

    def on_message_complete(self) -> None:
        self.is_complete = self.status >= HTTPStatus.OK  # any other one says that the answer is to come
        self.is_last = not self.parser.should_keep_alive()

    @property
    def length(self) -> int:
        """Bytes of the body, as far as they are known: those that came, or those that are to come."""
        return max(self.size, int(self.headers.get("content-length", 0)))

    def feed(self, data: bytes) -> None:
        """Parse the next bytes."""
        try:
            self.parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if not self.is_complete:
                raise HTTPException from None
            self.is_last = True  # what follows the answer is not another one
        if not self.status:
            self._head += len(data)
            if self._head > _LONGEST_HEAD:
                raise HTTPException

    def end(self) -> None:
        """Handle the end of the connection: it ends a body whose length the head does not say."""
        has_length = not self.headers.keys().isdisjoint({"content-length", "transfer-encoding"})
        if self.status < HTTPStatus.OK or has_length:
            raise IncompleteRead(b"")
        self.is_complete = self.is_last = True


def read_response(sock: socket.socket, timeout: float, most: int) -> Response:
    """Read the answer to a request that was sent, with a body of at most `most` bytes.

    The timeout is for the whole answer: byte by byte, it could take forever.

    Raises
    ------
    OSError, http.client.HTTPException
        There is no response, or it cannot be read.
    TooLargeError
        The body is larger than `most`.
    """
    answer = _Answer()
    deadline = time.monotonic() + timeout
    while not answer.is_complete:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        if data := sock.recv(_BUFFER):
            answer.feed(data)
        else:
            answer.end()
        if answer.length > most:
            raise TooLargeError
    body = b"".join(answer.parts)
    packing = answer.headers.get("content-encoding", "").lower()
    if answer.status == HTTPStatus.OK and packing in {"gzip", "x-gzip"}:
        body = _unpack(body, most)
    return Response(answer.status, answer.headers, body, answer.is_last)


def _unpack(body: bytes, most: int) -> bytes:
    unpacking = zlib.decompressobj(31)  # gzip's header and checksum
    try:
        unpacked = unpacking.decompress(body, most + 1)
    except zlib.error:
        raise UnpackError from None
    if not unpacking.eof and len(unpacked) <= most:
        raise UnpackError
    if len(unpacked) > most:
        raise TooLargeError
    return unpacked
