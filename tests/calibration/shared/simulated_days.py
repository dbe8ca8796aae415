"""Days of an account with a known level: how often a page shows a false spike, or misses one."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from optkit.engine.control_chart import Chart, chart

Floats = npt.NDArray[np.float64]

DAYS = 365
DAY = np.arange(DAYS)
#: As `optkit.spikes` has it: a false alarm in one page of ten.
TAIL = 0.1 / DAYS


def drawn(counts: npt.NDArray[np.int64]) -> Chart:
    return chart(counts.astype(np.float64), np.ones(len(counts)), DAY[: len(counts)] % 7, TAIL)


def flat(rate: float) -> Floats:
    return np.full(DAYS, rate)


def fourfold(rate: float) -> Floats:
    """Grows fourfold in the year; `rate` is the mean."""
    level: Floats = np.exp(np.log(4) * DAY / DAYS)
    return np.asarray(level * (rate / level.mean()))


def season(rate: float, phase: float) -> Floats:
    return np.asarray(rate * (1 + 0.3 * np.sin(2 * np.pi * (DAY / DAYS + phase))))


def pages_with_spikes(
    pages: int, level: Callable[[np.random.Generator], Floats], last: int = DAYS, seed: int = 0
) -> float:
    """Share of pages with a spike among their last days although nothing happened."""
    rng = np.random.default_rng(seed)
    return sum(bool((~drawn(rng.poisson(level(rng))).usual[-last:]).any()) for _ in range(pages)) / pages


def found_days(pages: int, rate: float, times: float, day: int | None = None, seed: int = 0) -> float:
    """Share of pages on which a day with `times` the opt-outs is found: `day`, or any."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(pages):
        counts = rng.poisson(flat(rate))
        place = int(rng.integers(DAYS)) if day is None else day
        counts[place] = rng.poisson(rate * times)
        found += int(not drawn(counts).usual[place])
    return found / pages


def marks_per_page(pages: int, lanes: int, seed: int = 0) -> float:
    """Mean number of marks on a page of senders with 0.02 to 200 opt-outs per day, although nothing happened."""
    rng = np.random.default_rng(seed)
    marks = sum(
        int((~drawn(rng.poisson(flat(rate))).usual).sum())
        for _ in range(pages)
        for rate in np.exp(rng.uniform(np.log(0.02), np.log(200), lanes))
    )
    return marks / pages
