"""Time the analyses of messages against DuckDB's SQL, pandas and Spark's SQL, from two Parquet files to the answer.

    python tests/benchmarks/messages.py --rows 2e7 --repeat 3
    python tests/benchmarks/messages.py --rows 1e8 --engines optkit --cases campaign_rates leaks
    python tests/benchmarks/messages.py --rows 2e6 --engines spark spark_sql --cases campaign_rates leaks

Every measurement is a process of its own with two threads; its clock runs from the call to the answer, imports apart;
`--cpu` takes the processor's time of both threads instead, where the machine is busy; its memory is the process's
highest. For `spark` (optkit on Spark frames) and `spark_sql` only the clock counts, without `--cpu`: most of the time
and memory are other processes'. Engines take turns, so that a busy machine is busy for all; the table shows
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
from importlib import import_module
from pathlib import Path

THREADS = 2
FOLDER = Path(tempfile.gettempdir()) / "optkit-benchmarks"
ENGINES = ("optkit", "duckdb", "pandas", "spark", "spark_sql")
CASES = ("audience", "attribution", "campaign_rates", "opt_out_hazard", "fatigue", "leaks", "list_growth")

#: The cases of engines that do not have all.
SOME = {
    "pandas": ("audience", "attribution", "campaign_rates", "leaks", "list_growth"),
    "spark": ("campaign_rates", "leaks"),
    "spark_sql": ("campaign_rates", "leaks"),
}

START, SPAN = 1_767_225_600_000, 180 * 86_400_000
_PART = 2_000_000


def make(rows: int) -> tuple[Path, Path]:
    """Write messages of so many rows, and the events beside them, once."""
    messages, events = (FOLDER / f"{name}-beside-{rows}.parquet" for name in ("messages", "events"))
    if messages.exists() and events.exists():
        return events, messages
    import polars as pl
    import pyarrow.parquet as pq

    FOLDER.mkdir(exist_ok=True)
    found = []
    sizes = [(low, min(_PART, rows - low)) for low in range(0, rows, _PART)]
    schema = _messages(0, 1, rows).to_arrow().schema
    with pq.ParquetWriter(messages, schema, compression="zstd") as file:
        for low, size in sizes:
            part = _messages(low, size, rows)
            file.write_table(part.to_arrow(), row_group_size=2**18)
            found.append(_events(part, seed=rows + low))
    pl.concat(found).sort("created_at").write_parquet(events, compression="zstd")
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
    return pl.DataFrame(
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


def _events(messages, seed: int):  # noqa: ANN001, ANN202 - polars is imported where it is used
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(seed)
    rows = len(messages)
    sent = messages[np.sort(rng.choice(rows, rows * 3 // 200, replace=False))]
    hours = pl.Series(rng.exponential(20, len(sent)))
    out = pl.Series(rng.random(len(sent)) < 0.85)
    return sent.select(
        "to_phone",
        "from_phone",
        created_at=(pl.col("sent_at").cast(pl.Int64) + (hours * 3_600_000).cast(pl.Int64)).cast(
            pl.Datetime("ms", "UTC")
        ),
        status=pl.when(pl.lit(out)).then(pl.lit("opt-out")).otherwise(pl.lit("opt-in")),
    )


def run(engine: str, case: str, events: Path, messages: Path, answer: Path, *, cpu: bool) -> None:
    """Answer one case, write the answer, and print seconds and highest memory in GB."""
    module = import_module(f"messages_in_{engine}")
    module.prepare(case, events, messages, THREADS)
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

    able = [engine for engine in engines if case in SOME.get(engine, CASES)]
    found: dict[str, list[tuple[float, float]]] = {engine: [] for engine in able}
    answers = {engine: FOLDER / f"answer-{engine}.arrow" for engine in able}
    for _ in range(repeat):
        for engine in able:
            found[engine].append(measure(engine, case, files, answers[engine], cpu=cpu))
    tables = [pl.read_ipc(answers[engine]) for engine in able]
    for engine, table in zip(able, tables, strict=True):
        if not table.equals(tables[0]):
            raise SystemExit(f"{case}: {engine} answers otherwise than {able[0]}\n{tables[0]}\n{table}")
    medians = {
        engine: [statistics.median(values) for values in zip(*found[engine], strict=True)] for engine in able
    }
    cells = [_cell(medians.get(engine)) for engine in engines]
    ratios = [_ratio(medians.get(engines[0]), medians.get(engine)) for engine in engines[1:]]
    print(f"{case:16s}" + " |".join(cells) + " | " + " | ".join(ratios), flush=True)


def _cell(measured: list[float] | None) -> str:
    return f"{measured[0]:8.2f} s {measured[1]:5.2f} GB" if measured else " " * 19


def _ratio(measured: list[float] | None, other: list[float] | None) -> str:
    if not measured or not other:
        return " " * 13
    return f"{measured[0] / other[0]:6.2f} {measured[1] / other[1]:6.2f}"


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
