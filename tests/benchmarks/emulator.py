"""How many pages per second the emulator answers on one core.

``uv run python tests/benchmarks/emulator.py [--rows N] [--messages N] [--pages N]``

The server runs in a process of its own, the client in this one: plain sockets, kept open, one request in flight on
each. "Per core" divides by the server's own CPU seconds, and so does not depend on who else uses the machine.
"""

import argparse
import multiprocessing
import re
import resource
import socket
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

from inputs import make_events, make_messages

from optkit.emulator import Emulator
from optkit.times import WEEK, to_ms

TOKEN = "benchmark"  # noqa: S105 - opens nothing but this benchmark
CONNECTIONS = 8
DAYS = 175
CLOCK = datetime(2026, 7, 1, tzinfo=UTC)
EVENTS, MESSAGES = "/api/v2/sms/opt-status.json", "/api/v2/campaigns/insights.json"
SCENARIOS = {
    "events, page by page": f"{EVENTS}?start_time=0&end_time={{now}}&per_page=100&page={{page}}",
    "events, 8 weeks at once": f"{EVENTS}?start_time={{start}}&end_time={{end}}&per_page=100&page={{small}}",
    "events of one recipient": f"{EVENTS}?to_phone=%2B12005550100&per_page=100",
    "messages, page by page": f"{MESSAGES}?start_time=0&end_time={{now}}&per_page=100&page={{page}}",
    "messages, 8 weeks at once": f"{MESSAGES}?start_time={{start}}&end_time={{end}}&per_page=100&page={{small}}",
}


def serve(rows: int, messages: int, pipe: Connection) -> None:
    """Serve an account; answer each message with the CPU seconds and peak memory so far."""
    start = CLOCK - timedelta(days=DAYS)
    frames = make_events(rows, start, DAYS), make_messages(messages, start, DAYS)
    made = time.perf_counter()
    with Emulator(*frames, token=TOKEN, clock=CLOCK) as server:
        pipe.send((server.url, time.perf_counter() - made))
        del frames
        while pipe.recv():
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            pipe.send((time.process_time(), peak))


def requests_for(query: str, pages: int, rows: int) -> list[bytes]:
    """Return the requests of a scenario."""
    now = to_ms(CLOCK)
    lines = (
        query.format(
            now=now,
            page=page % (rows // 100) + 1,
            start=now - (page % CONNECTIONS + 1) * WEEK,
            end=now - page % CONNECTIONS * WEEK,
            small=page // CONNECTIONS % 5 + 1,
        )
        for page in range(1, pages + 1)
    )
    head = "GET {} HTTP/1.1\r\nhost: x\r\naccess-token: {}\r\n\r\n"
    return [head.format(line, TOKEN).encode() for line in lines]


def ask(sockets: list[socket.socket], requests: list[bytes]) -> int:
    """Send all requests, one in flight on each socket; return how many rows came."""
    rows = 0
    for place in range(0, len(requests), len(sockets)):
        busy = list(zip(sockets, requests[place:], strict=False))
        for connection, request in busy:
            connection.sendall(request)
        for connection, _ in busy:
            rows += read(connection).count(b'"to_phone"')
    return rows


def read(connection: socket.socket) -> bytes:
    """Read one answer; it must be a page."""
    buffer = bytearray(connection.recv(65_536))
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        buffer += connection.recv(65_536)
    assert buffer.startswith(b"HTTP/1.1 200"), bytes(buffer[:80])
    length = re.search(rb"content-length: (\d+)", buffer)
    assert length
    while len(buffer) < end + 4 + int(length[1]):
        buffer += connection.recv(65_536)
    return bytes(buffer[end + 4 :])


def main() -> None:
    """Run the benchmark and print its table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--messages", type=int, default=1_000_000)
    options.add_argument("--pages", type=int, default=10_000)
    chosen = options.parse_args()
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=serve, args=(chosen.rows, chosen.messages, theirs), daemon=True)
    process.start()
    url, started = pipe.recv()
    print(f"{chosen.rows:,} events and {chosen.messages:,} messages served after {started:.1f} s")
    host, port = url.removeprefix("http://").split(":")
    sockets = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
    for name, query in SCENARIOS.items():
        asked = requests_for(query, chosen.pages, chosen.messages if "insights" in query else chosen.rows)
        pipe.send(1)
        before, _ = pipe.recv()
        began = time.perf_counter()
        got = ask(sockets, asked)
        took = time.perf_counter() - began
        pipe.send(1)
        after, peak = pipe.recv()
        print(
            f"{name:28} {len(asked) / took:7,.0f} pages/s   {len(asked) / (after - before):7,.0f} per core"
            f"   {got / len(asked):5.1f} rows per page   peak {peak:,.0f} MB"
        )
    pipe.send(0)
    process.join()


if __name__ == "__main__":
    main()
