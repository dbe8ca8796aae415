from datetime import date

import pytest
import reference
from histories import MAY_BEGIN_AFTER_THE_DATA, Event, between, events, frame, stretches
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit.errors import SettingsError

EVERY = st.sampled_from(["1d", "1w", "1mo", "1q", "1y"])
ZONES = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])


def slow(
    made: list[Event], every: str, time_zone: str, since: int | None, until: int | None
) -> list[tuple[date, int, int, int, bool]]:
    """(cohort, age, size, returned, mature)."""
    made = reference.cut(made, until)
    if not made:
        return []
    begin, end = reference.ends(made, since, until)
    first = [spell for spell in reference.spells(made, "pair", until, since) if spell[2] == 1]
    periods = reference.periods(begin, end, every, time_zone)
    moved = {spell[3] for spell in first} | {spell[4] for spell in first}
    if len(periods) > 1 and periods[-1][1] == end and end not in moved:
        periods.pop()
    rows = []
    for born, (cohort, opened, closed) in enumerate(periods):
        mine = [spell for spell in first if opened <= spell[3] < closed]
        for age, (_, _, over) in enumerate(periods[born:]):
            back = sum(spell[4] is not None and spell[4] < over for spell in mine)
            if mine:
                rows.append((cohort, age, len(mine), back, over - 1 <= end))
    return rows


@MAY_BEGIN_AFTER_THE_DATA
@given(events(10), EVERY, ZONES, stretches())
def test_cohorts_match_reference(
    made: list[Event], every: str, time_zone: str, stretch: tuple[int | None, int | None]
) -> None:
    table = optkit.cohorts(frame(made), every=every, time_zone=time_zone, **between(stretch))
    found = table.select("cohort", "age", "size", "returned", "mature").rows()
    assert found == slow(made, every, time_zone, *stretch)
    assert (table["share"] * table["size"]).round(9).cast(int).to_list() == table["returned"].to_list()


def test_a_local_month_begins_at_local_midnight() -> None:
    at = 1_767_225_600_000  # 2026-01-01 00:00 UTC: still December in New York
    made = [Event("+12025550101", "A", at, "opt-out"), Event("+12025550101", "A", at + 1, "opt-in")]
    table = optkit.cohorts(frame(made), time_zone="America/New_York")
    assert table.rows() == [(date(2025, 12, 1), 0, 1, 1, 1.0, False)]


def test_an_unknown_period_is_rejected() -> None:
    with pytest.raises(SettingsError, match="every"):
        optkit.cohorts(frame([Event("+12025550101", "A", 0, "opt-out")]), every="1h")
