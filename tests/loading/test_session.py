import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from accounts import CLOCK, make_history

from optkit.config import resolve
from optkit.datasets.opt_status import OPT_STATUS
from optkit.emulator import ApiVariant, Emulator, Faults
from optkit.errors import (
    AuthenticationError,
    OptkitError,
    RateLimitError,
    ResponseError,
    SettingsError,
    TransportError,
)
from optkit.loading import retries
from optkit.loading.pages import PageRequest
from optkit.loading.session import ApiSession

HISTORY = make_history(150)
ALL = PageRequest(0, 2_000_000_000_000, 1)
PHONES = {"to_phone": "+12125550100", "from_phone": "+12125550101"}
WRONG = "another"

pytestmark = pytest.mark.usefixtures("quick_retries")


@pytest.fixture
def start() -> Iterator[Any]:
    """Start emulators with faults, and clients of them."""
    open_: list[Any] = []

    def begin(
        variant: ApiVariant | None = None,
        faults: Faults | None = None,
        *,
        timeout: float = 5,
        token: str | None = None,
    ) -> tuple[Emulator, ApiSession]:
        server = Emulator(HISTORY, clock=CLOCK, variant=variant, faults=faults)
        server.__enter__()
        open_.append(server)
        settings = resolve(base_url=server.url, token=token or server.token, timeout=timeout)
        client = ApiSession(settings, OPT_STATUS)
        open_.append(client)
        return server, client

    yield begin
    for item in reversed(open_):
        item.__exit__(None, None, None)


def how_often(fault: str, number: int) -> dict[str, Any]:
    return {fault: number}


def failure(client: ApiSession) -> OptkitError:
    with pytest.raises(OptkitError) as caught:
        client.get(ALL, PHONES)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "1212555" not in str(caught.value)
    return caught.value


def test_a_page_comes_as_documented(start: Any) -> None:
    _, client = start()
    page = client.get(ALL)
    assert len(page.entries) == 100
    assert page.total_entries == HISTORY.height
    assert page.clock.now == int(CLOCK.timestamp() * 1000)


def test_a_refused_token_is_not_tried_again(start: Any) -> None:
    server, client = start(token=WRONG)
    assert isinstance(failure(client), AuthenticationError)
    assert len(server.requests) == 1


def test_without_json_in_the_path_it_asks_once_more_and_remembers(start: Any) -> None:
    server, client = start(ApiVariant(paths="without .json"))
    client.get(ALL)
    client.get(ALL)
    assert [record.status for record in server.requests] == [404, 200, 200]


def test_a_server_that_knows_neither_path_is_named(start: Any) -> None:
    _, client = start()
    client.endpoint = replace(OPT_STATUS, paths=("/api/v3/other",))
    error = failure(client)
    assert isinstance(error, ResponseError)
    assert "does not know /api/v3/other" in str(error)


def test_a_redirect_is_not_followed_and_the_token_stays_here(start: Any) -> None:
    stranger, _ = start()
    server, client = start(faults=Faults(redirect_to=stranger.url))
    assert isinstance(failure(client), ResponseError)
    assert not stranger.requests
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    ["errors", "resets", "html", "cut_json", "bad_gzip", "truncated", "resets_in_body"],
)
def test_transient_errors_are_retried(fault: str, start: Any) -> None:
    _, client = start(faults=Faults(**how_often(fault, 2)))
    assert [len(client.get(ALL).entries) for _ in range(4)] == [100] * 4


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("errors", TransportError, "HTTP 503"),
        ("resets", TransportError, "the connection broke"),
        ("truncated", TransportError, "the connection broke"),
        ("resets_in_body", TransportError, "the connection broke"),
        ("bad_gzip", TransportError, "cannot be unpacked"),
        ("html", ResponseError, "an HTML page instead of JSON"),
        ("cut_json", ResponseError, "not JSON"),
    ],
)
def test_a_permanent_failure_is_an_error_after_six_tries(
    fault: str, kind: type[OptkitError], says: str, start: Any
) -> None:
    server, client = start(faults=Faults(**how_often(fault, 1)))
    error = failure(client)
    assert isinstance(error, kind)
    assert says in str(error)
    assert len(server.requests) == 6


@pytest.mark.parametrize("fault", ["hangs", "hangs_in_body", "drips"])
def test_a_request_has_a_deadline(fault: str, start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    _, client = start(faults=Faults(**how_often(fault, 1), hang_seconds=20, drip_pause=0.05), timeout=0.15)
    error = failure(client)
    assert isinstance(error, TransportError)
    assert "within 0.15 s" in str(error)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_requested_pause_is_kept(form: Any, start: Any) -> None:
    server, client = start(faults=Faults(rate_limit=1, retry_after=2, retry_after_form=form))
    for _ in range(2):
        client.get(ALL)
    assert 429 in [record.status for record in server.requests]
    assert len(server.requests) <= 6


def test_a_pause_longer_than_the_patience_is_an_error(start: Any) -> None:
    _, client = start(faults=Faults(rate_limit=0.01, retry_after=900))
    error = failure(client)
    assert isinstance(error, RateLimitError)
    assert error.retry_after == 900
    assert "900 s" in str(error)


def test_headers_that_come_byte_by_byte_have_the_same_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 1)
    stopped = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):  # the client hangs up
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nx-endless: ")
            while not stopped.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = resolve(base_url=origin, token=WRONG, timeout=0.3)
        with ApiSession(settings, OPT_STATUS) as client:
            began = time.monotonic()
            error = failure(client)
        assert "within 0.3 s" in str(error)
        assert time.monotonic() - began < 10
        stopped.set()
        thread.join()


def test_a_retry_after_of_zero_does_not_cause_endless_requests(start: Any) -> None:
    server, client = start(faults=Faults(rate_limit=0.01, retry_after=0))
    assert isinstance(failure(client), RateLimitError)
    assert len(server.requests) == 6


def test_without_retry_after_only_a_second_refusal_of_a_request_makes_all_wait(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = start(faults=Faults(rate_limit=0, retry_after_form="missing"))
    pauses: list[float] = []
    monkeypatch.setattr(client.rate_limiter, "pause", pauses.append)
    assert isinstance(failure(client), RateLimitError)
    assert [record.status for record in server.requests] == [429] * 6
    assert len(pauses) == 5


def test_a_refused_connection_is_explained() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ApiSession(resolve(base_url=f"http://127.0.0.1:{port}", token=WRONG), OPT_STATUS) as client:
        error = failure(client)
    assert isinstance(error, TransportError)
    assert "connection refused" in str(error)


def test_an_unknown_host_says_so() -> None:
    with ApiSession(resolve(base_url="https://nowhere.invalid", token=WRONG), OPT_STATUS) as client:
        assert "nowhere.invalid" in str(failure(client))


def test_without_a_token_no_client_is_made() -> None:
    with pytest.raises(SettingsError, match="OPTKIT_TOKEN"):
        ApiSession(resolve(), OPT_STATUS)


def test_neither_token_nor_phone_is_logged_or_shown(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    server, client = start(faults=Faults(errors=2))
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            client.get(ALL, PHONES)
    text = caplog.text + repr(client) + repr(vars(client)["rate_limiter"])
    assert "opt-status" in caplog.text
    assert server.token not in text
    assert "2125550" not in text


def test_late_times_do_not_matter_to_a_client(start: Any) -> None:
    _, client = start(ApiVariant(late_by=timedelta(days=1)))
    assert client.get(ALL).clock.now == int(datetime(2026, 4, 1, tzinfo=UTC).timestamp() * 1000)
