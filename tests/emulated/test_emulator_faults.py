"""What the emulator does to requests, connections and responses."""

import asyncio
import contextlib
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests
from served_events import CLOCK, PATH, events, get, hangs, raw, statuses, times, wait_for

from optkit.emulator import ApiVariant, Emulator, Faults
from optkit.emulator.capacity import Capacity, Turn


def test_faults_hit_every_nth_request_or_a_reproducible_share() -> None:
    with Emulator(events(1), faults=Faults(errors=3, error_status=502)) as server:
        assert statuses(server, 7) == [200, 200, 502, 200, 200, 502, 200]
    runs = []
    for seed in (5, 5, 6):
        with Emulator(events(1), faults=Faults(errors=0.5, seed=seed)) as server:
            runs.append(statuses(server, 30))
    assert runs[0] == runs[1] != runs[2]
    assert 5 < runs[0].count(503) < 25


def test_no_fault_hides_another_one() -> None:
    with Emulator(events(1), faults=Faults(forbidden=2, errors=2, html=2)) as server:
        for _ in range(12):
            get(server)
        seen = [(record.status, record.fault) for record in server.requests]
    assert {(403, "forbidden"), (503, "errors"), (200, "html"), (200, "")} <= set(seen)


def test_latency_grows_with_the_page() -> None:
    with Emulator(events(60), faults=Faults(latency=0.05, latency_per_page=0.1)) as server:
        took = []
        for page in (1, 3):
            began = time.perf_counter()
            get(server, page=page)
            took.append(time.perf_counter() - began)
    assert took[0] >= 0.05
    assert took[1] >= 0.25


def test_no_more_requests_than_the_capacity_are_served_at_once() -> None:
    with Emulator(events(1), faults=Faults(latency=0.1, capacity=2)) as server:
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(raw(server)) for _ in range(6)]
            assert [connection.recv(15) for connection in connections] == [b"HTTP/1.1 200 OK"] * 6
        began = [record.at for record in server.requests]
    # the third response needs the place of the first, and 0.1 s
    assert all(third - first > 0.09 for first, third in zip(began, began[2:], strict=False))


def test_requests_beyond_the_capacity_can_be_refused() -> None:
    faults = Faults(hangs=1, capacity=2, when_full="refuse", retry_after=3)
    with Emulator(events(1), faults=faults) as server:
        with raw(server), raw(server):
            wait_for(lambda: len(server.requests) == 2)
            refused = get(server)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "3")
            assert (server.requests[-1].status, server.requests[-1].fault) == (429, "capacity")
        wait_for(
            lambda: hangs(server)
        )  # a request is accepted again, once the server knows that both are gone


def test_the_queue_is_served_in_order_and_its_length_is_known() -> None:
    async def visit(capacity: Capacity, leave: asyncio.Event) -> Turn:
        async with capacity.turn() as turn:
            await leave.wait()
            return turn

    async def run() -> tuple[list[Turn], list[bool]]:
        capacity = Capacity(2)
        leave = [asyncio.Event() for _ in range(5)]
        visits = [asyncio.create_task(visit(capacity, event)) for event in leave]
        await asyncio.sleep(0)  # all have arrived before the pause begins
        await asyncio.sleep(0.05)
        turns, used_up = [], [capacity.is_used_up]
        for event, task in zip(leave, visits, strict=True):
            event.set()
            turns.append(await task)
            used_up.append(capacity.is_used_up)
        return turns, used_up

    turns, used_up = asyncio.run(run())
    assert used_up == [True, True, True, True, False, False]
    assert [turn.queue_length for turn in turns] == [0, 0, 0, 1, 2]
    assert [turn.waited > 0.04 for turn in turns] == [False, False, True, True, True]


def test_a_429_says_how_long_to_wait() -> None:
    with Emulator(events(1), faults=Faults(rate_limit=1, retry_after=7)) as server:
        answers = [get(server) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200, 429}
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert limited.headers["retry-after"] == "7"
    assert list(limited.json()) == ["error"]


def test_retry_after_may_be_a_date_or_unreadable_or_missing() -> None:
    seen = {}
    for form in ("date", "unreadable", "missing"):
        faults = Faults(rate_limit=0, retry_after=30, retry_after_form=form)
        with Emulator(events(1), faults=faults) as server:
            answer = get(server)
        assert answer.status_code == 429
        seen[form] = answer.headers.get("retry-after")
    assert seen["missing"] is None
    assert seen["unreadable"] == "in a while"
    wait = parsedate_to_datetime(str(seen["date"])) - datetime.now(UTC)
    assert timedelta(seconds=20) < wait <= timedelta(seconds=31)


def test_the_token_may_be_revoked_between_requests() -> None:
    with Emulator(events(1), faults=Faults(revoked_after=2)) as server:
        assert statuses(server, 4) == [200, 200, 401, 401]


def test_a_redirect_keeps_path_and_query() -> None:
    with Emulator(events(1), faults=Faults(redirect_to="http://127.0.0.2:9")) as server:
        answer = get(server, page=2)
    assert answer.status_code == 302
    assert answer.headers["location"] == f"http://127.0.0.2:9{PATH}?page=2"


def test_corrupt_bodies() -> None:
    with Emulator(events(9), faults=Faults(html=1)) as server:
        answer = get(server)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    with Emulator(events(9), faults=Faults(cut_json=1)) as server:
        answer = get(server)
        assert answer.text.startswith('{"current_page":1')
        with pytest.raises(requests.JSONDecodeError):
            answer.json()
    with Emulator(events(9), faults=Faults(bad_gzip=1)) as server:
        with pytest.raises(requests.exceptions.ContentDecodingError):
            get(server)
        assert server.requests[-1].fault == "bad_gzip"


def read_all(connection: socket.socket) -> tuple[bytes, bytes]:
    """Read until the connection ends; return head and body."""
    answer = b""
    while piece := connection.recv(65_536):
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def promised(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].split()[0])


def test_a_reset_before_the_answer() -> None:
    with Emulator(events(9), faults=Faults(resets=1)) as server:
        with raw(server) as connection, pytest.raises(ConnectionResetError):
            read_all(connection)
        assert [(record.status, record.fault) for record in server.requests] == [(0, "resets")]


def test_a_body_that_is_truncated_or_reset_half_way() -> None:
    with Emulator(events(9), faults=Faults(truncated=1)) as server, raw(server) as connection:
        head, body = read_all(connection)
        assert head.startswith(b"HTTP/1.1 200")
        assert len(body) == promised(head) // 2
    with Emulator(events(9), faults=Faults(resets_in_body=1)) as server, raw(server) as connection:
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        with pytest.raises(ConnectionResetError):
            read_all(connection)


def test_hangs_before_the_answer_and_in_its_middle() -> None:
    with Emulator(events(9), faults=Faults(hangs=1)) as server, raw(server) as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    with Emulator(events(9), faults=Faults(hangs_in_body=1)) as server, raw(server) as connection:
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            read_all(connection)


def test_a_hang_ends_after_hang_seconds() -> None:
    faults = Faults(hangs=1, hang_seconds=0.1)
    with (
        Emulator(events(9), faults=faults) as server,
        raw(server) as connection,
        pytest.raises(ConnectionResetError),
    ):
        read_all(connection)


def test_stopping_the_emulator_ends_every_hang() -> None:
    with Emulator(events(9), faults=Faults(hangs=1, latency=0.05)) as server:
        connections = [raw(server) for _ in range(3)]
        deadline = time.monotonic() + 10
        while len(server.requests) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    for connection in connections:
        with connection:
            assert connection.recv(1) == b""


def test_a_drip_sends_the_whole_body_byte_by_byte() -> None:
    with Emulator(events(1), faults=Faults(drips=1, drip_pause=0.001)) as server:
        with raw(server) as connection:
            pieces: list[bytes] = []
            while b"]}" not in b"".join(pieces[-4:]):
                pieces.append(connection.recv(65_536))
        assert len(pieces) > 10  # a busy machine may read several at once
        assert len(times(server)) == 1


def test_faults_and_variants_combine() -> None:
    variant = ApiVariant(created_at="iso", order="oldest first", totals="missing", paths="without .json")
    with Emulator(events(30), clock=CLOCK, variant=variant, faults=Faults(errors=2, latency=0.01)) as server:
        assert statuses(server, 3) == [200, 503, 200]
        get(server)
        page = get(server).json()
    assert "total_pages" not in page
    assert page["entries"][0]["created_at"] == "2026-06-01T00:00:00.250+00:00"
