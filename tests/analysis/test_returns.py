"""Against plain Python, and against lifelines on its own data sets, converted to histories."""

import itertools
import math
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import lifelines.datasets
import numpy as np
import polars as pl
import pytest
import reference
from histories import (
    FEWER_EXAMPLES,
    INSTANTS,
    MAY_BEGIN_AFTER_THE_DATA,
    RECIPIENTS,
    Event,
    between,
    events,
    frame,
    moment,
    stretches,
)
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from polars.testing import assert_frame_equal
from scipy import stats

import optkit
from optkit.analysis.relapses import relapse_curve, relapses_by_spell
from optkit.engine.states import Scope
from optkit.errors import SettingsError

DAY = 86_400_000
HOUR = 3_600_000
SCOPES: list[Scope] = ["pair", "recipient"]
Stretch = tuple[int | None, int | None]


def slow_curve(
    made: list[Event], step: int, scope: str, stretch: Stretch = (None, None), sender: str | None = None
) -> list[tuple[float, int, int, int, float]]:
    """(days, at_risk, returned, censored, still_out)."""
    durations = [
        (math.ceil(round(spell[5] * DAY) / step) * step / DAY, spell[6])
        for spell in reference.spells(made, scope, since=stretch[0], until=stretch[1])
        if sender in {None, spell[0]}
    ]
    return slow_kaplan_meier(durations)


def slow_kaplan_meier(durations: list[tuple[float, bool]]) -> list[tuple[float, int, int, int, float]]:
    """(days, at risk, ended, censored, surviving) of (days, whether it ended)."""
    rows, still_out = [], 1.0
    for days in sorted({days for days, _ in durations}):
        at_risk = sum(other >= days for other, _ in durations)
        returned = durations.count((days, True))
        still_out *= 1 - returned / at_risk
        rows.append((days, at_risk, returned, durations.count((days, False)), still_out))
    return rows


@MAY_BEGIN_AFTER_THE_DATA
@given(events(), st.sampled_from([("1h", HOUR), (None, 1), (timedelta(days=1), DAY)]), stretches())
def test_return_curve_matches_reference(
    made: list[Event], resolution: tuple[Any, int], stretch: Stretch
) -> None:
    for scope in SCOPES:
        table = optkit.return_curve(frame(made), resolution=resolution[0], scope=scope, **between(stretch))
        expected = slow_curve(made, resolution[1], scope, stretch)
        found = table.select("days", "at_risk", "returned", "censored", "still_out").rows()
        assert len(found) == len(expected)
        for row, wanted in zip(found, expected, strict=True):
            assert row == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def slow_interval(made: list[Event], scope: str, days: float) -> tuple[float, float]:
    """Of the share still out: Greenwood's variance, and twice the products of each two spells of one unit."""
    spells = [
        (
            spell[1] if scope == "recipient" else spell[:2],
            math.ceil(round(spell[5] * DAY) / HOUR) / 24,
            spell[6],
        )
        for spell in reference.spells(made, scope)
    ]
    curve = slow_kaplan_meier([spell[1:] for spell in spells])
    at_risk = {when: number for when, number, *_ in curve}
    ended = [(when, number, count) for when, number, count, *_ in curve if when <= days]
    variance = sum(count / (number * (number - count)) for _, number, count in ended if count)

    def part(length: float, over: int) -> float:
        hazard = sum(count / number**2 for when, number, count in ended if when <= length)
        return (over and length <= days) / at_risk[length] - hazard

    products = [
        part(*one[1:]) * part(*other[1:])
        for one, other in itertools.combinations(spells, 2)
        if one[0] == other[0]
    ]
    variance += max(0.0, 2 * sum(products))
    share = next(row[4] for row in curve if row[0] == days)
    width = stats.norm.ppf(0.975) * math.sqrt(variance) / -math.log(share)
    return share ** math.exp(width), share ** math.exp(-width)


@given(events(40))
def test_intervals_allow_for_the_spells_of_one_pair_or_recipient(made: list[Event]) -> None:
    made = [event._replace(to_phone=RECIPIENTS[0]) if event.at % 2 else event for event in made]
    for scope in SCOPES:
        table = optkit.return_curve(frame(made), scope=scope)
        for days, share, low, high in table.select("days", "still_out", "low", "high").rows():
            if 0 < share < 1:
                assert (low, high) == pytest.approx(slow_interval(made, scope, days), rel=1e-9, abs=1e-12)


@FEWER_EXAMPLES
@given(events(40))
def test_intervals_of_groups_are_those_of_their_senders_alone(made: list[Event]) -> None:
    history = frame(made)
    table = optkit.return_curve(history, by="from_phone", until=moment(INSTANTS[-1]))
    for sender in table["from_phone"].unique():
        alone = optkit.return_curve(
            history.filter(pl.col("from_phone") == sender), until=moment(INSTANTS[-1])
        )
        mine = table.filter(pl.col("from_phone") == sender).select(alone.columns)
        assert_frame_equal(mine, alone, rel_tol=1e-9, abs_tol=1e-12)


@given(events())
def test_each_group_has_its_own_curve(made: list[Event]) -> None:
    table = optkit.return_curve(frame(made), by="from_phone")
    assert table["from_phone"].is_sorted()
    for sender in {e.from_phone for e in made}:
        rows = table.filter(pl.col("from_phone") == sender).select("days", "at_risk", "returned", "censored")
        expected = [row[:4] for row in slow_curve(made, HOUR, "pair", sender=sender)]
        assert rows.rows() == [pytest.approx(row) for row in expected]


def history_of(durations: Any, returned: Any) -> pl.DataFrame:
    """A history in which each subject opts out and returns, or not, after the given days; all end at the same time."""
    end = 40_000 * DAY
    made = []
    for number, (days, back) in enumerate(zip(durations, returned, strict=True)):
        length = round(float(days) * DAY)
        # A sender each half: pairs are independent, and who returned may do so long before the end.
        start = 0 if back else end - length
        made.append(Event(f"+1{number:010}", "S", start, "opt-out"))
        if back:
            made.append(Event(f"+1{number:010}", "S", start + length, "opt-in"))
    made.append(Event("+19999999999", "T", end, "opt-in"))
    return frame(made)


DATA: dict[str, Callable[[], Any]] = {
    "waltons": lambda: lifelines.datasets.load_waltons()[["T", "E"]],
    "leukemia": lambda: lifelines.datasets.load_leukemia()[["t", "status"]],
    "lung": lambda: lifelines.datasets.load_lung()[["time", "status"]],
    "gbsg2": lambda: lifelines.datasets.load_gbsg2()[["time", "cens"]],
    "kidney_transplant": lambda: lifelines.datasets.load_kidney_transplant()[["time", "death"]],
    "larynx": lambda: lifelines.datasets.load_larynx()[["time", "death"]],
}


@pytest.mark.parametrize("name", DATA)
def test_curve_and_cycles_match_lifelines(name: str) -> None:
    durations, observed = DATA[name]().to_numpy().T
    durations = np.round(durations * DAY) / DAY
    fitted = KaplanMeierFitter().fit(durations, observed)
    history = history_of(durations, observed)
    table = optkit.return_curve(history, resolution=None)
    times = table["days"].to_numpy()
    expected = fitted.event_table[fitted.event_table["removed"] > 0]
    np.testing.assert_allclose(times, expected.index, rtol=1e-12)
    assert table["at_risk"].to_list() == expected["at_risk"].to_list()
    assert table["returned"].to_list() == expected["observed"].to_list()
    assert table["censored"].to_list() == expected["censored"].to_list()
    np.testing.assert_allclose(
        table["still_out"], fitted.survival_function_.loc[expected.index].to_numpy().T[0], atol=1e-9
    )
    inside = ((table["still_out"] > 0) & (table["still_out"] < 1)).to_numpy()
    low, high = fitted.confidence_interval_.loc[expected.index].to_numpy()[inside].T
    np.testing.assert_allclose(table["low"].to_numpy()[inside], low, atol=1e-9)
    np.testing.assert_allclose(table["high"].to_numpy()[inside], high, atol=1e-9)

    row = optkit.cycles(history, resolution=None, horizons=(1, 7, 30, 90, 365)).row(0, named=True)
    assert row["spells"] == len(durations)
    assert row["cycles"] == observed.sum()
    for horizon in (1, 7, 30, 90, 365):
        assert row[f"win_back_{horizon}d"] == pytest.approx(1 - fitted.predict(horizon + 1e-9), abs=1e-9)
    median = fitted.median_survival_time_
    assert row["median_days_out"] == (None if math.isinf(median) else pytest.approx(median))


@MAY_BEGIN_AFTER_THE_DATA
@given(events(), stretches())
def test_cycles_match_reference(made: list[Event], stretch: Stretch) -> None:
    since, until = stretch
    table = optkit.cycles(frame(made), quick="2h", horizons=[1, 30], **between(stretch))
    spells = reference.spells(made, "pair", until, since)
    assert table["from_phone"].to_list() == sorted({e.from_phone for e in reference.cut(made, until)})
    for row in table.iter_rows(named=True):
        mine = [spell for spell in spells if spell[0] == row["from_phone"]]
        back = [spell for spell in mine if spell[6]]
        pairs = Counter(spell[1] for spell in back)
        again = [spell for spell in back if any(o[1] == spell[1] and o[2] == spell[2] + 1 for o in mine)]
        assert row["spells"] == len(mine)
        assert row["cycles"] == len(back)
        assert row["open_spells"] == len(mine) - len(back)
        assert row["recipients"] == len({spell[1] for spell in mine})
        assert row["max_cycles"] == max(pairs.values(), default=0)
        assert row["relapses"] == len(again)
        assert row["relapse_rate"] == (len(again) / len(back) if back else None)
        assert row["quick_returns"] == sum(spell[5] * 24 <= 2 for spell in back)
        curve = slow_curve(made, HOUR, "pair", stretch, row["from_phone"])
        half = [days for days, *_, out in curve if out <= 0.5 + 1e-9]
        assert row["median_days_out"] == (pytest.approx(min(half)) if half else None)
        for horizon in (1, 30):
            reached = [out for days, *_, out in curve if days <= horizon]
            expected = None if not curve else pytest.approx(1 - (reached[-1] if reached else 1))
            assert row[f"win_back_{horizon}d"] == expected


def slow_times_back(made: list[Event], stretch: Stretch) -> list[tuple[int, float, bool]]:
    """(spell, days from the return to the next opt-out or the end, whether there was one), in whole hours."""
    spells = reference.spells(made, "pair", since=stretch[0], until=stretch[1])
    _, end = reference.ends(reference.cut(made, stretch[1]), *stretch)
    rows = []
    for sender, to_phone, number, _, returned_at, *_ in spells:
        if returned_at is not None:
            again = [other[3] for other in spells if other[:3] == (sender, to_phone, number + 1)]
            length = (again[0] if again else end) - returned_at
            rows.append((number, math.ceil(length / HOUR) / 24, bool(again)))
    return rows


@MAY_BEGIN_AFTER_THE_DATA
@given(events(), stretches())
def test_relapses_match_reference(made: list[Event], stretch: Stretch) -> None:
    rows = slow_times_back(made, stretch)
    curve = slow_kaplan_meier([row[1:] for row in rows])
    table = relapse_curve(frame(made), **between(stretch))
    found = table.select("days", "at_risk", "relapsed", "censored", "still_in").rows()
    assert found == [pytest.approx(row, rel=1e-12) for row in curve]
    by_spell = relapses_by_spell(frame(made), days=30, **between(stretch))
    spells = reference.spells(made, "pair", since=stretch[0], until=stretch[1])
    assert by_spell["spell"].to_list() == sorted({spell[2] for spell in spells})
    for row in by_spell.iter_rows(named=True):
        mine = [spell for spell in spells if spell[2] == row["spell"]]
        back = [(days, again) for number, days, again in rows if number == row["spell"]]
        assert (row["opt_outs"], row["returned"]) == (len(mine), sum(spell[6] for spell in mine))
        assert row["left_again"] == sum(again for _, again in back)
        within = [surviving for days, *_, surviving in slow_kaplan_meier(back) if days <= 30]
        expected = None if not back else pytest.approx(1 - (within[-1] if within else 1))
        assert row["relapse_30d"] == expected


@FEWER_EXAMPLES
@given(events())
def test_relapses_of_one_sender_match_its_curve(made: list[Event]) -> None:
    made = [event._replace(from_phone="A") for event in made]
    curve, table = relapse_curve(frame(made)), optkit.cycles(frame(made))
    for row in table.iter_rows(named=True):
        for days in (30, 90):
            within = curve.filter(pl.col("days") <= days)["still_in"]
            expected = None if curve.is_empty() else 1 - (within[-1] if len(within) else 1.0)
            assert row[f"relapse_{days}d"] == expected


@FEWER_EXAMPLES
@given(events())
def test_spells_cycles_and_churn_count_the_same_events(made: list[Event]) -> None:
    history = frame(made)
    spells, moves = optkit.spells(history), optkit.churn(history)
    table, curve = optkit.cycles(history), optkit.return_curve(history)
    assert table["spells"].sum() == spells.height == moves["opt_outs"].sum()
    assert table["cycles"].sum() == spells["returned"].sum() == moves["re_opt_ins"].sum()
    assert curve["returned"].sum() == spells["returned"].sum()
    assert curve["censored"].sum() == (~spells["returned"]).sum()
    assert table["recipients"].sum() == optkit.cohorts(history).filter(pl.col("age") == 0)["size"].sum()


@FEWER_EXAMPLES
@given(events(), st.sampled_from(INSTANTS))
def test_later_events_than_until_do_not_matter(made: list[Event], until: int) -> None:
    end = moment(until)
    whole, cut = frame(made), frame(reference.cut(made, until))
    for table in (optkit.cycles, optkit.return_curve, optkit.cohorts, optkit.overlap, optkit.opt_out_rates):
        assert table(whole, until=end).equals(table(cut, until=end)), table.__name__


@FEWER_EXAMPLES
@given(events(), st.randoms())
def test_the_order_of_rows_does_not_matter(made: list[Event], random: Any) -> None:
    shuffled = random.sample(made, len(made))
    for table in (optkit.cycles, optkit.return_curve, optkit.cohorts, optkit.overlap, optkit.opt_out_rates):
        assert table(frame(made)).equals(table(frame(shuffled))), table.__name__


@pytest.mark.parametrize("history", [frame([]), frame([Event("+12025550101", "A", 0, "opt-in")])])
def test_small_histories_have_the_same_columns(history: pl.DataFrame) -> None:
    usual = frame([Event("+12025550101", "A", 0, "opt-out"), Event("+12025550101", "A", 9, "opt-in")])
    for table in (optkit.cycles, optkit.return_curve, optkit.cohorts, optkit.overlap):
        assert table(history).schema == table(usual).schema
    assert (
        optkit.return_curve(history, by="from_phone").schema
        == optkit.return_curve(usual, by="from_phone").schema
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"resolution": "1 fortnight"}, "resolution"),
        ({"resolution": timedelta(0)}, "resolution"),
        ({"quick": "0m"}, "quick"),
        ({"horizons": (0,)}, "horizons"),
        ({"horizons": (1.5,)}, "horizons"),
        ({"by": []}, "by"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        optkit.cycles(frame([]), **arguments)
