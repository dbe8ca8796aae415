"""By hand, from local times; and against zoneinfo, row by row."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

import optkit
from optkit.analysis import local_time
from optkit.errors import HistoryError

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)  # winter in the north
JULY = datetime(2026, 7, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "at", "zone", "hour", "ambiguous"),
    [
        ("+12025550101", NOON, "America/New_York", 7, False),
        ("+12025550101", JULY, "America/New_York", 8, False),
        ("+13125550101", NOON, "America/Chicago", 6, False),
        ("+16025550101", JULY, "America/Phoenix", 5, False),  # no summer time
        ("+447700900123", JULY, "Europe/London", 13, False),  # London, Guernsey, Man: the same clocks
        ("+4930555000", NOON, "Europe/Berlin", 13, False),
        ("+61491570156", NOON, "Australia/Sydney", 23, True),  # a mobile: anywhere in Australia
        ("+18005550101", NOON, "America/New_York", 7, True),  # free of charge: anywhere under +1
        ("+5511961234567", NOON, "America/Sao_Paulo", 9, False),  # area code 11
    ],
)
def test_the_hour_is_in_the_recipients_local_time(
    number: str, at: datetime, zone: str, hour: int, *, ambiguous: bool
) -> None:
    table = optkit.with_local_time(pl.DataFrame({"to_phone": [number], "created_at": [at]}))
    assert table["time_zone"].to_list() == [zone]
    assert table["local_time"].dt.hour().to_list() == [hour]
    assert table["ambiguous"].to_list() == [ambiguous]


@pytest.mark.parametrize("number", ["+12925550101", "24273", "", "ACME", "12025550101", None])
def test_a_number_without_a_country_has_no_local_time(number: str | None) -> None:
    frame = pl.DataFrame(
        {"to_phone": [number], "created_at": [NOON]}, schema_overrides={"to_phone": pl.String}
    )
    assert optkit.with_local_time(frame).row(0)[2:] == (None, None, None)


NUMBERS = ["+12025550101", "+12085550101", "+447700900123", "+61491570156", "ACME", None]


@given(st.lists(st.tuples(st.sampled_from(NUMBERS), st.integers(0, 2**41))))
def test_local_times_are_those_of_zoneinfo(rows: list[tuple[str | None, int]]) -> None:
    times = [datetime.fromtimestamp(ms / 1000, UTC) for _, ms in rows]
    frame = pl.DataFrame(
        {"to_phone": [number for number, _ in rows], "seen_at": times},
        schema={"to_phone": pl.String, "seen_at": pl.Datetime("us", "UTC")},
    )
    table = optkit.with_local_time(frame, at="seen_at")
    assert table.columns == ["to_phone", "seen_at", "time_zone", "local_time", "ambiguous"]
    assert table.drop("time_zone", "local_time", "ambiguous").equals(frame)
    assert table.schema["local_time"] == pl.Datetime("ms")
    for at, zone, local in zip(times, table["time_zone"], table["local_time"], strict=True):
        if zone is None:
            assert local is None
        else:
            expected = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            assert timedelta() <= expected - local < timedelta(milliseconds=1)


def test_lazy_frames_stay_lazy_and_other_frames_become_polars() -> None:
    frame = pl.DataFrame({"to_phone": NUMBERS, "created_at": [NOON] * 6})
    expected = optkit.with_local_time(frame)
    assert optkit.with_local_time(frame.lazy()).collect().equals(expected)
    assert optkit.with_local_time(frame.to_arrow()).equals(expected)
    assert optkit.with_local_time(frame.clear()).schema == expected.schema
    assert optkit.with_local_time(frame.clear().to_pandas()).height == 0
    again = optkit.with_local_time(expected.lazy())  # columns of these names are replaced
    assert again.collect().select(expected.columns).equals(expected)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pl.DataFrame({"created_at": [NOON]}), "no column 'to_phone'; it has 'created_at'"),
        (pl.DataFrame({"to_phone": ["x"]}), "no column 'created_at'; it has 'to_phone'"),
        (pl.DataFrame({"to_phone": ["x"], "created_at": ["2026"]}), "not a time with a time zone"),
        (pl.DataFrame({"to_phone": [1], "created_at": [NOON]}), "not text"),
        ([], "not list"),
    ],
)
def test_other_frames_are_rejected(frame: Any, says: str) -> None:
    with pytest.raises(HistoryError, match=says):
        optkit.with_local_time(frame)


def test_the_zones_of_each_range_have_a_most_populous_one() -> None:
    several = {zones for zones in TIMEZONE_DATA.values() if len(zones) > 1}
    assert not [zones for zones in several if not set(zones) & set(local_time._BY_POPULATION)]
    assert len(local_time._BY_POPULATION) == len(set(local_time._BY_POPULATION))


def test_a_prefix_under_plus_one_determines_the_zones() -> None:
    longest = max(len(prefix) for prefix in TIMEZONE_DATA if prefix.startswith("1"))
    assert longest + len("+") == local_time._PREFIX
