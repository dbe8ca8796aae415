"""Loads that are killed, and the loads that follow: shared by a test and by a script that does it more often."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from accounts import distinct, events_of, make_history
from children import Child

import optkit
from optkit.emulator import Emulator, Faults, RequestRecord
from optkit.times import to_ms

ASKED = ("2026-03-02", "2026-04-27")
CLOCK = datetime(2026, 5, 1, tzinfo=UTC)
HISTORY = make_history(4000, days=56)


def kill_loads(kills: int, cache: Path, seed: int) -> Counter[int]:
    """Kill so many loads of eight weeks at random moments, and load again after each.

    Returns
    -------
    Counter
        How many kills found so many windows committed.

    Raises
    ------
    AssertionError
        A load after a kill was not exact, read a window that was committed, or left a file that is not whole.
    """
    chance = random.Random(seed)
    found: Counter[int] = Counter()
    with Emulator(HISTORY, clock=CLOCK, faults=Faults(latency=0.03)) as server:
        optkit.configure(base_url=server.url, token=server.token, cache_dir=cache)
        children = (Child(server, cache, f"killed-{number}", ASKED) for number in count())
        with next(children) as first:
            first.begin()
            began = time.monotonic()
            first.wait()
            longest = time.monotonic() - began
        for child in _prepared(children):
            with child:
                child.begin()
                time.sleep(chance.random() * longest)
                killed = child.kill()
            if killed:
                found[_load_again(server, child.account)] += 1
            if found.total() == kills:
                break
    return found


def _prepared(children: Iterator[Child]) -> Iterator[Child]:
    """Give one child after the other, the next one already on its way."""
    following = next(children)
    try:
        for child in children:
            current, following = following, child
            yield current
    finally:
        following.kill()


def _load_again(server: Emulator, account: str) -> int:
    """Load what a killed process left undone; return how many windows it had committed."""
    committed = optkit.coverage(account).select("window_start", "window_end").rows()
    assert optkit.verify(account)["ok"].all()
    before = len(server.requests)
    loaded = optkit.load(*ASKED, account=account)
    assert events_of(loaded) == distinct(HISTORY)
    again = [record.params for record in server.requests[before:] if _touches(record, committed)]
    assert not again, f"read again though committed: {again}"
    assert optkit.verify(account)["ok"].all()
    return len(committed)


def _touches(record: RequestRecord, windows: list[tuple[datetime, datetime]]) -> bool:
    """Return whether a request asks for events in one of the windows; asking for one entry only asks for the time."""
    if record.params["per_page"] == "1":
        return False
    # a request begins a millisecond early, and its end is the next window's start
    start, end = int(record.params["start_time"]) + 1, int(record.params["end_time"])
    return any(start < to_ms(window[1]) and to_ms(window[0]) < end for window in windows)
