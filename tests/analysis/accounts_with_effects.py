"""Accounts of messages and opt-outs with known effects, which the analyses should find."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.history import STATUS
from optkit.times import INSTANT

DAY = 86_400_000
START = 1_767_225_600_000  # Thursday, 2026-01-01

Ints = npt.NDArray[np.int64]


@dataclass
class Plan:
    """What is planted.

    Attributes
    ----------
    seed : int
    people : int
        Each has messages of one sender.
    days : int
    gap : float
        Days between two messages of a person, on average.
    rates : list of float
        Probability of an opt-out within twelve hours, per message of each campaign.
    background : float
        Probability of an opt-out without a message, per day.
    patience : bool
        Some people are four times as likely to leave, and others never do.
    fatigue : float
        Factor of the probability for each message in the seven days before.
    """

    seed: int = 0
    people: int = 1500
    days: int = 120
    gap: float = 8.0
    rates: list[float] = field(default_factory=lambda: [0.01] * 5)
    background: float = 0.001
    patience: bool = False
    fatigue: float = 1.0


@dataclass
class Planted:
    """An account, and how many opt-outs the messages of each campaign caused."""

    history: pl.DataFrame
    messages: pl.DataFrame
    caused: list[int]


def planted(plan: Plan) -> Planted:
    """Draw an account: messages at random times, person by person, until the person leaves for good."""
    rng = np.random.default_rng(plan.seed)
    sent: list[tuple[int, int, int]] = []
    left: list[tuple[int, int]] = []
    caused = [0] * len(plan.rates)
    for person in range(plan.people):
        factor = rng.choice([0.0, 1.0, 4.0], p=[0.4, 0.5, 0.1]) if plan.patience else 1.0
        gap = plan.gap * rng.choice([0.3, 1.0, 1.7])
        out = START + round(rng.exponential(1 / plan.background) * DAY) if plan.background else START + 10**12
        whose = None
        at = START + round(rng.uniform(0, gap) * DAY)
        recent: list[int] = []
        while at < min(out, START + plan.days * DAY):
            at = at // 1000 * 1000
            campaign = int(rng.integers(len(plan.rates)))
            sent.append((person, at, campaign))
            recent = [other for other in recent if other > at - 7 * DAY]
            chance = plan.rates[campaign] * factor * plan.fatigue ** len(recent)
            recent.append(at)
            if rng.random() < chance:
                leaves = at + 1 + round(rng.uniform(0, 0.5) * DAY)
                if leaves < out:
                    out, whose = leaves, campaign
            at += round(rng.exponential(gap) * DAY)
        if out < START + plan.days * DAY:
            left.append((person, out))
            if whose is not None:
                caused[whose] += 1
    return Planted(_history(left), _messages(sent), caused)


def _phone() -> pl.Expr:
    return pl.format("+1202{}", pl.col("person") + 5_550_000)


def _history(left: list[tuple[int, int]]) -> pl.DataFrame:
    frame = pl.DataFrame(left, schema={"person": pl.Int64, "at": pl.Int64}, orient="row")
    return frame.select(
        to_phone=_phone(),
        from_phone=pl.lit("24273"),
        created_at=pl.col("at").cast(INSTANT),
        status=pl.lit("opt-out", STATUS),
    )


def _messages(sent: list[tuple[int, int, int]]) -> pl.DataFrame:
    schema = {"person": pl.Int64, "at": pl.Int64, "campaign_id": pl.Int64}
    return pl.DataFrame(sent, schema=schema, orient="row").select(
        message_id=pl.int_range(pl.len(), dtype=pl.Int64),
        to_phone=_phone(),
        from_phone=pl.lit("24273"),
        sent_at=pl.col("at").cast(INSTANT),
        delivery_status=pl.lit("delivered"),
        failure=pl.lit(None, pl.String),
        campaign_id="campaign_id",
        campaign=pl.format("campaign {}", "campaign_id"),
    )
