import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optkit.engine.counts_statistics import false_discovery, mid_p, overdispersion, poisson_interval


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=5), st.sampled_from([0.5, 0.9, 0.95, 0.998]))
def test_poisson_interval_matches_garwoods(counts: list[int], confidence: float) -> None:
    low, high = poisson_interval(counts, confidence)
    tail = (1 - confidence) / 2
    for count, least, most in zip(counts, low, high, strict=True):
        assert least == pytest.approx(stats.chi2.ppf(tail, 2 * count) / 2 if count else 0.0)
        assert most == pytest.approx(stats.chi2.ppf(1 - tail, 2 * count + 2) / 2)


@given(st.integers(1, 400), st.data(), st.floats(0.001, 0.5), st.sampled_from([0.0, 0.001, 0.02, 0.3]))
def test_mid_p_matches_scipy(n: int, data: st.DataObject, mean: float, correlation: float) -> None:
    k = data.draw(st.integers(0, n))
    size = 1 / correlation - 1 if correlation else 0.0
    law = stats.betabinom(n, mean * size, (1 - mean) * size) if correlation else stats.binom(n, mean)
    below, own = law.cdf(k - 1), law.pmf(k)
    expected = min(1.0, 2 * min(below + own / 2, 1 - below - own / 2))
    assert mid_p([k], [n], mean, correlation)[0] == pytest.approx(expected, abs=1e-8)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_false_discovery_matches_scipy_and_ignores_missing_tests(p: list[float]) -> None:
    q = false_discovery([*p, float("nan")])
    assert q[:-1] == pytest.approx(stats.false_discovery_control(p))
    assert np.isnan(q[-1])


def test_overdispersion_finds_the_planted_correlation() -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(2_000, 20_000, 400)
    for planted in (0.0, 0.002, 0.01):
        size = 1 / planted - 1 if planted else 0.0
        share = rng.beta(0.02 * size, 0.98 * size, 400) if planted else np.full(400, 0.02)
        assert overdispersion(rng.binomial(n, share), n) == pytest.approx(planted, rel=0.35, abs=5e-5)


def test_few_bad_groups_do_not_hide_themselves() -> None:
    n = np.full(20, 10_000)
    k = np.random.default_rng(2).binomial(n, 0.01)
    k[:1] = 400
    assert overdispersion(k, n) < 0.002
