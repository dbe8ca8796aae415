import numpy as np
import pytest

from optkit.engine.control_chart import Chart, chart, charts, rhythm

PERIODS = 1_400
RNG = np.random.default_rng(0)
#: More charts than are made in one step: from groups without an event to busy ones, with a spike here and there.
COUNTS = RNG.poisson(np.geomspace(0.001, 40, 100)[:, np.newaxis], (100, PERIODS))
COUNTS[::7, 700:703] += RNG.integers(0, 200, (15, 3))
COUNTS[0] = 0
WEEKDAYS = np.broadcast_to(np.arange(PERIODS) % 7, COUNTS.shape)
TAIL = np.geomspace(1e-3, 1e-8, 100)[:, np.newaxis]


def assert_same(found: Chart, expected: Chart) -> None:
    for values, others in zip(found[:3], expected[:3], strict=True):
        np.testing.assert_allclose(values, others, rtol=1e-12)
    np.testing.assert_array_equal(found.usual, expected.usual)


def row(together: Chart, place: int) -> Chart:
    return Chart(*(values[place] for values in together))


def test_charts_made_together_equal_charts_made_one_by_one() -> None:
    together = charts(COUNTS, np.ones(COUNTS.shape), WEEKDAYS, TAIL)
    assert 15 < (~together.usual).sum() < 200
    for place, counts in enumerate(COUNTS):
        alone = chart(counts, np.ones(PERIODS), WEEKDAYS[place], float(TAIL[place, 0]))
        assert_same(row(together, place), alone)


def test_periods_without_exposure_are_left_out_as_if_they_were_not_there() -> None:
    exposure = RNG.integers(0, 3, COUNTS.shape)
    exposure[1], exposure[2, 9:] = 0, 0
    together = charts(COUNTS, exposure, WEEKDAYS, TAIL)
    assert not together.usual.all()
    for place, counts in enumerate(COUNTS):
        held = exposure[place] > 0
        found = row(together, place)
        assert np.isnan([found.expected[~held], found.low[~held], found.high[~held]]).all()
        assert found.usual[~held].all()
        alone = chart(counts[held], exposure[place][held], WEEKDAYS[place][held], float(TAIL[place, 0]))
        assert_same(Chart(*(values[held] for values in found)), alone)


def test_a_chart_of_equal_counts_expects_them() -> None:
    found = chart(np.full(60, 5), np.ones(60), np.zeros(60, np.int64), 0.001)
    assert found.expected == pytest.approx(5, rel=0.02)
    assert found.usual.all()


def test_weekdays_have_a_rhythm_from_four_weeks_on() -> None:
    assert rhythm(np.arange(27) % 7, 27).tolist() == [0] * 27
    assert rhythm(np.arange(28) % 7, 28).tolist() == [0, 1, 2, 3, 4, 5, 6] * 4
