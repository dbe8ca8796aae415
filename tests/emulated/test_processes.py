from contextlib import ExitStack
from pathlib import Path

import polars as pl
from accounts import CLOCK, distinct, events_of, make_history
from children import Child

import optkit
from optkit.emulator import Emulator, Faults

ASKED = ("2026-03-02", "2026-03-16")
HISTORY = make_history(1000)
#: Every so many requests, not by chance: the same page is never hit as often as would make its load give up.
FAULTS = Faults(errors=7, resets=8, truncated=9, rate_limit=30, retry_after=1)


def test_four_processes_on_a_cold_cache_under_faults_are_exact_each(tmp_path: Path) -> None:
    outputs = [tmp_path / f"{number}.parquet" for number in range(4)]
    cache = tmp_path / "cache"
    with Emulator(HISTORY, clock=CLOCK, faults=FAULTS) as server, ExitStack() as stack:
        children = [stack.enter_context(Child(server, cache, "shared", ASKED, output)) for output in outputs]
        for child in children:
            child.begin()
        for child in children:
            child.wait()
        assert {record.fault for record in server.requests} >= {"errors", "resets", "truncated", "rate_limit"}
    for output in outputs:
        assert events_of(pl.read_parquet(output)) == distinct(HISTORY)
    optkit.configure(cache_dir=cache)
    assert optkit.verify("shared")["ok"].all()
    assert optkit.coverage("shared")["rows"].sum() == len(distinct(HISTORY))
