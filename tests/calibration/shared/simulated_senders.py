"""Accounts of senders with known rates: how often a page says something false, or misses something true."""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import stats

from optkit.display import headlines
from optkit.engine.funnel import funnel_limits, homogeneity

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RATE = 0.02
SIZE = 5_000  # median recipients of a sender


def sizes(rng: np.random.Generator, senders: int) -> Ints:
    return np.maximum(50, rng.lognormal(np.log(SIZE), 1, senders)).astype(np.int64)


def rates(rng: np.random.Generator, senders: int, cv: float, law: str) -> Floats:
    """True rates with a mean of `RATE` and a coefficient of variation of `cv`."""
    if cv == 0:
        return np.full(senders, RATE)
    if law == "gamma":
        return np.minimum(0.9, rng.gamma(1 / cv**2, RATE * cv**2, senders))
    sigma = np.sqrt(np.log(1 + cv**2))
    return np.minimum(0.9, rng.lognormal(np.log(RATE) - sigma**2 / 2, sigma, senders))


def outside(k: Ints, n: Ints) -> npt.NDArray[np.bool_]:
    low, high = funnel_limits(k, n)
    return (k / n < low) | (k / n > high)


def pages_with_false_alarms(pages: int, senders: int, cv: float, law: str, seed: int = 0) -> float:
    """Share of pages on which a sender is said to differ although all are usual."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(pages):
        n = sizes(rng, senders)
        found += int(outside(rng.binomial(n, rates(rng, senders, cv, law)), n).any())
    return found / pages


def found_bad_sender(
    pages: int, senders: int, cv: float, times: float, *, half: bool = False, seed: int = 0
) -> float:
    """Share of pages on which a sender with `times` the rate is found; it has 5,000 recipients, or half of all."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(pages):
        n, true = sizes(rng, senders), rates(rng, senders, cv, "gamma")
        n[0], true[0] = (n[1:].sum() if half else SIZE), RATE * times
        k = rng.binomial(n, true)
        found += int(k[0] / n[0] > funnel_limits(k, n).high[0])
    return found / pages


def said_to_differ(pages: int, senders: int, times: float, p_value: float, seed: int = 0) -> float:
    """Share of pages of few senders that are said to differ; one has half of all recipients and `times` the rate."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(pages):
        n, true = sizes(rng, senders), np.full(senders, RATE)
        n[0], true[0] = n[1:].sum(), RATE * times
        found += int(homogeneity(rng.binomial(n, true), n) < p_value)
    return found / pages


def order_called_chance_although_rejected(pages: int, seed: int = 0) -> float:
    """Share of pages of nine different senders that call their order chance although chi-square rejects it."""
    rng = np.random.default_rng(seed)
    names = [f"S{number}" for number in range(9)]
    wrong = 0
    for _ in range(pages):
        n = sizes(rng, 9)
        k = rng.binomial(n, rates(rng, 9, 0.3, "gamma"))
        history = {"from_phone": names, "ever_opted_out": k, "n": n}
        low, high = np.full((2, 9), 0.0)
        table = pl.DataFrame(history).with_columns(
            rate=k / n, low=low, high=high, signal=pl.lit("usual"), denominator=pl.lit("audience")
        )
        rejected = stats.chi2_contingency([k, n - k], correction=False).pvalue < 0.01
        wrong += int(rejected and "may be chance" in headlines.opt_out_rates(table))
    return wrong / pages
