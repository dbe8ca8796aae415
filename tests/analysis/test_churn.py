from datetime import date
from typing import Any

import polars as pl
import pytest
import reference
from histories import FEWER_EXAMPLES, MAY_BEGIN_AFTER_THE_DATA, Event, between, events, frame, stretches
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit.engine.states import Scope

SCOPES = st.sampled_from(["pair", "recipient"])
EVERY = st.sampled_from(["1d", "1w", "1mo", "1q", "1y"])
ZONES = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
COUNTED = ["period", "opt_outs", "re_opt_ins", "opted_out_start", "opted_out_end", "population", "complete"]


@given(events(12), EVERY, ZONES, SCOPES)
def test_churn_matches_reference(made: list[Event], every: str, time_zone: str, scope: Scope) -> None:
    table = optkit.churn(frame(made), every=every, time_zone=time_zone, scope=scope)
    assert table.select(COUNTED).rows() == reference.churn(made, every, time_zone, scope=scope)


@MAY_BEGIN_AFTER_THE_DATA
@given(events(12), EVERY, ZONES, stretches())
def test_churn_of_a_stretch_matches_reference(
    made: list[Event], every: str, time_zone: str, stretch: tuple[int | None, int | None]
) -> None:
    since, until = stretch
    table = optkit.churn(frame(made), every=every, time_zone=time_zone, **between(stretch))
    if not reference.cut(made, until) and None in stretch:  # no event says where the stretch begins or ends
        assert table.is_empty()
        return
    assert table.select(COUNTED).rows() == reference.churn(made, every, time_zone, since=since, until=until)


@given(events(), EVERY, ZONES, SCOPES)
def test_churn_rolls_forward(made: list[Event], every: str, time_zone: str, scope: Scope) -> None:
    by = None if scope == "recipient" else "from_phone"
    table = optkit.churn(frame(made), every=every, time_zone=time_zone, scope=scope, by=by)
    for _, rows in table.group_by(by or pl.lit(0)):
        assert (
            rows["opted_out_end"] == rows["opted_out_start"] + rows["opt_outs"] - rows["re_opt_ins"]
        ).all()
        assert rows["opted_out_end"][:-1].equals(rows["opted_out_start"][1:])
        assert (rows["net_opt_outs"] == rows["opt_outs"] - rows["re_opt_ins"]).all()
        assert (rows["opted_in_start"] == rows["population"] - rows["opted_out_start"]).all()


@FEWER_EXAMPLES
@given(events(), EVERY)
def test_senders_add_up_to_all(made: list[Event], every: str) -> None:
    whole = optkit.churn(frame(made), every=every)
    by_sender = optkit.churn(frame(made), every=every, by="from_phone")
    numbers = ["opt_outs", "re_opt_ins", "opted_out_start", "opted_out_end", "population"]
    assert (
        by_sender.group_by("period")
        .agg(pl.col(numbers).sum())
        .sort("period")
        .equals(whole.select("period", *numbers))
    )


HISTORY = frame(
    [
        Event("+12025550101", "ACME", 1_767_225_600_000, "opt-out"),  # Thursday, 2026-01-01
        Event("+12025550102", "ACME", 1_767_225_600_000, "opt-out"),
        Event("+12025550101", "ACME", 1_768_435_200_000, "opt-in"),  # Thursday, 2026-01-15
        Event("+12025550101", "24273", 1_768_435_200_001, "opt-out"),
    ]
)
WEEKS = [date(2025, 12, 29), date(2026, 1, 5), date(2026, 1, 12)]


def test_by_hand() -> None:
    table = optkit.churn(HISTORY)
    assert table["period"].to_list() == WEEKS
    assert table["opt_outs"].to_list() == [2, 0, 1]
    assert table["re_opt_ins"].to_list() == [0, 0, 1]
    assert table["opted_out_end"].to_list() == [2, 2, 2]
    assert table["opted_in_start"].to_list() == [3, 1, 1]
    assert table["churn_rate"].to_list() == table["net_churn_rate"].to_list() == [None] * 3
    assert table["denominator"].to_list() == ["observed"] * 3
    assert table["complete"].to_list() == [False, True, False]
    assert dict(table.schema) == {
        "period": pl.Date,
        **dict.fromkeys(
            ["opt_outs", "re_opt_ins", "net_opt_outs", "opted_out_start", "opted_out_end"], pl.Int64
        ),
        **dict.fromkeys(["population", "opted_in_start"], pl.Int64),
        **dict.fromkeys(["churn_rate", "net_churn_rate"], pl.Float64),
        "denominator": pl.String,
        "complete": pl.Boolean,
    }


def test_rate_is_null_where_nobody_was_opted_in() -> None:
    table = optkit.churn(
        HISTORY.filter(pl.col("from_phone") == "ACME").head(2),
        every="1d",
        until="2026-01-02T12:00",
        audience=2,
    )
    assert table["churn_rate"].to_list() == [1.0, None]


def test_audience_is_the_denominator() -> None:
    table = optkit.churn(HISTORY, audience=100)
    assert table["population"].to_list() == [100] * 3
    assert table["churn_rate"].to_list() == [0.02, 0.0, 1 / 98]
    assert table["net_churn_rate"].to_list() == [0.02, 0.0, 0.0]
    assert set(table["denominator"]) == {"audience"}
    audience = pl.DataFrame({"from_phone": ["ACME", "24273"], "recipients": [60, 40]})
    assert optkit.churn(HISTORY, audience=audience).equals(table)
    by_sender = optkit.churn(HISTORY, audience=audience, by="from_phone")
    assert by_sender.filter(period=WEEKS[0]).select("from_phone", "population", "opt_outs").rows() == [
        ("24273", 40, 0),
        ("ACME", 60, 2),
    ]


@pytest.mark.parametrize("by", [None, "from_phone"])
def test_senders_without_events_are_left_out_with_a_warning(by: str | None) -> None:
    audience = {"ACME": 60, "24273": 40, "QUIET": 700}
    with pytest.warns(
        UserWarning, match=r"1 sender of the audience \(87\.5% .*: QUIET\. They are left"
    ) as caught:
        table = optkit.churn(HISTORY, audience=audience, by=by)
    assert table.group_by("period").agg(pl.col("population").sum())["population"].to_list() == [100] * 3
    assert caught[0].filename == __file__


@pytest.mark.parametrize(("audience", "by"), [(1, None), ({"ACME": 1, "24273": 9}, "from_phone")])
def test_an_audience_smaller_than_the_opted_out_is_an_error(audience: Any, by: str | None) -> None:
    with pytest.raises(
        optkit.SettingsError, match=r"audience.* is smaller than the number of people who opted out"
    ):
        optkit.churn(HISTORY, audience=audience, by=by)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"audience": pl.DataFrame({"from_phone": ["ACME"], "recipients": [50]})}, "lacks senders.*24273"),
        (
            {"audience": pl.DataFrame({"sender": ["ACME"]})},
            "audience has no column 'from_phone' and 'recipients'; it has 'sender'; audience must be",
        ),
        ({"audience": pl.DataFrame({"from_phone": ["ACME"], "recipients": ["many"]})}, "whole numbers"),
        ({"audience": 10, "by": "from_phone"}, "one number"),
        ({"audience": -1}, "whole number from 0"),
        ({"audience": pl.DataFrame(), "scope": "recipient"}, "number of people"),
        ({"every": "1h"}, "every must be"),
        ({"every": "week"}, "every must be"),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"time_zone": ""}, "no time zone"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "must not be after"),
        ({"since": "yesterday"}, "since='yesterday' is not a date"),
        ({"until": "9999-01-01"}, "centuries"),
    ],
)
def test_arguments_are_rejected_in_one_sentence(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(optkit.SettingsError, match=says):
        optkit.churn(HISTORY, **arguments)  # type: ignore[arg-type]


def test_an_empty_history_has_the_right_columns() -> None:
    assert optkit.churn(HISTORY.clear()).schema == optkit.churn(HISTORY).schema
    assert (
        optkit.churn(HISTORY.clear(), by="from_phone").schema == optkit.churn(HISTORY, by="from_phone").schema
    )
    quiet = optkit.churn(HISTORY.clear(), since="2026-01-01", until="2026-01-31", every="1mo", audience=7)
    assert quiet.select("opt_outs", "population", "complete").rows() == [(0, 7, False)]


def test_a_period_that_just_begins_at_until_is_left_out_unless_somebody_moved() -> None:
    assert optkit.churn(HISTORY, until="2026-01-12")["period"].to_list() == WEEKS[:2]
    table = optkit.churn(HISTORY, every="1d", until="2026-01-15")
    assert table["period"].to_list()[-1] == date(2026, 1, 15)
