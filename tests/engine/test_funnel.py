"""Against the definition in plain Python, and scipy's beta-binomial law."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from optkit.engine.funnel import COVERAGE, FEWEST, funnel_limits, homogeneity


def slow_law(k: list[int], n: list[int]) -> tuple[float, float]:
    """Mean and correlation of the law of another group."""
    half = 0.5 / sum(n)

    def fit(correlation: float) -> tuple[float, float, float]:
        weights = [1 / ((1 - correlation) / size + correlation) for size in n]
        mean = sum(w * count / size for w, count, size in zip(weights, k, n, strict=True)) / sum(weights)
        mean = min(max(mean, half), 1 - half)
        q = sum(w * (count / size - mean) ** 2 for w, count, size in zip(weights, k, n, strict=True))
        return mean, q / (mean * (1 - mean)), sum(weights)

    wanted = stats.chi2.ppf(0.25, len(k) - 1)
    low, high = 0.0, 0.999
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if fit(middle)[1] > wanted else (low, middle)
    mean, _, weight = fit(high)
    return mean, min(high + 1 / weight, 0.999)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(40, 800)), min_size=FEWEST, max_size=8))
def test_limits_are_quantiles_of_the_law_of_the_others(counts: list[tuple[int, int]]) -> None:
    k, n = [list(column) for column in zip(*counts, strict=True)]
    found = funnel_limits(k, n)
    rates = np.array(k) / n
    assume(((rates >= found.low) & (rates <= found.high)).all())  # else those outside would be left out
    for group, size in enumerate(n):
        mean, correlation = slow_law(k[:group] + k[group + 1 :], n[:group] + n[group + 1 :])
        total = 1 / correlation - 1
        law = stats.betabinom(size, mean * total, (1 - mean) * total)
        below = np.cumsum(law.pmf(np.arange(size + 1)))
        for end, q in ((found.low[group], 0.001), (found.high[group], 0.999)):
            count = round(end * size)
            assert below[count] >= q - 1e-6
            assert count == 0 or below[count - 1] <= q + 1e-6


def test_large_counts_have_limits_next_to_the_exact_ones() -> None:
    # the first group's limits are exact below 20,000 and continuous above
    k, n = [15_000, *[20_000] * 6], [750_000, *[1_000_000] * 6]
    low, high = funnel_limits(k, n)
    larger = funnel_limits([30_000, *k[1:]], [1_500_000, *n[1:]])
    assert low[0] == pytest.approx(0.02, rel=0.05)
    assert low[0] < larger.low[0] < 0.02 < larger.high[0] < high[0]
    # normal by then: half-width z * sqrt(p (1 - p) (1 / n + 1 / others' n))
    for size, limits in ((750_000, high[0]), (1_500_000, larger.high[0])):
        width = stats.norm.ppf((1 + COVERAGE) / 2) * math.sqrt(0.02 * 0.98 * (1 / size + 1 / 6e6))
        assert limits - 0.02 == pytest.approx(width, rel=0.02)


def test_one_bad_group_stands_out_and_groups_that_all_differ_do_not() -> None:
    n = np.full(12, 4000)
    bad = np.array([80, 85, 78, 90, 83, 79, 81, 88, 76, 84, 80, 400])
    assert (bad / n > funnel_limits(bad, n).high).tolist() == [False] * 11 + [True]
    wild = np.array([20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220, 240])
    low, high = funnel_limits(wild, n)
    assert ((wild / n >= low) & (wild / n <= high)).all()


def test_two_bad_groups_do_not_hide_each_other() -> None:
    k, n = np.array([*[20] * 10, 100, 0]), np.full(12, 1000)
    low, high = funnel_limits(k, n)
    assert (k / n > high).tolist() == [False] * 10 + [True, False]
    assert (k / n < low).tolist() == [False] * 11 + [True]


def test_where_no_other_group_has_any_the_first_is_usual_and_many_are_not() -> None:
    n = np.full(9, 5000)
    assert funnel_limits([1, *[0] * 8], n).high[0] >= 1 / 5000
    assert funnel_limits([20, *[0] * 8], n).high[0] < 20 / 5000
    assert funnel_limits([5000, *[4999] * 8], n).low[0] <= 1.0


def test_groups_without_a_denominator_and_too_few_groups_have_no_limits() -> None:
    low, high = funnel_limits([1, 2, 3, 4, 5, 0], [100] * 5 + [0])
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [False] * 5 + [True]
    assert np.isnan(funnel_limits([1, 2, 3, 4, 0], [100] * 4 + [0])).all()
    assert len(funnel_limits([], []).low) == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=2, max_size=9))
def test_homogeneity_matches_scipys_chi_square_test(counts: list[tuple[int, int]]) -> None:
    k, rest = np.array(counts).T
    if k.sum() == 0:
        return
    expected = stats.chi2_contingency([k, rest], correction=False).pvalue
    assert homogeneity(k, k + rest) == pytest.approx(expected, abs=1e-9)


def test_homogeneity_of_all_of_none_and_of_one_group() -> None:
    assert homogeneity([0, 0], [10, 20]) == homogeneity([10, 20], [10, 20]) == 1.0
    assert math.isnan(homogeneity([3, 0], [10, 0]))


def test_many_groups_are_judged_as_few_are() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(100, 10_000, 210)
    k = rng.binomial(n, rng.gamma(1 / 0.09, 0.02 * 0.09, 210))
    k[0] = n[0] // 5
    many, few = funnel_limits(k, n), funnel_limits(k[:190], n[:190])
    assert many.high[0] < k[0] / n[0]
    np.testing.assert_allclose(many.high[:190], few.high, rtol=0.1, atol=1 / n[:190].min())
