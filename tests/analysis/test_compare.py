"""By hand, against a slow reference, and by simulation of accounts with known rates."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

import optkit
from optkit.engine.rate_ratio import compare_rates
from optkit.errors import SettingsError

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def history(times: dict[str, list[datetime]]) -> pl.DataFrame:
    """Return opt-outs of a new recipient each, by sender."""
    rows = [(sender, at) for sender, moments in times.items() for at in moments]
    return pl.DataFrame(
        {
            "to_phone": [f"+1202555{number:07}" for number in range(len(rows))],
            "from_phone": [sender for sender, _ in rows],
            "created_at": pl.Series([at for _, at in rows], dtype=pl.Datetime("ms", "UTC")),
            "status": "opt-out",
        }
    )


def daily(counts: dict[int, int]) -> list[datetime]:
    """Return opt-outs at noon of days, given by their distance from 1 May."""
    return [MAY + timedelta(days=day, hours=12) for day, count in counts.items() for _ in range(count)]


def test_counts_and_rates_by_hand() -> None:
    edges = [MAY - timedelta(days=28), MAY - timedelta(milliseconds=1), MAY, MAY + timedelta(days=28)]
    made = history({"A": [MAY - timedelta(days=40), *edges, *daily(dict.fromkeys(range(-14, 14), 2))]})
    row = optkit.compare(made, "2026-05-01", until="2026-06-30").row(0, named=True)
    # on the edges: two before, one after; the last lies beyond the window
    assert (row["opt_outs_before"], row["opt_outs_after"]) == (28 + 2, 28 + 1)
    assert (row["days_before"], row["days_after"]) == (28, 28)
    assert row["per_day_before"] == 30 / 28
    assert row["ratio"] == pytest.approx(29 / 30)
    assert row["signal"] == "none seen"


def test_only_days_that_were_observed_whole_count() -> None:
    made = history({"A": [MAY - timedelta(days=20, hours=1), *daily(dict.fromkeys(range(-20, 18), 3))]})
    row = optkit.compare(made, "2026-05-01").row(0, named=True)
    # it begins at 23:00, so the day after that is the first; the last event is at noon of the 18th day
    assert (row["days_before"], row["days_after"]) == (20, 17)
    assert (row["opt_outs_before"], row["opt_outs_after"]) == (60, 51)
    assert row["ratio"] == pytest.approx(1.0)
    whole = optkit.compare(made, "2026-05-01", until="2026-05-19").row(0, named=True)
    assert (whole["days_after"], whole["opt_outs_after"]) == (18, 54)


def test_days_follow_the_local_clock() -> None:
    # clocks in Berlin went from 02:00 to 03:00 on 29 March: the day before 1 April 00:00 begins at 22:00 in UTC
    at = "2026-04-01 Europe/Berlin"
    first = datetime(2026, 3, 24, 23, tzinfo=UTC)  # midnight in Berlin, winter time
    made = history({"A": [first - timedelta(days=1), first - timedelta(minutes=1), first]})
    row = optkit.compare(made, at, before="7d", time_zone="Europe/Berlin", until="2026-05-01").row(
        0, named=True
    )
    assert (row["days_before"], row["opt_outs_before"]) == (7, 1)
    in_utc = optkit.compare(made, at, before="7d", until="2026-05-01").row(0, named=True)
    assert in_utc["opt_outs_before"] == 2  # seven times 24 hours: from 22:00 on


def weeks(counts: list[int], side: int) -> dict[int, int]:
    """Return weekly counts as days; the first week is next to the change."""
    return {(7 * week + 3 if side > 0 else -7 * week - 4): count for week, count in enumerate(counts)}


def reference(before: list[int], after: list[int], confidence: float) -> tuple[float, float, float]:
    """Return the limits of the ratio and p, from the definition."""
    k1, k2, n = sum(before), sum(after), len(before) + len(after)
    squares = sum((k - k1 / len(before)) ** 2 for k in before) + sum(
        (k - k2 / len(after)) ** 2 for k in after
    )
    dispersion = max(1.0, squares / (k1 + k2) * n / (n - 2))
    size, share, expected = (k1 + k2) / dispersion, k2 / (k1 + k2), len(after) / n
    t = stats.t.ppf((1 + confidence) / 2, n - 2)

    def score(ratio: float) -> float:
        p = len(after) * ratio / (len(before) + len(after) * ratio)
        return float((share - p) / np.sqrt(p * (1 - p) / size))

    from scipy.optimize import brentq

    low = brentq(lambda ratio: score(ratio) - t, 1e-9, 1e9) if k2 else 0.0
    high = brentq(lambda ratio: score(ratio) + t, 1e-9, 1e9) if k1 else np.inf
    p = 2 * stats.t.sf(abs(share - expected) / np.sqrt(expected * (1 - expected) / size), n - 2)
    return low, high, float(p)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([20, 30, 25, 40], [10, 12, 9, 20]),
        ([5, 5, 5, 5], [5, 6]),
        ([100, 3, 2, 90], [5, 4, 80]),
        ([0, 0], [30, 25]),
    ],
)
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_the_interval_is_that_of_the_definition(
    before: list[int], after: list[int], confidence: float
) -> None:
    made = history({"A": [MAY - timedelta(days=60), *daily(weeks(before, -1) | weeks(after, 1))]})
    found = optkit.compare(
        made,
        MAY,
        before=f"{7 * len(before)}d",
        after=f"{7 * len(after)}d",
        until=MAY + timedelta(days=60),
        confidence=confidence,
    ).row(0, named=True)
    low, high, p = reference(before, after, confidence)
    assert found["low"] == pytest.approx(low)
    assert found["high"] == (pytest.approx(high) if np.isfinite(high) else None)
    assert found["q"] == pytest.approx(p)


def test_without_dispersion_the_interval_is_that_of_wilson() -> None:
    low, high, p = compare_rates(([70], [30]), ([1], [2]), [1.0], [1e9])
    wilson = stats.binomtest(30, 100).proportion_ci(method="wilson")
    assert low == pytest.approx(wilson.low / (1 - wilson.low) / 2)
    assert high == pytest.approx(wilson.high / (1 - wilson.high) / 2)
    assert p < 1e-10


def test_too_few_data_give_no_signal() -> None:
    before = [MAY - timedelta(days=60)]
    made = history(
        {
            "few": [*before, *daily({-20: 4, 20: 5})],
            "enough": [*before, *daily({-20: 5, 20: 5})],
            "none": before,
            "sudden": [*before, *daily(weeks([20, 20, 20, 20], 1))],
        }
    )
    table = optkit.compare(made, MAY, by="from_phone", until=MAY + timedelta(days=60))
    rows = {row["from_phone"]: row for row in table.iter_rows(named=True)}
    assert table["from_phone"].is_sorted()
    assert [rows["few"][name] for name in ("ratio", "low", "high", "q", "signal")] == [1.25, *[None] * 4]
    assert rows["enough"]["signal"] == "none seen"
    assert [rows["none"][name] for name in ("opt_outs_before", "days_before", "ratio")] == [0, 28, None]
    assert (rows["sudden"]["ratio"], rows["sudden"]["high"], rows["sudden"]["signal"]) == (None, None, "more")
    short = optkit.compare(made, MAY, after="13d", by="from_phone", until=MAY + timedelta(days=60))
    assert short["signal"].null_count() == 4


def simulated(ratio: float, senders: int, seed: int) -> pl.DataFrame:
    """Return senders with campaigns: on one day of six, five times as many opt out, and some more the day after."""
    rng = np.random.default_rng(seed)
    campaign = rng.random((senders, 57)) < 1 / 6
    level = 3 * (1 + 4 * campaign[:, 1:] + 2 * campaign[:, :-1]) * rng.gamma(5, 1 / 5, (senders, 56))
    counts = rng.poisson(level * np.where(np.arange(56) < 28, 1.0, ratio))
    sender, day = np.nonzero(counts)
    repeated = np.repeat(np.arange(len(sender)), counts[sender, day])
    at = MAY + pl.Series(day[repeated]).cast(pl.Int64) * timedelta(days=1) - timedelta(days=28)
    return pl.DataFrame(
        {
            "to_phone": [f"+1202555{number:07}" for number in range(len(repeated))],
            "from_phone": pl.Series(sender[repeated]).cast(pl.String),
            "created_at": at.cast(pl.Datetime("ms", "UTC")),
            "status": "opt-out",
        }
    )


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_intervals_contain_the_true_ratio_although_campaigns_make_days_differ(ratio: float) -> None:
    made = simulated(ratio, senders=600, seed=5)
    table = optkit.compare(made, MAY, by="from_phone", until=MAY + timedelta(days=28))
    held = table.filter(pl.col("low") <= ratio, pl.col("high") >= ratio).height / table.height
    k1, k2 = table["opt_outs_before"].to_numpy(), table["opt_outs_after"].to_numpy()
    poisson = np.abs(np.log(k2 / k1 / ratio)) < 1.96 * np.sqrt(1 / k1 + 1 / k2)
    assert held > 0.93, "of 95 %; the simulation itself is good for 0.018"
    assert poisson.mean() < 0.8, "Poisson's interval is too narrow for such days"


def test_signals_are_rare_without_a_change_and_usual_with_a_large_one() -> None:
    quiet = optkit.compare(simulated(1.0, 300, seed=6), MAY, by="from_phone", until=MAY + timedelta(days=28))
    assert quiet.filter(pl.col("signal") != "none seen").height <= 3
    loud = optkit.compare(simulated(0.15, 100, seed=7), MAY, by="from_phone", until=MAY + timedelta(days=28))
    assert loud.filter(pl.col("signal") == "fewer").height > 80


def messages(days: dict[int, int], sender: str = "A") -> pl.DataFrame:
    """Return messages at 9:00 of days, given by their distance from 1 May, to recipients who never opt out."""
    at = [MAY + timedelta(days=day, hours=9) for day, count in days.items() for _ in range(count)]
    numbers = [f"+1302555{number:07}" for number in range(len(at))]
    return optkit.messages_from(
        pl.DataFrame({"to_phone": numbers, "from_phone": [sender] * len(at), "sent_at": at})
    )


def test_with_messages_the_rates_are_per_exposure() -> None:
    made = history(
        {"A": [MAY - timedelta(days=40), *daily(weeks([10, 10, 10, 10], -1) | weeks([20, 20, 20, 20], 1))]}
    )
    sent = messages({-40: 1} | weeks([100, 100, 100, 100], -1) | weeks([400, 400, 400, 400], 1))
    for by in (None, "from_phone"):
        row = optkit.compare(made, MAY, messages=sent, by=by, until=MAY + timedelta(days=60)).row(
            0, named=True
        )
        assert (row["opt_outs_before"], row["opt_outs_after"]) == (40, 80)
        assert (row["messages_before"], row["messages_after"]) == (400, 1600)
        assert row["per_day_after"] == 80 / 28
        assert row["ratio"] == pytest.approx(0.5)
        assert row["signal"] == "fewer"
    without = optkit.compare(made, MAY, until=MAY + timedelta(days=60)).row(0, named=True)
    assert (without["ratio"], without["signal"]) == (2.0, "more")


def test_an_empty_history_has_its_columns() -> None:
    empty = history({})
    assert optkit.compare(empty, MAY).row(0)[:4] == (0, 0, 0, 0)
    by = optkit.compare(empty, MAY, by="from_phone")
    assert by.height == 0
    assert by.schema["signal"] == pl.String
    assert by.schema["opt_outs_before"] == pl.Int64
    assert by.schema["ratio"] == pl.Float64


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"before": "36h"}, "before must be a whole number of days"),
        ({"after": "0d"}, "after must be a duration above zero"),
        ({"confidence": 95}, "confidence must be between 0 and 1"),
        ({"time_zone": "Mars"}, "no time zone 'Mars'"),
        ({"before": "200000w"}, "out of the calendar"),
    ],
)
def test_other_arguments_are_rejected(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        optkit.compare(history({"A": [MAY]}), MAY, **arguments)
