from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
import reference
from histories import FEWER_EXAMPLES, INSTANTS, MAY_BEGIN_AFTER_THE_DATA, Event, events, frame, moment
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit.errors import SettingsError

DAY = 86_400_000
MONDAY = 19_723 * DAY  # 2024-01-01
WEEK = np.array([130, 120, 120, 110, 110, 60, 50])


def opt_outs(counts: npt.NDArray[np.int64], sender: str = "A") -> pl.DataFrame:
    """The given number of recipients opt out on each day, from Monday, 2024-01-01."""
    made = [
        Event(f"+1{sender}{day:05}{number:05}", sender, MONDAY + day * DAY + number, "opt-out")
        for day, count in enumerate(counts)
        for number in range(count)
    ]
    return frame(made)


def spiked(table: pl.DataFrame) -> list[int]:
    """Days from the first on."""
    return [(day - table["period"][0]).days for day in table.filter("spike")["period"]]


@FEWER_EXAMPLES
@given(events(), st.sampled_from(["1d", "1w", "1mo"]), st.sampled_from(["UTC", "Australia/Lord_Howe"]))
def test_periods_and_counts_match_churn(made: list[Event], every: str, time_zone: str) -> None:
    for by in (None, ["from_phone"]):
        table = optkit.spikes(frame(made), every=every, by=by, time_zone=time_zone)
        moves = optkit.churn(frame(made), every=every, by=by, time_zone=time_zone)
        keys = [*(by or []), "period", "opt_outs"]
        assert table.select(keys).equals(moves.select(keys))
        assert (table["spike"] == (table["opt_outs"] > table["high"])).all() or table.height < 10
        assert (table["low"] <= table["high"]).all()
        assert (table["expected"] > 0).all()


def test_a_bad_day_stands_out_and_does_not_hide_itself() -> None:
    counts = np.random.default_rng(0).poisson(np.tile(WEEK, 20) / 4)
    quiet = optkit.spikes(opt_outs(counts))
    assert spiked(quiet) == []
    counts[70:72] = [300, 120]
    table = optkit.spikes(opt_outs(counts))
    assert spiked(table) == [70, 71]
    # the expectation of the other days, and of the bad ones, hardly moves
    assert (table["expected"] / quiet["expected"]).is_between(0.9, 1.1).all()


def test_weekends_without_messages_do_not_make_mondays_spikes() -> None:
    counts = np.random.default_rng(1).poisson(np.tile([60, 55, 50, 50, 45, 0, 0], 12))
    table = optkit.spikes(opt_outs(counts))
    assert spiked(table) == []
    means = (
        table.group_by(pl.col("period").dt.weekday())
        .agg(pl.col("expected", "opt_outs").mean())
        .drop("period")
    )
    assert ((means["expected"] - means["opt_outs"]).abs() < 4).all()


def test_a_growing_account_has_few_spikes() -> None:
    counts = np.random.default_rng(2).poisson(20 * np.exp(np.linspace(0, 1.5, 364)))
    assert len(spiked(optkit.spikes(opt_outs(counts)))) <= 2


@pytest.mark.parametrize("dispersion", [1, 4])
def test_usual_days_are_rarely_called_spikes(dispersion: int) -> None:
    rng = np.random.default_rng(3)
    mean = np.tile(WEEK, 52) / 8
    found = 0
    for _ in range(5):
        counts = rng.poisson(mean) if dispersion == 1 else rng.negative_binomial(mean / 3, 1 / 4)
        found += len(spiked(optkit.spikes(opt_outs(counts))))
    assert found / (5 * 364) < 0.004


def test_a_few_opt_outs_of_a_quiet_sender_are_not_spikes_but_eight_at_once_are() -> None:
    counts = np.zeros(120, dtype=np.int64)
    counts[[3, 30, 41, 77, 100]] = 1
    assert spiked(optkit.spikes(opt_outs(counts))) == []
    counts[60] = 8
    assert [day + 3 for day in spiked(optkit.spikes(opt_outs(counts)))] == [60]


def test_few_periods_say_nothing() -> None:
    assert spiked(optkit.spikes(opt_outs(np.array([1, 1, 50, 1, 1])))) == []


def test_each_group_has_its_own_chart() -> None:
    rng = np.random.default_rng(4)
    small, large = rng.poisson(3, 60), rng.poisson(80, 60)
    small[30] = 25
    history = pl.concat([opt_outs(small, "A"), opt_outs(large, "B")])
    table = optkit.spikes(history, by="from_phone")
    assert table.filter("spike").select("from_phone", "period").rows() == [("A", date(2024, 1, 31))]
    assert optkit.spikes(history).filter("spike").is_empty()


def test_more_messages_explain_more_opt_outs() -> None:
    rng = np.random.default_rng(5)
    messages = np.where(np.arange(60) % 10 == 0, 20_000, 1_000)
    messages[25] = 0
    counts = rng.poisson(messages * 0.01)
    counts[[7, 25]] = [60, 3]
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(60)]
    audience = pl.DataFrame({"period": days, "recipients": messages})
    with_messages = optkit.spikes(opt_outs(counts), audience=audience)
    assert spiked(with_messages) == [7]
    assert with_messages["expected"][10] == pytest.approx(200, rel=0.2)
    assert with_messages.row(25)[2:] == (None, None, None, False)
    assert set(spiked(optkit.spikes(opt_outs(counts)))) > {0, 10, 20}


def test_an_audience_has_periods() -> None:
    with pytest.raises(SettingsError, match="period"):
        optkit.spikes(opt_outs(np.array([1])), audience=pl.DataFrame({"recipients": [1]}))


@pytest.mark.parametrize(
    ("period", "recipients", "message"), [(date(2024, 1, 1), "ten", "numbers"), ("today", 10, "a date")]
)
def test_an_audience_that_cannot_be_counted_is_rejected(period: Any, recipients: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        optkit.spikes(
            opt_outs(np.array([1])), audience=pl.DataFrame({"period": [period], "recipients": [recipients]})
        )


def test_missing_and_negative_recipients_count_as_nobody_messaged() -> None:
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(30)]
    audience = pl.DataFrame({"period": days, "recipients": [None, -5, *[1000] * 28]})
    table = optkit.spikes(opt_outs(np.full(30, 10)), audience=audience)
    assert table["expected"].is_null().to_list() == [True, True] + [False] * 28


@MAY_BEGIN_AFTER_THE_DATA
@FEWER_EXAMPLES
@given(events(), st.sampled_from(INSTANTS), st.sampled_from(["1d", "1w", "1mo"]))
def test_since_only_drops_rows(made: list[Event], since: int, every: str) -> None:
    zone = "Australia/Lord_Howe"
    whole = optkit.spikes(frame(made), every=every, time_zone=zone)
    first = reference.period_of(since, every, zone)
    table = optkit.spikes(frame(made), every=every, time_zone=zone, since=moment(since))
    assert table.equals(whole.filter(pl.col("period") >= first))


def test_until_cuts_and_small_histories_have_the_same_columns() -> None:
    history = opt_outs(np.array([3, 2, 4]))
    assert optkit.spikes(history, until=moment(MONDAY + DAY + 1)).height == 2
    assert optkit.spikes(history.clear()).schema == optkit.spikes(history).schema
    assert optkit.spikes(history.clear(), by="from_phone").is_empty()
    assert optkit.spikes(history.head(1)).height == 1
