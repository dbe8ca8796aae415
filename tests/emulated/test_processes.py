"""Several processes in one cache folder."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import polars as pl
from accounts import CLOCK, START, distinct, events_of, make_history
from children import Child

import optkit
from optkit.emulator import Emulator, Faults

ASKED = ("2026-03-02", "2026-03-16")
HISTORY = make_history(1000)
#: The order of four processes' requests is chance, and six faults in a row at one page would end a load: so there are
#: few enough for that, and each kind still hits several requests.
FAULTS = Faults(errors=11, resets=13, truncated=17, rate_limit=8, retry_after=1)


def test_four_processes_on_a_cold_cache_under_faults_are_each_exact(tmp_path: Path) -> None:
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


def test_four_processes_on_a_cold_cache_of_many_windows_are_each_exact(tmp_path: Path) -> None:
    days = 497
    history = make_history(2000, days=days)
    end = f"{START + timedelta(days=days):%Y-%m-%d}"
    outputs = [tmp_path / f"{number}.parquet" for number in range(4)]
    clock = START + timedelta(days=days + 30)
    with Emulator(history, clock=clock) as server, ExitStack() as stack:
        asked = (f"{START:%Y-%m-%d}", end)
        children = [
            stack.enter_context(Child(server, tmp_path / "cache", "shared", asked, output))
            for output in outputs
        ]
        for child in children:
            child.begin()
        for child in children:
            child.wait()
    for output in outputs:
        assert events_of(pl.read_parquet(output)) == distinct(history)


def test_a_load_goes_on_after_a_long_pause_while_others_use_the_folder(tmp_path: Path) -> None:
    cache, output = tmp_path / "cache", tmp_path / "loaded.parquet"
    with (
        Emulator(HISTORY, clock=CLOCK, faults=Faults(latency=0.2)) as server,
        Child(server, cache, "shared", ASKED, output) as child,
    ):
        child.begin()
        while len(server.requests) < 6:  # it has asked for the clock and both first pages, and goes on
            time.sleep(0.01)
        child.pause()
        for path in (cache / "shared").glob(".*"):
            os.utime(path, (time.time() - 86_400,) * 2)  # as after a night
        optkit.configure(base_url=server.url, token=server.token, cache_dir=cache, account="shared")
        optkit.load("2026-03-16", "2026-03-23")
        child.resume()
        child.wait()
    assert events_of(pl.read_parquet(output)) == distinct(HISTORY)


def test_a_load_while_the_cache_is_cleared_is_exact_or_a_cache_error(
    connect: Callable[[Emulator], None],
) -> None:
    with Emulator(HISTORY, clock=CLOCK) as server:
        connect(server)
        stopped = threading.Event()

        def clear() -> None:
            while not stopped.wait(0.02):
                optkit.clear("2026-03-02", "2026-03-16")

        clearing = threading.Thread(target=clear)
        clearing.start()
        try:
            for _ in range(20):
                with contextlib.suppress(optkit.CacheError):
                    assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)
        finally:
            stopped.set()
            clearing.join()
        assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)
