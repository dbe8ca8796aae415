"""What pages say of weeks, on accounts where nothing changes."""

import numpy as np
import polars as pl
import pytest

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


def test_constant_churn_is_constant_with_an_audience_and_unknown_without() -> None:
    history = constant_churn(0.004)
    table = optkit.churn(history, audience=MESSAGED)
    rates = table["churn_rate"].to_numpy()
    assert rates[-4:].mean() / rates[:4].mean() == pytest.approx(1, abs=0.15)
    observed = optkit.churn(history)
    assert observed["churn_rate"].is_null().all()
    assert observed["net_churn_rate"].is_null().all()
    composition = (observed["opt_outs"] / observed["opted_in_start"]).to_numpy()
    assert composition[-5:-1].mean() / composition[:4].mean() > 3, "what it would look like"


def said(weeks: int, pages: int = 300, seed: int = 0) -> list[str]:
    """What is said of the last of so many weeks in which opt-outs are Poisson with the same mean."""
    rng = np.random.default_rng(seed)
    return [
        compare_last(
            pl.DataFrame(
                {
                    "opt_outs": rng.poisson(200, weeks),
                    "churn_rate": pl.Series([None] * weeks, dtype=pl.Float64),
                }
            ),
            "week",
        )
        for _ in range(pages)
    ]


def test_a_week_is_called_unusual_as_often_as_the_sentence_says() -> None:
    assert set(said(12)) == {""}, "eleven weeks before are too few"
    sentences = said(13)
    for word in ("more than", "fewer than"):
        share = np.mean([word in sentence for sentence in sentences])
        assert share == pytest.approx(1 / 13, abs=0.04)
    assert all("in 13" in sentence for sentence in sentences if "than in any" in sentence)
