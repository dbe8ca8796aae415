"""Measure what loading messages costs: rate, processor time, memory, bytes on disk.

    uv run python tests/benchmarks/load_messages.py
    uv run python tests/benchmarks/load_messages.py --rows 1000000 --latency 0.05

The emulator answers from a process of its own; the load runs in this one. A naive loop fetches a part of the same pages
in the same run, for comparison.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import polars as pl
import requests
from inputs import make_messages

import optkit
import optkit.loading.load_messages
import optkit.loading.session  # a load's time should not be the imports'
from optkit.emulator import Emulator, Faults
from optkit.times import to_ms

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 140
#: Pages that the naive loop fetches, at most.
NAIVE_PAGES = 500


def serve(pipe: Connection, rows: int, latency: float) -> None:
    """Answer until told to stop."""
    messages = make_messages(rows, START, DAYS)
    history = optkit.demo_history(recipients=10)
    clock = START + timedelta(days=DAYS + 10)
    with Emulator(history, messages, clock=clock, faults=Faults(latency=latency)) as server:
        pipe.send((server.url, server.token))
        pipe.recv()


@contextmanager
def serving(rows: int, latency: float) -> Iterator[tuple[str, str]]:
    spawn = get_context("spawn")
    pipe, end = spawn.Pipe()
    process = spawn.Process(target=serve, args=(end, rows, latency), daemon=True)
    process.start()
    try:
        yield pipe.recv()
    finally:
        pipe.send(None)
        process.join()


def load(url: str, token: str, rows: int) -> str:
    """Load all messages; return a row of the table."""
    with tempfile.TemporaryDirectory() as cache:
        optkit.configure(base_url=url, token=token, cache_dir=cache, account="bench")
        began, used = time.perf_counter(), time.process_time()
        frame = optkit.scan_messages(START, START + timedelta(days=DAYS), progress=False)
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
        count = frame.select(pl.len()).collect().item()
        size = sum(path.stat().st_size for path in Path(cache).rglob("*.parquet"))
    if count != rows:
        raise SystemExit(f"loaded {count:,} of {rows:,} messages")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"| optkit | {rows / seconds:,.0f} | {cpu / rows * 1e6:.1f} | {peak:,.0f} | {size / rows:.1f} |"


def naive(url: str, token: str, rows: int) -> str:
    """Fetch pages one after the other with requests; return a row of the table."""
    end = START + timedelta(days=DAYS)
    query = {"start_time": to_ms(START), "end_time": to_ms(end), "per_page": 100, "delivery_channel": "sms"}
    pages = min(NAIVE_PAGES, rows // 100)
    entries: list[dict[str, object]] = []
    began, used = time.perf_counter(), time.process_time()
    for page in range(1, pages + 1):
        answer = requests.get(
            f"{url}/api/v2/campaigns/insights",
            params={**query, "page": page},
            headers={"access-token": token},
            timeout=60,
        )
        entries += answer.json()["entries"]
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    return f"| naive loop | {len(entries) / seconds:,.0f} | {cpu / len(entries) * 1e6:.1f} | | |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--latency", type=float, default=0.0)
    given = parser.parse_args()
    with serving(given.rows, given.latency) as (url, token):
        print("| messages by | messages/s | CPU s per million | peak MB of the process | bytes per message |")
        print("| --- | ---: | ---: | ---: | ---: |", flush=True)
        print(naive(url, token, given.rows), flush=True)
        print(load(url, token, given.rows), flush=True)


if __name__ == "__main__":
    main()
