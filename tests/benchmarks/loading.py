"""Measure what a load costs, beside a naive loop and dlt.

    uv run --group bench python tests/benchmarks/loading.py
    uv run --group bench python tests/benchmarks/loading.py --cases "50 ms, 200,000 rows" --only optkit

The emulator answers from a process of its own; every contender runs in another, one at a time and in turns, so that a
busy machine is busy for all. Seconds, CPU and memory are the contender's, its imports apart. The table shows medians;
machines are noisy: read the ratios.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import NamedTuple

from contenders import CONTENDERS
from inputs import make_events, make_messages

from optkit.emulator import Emulator, Faults
from optkit.times import to_ms

START = datetime(2025, 6, 2, tzinfo=UTC)
OPTKIT = "optkit"
Result = dict[str, float]


class Case(NamedTuple):
    """An account, how slow its server is and how many requests it serves at once, and who reads it how often."""

    rows: int
    days: int
    latency: float = 0.0
    names: tuple[str, ...] = tuple(CONTENDERS)
    once: bool = False
    dataset: str = "events"
    capacity: int | None = None


ONE_BY_ONE = ("naive loop", "dlt rest_api")
CASES = {
    "50 ms, 50,000 rows": Case(50_000, 28, 0.05),
    "50 ms, 200,000 rows": Case(
        200_000, 28, 0.05, names=tuple(name for name in CONTENDERS if name not in ONE_BY_ONE)
    ),
    "50 ms, 8 at once, 100,000 rows": Case(
        100_000, 28, 0.05, names=tuple(name for name in CONTENDERS if name not in ONE_BY_ONE), capacity=8
    ),
    "no latency, 500,000 rows": Case(500_000, 28),
    "a year, 100,000 rows": Case(100_000, 364, names=(OPTKIT,)),
    "a year, 5,000,000 rows": Case(5_000_000, 364, names=(OPTKIT,), once=True),
}


def serve(pipe: Connection, case: Case) -> None:
    """Answer until told to stop."""
    accounts = {
        "events": lambda: (make_events(case.rows, START, case.days),),
        "messages": lambda: (make_events(10, START, case.days), make_messages(case.rows, START, case.days)),
    }
    clock = START + timedelta(days=case.days + 30)
    faults = Faults(latency=case.latency, capacity=case.capacity)
    with Emulator(*accounts[case.dataset](), clock=clock, faults=faults) as server:
        pipe.send((server.url, server.token))
        pipe.recv()


@contextmanager
def emulator(case: Case) -> Iterator[tuple[str, str]]:
    """Run the emulator in a process of its own; give its address and token."""
    spawn = get_context("spawn")
    pipe, end = spawn.Pipe()
    process = spawn.Process(target=serve, args=(end, case), daemon=True)
    process.start()
    try:
        yield pipe.recv()
    finally:
        pipe.send(None)
        process.join()


def run(name: str, server: tuple[str, str], case: Case) -> Result:
    """Let a contender load everything in a process of its own, and see that nothing is missing."""
    period = (to_ms(START), to_ms(START + timedelta(days=case.days)))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(__file__).with_name("contenders.py")
        command = [
            sys.executable,
            script,
            name,
            *server,
            *map(str, period),
            str(case.rows),
            folder,
            case.dataset,
        ]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder).stdout
    result: Result = json.loads(output.splitlines()[-1])
    if result.get("rows", case.rows) != case.rows:
        sys.exit(f"{name} loaded {result['rows']:,} of {case.rows:,} rows")
    return result


def measure(case: Case, only: list[str], repeat: int) -> dict[str, Result]:
    """Return the medians of each contender."""
    names = [name for name in case.names if name in only]
    results: dict[str, list[Result]] = {name: [] for name in names}
    with emulator(case) as server:
        for _ in range(1 if case.once else repeat):
            for name in names:
                results[name].append(run(name, server, case))
    return {
        name: {figure: median(result[figure] for result in them) for figure in them[0]}
        for name, them in results.items()
    }


def show(title: str, case: Case, medians: dict[str, Result]) -> None:
    """Print one table row a contender."""
    own = medians.get(OPTKIT)
    if case.capacity and own:
        best = case.capacity * 100 / case.latency
        ratio = case.rows / own["seconds"] / best
        print(
            f"| {title} | the server's limit: {case.capacity} * 100 / latency | {best:,.0f} | | | {ratio:.2f} | |"
        )
    for name, found in medians.items():
        ratios = [f"{found[kind] / own[kind]:.2f}" if own else "" for kind in ("seconds", "process")]
        rate, cpu = case.rows / found["seconds"], found["cpu"] / case.rows * 1e6
        cells = (title, name, f"{rate:,.0f}", f"{cpu:.1f}", f"{found['memory']:.0f}", *ratios)
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    given = parser.parse_args()
    heads = ("load", "by", "rows/s", "CPU s per million rows", "peak MB beyond imports")
    ratios = ("optkit's rate is … times", "with start and imports")
    print(f"| {' | '.join(heads + ratios)} |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for title in given.cases:
        show(title, CASES[title], measure(CASES[title], given.only, given.repeat))


if __name__ == "__main__":
    main()
