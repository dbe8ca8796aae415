"""What pages say about weeks, on accounts without changes."""

import pytest
import simulated_weeks as weeks

import optkit


def test_constant_churn_is_constant_with_an_audience_and_unknown_without() -> None:
    growth, growth_of_those_seen = weeks.growth_of_constant_churn()
    assert growth == pytest.approx(1, abs=0.15)
    assert growth_of_those_seen > 3, "why there is no rate without an audience"
    observed = optkit.churn(weeks.constant_churn(0.004))
    assert observed["churn_rate"].is_null().all()
    assert observed["net_churn_rate"].is_null().all()


def test_a_week_is_called_unusual_as_often_as_the_sentence_says() -> None:
    assert set(weeks.said(12)) == {""}, "eleven weeks before are too few"
    assert weeks.said_unusual(300) == pytest.approx((1 / 13, 1 / 13), abs=0.04)
    assert all("in 13" in sentence for sentence in weeks.said(13) if "than in any" in sentence)
