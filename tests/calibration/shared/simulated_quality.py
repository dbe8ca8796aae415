"""Histories with and without a known fault: which checks find it."""

import numpy as np
import numpy.typing as npt
import polars as pl

import optkit
from optkit.analysis.quality_times import odd_silences

Ints = npt.NDArray[np.int64]

DAYS = 365
DAY = np.arange(DAYS)
WEEK = np.array([1.3, 1.2, 1.2, 1.1, 1.1, 0.6, 0.5])
WORKDAYS = np.array([1.2, 1.2, 1.2, 1.2, 1.2, 0.0, 0.0])
HOUR_MS = 3_600_000
NOW = "2026-07-01"


def steady(rng: np.random.Generator, rate: float) -> Ints:
    return rng.poisson(rate, DAYS)


def weekly(rng: np.random.Generator, rate: float) -> Ints:
    return rng.poisson(rate * WEEK[DAY % 7])


def workdays(rng: np.random.Generator, rate: float) -> Ints:
    return rng.poisson(rate * WORKDAYS[DAY % 7])


def campaigns(rng: np.random.Generator, rate: float, every: int = 14) -> Ints:
    """Events occur on the day of a campaign and the day after, and rarely on other days."""
    share = np.select([DAY % every == 0, DAY % every == 1], [0.7 * every, 0.25 * every], 0.05)
    return rng.poisson(rate * share)


ACCOUNTS = {"steady": steady, "weekly": weekly, "workdays": workdays, "campaigns": campaigns}


def accounts_with_silent_days(pages: int, account: str, rate: float, seed: int = 0) -> float:
    """Share of complete accounts that are reported to have silent days."""
    rng = np.random.default_rng(seed)
    return sum(bool(odd_silences(ACCOUNTS[account](rng, rate), 0)) for _ in range(pages)) / pages


def missing_days_found(pages: int, account: str, rate: float, days: int, seed: int = 0) -> float:
    """Share of accounts without events on the given days from a Wednesday on for which this is reported."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(pages):
        counts = ACCOUNTS[account](rng, rate)
        start = 7 * int(rng.integers(4, 46)) + 2
        counts[start : start + days] = 0
        found += any(place <= start < place + length for length, place in odd_silences(counts, 0))
    return found / pages


def failed(history: pl.DataFrame) -> set[str]:
    checks = optkit.quality(history, now=NOW)
    return set(checks.filter(~pl.col("ok"))["check"])


def with_a_doubled_hour(history: pl.DataFrame, offset: int) -> pl.DataFrame:
    """The events of the busiest hour occur again so many milliseconds later."""
    hours = history["created_at"].dt.truncate("1h")
    busiest = hours.value_counts().sort("count", "created_at")["created_at"][-1]
    again = history.filter(hours == busiest).with_columns(
        pl.col("created_at") + pl.duration(milliseconds=offset)
    )
    return pl.concat([history, again]).sort("created_at")


def with_lost_rows(history: pl.DataFrame, share: float, seed: int = 0) -> pl.DataFrame:
    kept = np.random.default_rng(seed).random(history.height) >= share
    return history.filter(pl.Series(kept))


def with_a_lost_day(history: pl.DataFrame) -> pl.DataFrame:
    days = history["created_at"].dt.date()
    weekday = days.unique().sort().filter(days.unique().sort().dt.weekday() == 3)
    return history.filter(days != weekday[len(weekday) // 2])


def in_seconds(history: pl.DataFrame) -> pl.DataFrame:
    return history.with_columns(pl.col("created_at").dt.truncate("1s"))
