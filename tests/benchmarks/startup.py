"""What a small load costs in a fresh process, imports and all.

    uv run python tests/benchmarks/startup.py
    uv run python tests/benchmarks/startup.py --runs 31

Two ratios, of medians over runs that take turns, so that a busy machine is busy for all:

* `load()` of one cached week, beside `import polars` and reading the same file with polars;
* the first load of 30,000 rows from a server that takes 50 ms for a request, beside a naive loop.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from loading import START, Case, emulator, run

import optkit

WEEK = (START, START + timedelta(days=7))
#: The load of a week with some 12,500 events.
CACHED = Case(12_500, 7)
COLD = Case(30_000, 28, 0.05)
NAIVE = "naive loop"


def cost(code: str, folder: str) -> tuple[float, float]:
    """Return the wall and CPU seconds of a Python process, from its start to its end."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "OPTKIT_CACHE_DIR": folder, "OPTKIT_ACCOUNT": "bench"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=folder, env=environment)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_cached(runs: int) -> None:
    """Print what it costs to load a cached week."""
    with emulator(CACHED) as (url, token), tempfile.TemporaryDirectory() as folder:
        optkit.configure(base_url=url, token=token, cache_dir=folder, account="bench")
        rows = optkit.load(*WEEK, progress=False).height
        (file,) = Path(folder).rglob("*.parquet")
        where = f"base_url={url!r}, token={token!r}"
        ways = {
            "import polars, read_parquet": f"import polars; assert polars.read_parquet({str(file)!r}).height == {rows}",
            "optkit.load": (
                f"import optkit; optkit.configure({where}); "
                f"assert optkit.load({WEEK[0].isoformat()!r}, {WEEK[1].isoformat()!r}).height == {rows}"
            ),
        }
        costs: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(runs):
            for way, code in ways.items():
                costs[way].append(cost(code, folder))
    print("| one cached week, whole process | wall s | CPU s |")
    print("| --- | ---: | ---: |")
    walls, cpus = zip(*(map(median, zip(*costs[way], strict=True)) for way in ways), strict=True)
    for way, wall, cpu in zip(ways, walls, cpus, strict=True):
        print(f"| {way} | {wall:.3f} | {cpu:.3f} |")
    print(
        f"| ratio (wanted: at most 1.3) | {walls[1] / walls[0]:.2f} | {cpus[1] / cpus[0]:.2f} |", flush=True
    )


def measure_cold(runs: int) -> None:
    """Print what it costs to load some events for the first time."""
    with emulator(COLD) as server:
        seconds = {
            name: median(run(name, server, COLD)["process"] for _ in range(runs))
            for name in (NAIVE, "optkit")
        }
    print(f"| {COLD.rows:,} rows, {COLD.latency * 1000:.0f} ms per request, whole process | wall s |")
    print("| --- | ---: |")
    for name, wall in seconds.items():
        print(f"| {name} | {wall:.2f} |")
    print(f"| ratio (wanted: at least 7) | {seconds[NAIVE] / seconds['optkit']:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    measure_cached(given.runs)
    measure_cold(max(1, given.runs // 5))


if __name__ == "__main__":
    main()
