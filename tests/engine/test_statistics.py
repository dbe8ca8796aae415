"""Against scipy and lifelines."""

import lifelines.datasets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from scipy import stats

from optkit.engine import statistics


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(0, 40, 0.0, 0.0876), (1, 300, 0.0006, 0.0186), (12, 1000, 0.0069, 0.0209)]
)
def test_wilson_gives_the_published_intervals(k: int, n: int, low: float, high: float) -> None:
    found = statistics.wilson(k, n)
    assert float(found.low) == pytest.approx(low, abs=5e-5)
    assert float(found.high) == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.998]))
def test_wilson_matches_scipy(n: int, share: float, confidence: float) -> None:
    k = round(share * n)
    found = statistics.wilson([k], [n], confidence)
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert found.low[0] == pytest.approx(expected.low, abs=1e-12)
    assert found.high[0] == pytest.approx(expected.high, abs=1e-12)


def test_no_denominator_no_interval() -> None:
    found = statistics.wilson([0], [0])
    assert np.isnan([found.low[0], found.high[0]]).all()
    assert np.isnan(statistics.shrink([0], [0])).all()


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        statistics.wilson([1], [2], confidence)


def test_a_count_does_not_exceed_its_denominator() -> None:
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


def test_shrinkage_compares_likelihoods_where_groups_differ_less_than_chance_on_the_whole() -> None:
    # one group outweighs all: by its weight the groups agree, by their likelihood they do not
    k, n = np.array([0, 8, 2436]), np.array([240, 783, 76_200])
    shrunk = statistics.shrink(k, n)
    assert shrunk[0] < 0.005
    assert shrunk[1] == pytest.approx(8 / 783, abs=0.001)
    assert shrunk[2] == pytest.approx(2436 / 76_200, abs=0.0001)


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


@pytest.mark.parametrize("name", ["waltons", "leukemia", "lung", "gbsg2", "kidney_transplant"])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_kaplan_meier_matches_lifelines(name: str, confidence: float) -> None:
    durations, events = DATA[name]()
    fitted = KaplanMeierFitter(alpha=1 - confidence).fit(durations, events)
    table = fitted.event_table[fitted.event_table["removed"] > 0]
    found = statistics.kaplan_meier(table["observed"], table["censored"], confidence)
    assert found.at_risk.tolist() == table["at_risk"].tolist()
    times = table.index
    np.testing.assert_allclose(found.still_out, fitted.predict(times), atol=1e-12)
    inside = (found.still_out > 0) & (found.still_out < 1)  # elsewhere lifelines' interval has no width
    low, high = fitted.confidence_interval_.loc[times].to_numpy()[inside].T
    np.testing.assert_allclose(found.low[inside], low, atol=1e-9)
    np.testing.assert_allclose(found.high[inside], high, atol=1e-9)


DATA = {
    "waltons": lambda: lifelines.datasets.load_waltons()[["T", "E"]].to_numpy().T,
    "leukemia": lambda: lifelines.datasets.load_leukemia()[["t", "status"]].to_numpy().T,
    "lung": lambda: lifelines.datasets.load_lung()[["time", "status"]].to_numpy().T,
    "gbsg2": lambda: lifelines.datasets.load_gbsg2()[["time", "cens"]].to_numpy().T,
    "kidney_transplant": lambda: lifelines.datasets.load_kidney_transplant()[["time", "death"]].to_numpy().T,
}


def test_no_duration_no_curve() -> None:
    assert [len(column) for column in statistics.kaplan_meier([], [])] == [0, 0, 0, 0]


def wilson_of_none(n: int) -> float:
    return float(stats.binomtest(0, n).proportion_ci(0.95, method="wilson").high)


def test_while_nobody_has_returned_the_interval_is_wilsons_for_none_of_those_at_risk() -> None:
    nobody = statistics.kaplan_meier([0, 0], [2, 3])
    assert nobody.still_out.tolist() == nobody.high.tolist() == [1.0, 1.0]
    assert nobody.low.tolist() == pytest.approx([1 - wilson_of_none(5), 1 - wilson_of_none(3)], abs=1e-12)


def test_when_all_have_returned_the_upper_end_is_wilsons_and_never_rises() -> None:
    all_at_once = statistics.kaplan_meier([5], [0])
    assert (all_at_once.still_out.tolist(), all_at_once.low.tolist()) == ([0.0], [0.0])
    assert all_at_once.high.tolist() == pytest.approx([wilson_of_none(5)], abs=1e-12)
    late = statistics.kaplan_meier([99, 1], [0, 0])
    assert late.still_out[1] == 0
    assert late.high[1] == late.high[0] < wilson_of_none(1)


@pytest.mark.filterwarnings("ignore:Starting with pandas")  # lifelines calls pandas so
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 12), st.booleans()),
        min_size=4,
        max_size=60,
    )
)
def test_log_rank_matches_lifelines(rows: list[tuple[int, int, bool]]) -> None:
    group, time, ended = np.array(rows).T
    found = statistics.log_rank(group, time, ended, 1 - ended)
    deaths = {when: set(group[time >= when]) for when in time[ended == 1] if (time >= when).sum() > 1}
    if not any(len(there) > 1 for there in deaths.values()):
        assert np.isnan(found)
    elif all(any(g in there and len(there) > 1 for there in deaths.values()) for g in set(group)):
        expected = multivariate_logrank_test(time, group, ended)
        assert found == pytest.approx(expected.p_value, abs=1e-9)


@given(st.floats(0.01, 1000), st.floats(1, 20))
def test_count_limits_leave_the_promised_share_outside(mean: float, ratio: float) -> None:
    low, high = statistics.count_limits(mean, ratio, 0.998)
    law = stats.nbinom(mean / (ratio - 1), 1 / ratio) if ratio > 1 + 1e-6 else stats.poisson(mean)
    assert law.sf(high) <= 0.001 + 1e-9
    assert law.cdf(low - 1) <= 0.001 + 1e-9
    assert low <= mean <= high or mean < 1


def test_curves_in_one_table_are_estimated_separately() -> None:
    rng = np.random.default_rng(1)
    parts = [rng.integers(0, 4, (2, size)) for size in (3, 1, 7, 2)]
    parts = [part + (part.sum(axis=0) == 0) for part in parts]  # somebody is in each row
    returned, censored = np.concatenate(parts, axis=1)
    together = statistics.kaplan_meier(returned, censored, cuts=[3, 4, 11])
    alone = [statistics.kaplan_meier(*part) for part in parts]
    for name in together._fields:
        expected = np.concatenate([getattr(curve, name) for curve in alone])
        np.testing.assert_array_equal(getattr(together, name), expected)


@given(
    st.lists(st.tuples(st.floats(0.001, 200), st.floats(1, 10)), min_size=1, max_size=20), st.integers(0, 3)
)
def test_count_limits_match_scipys_quantiles(rows: list[tuple[float, float]], least: int) -> None:
    mean, ratio = np.array(rows).T
    low, high = statistics.count_limits(mean, ratio, 0.998, least=least)
    for place, (middle, more) in enumerate(rows):
        law = stats.nbinom(middle / (more - 1), 1 / more) if more > 1 + 1e-6 else stats.poisson(middle)
        assert low[place] == law.ppf(0.001)
        assert high[place] == max(law.ppf(0.999), least)
