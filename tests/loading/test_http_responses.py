"""Answers as bytes, read as the standard library reads them."""

import gzip
import http.client
import socket
from contextlib import suppress
from http.client import HTTPException

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optkit.loading.http_responses import Response, TooLargeError, UnpackError, read_response

MOST = 1000


def sent_over_a_socket(answer: bytes) -> socket.socket:
    """Return a socket at which these bytes have come, and the end of the connection."""
    here, there = socket.socketpair()
    with there:
        there.sendall(answer)
    return here


def read(answer: bytes, most: int = MOST) -> Response:
    with sent_over_a_socket(answer) as sock:
        return read_response(sock, 10, most)


def read_by_the_standard_library(answer: bytes) -> tuple[int, dict[str, str], bytes, bool]:
    with sent_over_a_socket(answer) as sock, http.client.HTTPResponse(sock) as response:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read(), response.will_close


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    body = draw(st.binary(max_size=300))
    version = draw(st.sampled_from(["1.0", "1.1"]))
    status = draw(
        st.sampled_from(["200 OK", "204 No Content", "302 Found", "304", "429 Too Many Requests", "503 "])
    )
    lines = draw(
        st.lists(
            st.sampled_from(
                ["Date: Fri, 27 Nov 2026 00:00:00 GMT", "retry-after:  5", "X-Empty:", "LOCATION: /there"]
            ),
            unique=True,
        )
    )
    lines += draw(st.sampled_from([[], ["Connection: close"], ["connection: Keep-Alive"]]))
    framing = draw(st.sampled_from(["length", "chunks", "end"]))
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunks":
        lines.append("Transfer-Encoding: chunked")
        size = draw(st.integers(1, 100))
        parts = [body[start : start + size] for start in range(0, len(body), size)]
        trailer = draw(st.sampled_from([b"", b"x-trailer: 1\r\n"]))
        extension = draw(st.sampled_from([b"", b";name=value"]))
        body = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
        body += b"0\r\n" + trailer + b"\r\n"
    before = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\nx: 1\r\n\r\n"]))
    head = "\r\n".join([f"HTTP/{version} {status}", *lines, "", ""])
    return before + head.encode() + body


@given(answers())
@settings(deadline=None)
def test_answers_are_read_as_the_standard_library_reads_them(answer: bytes) -> None:
    status, headers, body, will_close = read_by_the_standard_library(answer)
    found = read(answer)
    assert (found.status, found.headers) == (status, headers)
    if status not in {204, 304}:  # such an answer has no body, whatever follows
        assert found.body == body
    # who sends more than was asked for is not asked again
    assert found.is_last >= will_close


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_an_answer_or_a_documented_error(noise: bytes) -> None:
    for answer in (
        noise,
        b"HTTP/1.1 200 OK\r\n" + noise,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + noise,
    ):
        with suppress(HTTPException, TooLargeError):
            read(answer)


def test_a_body_may_be_as_large_as_allowed_and_no_larger() -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    whole = b"x" * MOST
    assert read(head + b"\r\n" + whole).body == whole
    assert read(head + b"content-length: 1000\r\n\r\n" + whole).body == whole
    assert read(head + b"transfer-encoding: chunked\r\n\r\n3e8\r\n" + whole + b"\r\n0\r\n\r\n").body == whole
    packed = gzip.compress(whole)
    assert read(head + b"content-encoding: gzip\r\n\r\n" + packed).body == whole
    for too_large in (
        head + b"\r\n" + whole + b"x",
        head + b"content-length: 1001\r\n\r\n" + whole + b"x",
        head + b"transfer-encoding: chunked\r\n\r\n3e8\r\n" + whole + b"\r\n1\r\nx\r\n0\r\n\r\n",
        head + b"content-encoding: gzip\r\n\r\n" + gzip.compress(whole + b"x"),
    ):
        with pytest.raises(TooLargeError):
            read(too_large)


def test_an_answer_that_is_only_announced_is_not_an_answer() -> None:
    with pytest.raises(HTTPException):
        read(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_gzip_that_is_cut_off_cannot_be_unpacked() -> None:
    packed = gzip.compress(b"x" * 100)
    for body in (packed[:-4], b"nothing of the kind"):
        with pytest.raises(UnpackError):
            read(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + body)


def test_the_timeout_is_for_the_whole_answer() -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"HTTP/1.1 200 OK\r\n")
        with pytest.raises(TimeoutError):
            read_response(here, 0.05, MOST)
