"""Answers that are not the documented JSON: read where they can be, else one sentence that says what they are."""

import gzip
from collections.abc import Callable

import pytest
from network import answering, sending

import optkit

ASKED = ("2026-03-02", "2026-03-09")
EMPTY = '{"total_entries":0,"total_pages":0,"entries":[]}'
LOGIN = b"<!doctype html><title>Sign in</title><form><input name=password></form>"
TOKEN = "made-up"  # noqa: S105 - nobody's
NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture
def load_from(quick_retries: None) -> Callable[[int], object]:
    """Return a function that loads a week from a port of this machine."""

    def load(port: int) -> object:
        optkit.configure(base_url=f"http://127.0.0.1:{port}", token=TOKEN, workers=1)
        return optkit.load(*ASKED)

    return load


def test_a_byte_order_mark_is_read(load_from: Callable[[int], object]) -> None:
    with answering(EMPTY.encode("utf-8-sig")) as port:
        load_from(port)
    assert optkit.coverage()["rows"].to_list() == [0]


#: Of each answer its bytes, and what the error says.
ANSWERS: dict[str, tuple[bytes, str]] = {
    "UTF-16": (EMPTY.encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": (EMPTY.encode("utf-16-be"), "UTF-16"),
    "a login page": (LOGIN, r"HTML page .* login"),
    "a login page in capitals": (b"\n  " + LOGIN.upper(), r"HTML page .* login"),
    "text": (b"moved", "not JSON"),
    "nothing": (b"", "not JSON"),
    "an unknown field nested deep": (b'{"entries":[],"more":' + NESTED + b"}", "nested too deep"),
    "entries nested deep": (b'{"entries":' + NESTED + b"}", "entry 1 of a page is not an object"),
    "a list": (b"[]", "not the documented object"),
    "null": (b"null", "not the documented object"),
    "another object": (b'{"error":"no"}', "not the documented object"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_not_the_documented_json_is_described_and_not_quoted(
    answer: str, load_from: Callable[[int], object]
) -> None:
    body, says = ANSWERS[answer]
    with (
        answering(body) as port,
        pytest.raises(optkit.ResponseError, match=says) as caught,
    ):
        load_from(port)
    assert "password" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert optkit.coverage().height == 0


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://login.optkit.test/sign-in?to=%2Fapi", "login.optkit.test"),
        ("//sso.optkit.test:8443/", r"sso.optkit.test:8443"),
        ("https://me:s3cret@sso.optkit.test/", "sso.optkit.test"),
    ],
)
def test_a_redirect_names_the_host_that_it_leads_to(
    location: str, host: str, load_from: Callable[[int], object]
) -> None:
    with (
        answering(b"", status="302 Found", headers=f"location: {location}\r\n") as port,
        pytest.raises(optkit.ResponseError, match=rf"redirects to {host} \(HTTP 302\)") as caught,
    ):
        load_from(port)
    assert "s3cret" not in str(caught.value)
    assert "sign-in" not in str(caught.value)


def http(head: str, body: bytes = b"") -> bytes:
    """Return an answer; its lines end as HTTP wants."""
    return f"HTTP/1.1 {head}\n\n".replace("\n", "\r\n").encode("latin-1") + body


#: Of each answer its bytes on the wire, the error, and what it says.
RAW: dict[str, tuple[bytes, type[optkit.OptkitError], str]] = {
    "nothing": (b"", optkit.TransportError, "the connection broke"),
    "no HTTP": (b"220 mail.optkit.test ESMTP\r\n", optkit.TransportError, "the connection broke"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", optkit.TransportError, "the connection broke"),
    "a status that is not a number": (http("abc"), optkit.TransportError, "the connection broke"),
    "too many headers": (
        http("200 OK\n" + "\n".join(f"x-{number}: 1" for number in range(20_000))),
        optkit.TransportError,
        "the connection broke",
    ),
    "a header too long": (
        http("200 OK\nx: " + "y" * 1_000_000),
        optkit.TransportError,
        "the connection broke",
    ),
    "a broken chunk": (
        http("200 OK\ntransfer-encoding: chunked", b"zz\r\n{}\r\n0\r\n\r\n"),
        optkit.TransportError,
        "the connection broke",
    ),
    "a body cut short": (
        http("200 OK\ncontent-length: 900", b"{"),
        optkit.TransportError,
        "the connection broke",
    ),
    "a length below zero": (
        http("200 OK\ncontent-length: -5", b"{"),
        optkit.TransportError,
        "the connection broke",
    ),
    "a body larger than any page": (
        http("200 OK\ncontent-length: 99999999999"),
        optkit.ResponseError,
        "more than 32 MB",
    ),
    "a small body that unpacks to a large one": (
        http("200 OK\ncontent-encoding: gzip", gzip.compress(b" " * 40_000_000)),
        optkit.ResponseError,
        "more than 32 MB",
    ),
    "a compression that was not asked for": (
        http("200 OK\ncontent-encoding: br", b"\x0b\x02\x80{}\x03"),
        optkit.ResponseError,
        "not JSON",
    ),
    "no content": (http("204 No Content"), optkit.ResponseError, "HTTP 204"),
    "not modified": (http("304 Not Modified"), optkit.ResponseError, "HTTP 304"),
    "a redirect to nowhere": (http("302 Found\nlocation: http://[bad"), optkit.ResponseError, "HTTP 302"),
    "a redirect without a target": (http("307 Temporary Redirect"), optkit.ResponseError, "HTTP 307"),
    "not found": (http("404 Not Found"), optkit.ResponseError, "check OPTKIT_BASE_URL"),
    "a pause without end": (
        http("429 Too Many Requests\nretry-after: 99999999999999999999999"),
        optkit.RateLimitError,
        "load again later",
    ),
    "a pause until the end of time": (
        http("429 Too Many Requests\nretry-after: Fri, 31 Dec 9999 23:59:59 GMT"),
        optkit.RateLimitError,
        "load again later",
    ),
    "a pause until a day that is none": (
        http("429 Too Many Requests\nretry-after: Fri, 99 Dec 99999999999999999999 23:59:59 GMT"),
        optkit.RateLimitError,
        "load again later",
    ),
    "a gateway that fails": (http("502 Bad Gateway"), optkit.TransportError, "HTTP 502"),
}


@pytest.mark.parametrize("answer", RAW)
def test_bytes_that_cannot_be_used_are_a_documented_error(
    answer: str, load_from: Callable[[int], object]
) -> None:
    sent, error, says = RAW[answer]
    with sending(sent) as port, pytest.raises(error, match=says) as caught:
        load_from(port)
    assert type(caught.value) is error
    assert optkit.coverage().height == 0


@pytest.mark.parametrize(
    "head",
    [
        "200 OK\ncontent-encoding: GZIP",
        "200 OK\ncontent-encoding: x-gzip",
        "100 Continue\n\nHTTP/1.1 200 OK\ncontent-encoding: gzip",
        "200 OK\ncontent-encoding: gzip\ndate: Thu, 99 Nov 99999999 00:00:00 GMT",
        "200 OK\ncontent-encoding: gzip\ndate: yesterday",
    ],
)
def test_an_answer_that_is_unusual_but_right_is_read(head: str, load_from: Callable[[int], object]) -> None:
    with sending(http(head, gzip.compress(EMPTY.encode()))) as port:
        load_from(port)
    assert optkit.coverage()["rows"].to_list() == [0]
