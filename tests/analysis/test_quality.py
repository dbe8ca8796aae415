import itertools
from typing import Any

import polars as pl
import pytest
import reference
from histories import INSTANTS, RECIPIENTS, Event, events, frame, moment
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit.errors import HistoryError, SettingsError

NOW = "2030-01-01"
DAY = 86_400_000
HOUR = 3_600_000
NUMBER = "+12025550101"


def found(table: pl.DataFrame) -> dict[str, int]:
    return dict(table.select("check", "rows").rows())


def row(table: pl.DataFrame, check: str) -> dict[str, Any]:
    return table.row(by_predicate=pl.col("check") == check, named=True)


@given(events(), st.none() | st.sampled_from(INSTANTS))
def test_counts_match_the_reference(made: list[Event], until: int | None) -> None:
    table = optkit.quality(frame(made), until=None if until is None else moment(until), now=NOW)
    made = reference.cut(made, until)
    once = set(made)
    ties = [e for e in once if e.status == "opt-in" and e._replace(status="opt-out") in once]
    first = {(e.from_phone, e.to_phone): min(o.at for o in made if o[:2] == e[:2]) for e in made}
    orphans = [
        e for e in once if e.at == first[e.from_phone, e.to_phone] and e.status == "opt-in" and e not in ties
    ]
    transitions = reference.transitions(made)
    end = max((e.at for e in made), default=0)
    differ = [
        pair
        for pair in first
        if reference.pair_state(made, *pair, end) == "opt-in" and reference.out_of(made, pair[1], end)
    ]
    country = dict(
        zip(RECIPIENTS, optkit.with_country(pl.DataFrame({"to_phone": RECIPIENTS}))["country"], strict=True)
    )
    rows = found(table)
    assert rows["left edge"] == (1 if made else 0)
    assert rows["duplicates"] == len(made) - len(once)
    assert rows["ties"] == len(ties)
    assert rows["orphan opt-ins"] == len(orphans)
    assert rows["repeats"] == len(once) - len(ties) - len(orphans) - len(transitions)
    assert rows["per recipient"] == len(differ)
    assert rows["invalid numbers"] == sum(country[e.to_phone] is None for e in made)
    assert rows["out of order"] == sum(a.at > b.at for a, b in itertools.pairwise(made))
    assert rows["in the future"] == 0
    assert row(table, "duplicates")["share"] == ((len(made) - len(once)) / len(made) if made else None)
    assert row(table, "per recipient")["share"] == (len(differ) / len(first) if first else None)


@given(events(), st.sampled_from([1, 999, 1000, HOUR, DAY - HOUR, DAY, DAY + 1]))
def test_times_match_reference(made: list[Event], step: int) -> None:
    made += [event._replace(at=event.at + step) for event in made[::2]]
    near = late = 0
    for pair in {event[:2] for event in made}:
        mine = sorted((e.at, e.status == "opt-out") for e in made if e[:2] == pair)
        for (before, was_out), (at, out) in itertools.pairwise(mine):
            gap = at - before
            near += was_out == out and (0 < gap < 1000 or (0 < gap < DAY and gap % HOUR == 0))
            late += was_out == out and gap > DAY
    table = found(optkit.quality(frame(made), now=NOW))
    assert (table["near duplicates"], table["late repeats"]) == (near, late)
    assert table["whole seconds"] == sum(e.at % 1000 == 0 for e in made)


def test_a_doubled_hour_is_found_and_named() -> None:
    usual = [Event(f"+1202555{n:04}", "A", n * HOUR + 123 * n, "opt-out") for n in range(2000)]
    hour = [Event(f"+1303555{n:04}", "A", 500 * HOUR + 7 * n, "opt-out") for n in range(6)]
    for offset in (40, HOUR):
        again = [event._replace(at=event.at + offset) for event in hour]
        doubled = row(optkit.quality(frame(usual + hour + again), now=NOW), "near duplicates")
        assert (doubled["rows"], doubled["ok"]) == (6, False)
        hours = 500 + offset // HOUR
        assert f"hour that begins at {moment(hours * HOUR):%Y-%m-%d %H:%M} UTC" in doubled["meaning"]
    few = row(optkit.quality(frame([*usual, *hour, *again[:2]]), now=NOW), "near duplicates")
    assert (few["rows"], few["ok"]) == (2, True)


def test_times_cut_to_seconds_are_found() -> None:
    at = [n * HOUR + 137 * n for n in range(200)]
    for times, ok in ((at, True), ([time // 1000 * 1000 for time in at], False)):
        history = frame([Event(f"+1202555{n:04}", "A", time, "opt-out") for n, time in enumerate(times)])
        assert row(optkit.quality(history, now=NOW), "whole seconds")["ok"] is ok


@given(events(), st.data())
def test_the_status_that_the_api_gives_is_compared_with_the_last_event_of_each_pair(
    made: list[Event], data: st.DataObject
) -> None:
    said = st.sampled_from(["opt-in", "opt-out", None])
    reports = data.draw(st.lists(said, min_size=len(made), max_size=len(made)))
    history = frame(made).with_columns(pl.Series("reported_current_status", reports, dtype=pl.String))
    wrong = set()
    for pair in {(e.from_phone, e.to_phone) for e in made}:
        mine = [
            (e.at, e.status, said or "unknown")
            for e, said in zip(made, reports, strict=True)
            if e[1::-1] == pair
        ]
        # of the last events the opt-out, and of its reports the one that says nothing, then opt-out
        _, status, report = max(mine)
        if report not in {status, "unknown"}:
            wrong.add(pair)
    table = optkit.quality(history, now=NOW)
    assert row(table, "reported status")["rows"] == len(wrong)
    assert "reported status" not in found(optkit.quality(frame(made), now=NOW))


def daily(days: list[int], each: int = 3) -> pl.DataFrame:
    """Three events on each of the days."""
    made = [Event(f"+1202555{day:04}", "A", day * DAY + n, "opt-out") for day in days for n in range(each)]
    return frame(made)


def test_a_missing_week_is_found_and_named() -> None:
    days = [day for day in range(100) if not 40 <= day < 47]
    silent = row(optkit.quality(daily(days), now=NOW), "silent days")
    assert (silent["rows"], silent["share"], silent["ok"]) == (7, 0.07, False)
    assert "The longest begins on 1970-02-10: 7 days" in silent["meaning"]


@pytest.mark.parametrize(
    "days",
    [
        [day for day in range(100) if day % 7 < 5],  # weekends
        [day for day in range(100) if not 40 <= day < 44],  # a long weekend
        list(range(0, 365, 30)),  # an account where little happens
        [0],
        [],
    ],
)
def test_usual_silence_is_not_reported(days: list[int]) -> None:
    silent = row(optkit.quality(daily(days), now=NOW), "silent days")
    assert (silent["rows"], silent["ok"]) == (0, True)


def test_a_single_missing_day_of_a_busy_account_is_found() -> None:
    silent = row(
        optkit.quality(daily([day for day in range(100) if day != 40], each=20), now=NOW), "silent days"
    )
    assert (silent["rows"], silent["ok"]) == (1, False)
    assert "The longest begins on 1970-02-10: 1 day" in silent["meaning"]


def test_the_day_that_is_not_over_is_not_silent() -> None:
    history = daily(list(range(60)), each=50)
    assert row(optkit.quality(history, until=moment(60 * DAY + HOUR), now=NOW), "silent days")["rows"] == 0
    assert row(optkit.quality(history, until=moment(61 * DAY - 1), now=NOW), "silent days")["rows"] == 1


def test_a_history_that_stopped_early_is_found() -> None:
    table = optkit.quality(daily(list(range(60))), until=moment(70 * DAY - 1), now=NOW)
    assert row(table, "silent days")["rows"] == 10


def test_later_than_now_is_the_future() -> None:
    history = frame([Event(NUMBER, "A", day * DAY, "opt-out") for day in range(3)])
    future = row(optkit.quality(history, now=moment(DAY)), "in the future")
    assert (future["rows"], future["share"], future["ok"]) == (1, 1 / 3, False)
    assert row(optkit.quality(history), "in the future")["rows"] == 0  # by the clock


def test_the_left_edge_is_named() -> None:
    table = optkit.quality(frame([Event(NUMBER, "A", 0, "opt-out")]), now=NOW)
    assert "begins at 1970-01-01 00:00 UTC" in row(table, "left edge")["meaning"]
    assert table["meaning"].str.contains("2025550101").sum() == 0


def test_frames_that_can_be_read_only_once_are() -> None:
    history = frame([Event(NUMBER, "A", 0, "opt-out")])
    reader = history.to_arrow().to_reader()
    assert optkit.quality(reader, now=NOW).equals(optkit.quality(history, now=NOW))


def test_wrong_arguments() -> None:
    with pytest.raises(SettingsError, match="now"):
        optkit.quality(frame([]), now="soon")
    with pytest.raises(HistoryError, match="history has no column"):
        optkit.quality(pl.DataFrame({"x": [1]}), now=NOW)
    assert optkit.quality(frame([]), now=NOW).schema == optkit.quality(daily([1]), now=NOW).schema
