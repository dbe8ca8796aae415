"""Loads that are killed, and the loads that follow: shared by a test and by a script that does it more often."""

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

import polars as pl
from accounts import distinct, events_of, make_history, make_messages
from children import Child

import optkit
from optkit.emulator import Emulator, Faults, RequestRecord
from optkit.times import to_ms

CLOCK = datetime(2026, 5, 1, tzinfo=UTC)
HISTORY = make_history(4000, days=56)
MESSAGES = make_messages(3000, days=8)


class Dataset(NamedTuple):
    """What is loaded: by which function, in which eight windows, and whether that is all there is."""

    name: str
    call: str
    asked: tuple[str, str]
    is_exact: Callable[[pl.DataFrame], bool]


DATASETS = {
    "events": Dataset(
        "events", "load", ("2026-03-02", "2026-04-27"), lambda loaded: events_of(loaded) == distinct(HISTORY)
    ),
    "messages": Dataset("messages", "load_messages", ("2026-03-10", "2026-03-18"), MESSAGES.equals),
}


def kill_loads(kills: int, cache: Path, seed: int, dataset: str) -> Counter[int]:
    """Kill so many loads of eight windows at random moments, and load again after each.

    Returns
    -------
    Counter
        How many kills found so many windows committed.

    Raises
    ------
    AssertionError
        A load after a kill was not exact, read a window that was committed, or left a file that is not whole.
    """
    chance, loaded = random.Random(seed), DATASETS[dataset]
    found: Counter[int] = Counter()
    with Emulator(HISTORY, MESSAGES, clock=CLOCK, faults=Faults(latency=0.03)) as server:
        optkit.configure(base_url=server.url, token=server.token, cache_dir=cache)
        children = (
            Child(server, cache, f"killed-{number}", loaded.asked, call=loaded.call) for number in count()
        )
        with next(children) as first:
            first.begin()
            began = time.monotonic()
            first.wait()
            longest = time.monotonic() - began
        for child in children:
            with child:
                child.begin()
                time.sleep(chance.random() * longest)
                killed = child.kill()
            if killed:
                found[_load_again(server, child.account, loaded)] += 1
            if found.total() == kills:
                break
    return found


def _load_again(server: Emulator, account: str, dataset: Dataset) -> int:
    """Load what a killed process left undone; return how many windows it had committed."""
    committed = optkit.coverage(account, dataset.name).select("window_start", "window_end").rows()
    assert optkit.verify(account, dataset.name)["ok"].all()
    before = len(server.requests)
    assert dataset.is_exact(getattr(optkit, dataset.call)(*dataset.asked, account=account))
    again = [record.params for record in server.requests[before:] if _touches(record, committed)]
    assert not again, f"read again though committed: {again}"
    assert optkit.verify(account, dataset.name)["ok"].all()
    return len(committed)


def _touches(record: RequestRecord, windows: list[tuple[datetime, datetime]]) -> bool:
    """Return whether a request asks for rows in one of the windows; asking for one entry only asks for the time."""
    if record.params["per_page"] == "1":
        return False
    # a request begins a millisecond early, and its end is the next window's start
    start, end = int(record.params["start_time"]) + 1, int(record.params["end_time"])
    return any(start < to_ms(window[1]) and to_ms(window[0]) < end for window in windows)
