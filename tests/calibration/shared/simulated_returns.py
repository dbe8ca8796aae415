"""Accounts of people with known behaviour: what a page says about their returns."""

import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

import optkit
from optkit.analysis.return_differences import return_differences
from optkit.engine.statistics import kaplan_meier
from optkit.history import STATUS
from optkit.times import INSTANT

Floats = npt.NDArray[np.float64]

YEAR = 365.0
DELAY = 20.0  # mean days until somebody comes back who does
DAY_MS = 86_400_000


class Curve(NamedTuple):
    share: float
    low: float
    high: float


def spells(rng: np.random.Generator, count: int, returning: float) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Observed length of opt-outs spread over a year, and whether they ended; most never do."""
    observed = rng.uniform(0, YEAR, count)
    back = np.where(rng.random(count) < returning, rng.exponential(DELAY, count), np.inf)
    return np.minimum(observed, back), back <= observed


def curve(lengths: Floats, ended: npt.NDArray[np.bool_], **columns: str) -> pl.DataFrame:
    """The result of `optkit.return_curve`."""
    days = np.unique(lengths)
    place = np.searchsorted(days, lengths)
    returned = np.bincount(place, ended, len(days)).astype(np.int64)
    censored = np.bincount(place, ~ended, len(days)).astype(np.int64)
    estimate = kaplan_meier(returned, censored)
    return pl.DataFrame(
        {
            **{name: [value] * len(days) for name, value in columns.items()},
            "days": days,
            "at_risk": estimate.at_risk,
            "returned": returned,
            "censored": censored,
            "still_out": estimate.still_out,
            "low": estimate.low,
            "high": estimate.high,
        }
    )


def coverage(pages: int, count: int, returning: float, day: float = 90, seed: int = 0) -> tuple[float, float]:
    """Share of intervals at a day that contain the true value, and share without a width."""
    rng = np.random.default_rng(seed)
    truth = returning * (1 - math.exp(-day / DELAY))
    held = flat = 0
    for _ in range(pages):
        rows = curve(*spells(rng, count, returning)).filter(pl.col("days") <= day).tail(1)
        low, high = 1 - rows["high"].item(), 1 - rows["low"].item()
        held += int(low <= truth <= high)
        flat += int(low == high)
    return held / pages, flat / pages


def equal_countries_said_to_differ(pages: int, countries: int, p_value: float, seed: int = 0) -> float:
    """Share of pages on which equal countries are said to differ."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(pages):
        sizes = np.maximum(30, rng.lognormal(np.log(200), 1, countries)).astype(int)
        curves = [curve(*spells(rng, size, 0.25), country=f"C{number}") for number, size in enumerate(sizes)]
        found += int(return_differences(pl.concat(curves)).p_value < p_value)
    return found / pages


def cycles_observed(days: int, pairs: int = 4_000, seed: int = 0) -> dict[str, float]:
    """The one row of `optkit.cycles` of an account that is observed so long; people behave the same in each.

    Half of those who opt out come back, after 3 days on average; 40 % of these leave again, after 20.
    """
    rng = np.random.default_rng(seed)
    out = rng.uniform(0, days, pairs)
    back = out + np.where(rng.random(pairs) < 0.5, rng.exponential(3, pairs), np.inf)
    again = back + np.where(rng.random(pairs) < 0.4, rng.exponential(20, pairs), np.inf)
    moments = np.concatenate([out, back, again])
    kept = moments < days
    phones = [f"+1{number:010}" for number in range(pairs)] * 3
    status = ["opt-out"] * pairs + ["opt-in"] * pairs + ["opt-out"] * pairs
    history = pl.DataFrame(
        {
            "to_phone": pl.Series(phones).filter(pl.Series(kept)),
            "from_phone": pl.Series(["A"] * int(kept.sum())),
            "created_at": (moments[kept] * DAY_MS).astype(np.int64),
            "status": pl.Series(status).filter(pl.Series(kept)),
        }
    ).cast({"created_at": INSTANT, "status": STATUS})
    return optkit.cycles(history).row(0, named=True)


def truth_of_relapses(days: int) -> float:
    """Share of returns that `cycles_observed` makes relapse within so many days."""
    return 0.4 * (1 - math.exp(-days / 20))


def coverage_of_restless_people(pages: int, people: int = 60, day: float = 30, seed: int = 0) -> float:
    """Share of intervals that contain the true value if some people come and go repeatedly, and others never do.

    Each is observed for up to a year, and comes back from an opt-out within 3 days on average with a chance of their
    own: a quarter nearly always, the others hardly ever. Who came back opts out again 10 days later on average. The
    truth is the share of returns among the opt-outs of very many such people.
    """
    rng = np.random.default_rng(seed)
    truth, *_ = _by_day(_restless(rng, 20_000), day)
    held = 0
    for _ in range(pages):
        _, low, high = _by_day(_restless(rng, people), day)
        held += int(low <= truth <= high)
    return held / pages


def _restless(rng: np.random.Generator, people: int) -> pl.DataFrame:
    events = []
    for person, chance in enumerate(np.where(rng.random(people) < 0.25, 0.9, 0.05)):
        now = rng.uniform(0, YEAR)
        while now < YEAR:
            events.append((person, now, "opt-out"))
            now += rng.exponential(3) if rng.random() < chance else math.inf
            if now < YEAR:
                events.append((person, now, "opt-in"))
            now += rng.exponential(10)
    numbers, days, status = zip(*events, strict=True)
    return pl.DataFrame(
        {
            "to_phone": [f"+1{number:010}" for number in numbers],
            "from_phone": ["A"] * len(events),
            "created_at": [int(when * DAY_MS) for when in days],
            "status": status,
        }
    ).cast({"created_at": INSTANT, "status": STATUS})


def _by_day(history: pl.DataFrame, day: float) -> tuple[float, float, float]:
    until = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=YEAR)
    row = optkit.return_curve(history, until=until).filter(pl.col("days") <= day).tail(1)
    return 1 - row["still_out"].item(), 1 - row["high"].item(), 1 - row["low"].item()
