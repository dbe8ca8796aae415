"""Against scipy, lifelines and formulas written out in plain Python."""

import math
import statistics as stdlib

import lifelines.datasets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from scipy import stats

from optkit.engine import statistics

Z = 3.090232306167813  # 99.8 %, two-sided


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(0, 40, 0.0, 0.0876), (1, 300, 0.0006, 0.0186), (12, 1000, 0.0069, 0.0209)]
)
def test_wilson_gives_the_published_intervals(k: int, n: int, low: float, high: float) -> None:
    found = statistics.wilson(k, n)
    assert float(found.low) == pytest.approx(low, abs=5e-5)
    assert float(found.high) == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.998]))
def test_wilson_is_scipys(n: int, share: float, confidence: float) -> None:
    k = round(share * n)
    found = statistics.wilson([k], [n], confidence)
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert found.low[0] == pytest.approx(expected.low, abs=1e-12)
    assert found.high[0] == pytest.approx(expected.high, abs=1e-12)


def test_no_denominator_no_interval() -> None:
    found = statistics.wilson([0], [0])
    assert np.isnan([found.low[0], found.high[0]]).all()
    assert np.isnan(statistics.fit_funnel([0], [0]).limits([0]).low).all()
    assert np.isnan(statistics.shrink([0], [0])).all()


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        statistics.wilson([1], [2], confidence)


def test_a_count_is_no_more_than_its_denominator() -> None:
    with pytest.raises(ValueError, match="between 0 and its denominator"):
        statistics.shrink([3], [2])


def test_shrinkage_uses_the_most_likely_beta() -> None:
    k, n = np.array([3, 40, 8, 60, 11]), np.array([50, 400, 300, 900, 90])
    shrunk = statistics.shrink(k, n)
    # two of its values give the fitted beta back: shrunk * (n + size) = k + a
    size = (k[0] - k[1] - shrunk[0] * n[0] + shrunk[1] * n[1]) / (shrunk[0] - shrunk[1])
    a = shrunk[0] * (n[0] + size) - k[0]

    def likelihood(a: float, b: float) -> float:
        return float(np.sum(stats.betabinom.logpmf(k, n, a, b)))

    best = likelihood(a, size - a)
    around = [likelihood(a * x, (size - a) * y) for x in (0.99, 1, 1.01) for y in (0.99, 1, 1.01)]
    grid = [
        likelihood(m * s, (1 - m) * s) for m in np.linspace(0.01, 0.5, 50) for s in np.geomspace(1, 1e4, 50)
    ]
    assert best >= max(around + grid) - 1e-9


@pytest.mark.parametrize(
    ("k", "n"), [([5, 10], [100, 200]), ([0, 0], [10, 20]), ([10, 20], [10, 20]), ([7], [9])]
)
def test_groups_that_agree_get_the_overall_proportion(k: list[int], n: list[int]) -> None:
    assert statistics.shrink(k, n).tolist() == [sum(k) / sum(n)] * len(k)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12))
def test_shrinking_moves_each_group_towards_the_others(counts: list[tuple[int, int]]) -> None:
    k, rest = np.array(counts).T
    n = k + rest
    if n.sum() == 0:
        return
    shrunk = statistics.shrink(k, n)
    assert ((shrunk >= 0) & (shrunk <= 1)).all()
    raw = k[n > 0] / n[n > 0]
    assert (shrunk >= raw.min() - 1e-9).all()
    assert (shrunk <= raw.max() + 1e-9).all()


def _quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = ordered[math.floor(place)]
    return low + (place % 1) * (ordered[math.ceil(place)] - low)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 5000)), min_size=2, max_size=15))
def test_the_funnel_is_spiegelhalters(counts: list[tuple[int, int]]) -> None:
    target = sum(k for k, _ in counts) / sum(n for _, n in counts)
    middle = math.asin(math.sqrt(target))
    z = [2 * math.sqrt(n) * (math.asin(math.sqrt(k / n)) - middle) for k, n in counts]
    drawn_in = [min(max(value, _quantile(z, 0.1)), _quantile(z, 0.9)) for value in z]
    weights = [4 * n for _, n in counts]
    phi = stdlib.mean(value**2 for value in drawn_in)
    size = len(counts)
    tau2 = (size * phi - (size - 1)) / (sum(weights) - sum(w**2 for w in weights) / sum(weights))
    funnel = statistics.fit_funnel(*zip(*counts, strict=True))
    assert funnel.target == pytest.approx(target)
    assert funnel.between == pytest.approx(max(0, tau2), abs=1e-12)
    n = counts[0][1]
    width = Z * math.sqrt(1 / (4 * n) + max(0, tau2))
    low, high = funnel.limits([n])
    assert low[0] == pytest.approx(math.sin(max(0.0, middle - width)) ** 2, abs=1e-9)
    assert high[0] == pytest.approx(math.sin(min(math.pi / 2, middle + width)) ** 2, abs=1e-9)


def test_a_funnel_keeps_its_promise_on_groups_alike() -> None:
    rng = np.random.default_rng(0)
    outside = 0
    for _ in range(200):
        n = rng.integers(200, 20_000, 30)
        k = rng.binomial(n, 0.02)
        low, high = statistics.fit_funnel(k, n).limits(n)
        outside += int(((k / n < low) | (k / n > high)).sum())
    assert outside / 6000 < 0.006


def test_one_bad_group_stands_out_and_groups_that_all_differ_do_not() -> None:
    n = np.full(12, 4000)
    bad = np.array([80, 85, 78, 90, 83, 79, 81, 88, 76, 84, 80, 400])
    assert (bad / n > statistics.fit_funnel(bad, n).limits(n).high).tolist() == [False] * 11 + [True]
    wild = np.array([20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220, 240])
    low, high = statistics.fit_funnel(wild, n).limits(n)
    assert ((wild / n >= low) & (wild / n <= high)).all()


@pytest.mark.parametrize("name", ["waltons", "leukemia", "lung", "gbsg2", "kidney_transplant"])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_kaplan_meier_is_lifelines(name: str, confidence: float) -> None:
    durations, events = DATA[name]()
    fitted = KaplanMeierFitter(alpha=1 - confidence).fit(durations, events)
    table = fitted.event_table[fitted.event_table["removed"] > 0]
    found = statistics.kaplan_meier(table["observed"], table["censored"], confidence)
    assert found.at_risk.tolist() == table["at_risk"].tolist()
    times = table.index
    np.testing.assert_allclose(found.still_out, fitted.predict(times), atol=1e-12)
    low, high = fitted.confidence_interval_.loc[times].to_numpy().T
    np.testing.assert_allclose(found.low, low, atol=1e-9)
    np.testing.assert_allclose(found.high, high, atol=1e-9)


DATA = {
    "waltons": lambda: lifelines.datasets.load_waltons()[["T", "E"]].to_numpy().T,
    "leukemia": lambda: lifelines.datasets.load_leukemia()[["t", "status"]].to_numpy().T,
    "lung": lambda: lifelines.datasets.load_lung()[["time", "status"]].to_numpy().T,
    "gbsg2": lambda: lifelines.datasets.load_gbsg2()[["time", "cens"]].to_numpy().T,
    "kidney_transplant": lambda: lifelines.datasets.load_kidney_transplant()[["time", "death"]].to_numpy().T,
}


def test_no_duration_no_curve() -> None:
    assert [len(column) for column in statistics.kaplan_meier([], [])] == [0, 0, 0, 0]


def test_nobody_returned_and_everybody_returned_have_no_width() -> None:
    nobody = statistics.kaplan_meier([0, 0], [2, 3])
    assert nobody.still_out.tolist() == nobody.low.tolist() == nobody.high.tolist() == [1.0, 1.0]
    all_ = statistics.kaplan_meier([5], [0])
    assert all_.still_out.tolist() == all_.low.tolist() == all_.high.tolist() == [0.0]


@given(st.floats(0.01, 1000), st.floats(1, 20))
def test_count_limits_leave_the_promised_share_outside(mean: float, ratio: float) -> None:
    low, high = statistics.count_limits(mean, ratio)
    law = stats.nbinom(mean / (ratio - 1), 1 / ratio) if ratio > 1 + 1e-6 else stats.poisson(mean)
    assert law.sf(high) <= 0.001 + 1e-9
    assert law.cdf(low - 1) <= 0.001 + 1e-9
    assert low <= mean <= high or mean < 1
