"""Time the analyses of messages against DuckDB's SQL, from two Parquet files to the answer.

    python tests/benchmarks/messages.py --rows 2e7 --repeat 3
    python tests/benchmarks/messages.py --rows 1e8 --engines optkit --cases campaign_rates leaks

Every measurement is a process of its own with two threads; its clock runs from the call to the answer, imports apart;
`--cpu` takes the processor's time of both threads instead, where the machine is busy; its memory is the process's
highest. Engines take turns, so that a busy machine is busy for all; the table shows
medians. Answers of one case must be equal, or the run ends with an error.

The files have text as it comes from elsewhere, zstd-compressed: messages in order of time, as the loader writes them,
20 per recipient over half a year, mostly of one sender; one event for about 65 messages, most of them opt-outs hours
after a message. All numbers are in E.164, which DuckDB takes for granted and optkit checks.
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
ENGINES = ("optkit", "duckdb")
CASES = ("audience", "attribution", "campaign_rates", "opt_out_hazard", "fatigue", "leaks", "list_growth")

START, SPAN = 1_767_225_600_000, 180 * 86_400_000
_PART = 2_000_000


def make(rows: int) -> tuple[Path, Path]:
    """Write messages of so many rows, and the events beside them, once."""
    messages, events = (FOLDER / f"{name}-beside-{rows}.parquet" for name in ("messages", "events"))
    if messages.exists() and events.exists():
        return events, messages
    import polars as pl

    FOLDER.mkdir(exist_ok=True)
    parts = [_messages(low, min(_PART, rows - low), rows) for low in range(0, rows, _PART)]
    pl.concat(parts).sink_parquet(messages, compression="zstd")
    _events(messages, rows).sink_parquet(events, compression="zstd")
    return events, messages


def _messages(low: int, rows: int, total: int):  # noqa: ANN202 - polars is imported where it is used
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(low)
    recipient = rng.integers(0, total // 20, rows)
    home = (recipient * 2_654_435_761 % 2**32 / 2**32) ** 3 * 40  # a few big senders, many small ones
    sender = np.where(rng.random(rows) < 0.85, home, rng.integers(0, 40, rows)).astype(int)
    campaign = sender * 5 + rng.integers(0, 5, rows)
    number = np.arange(low, low + rows)
    sent = START // 1000 + number * (SPAN // 1000) // total
    status = rng.choice(5, rows, p=[0.90, 0.05, 0.03, 0.015, 0.005])
    words = pl.Series(["delivered", "sent", "undelivered", "failed", "skipped"])
    return pl.LazyFrame(
        {"id": number, "recipient": recipient, "sender": sender, "campaign": campaign}
    ).select(
        message_id="id",
        to_phone=pl.format("+1{}", 2_000_000_000 + pl.col("recipient") * 19 % 7_999_999_999),
        from_phone=pl.format("+1800555{}", (pl.col("sender") + 1000).cast(pl.String)),
        sent_at=(pl.Series(sent) * 1000).cast(pl.Datetime("ms", "UTC")),
        delivery_status=words.gather(status),
        failure=pl.Series(status == 3).replace_strict(
            {True: "unsubscribed", False: None}, return_dtype=pl.String
        ),
        campaign_id=pl.col("campaign"),
        campaign=pl.format("Campaign {}", "campaign"),
        execution_id=pl.col("campaign") * 100,
    )


def _events(messages: Path, rows: int):  # noqa: ANN202 - polars is imported where it is used
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(rows)
    chosen = pl.Series(np.sort(rng.choice(rows, rows * 3 // 200, replace=False)))
    hours = pl.Series(rng.exponential(20, len(chosen)))
    out = pl.Series(rng.random(len(chosen)) < 0.85)
    sent = pl.scan_parquet(messages).select("to_phone", "from_phone", "sent_at").collect()[chosen]
    return sent.lazy().select(
        "to_phone",
        "from_phone",
        created_at=(pl.col("sent_at").cast(pl.Int64) + (hours * 3_600_000).cast(pl.Int64)).cast(
            pl.Datetime("ms", "UTC")
        ),
        status=pl.when(pl.lit(out)).then(pl.lit("opt-out")).otherwise(pl.lit("opt-in")),
    )


def run(engine: str, case: str, events: Path, messages: Path, answer: Path, *, cpu: bool) -> None:
    """Answer one case, write the answer, and print seconds and highest memory in GB."""
    if engine == "optkit":
        import messages_in_optkit as module
    else:
        import messages_in_duckdb as module
    module.prepare(events, messages, THREADS)
    clock = time.process_time if cpu else time.perf_counter
    begin = clock()
    result = module.answer(case)
    seconds = clock() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    result.write_ipc(answer)
    print(json.dumps([seconds, memory]))


def measure(
    engine: str, case: str, files: tuple[Path, Path], answer: Path, *, cpu: bool
) -> tuple[float, float]:
    """Run one case in a process of its own."""
    command = [sys.executable, __file__, "--run", engine, case, *map(str, files), str(answer)]
    command += ["--cpu"] if cpu else []
    environment = {**os.environ, "POLARS_MAX_THREADS": str(THREADS), "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def compare(case: str, files: tuple[Path, Path], engines: list[str], repeat: int, *, cpu: bool) -> None:
    """Measure one case on all engines and print its row."""
    import polars as pl

    found: dict[str, list[tuple[float, float]]] = {engine: [] for engine in engines}
    answers = {engine: FOLDER / f"answer-{engine}.arrow" for engine in engines}
    for _ in range(repeat):
        for engine in engines:
            found[engine].append(measure(engine, case, files, answers[engine], cpu=cpu))
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
    print(f"{case:16s}" + " |".join(cells) + " | " + " | ".join(ratios), flush=True)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=float, default=2e6)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cpu", action="store_true", help="processor's time instead of wall time")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument(
        "--run", nargs=5, metavar=("ENGINE", "CASE", "EVENTS", "MESSAGES", "ANSWER"), help="(one measurement)"
    )
    arguments = parser.parse_args()
    if arguments.run:
        engine, case, events, messages, answer = arguments.run
        run(engine, case, Path(events), Path(messages), Path(answer), cpu=arguments.cpu)
        return
    files = make(int(arguments.rows))
    size = sum(path.stat().st_size for path in files) / 2**20
    print(f"{int(arguments.rows):,} messages, {size:,.0f} MB; medians of {arguments.repeat}")
    others = " | ".join(f"time, memory / {engine}" for engine in arguments.engines[1:])
    print(f"{'case':16s}" + " | ".join(arguments.engines) + " | " + others)
    for case in arguments.cases:
        compare(case, files, arguments.engines, arguments.repeat, cpu=arguments.cpu)


if __name__ == "__main__":
    main()
