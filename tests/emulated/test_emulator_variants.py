import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import polars as pl
import pytest
import requests

import optkit
from optkit.emulator import ApiVariant, Arrivals, Emulator, Faults
from optkit.emulator.capacity import Capacity, Turn
from optkit.history import SCHEMA

CLOCK = datetime(2026, 7, 1, tzinfo=UTC)
START = datetime(2026, 6, 1, 0, 0, 0, 250_000, tzinfo=UTC)
FIRST = 1780272000250  # START in ms
PATH = "/api/v2/sms/opt-status"


def events(count: int, after: timedelta = timedelta()) -> pl.DataFrame:
    """Return events, one per second, each of another recipient, all opt-outs."""
    return pl.DataFrame(
        {
            "to_phone": [f"+1{200 + i // 100}55501{i % 100:02d}" for i in range(count)],
            "from_phone": ["18181"] * count,
            "created_at": [START + after + timedelta(seconds=i) for i in range(count)],
            "status": ["opt-out"] * count,
        },
        schema={name: SCHEMA[name] for name in ("to_phone", "from_phone", "created_at", "status")},
    )


def get(server: Emulator, path: str = PATH, **params: object) -> requests.Response:
    texts = {name: str(value) for name, value in params.items()}
    headers = {"access-token": server.token}
    return requests.get(server.url + path, texts, headers=headers, timeout=10, allow_redirects=False)


def times(server: Emulator, **params: object) -> list[Any]:
    return [entry["created_at"] for entry in get(server, PATH, **params).json()["entries"]]


def raw(server: Emulator, **params: object) -> socket.socket:
    """Send a request; the caller reads the response."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    query = "&".join(f"{name}={value}" for name, value in params.items())
    head = f"GET {PATH}?{query} HTTP/1.1\r\nhost: {host}\r\naccess-token: {server.token}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def hangs(server: Emulator) -> bool:
    """Return whether the next request gets no response."""
    with raw(server) as connection:
        connection.settimeout(0.2)
        try:
            return not connection.recv(1)
        except TimeoutError:
            return True


def statuses(server: Emulator, count: int) -> list[int]:
    return [get(server).status_code for _ in range(count)]


# --- variants


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("ms", 1780272000250),
        ("s", 1780272000),
        ("s float", 1780272000.25),
        ("us", 1780272000250000),
        ("ms text", "1780272000250"),
        ("s text", "1780272000"),
        ("s float text", "1780272000.250"),
        ("us text", "1780272000250000"),
        ("iso", "2026-06-01T00:00:00.250+00:00"),
    ],
)
def test_created_at_has_the_form_of_the_variant(form: Any, written: object) -> None:
    with Emulator(events(1), clock=CLOCK, variant=ApiVariant(created_at=form)) as server:
        answered = times(server)
    assert answered == [written]
    assert type(answered[0]) is type(written)


def test_order_is_newest_first_oldest_first_or_shuffled_but_stable() -> None:
    newest = [FIRST + 1000 * i for i in reversed(range(50))]
    seen = {}
    for order in ("newest first", "oldest first", "shuffled"):
        with Emulator(events(50), clock=CLOCK, variant=ApiVariant(order=order)) as server:
            pages = [times(server, page=page) for page in (1, 2)]
            assert pages == [times(server, page=page) for page in (1, 2)]
        seen[order] = pages[0] + pages[1]
    assert seen["newest first"] == newest
    assert seen["oldest first"] == newest[::-1]
    assert sorted(seen["shuffled"], reverse=True) == newest
    assert seen["shuffled"] not in (newest, newest[::-1])


@pytest.mark.parametrize(
    ("bounds", "seconds"),
    [
        ("inclusive", [4, 3, 2, 1]),
        ("exclusive", [3, 2]),
        ("start inclusive", [3, 2, 1]),
        ("end inclusive", [4, 3, 2]),
    ],
)
def test_bounds(bounds: Any, seconds: list[int]) -> None:
    with Emulator(events(9), clock=CLOCK, variant=ApiVariant(bounds=bounds)) as server:
        answered = times(server, start_time=FIRST + 1000, end_time=FIRST + 4000)
    assert answered == [FIRST + 1000 * second for second in seconds]


@pytest.mark.parametrize(
    ("totals", "answered"),
    [
        ("true", (9, 9)),
        ("missing", (None, None)),
        ("as in the sample", (9, 5)),
        ("too low", (4, 4)),
        ("too high", (19, 19)),
    ],
)
def test_totals(totals: Any, answered: tuple[int | None, int | None]) -> None:
    with Emulator(events(9), clock=CLOCK, variant=ApiVariant(totals=totals)) as server:
        page = get(server, per_page=1).json()
    assert (page.get("total_entries"), page.get("total_pages")) == answered


def test_per_page_may_be_ignored() -> None:
    with Emulator(events(60), clock=CLOCK, variant=ApiVariant(per_page=25)) as server:
        pages = [get(server, per_page=100, page=page).json() for page in (1, 3)]
    assert [(page["per_page"], len(page["entries"]), page["total_pages"]) for page in pages] == [
        (25, 25, 3),
        (25, 10, 3),
    ]


def test_pages_may_be_stuck() -> None:
    with Emulator(events(60), clock=CLOCK, variant=ApiVariant(stuck_page=2)) as server:
        assert (
            times(server, page=1) != times(server, page=2) == times(server, page=3) == times(server, page=9)
        )


@pytest.mark.parametrize(("paths", "there"), [("with .json", [200, 404]), ("without .json", [404, 200])])
def test_one_of_the_paths_may_be_missing(paths: Any, there: list[int]) -> None:
    with Emulator(events(1), clock=CLOCK, variant=ApiVariant(paths=paths)) as server:
        assert [get(server, PATH + end).status_code for end in (".json", "")] == there


def test_responses_are_compressed_for_clients_that_accept_gzip() -> None:
    with Emulator(events(30), clock=CLOCK, variant=ApiVariant(gzip=True)) as server:
        assert get(server).headers["content-encoding"] == "gzip"
        assert len(times(server)) == 25
        with raw(server) as connection:
            assert b"content-encoding" not in connection.recv(10_000)


def test_unknown_fields() -> None:
    with Emulator(events(1), clock=CLOCK, variant=ApiVariant(extra_fields=True)) as server:
        page = get(server).json()
    assert page["server"] == {"version": None}
    assert page["entries"][0].keys() > {"to_phone", "from_phone", "created_at", "status", "current_status"}
    assert page["entries"][0]["created_at"] == FIRST


@pytest.mark.parametrize("field", ["to_phone", "created_at", "status", "current_status"])
def test_corrupt_entries(field: str) -> None:
    for damage, seen in (("null", None), ("missing", "(none)"), ("unknown", "perhaps")):
        variant = ApiVariant(damage=damage, damaged_field=field, damaged_every=4)  # type: ignore[arg-type]
        with Emulator(events(8), clock=CLOCK, variant=variant) as server:
            values = [entry.get(field, "(none)") for entry in get(server).json()["entries"]]
        assert [value in {None, "(none)", "perhaps"} for value in values] == [*[False] * 3, True] * 2
        assert values[3] == values[7] == seen


def test_late_events_become_visible_as_the_clock_moves_on() -> None:
    late = ApiVariant(late_by=timedelta(hours=6))
    with Emulator(events(10), clock=START + timedelta(hours=1), variant=late) as server:
        assert get(server).json()["total_entries"] == 0
        server.clock = START + timedelta(hours=6, seconds=3)
        assert times(server) == [FIRST + 1000 * second for second in (3, 2, 1, 0)]
        server.clock = CLOCK
        assert get(server).json()["total_entries"] == 10


def test_a_share_of_the_events_may_be_late() -> None:
    late = ApiVariant(late_by=timedelta(hours=6), late_share=0.3)
    with Emulator(events(1000), clock=START + timedelta(hours=1), variant=late) as server:
        assert 600 < get(server).json()["total_entries"] < 800
        server.clock = CLOCK
        assert get(server).json()["total_entries"] == 1000


def test_events_arrive_with_each_requested_page() -> None:
    arriving = Arrivals(rows=events(3, after=timedelta(milliseconds=500)), per_request=0.5)
    with Emulator(events(10), clock=CLOCK, arrivals=arriving) as server:
        totals = [get(server).json()["total_entries"] for _ in range(8)]
        assert totals == [10, 11, 11, 12, 12, 13, 13, 13]
        assert times(server)[-3:] == [FIRST + 1000, FIRST + 500, FIRST]  # inside the window


def test_events_arrive_as_time_passes() -> None:
    arriving = Arrivals(rows=events(5, after=timedelta(days=1)), per_second=200)
    with Emulator(events(10), clock=CLOCK, arrivals=arriving) as server:
        deadline = time.monotonic() + 10
        while get(server).json()["total_entries"] < 15:
            assert time.monotonic() < deadline
        assert times(server)[0] == FIRST + 86_400_000 + 4000  # at the newest end


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ApiVariant(order="sideways"), "order must be one of 'newest first'"),  # type: ignore[arg-type]
        (lambda: ApiVariant(damage="total"), "damage must be one of None"),  # type: ignore[arg-type]
        (lambda: ApiVariant(per_page=0), "per_page must be"),
        (lambda: ApiVariant(damaged_every=0), "damaged_every must be"),
        (lambda: ApiVariant(damaged_field="colour"), "damaged_field must be"),
        (lambda: Faults(retry_after_form="soon"), "retry_after_form"),  # type: ignore[arg-type]
        (lambda: Faults(errors=-1), "errors must not be below zero"),
        (lambda: Faults(capacity=0), "capacity must be at least 1"),
        (lambda: Faults(when_full="leave"), "when_full must be one of 'wait', 'refuse'"),  # type: ignore[arg-type]
    ],
)
def test_invalid_settings_are_errors(make: Callable[[], object], says: str) -> None:
    with pytest.raises(optkit.SettingsError, match=says):
        make()


# --- faults


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
        wait_for(lambda: hangs(server))  # there is room again, once the server knows that both are gone


def test_the_queue_is_served_in_order_and_its_length_is_known() -> None:
    async def visit(capacity: Capacity, leave: asyncio.Event) -> Turn:
        async with capacity.turn() as turn:
            await leave.wait()
            return turn

    async def run() -> tuple[list[Turn], list[bool]]:
        capacity = Capacity(2)
        leave = [asyncio.Event() for _ in range(5)]
        visits = [asyncio.create_task(visit(capacity, event)) for event in leave]
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
    assert [turn.waited >= 0.05 for turn in turns] == [False, False, True, True, True]


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
