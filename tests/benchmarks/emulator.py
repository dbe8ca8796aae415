"""How many pages a second the emulator answers on one core.

``uv run python tests/benchmarks/emulator.py [--rows N] [--pages N]``

The server runs in a process of its own, the client in this one: plain sockets, kept open, one request under
way on each. "Per core" divides by the server's own CPU seconds, and so does not depend on who else is busy.
"""

import argparse
import multiprocessing
import re
import resource
import socket
import time
from multiprocessing.connection import Connection

from optkit.demo import CLOCK, EVENTS_PER_RECIPIENT, demo_history
from optkit.emulator import Emulator

TOKEN = "benchmark"  # noqa: S105 - opens nothing but this benchmark
CONNECTIONS = 8
SCENARIOS = {
    "one window, page by page": "start_time=0&end_time={now}&per_page=100&page={page}",
    "7-day windows, 8 at once": "start_time={start}&end_time={end}&per_page=100&page={small}",
    "one recipient": "to_phone=%2B12125550100&per_page=100",
}


def serve(rows: int, pipe: Connection) -> None:
    """Serve a made-up history; answer each message with the CPU seconds and peak memory so far."""
    began = time.perf_counter()
    history = demo_history(recipients=round(rows / EVENTS_PER_RECIPIENT))
    made = time.perf_counter()
    with Emulator(history, token=TOKEN, clock=CLOCK) as server:
        pipe.send((server.url, history.height, made - began, time.perf_counter() - made))
        del history
        while pipe.recv():
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            pipe.send((time.process_time(), peak))


def requests_for(query: str, pages: int, rows: int) -> list[bytes]:
    """Return the requests of a scenario."""
    now, week = round(CLOCK.timestamp() * 1000), 7 * 86_400_000
    lines = (
        query.format(
            now=now,
            page=page % (rows // 100) + 1,
            start=now - (page % CONNECTIONS + 1) * week,
            end=now - page % CONNECTIONS * week,
            small=page // CONNECTIONS % 5 + 1,
        )
        for page in range(1, pages + 1)
    )
    head = "GET /api/v2/sms/opt-status.json?{} HTTP/1.1\r\nhost: x\r\naccess-token: {}\r\n\r\n"
    return [head.format(line, TOKEN).encode() for line in lines]


def ask(sockets: list[socket.socket], requests: list[bytes]) -> int:
    """Send all requests, one under way on each socket; return how many rows came."""
    rows = 0
    for place in range(0, len(requests), len(sockets)):
        busy = list(zip(sockets, requests[place:], strict=False))
        for connection, request in busy:
            connection.sendall(request)
        for connection, _ in busy:
            rows += read(connection).count(b'"status"')
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
    options.add_argument("--pages", type=int, default=10_000)
    chosen = options.parse_args()
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=serve, args=(chosen.rows, theirs), daemon=True)
    process.start()
    url, rows, made, started = pipe.recv()
    print(f"{rows:,} rows made in {made:.1f} s, served after {started:.1f} s more")
    host, port = url.removeprefix("http://").split(":")
    sockets = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
    for name, query in SCENARIOS.items():
        asked = requests_for(query, chosen.pages, rows)
        pipe.send(1)
        before, _ = pipe.recv()
        began = time.perf_counter()
        got = ask(sockets, asked)
        took = time.perf_counter() - began
        pipe.send(1)
        after, peak = pipe.recv()
        print(
            f"{name:28} {len(asked) / took:7,.0f} pages/s   {len(asked) / (after - before):7,.0f} per core"
            f"   {got / len(asked):5.1f} rows a page   peak {peak:,.0f} MB"
        )
    pipe.send(0)
    process.join()


if __name__ == "__main__":
    main()
