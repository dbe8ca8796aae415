"""How much of what a server can give a load takes, and how long its requests wait there.

    uv run python tests/benchmarks/concurrency.py
    uv run python tests/benchmarks/concurrency.py --capacities 8 16 --rows 100000

The emulator serves so many requests at once, 60 ms each, in a process of its own. "possible" is what as many plain
connections as it serves at once fetch in the same run on the same machine: that is what the machine can do. One row per
capacity and per answer to too many requests: they wait for their turn, or are refused with 429.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Literal
from urllib.parse import urlencode, urlsplit

from inputs import make_events
from loading import START

import optkit
import optkit.loading.load
import optkit.loading.session  # a load's time should not be the imports'
from optkit.emulator import Emulator, Faults
from optkit.times import to_ms

DAYS = 28
LATENCY = 0.06


def serve(pipe: Connection, rows: int, capacity: int, when_full: Literal["wait", "refuse"]) -> None:
    """Answer; whenever told to, send what the requests since the last time came to."""
    clock = START + timedelta(days=DAYS + 30)
    faults = Faults(latency=LATENCY, capacity=capacity, when_full=when_full, retry_after_form="missing")
    with Emulator(make_events(rows, START, DAYS), clock=clock, faults=faults) as server:
        pipe.send((server.url, server.token))
        seen = 0
        while pipe.recv():
            records, seen = server.requests[seen:], len(server.requests)
            waits = sorted(record.waited for record in records if record.status == 200)
            refused = sum(record.status == 429 for record in records)
            pipe.send((len(waits), waits[int(0.95 * len(waits))], refused / len(records)))


@contextmanager
def serving(
    rows: int, capacity: int, when_full: Literal["wait", "refuse"]
) -> Iterator[tuple[Connection, str, str]]:
    spawn = get_context("spawn")
    pipe, end = spawn.Pipe()
    process = spawn.Process(target=serve, args=(end, rows, capacity, when_full), daemon=True)
    process.start()
    try:
        yield pipe, *pipe.recv()
    finally:
        pipe.send(False)
        process.join()


def fetch_plainly(url: str, token: str, rows: int, connections: int) -> None:
    """Fetch the pages, each connection its share of them, and do nothing with them."""
    query = {"start_time": to_ms(START), "end_time": to_ms(START + timedelta(days=DAYS)), "per_page": 100}

    def read(first: int) -> None:
        connection = HTTPConnection(urlsplit(url).netloc)
        for page in range(first, rows // 100 + 1, connections):
            target = f"/api/v2/sms/opt-status.json?{urlencode({**query, 'page': page})}"
            connection.request("GET", target, headers={"access-token": token})
            connection.getresponse().read()
        connection.close()

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(read, range(1, connections + 1)))


def measure(rows: int, capacity: int, when_full: Literal["wait", "refuse"]) -> str:
    """Return a row of the table."""
    with serving(rows, capacity, when_full) as (pipe, url, token), tempfile.TemporaryDirectory() as cache:
        began = time.perf_counter()
        fetch_plainly(url, token, rows, capacity)
        possible = rows / 100 / (time.perf_counter() - began)
        pipe.send(True)
        pipe.recv()
        optkit.configure(base_url=url, token=token, cache_dir=cache, account="bench")
        began = time.perf_counter()
        optkit.scan(START, START + timedelta(days=DAYS), progress=False)
        seconds = time.perf_counter() - began
        pipe.send(True)
        pages, wait, refused = pipe.recv()
    rate = pages / seconds
    cells = (
        f"{capacity} at once, the rest {when_full}",
        f"{capacity / LATENCY:,.0f}",
        f"{possible:,.0f}",
        f"{rate:,.0f}",
        f"{rate / possible:.2f}",
        f"{wait / LATENCY:.2f}",
        f"{refused:.1%}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--capacities", type=int, nargs="+", default=[4, 8, 16, 32])
    given = parser.parse_args()
    print("| server | in theory, pages/s | possible | optkit | ratio | 95% wait, service times | refused |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for when_full in ("wait", "refuse"):
        for capacity in given.capacities:
            rows = given.rows * capacity // max(given.capacities)
            print(measure(rows, capacity, when_full), flush=True)


if __name__ == "__main__":
    main()
