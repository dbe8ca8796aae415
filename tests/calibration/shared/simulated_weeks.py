"""Weeks of accounts without changes: what pages say about the last one, and how a rate rises by itself."""

import numpy as np
import polars as pl

import optkit
from optkit.display.headlines.churn import compare_last
from optkit.history import STATUS
from optkit.times import INSTANT

WEEK_MS = 7 * 86_400_000
MONDAY = 1_735_516_800_000  # 2024-12-30
MESSAGED = 40_000
WEEKS = 52


def constant_churn(weekly: float, seed: int = 0) -> pl.DataFrame:
    """Each week the same share of those still opted in opts out, for good."""
    rng = np.random.default_rng(seed)
    week = rng.geometric(weekly, MESSAGED) - 1 + rng.random(MESSAGED)
    left = np.sort(week[week < WEEKS])
    return pl.DataFrame(
        {
            "to_phone": [f"+1{number:010}" for number in range(len(left))],
            "from_phone": ["A"] * len(left),
            "created_at": (MONDAY + left * WEEK_MS).astype(np.int64),
            "status": ["opt-out"] * len(left),
        }
    ).cast({"created_at": INSTANT, "status": STATUS})


def growth_of_constant_churn() -> tuple[float, float]:
    """Mean rate of the last four whole weeks over that of the first four: with an audience, and of those seen."""
    history = constant_churn(0.004)
    rates = optkit.churn(history, audience=MESSAGED)["churn_rate"].to_numpy()
    observed = optkit.churn(history)
    of_those_seen = (observed["opt_outs"] / observed["opted_in_start"]).to_numpy()
    growth, growth_seen = (
        float(values[-5:-1].mean() / values[:4].mean()) for values in (rates, of_those_seen)
    )
    return growth, growth_seen


def said(weeks: int, pages: int = 300, seed: int = 0) -> list[str]:
    """What a page says about the last of some weeks with Poisson opt-outs of the same mean."""
    rng = np.random.default_rng(seed)
    nothing = pl.Series([None] * weeks, dtype=pl.Float64)
    return [
        compare_last(pl.DataFrame({"opt_outs": rng.poisson(200, weeks), "churn_rate": nothing}))
        for _ in range(pages)
    ]


def said_unusual(pages: int) -> tuple[float, float]:
    """Shares of pages whose last week is said to be the highest, and the lowest, of 13."""
    sentences = said(13, pages)
    more, fewer = (
        sum(word in sentence for sentence in sentences) / pages for word in ("more than", "fewer than")
    )
    return more, fewer
