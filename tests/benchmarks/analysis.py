"""Time the analyses against DuckDB's SQL and pandas, from a Parquet file to the answer.

    python tests/benchmarks/analysis.py --rows 1e7 --repeat 3
    python tests/benchmarks/analysis.py --rows 1e8 --engines optkit duckdb --cases churn return_curve

Every measurement is a process of its own with two threads; its clock runs from the call to the answer, imports
apart; its memory is the process's highest. Engines take turns, so that a busy machine is busy for all; the
table shows medians. Answers of one case must be equal, or the run ends with an error.

The file has text as it comes from elsewhere, zstd-compressed, in no order: about 2.5 events per recipient,
most of them with one sender, ties, repeats, exact duplicates and orphan opt-ins among them.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

THREADS = 2
FOLDER = Path(tempfile.gettempdir()) / "optkit-benchmarks"
ENGINES = ("optkit", "duckdb", "pandas")


def make(rows: int) -> Path:
    """Write the history of so many events, once."""
    path = FOLDER / f"events-{rows}.parquet"
    if path.exists():
        return path
    import polars as pl

    FOLDER.mkdir(exist_ok=True)
    parts = [
        _part(part, min(2_000_000, rows - part * 2_000_000), rows) for part in range(-(-rows // 2_000_000))
    ]
    temporary = path.with_suffix(".tmp")
    pl.concat(parts, how="vertical").sink_parquet(temporary, compression="zstd")
    temporary.rename(path)
    return path


def _part(part: int, rows: int, total: int):  # noqa: ANN202 - polars is imported where it is used
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(part)
    recipient = rng.integers(0, int(total / 2.5), rows)
    home = (recipient * 2_654_435_761 % 2**32 / 2**32) ** 3 * 40  # a few big senders, many small ones
    sender = np.where(rng.random(rows) < 0.85, home, rng.integers(0, 40, rows)).astype(int)
    start, span = 1_672_531_200_000, 730 * 86_400_000
    at = start + rng.integers(0, span // 1000, rows) * 1000 + rng.integers(0, 1000, rows)
    again = (
        rng.random(rows) < 0.01
    )  # the row before once more: a duplicate, or a tie where the status differs
    for values in (recipient, sender, at):
        values[1:][again[1:]] = values[:-1][again[1:]]
    return pl.LazyFrame(
        {"recipient": recipient, "sender": sender, "at": at, "out": rng.random(rows) < 0.6}
    ).select(
        to_phone=pl.format("+1{}", 2_000_000_000 + pl.col("recipient") * 19 % 7_999_999_999),
        from_phone=pl.format("+1800555{}", (pl.col("sender") + 1000).cast(pl.String)),
        created_at=pl.col("at").cast(pl.Datetime("ms", "UTC")),
        status=pl.when("out").then(pl.lit("opt-out")).otherwise(pl.lit("opt-in")),
    )


def run(engine: str, case: str, path: Path, answer: Path) -> None:
    """Answer one case, write the answer, and print seconds and highest memory in GB."""
    if engine == "optkit":
        import in_optkit as module
    elif engine == "duckdb":
        import in_duckdb as module
    else:
        import in_pandas as module
    module.prepare(path, THREADS)
    begin = time.perf_counter()
    result = module.answer(case, path)
    seconds = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    module.comparable(case, result).write_ipc(answer)
    print(json.dumps([seconds, memory]))


def measure(engine: str, case: str, path: Path, answer: Path) -> tuple[float, float]:
    """Run one case in a process of its own."""
    command = [sys.executable, __file__, "--run", engine, case, str(path), str(answer)]
    environment = {**os.environ, "POLARS_MAX_THREADS": str(THREADS), "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def compare(case: str, path: Path, engines: list[str], repeat: int) -> None:
    """Measure one case on all engines and print its row."""
    import polars as pl

    found: dict[str, list[tuple[float, float]]] = {engine: [] for engine in engines}
    answers = {engine: FOLDER / f"answer-{engine}.arrow" for engine in engines}
    for _ in range(repeat):
        for engine in engines:
            found[engine].append(measure(engine, case, path, answers[engine]))
    tables = [pl.read_ipc(answers[engine]) for engine in engines]
    for engine, table in zip(engines, tables, strict=True):
        if not table.equals(tables[0]):
            raise SystemExit(f"{case}: {engine} answers otherwise than {engines[0]}\n{tables[0]}\n{table}")
    seconds = {engine: statistics.median(s for s, _ in found[engine]) for engine in engines}
    memory = {engine: statistics.median(m for _, m in found[engine]) for engine in engines}
    cells = [f"{seconds[engine]:8.2f} s {memory[engine]:5.2f} GB" for engine in engines]
    ratios = [
        f"{seconds[engines[0]] / seconds[engine]:6.2f} {memory[engines[0]] / memory[engine]:6.2f}"
        for engine in engines[1:]
    ]
    print(f"{case:18s}" + " |".join(cells) + " | " + " | ".join(ratios), flush=True)


def main() -> None:
    """Read the command line and print the table."""
    import in_optkit

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=float, default=1e6)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--cases", nargs="+", choices=list(in_optkit.CASES), default=list(in_optkit.CASES))
    parser.add_argument(
        "--run", nargs=4, metavar=("ENGINE", "CASE", "FILE", "ANSWER"), help="(one measurement)"
    )
    arguments = parser.parse_args()
    if arguments.run:
        engine, case, path, answer = arguments.run
        run(engine, case, Path(path), Path(answer))
        return
    path = make(int(arguments.rows))
    print(
        f"{int(arguments.rows):,} events, {path.stat().st_size / 2**20:,.0f} MB; medians of {arguments.repeat}"
    )
    others = " | ".join(f"time, memory / {engine}" for engine in arguments.engines[1:])
    print(f"{'case':18s}" + " | ".join(arguments.engines) + " | " + others)
    for case in arguments.cases:
        compare(case, path, arguments.engines, arguments.repeat)


if __name__ == "__main__":
    main()
