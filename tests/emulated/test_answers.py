"""Answers that are not the documented JSON: read where they can be, else one sentence that says what they are."""

from collections.abc import Callable

import pytest
from network import answering

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
