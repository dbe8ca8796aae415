"""The notebooks' sentences, from small tables whose figures can be added up by hand."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from optkit import display
from optkit.display import headlines
from optkit.errors import SettingsError

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def spikes_table(*counts: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "period": [date(2026, 2, 13) + timedelta(days=number) for number in range(len(counts))],
            "opt_outs": counts,
            "expected": [50.0] * len(counts),
            "low": [30.0] * len(counts),
            "high": [80.0] * len(counts),
            "spike": [count > 80 for count in counts],
        }
    )


def test_the_largest_spike_is_named_with_its_day_its_limits_and_its_sender() -> None:
    blame = pl.DataFrame({"from_phone": ["72975", "ACME"], "opt_outs": [1350, 150], "share": [0.9, 0.1]})
    answer = headlines.spikes(spikes_table(50, 1500, 90, 40), blame)
    assert "2 of the 4 days from 13 February 2026 on had more opt-outs than expected" in answer
    assert (
        "Saturday 14 February 2026: 1,500 opt-outs, where 30 to 80 are usual; 90.0% of them left 72975"
        in answer
    )
    assert "None of the 2 days" in headlines.spikes(spikes_table(50, 40), blame)
    assert "no event" in headlines.spikes(spikes_table(), blame)


def test_the_day_looked_into_is_the_chosen_one_or_the_largest_spike() -> None:
    assert headlines.largest_spike(spikes_table(50, 90, 1500)) == date(2026, 2, 15)
    assert headlines.largest_spike(spikes_table(50, 90), "2026-01-02") == date(2026, 1, 2)
    assert headlines.largest_spike(spikes_table(50)) is None


def test_who_was_behind_counts_the_local_day_against_the_mean_of_all() -> None:
    moments = [(14, 4), (14, 5), (15, 1), (15, 23), (20, 12)]
    transitions = pl.DataFrame(
        {
            "from_phone": ["72975", "72975", "72975", "ACME", "ACME"],
            "to_phone": ["+12025550101"] * 5,
            "created_at": [datetime(2026, 2, day, hour, tzinfo=UTC) for day, hour in moments],
            "kind": ["opt-out"] * 5,
        }
    )
    # in New York the first is on the 13th, the next two on the 14th
    behind = headlines.who_was_behind(transitions, date(2026, 2, 14), time_zone="America/New_York")
    assert behind.select("from_phone", "opt_outs", "share").rows() == [("72975", 2, 1.0)]
    assert behind["a_day_on_average"].to_list() == [3 / 4]
    assert headlines.who_was_behind(transitions.clear(), None).is_empty()


CYCLES = pl.DataFrame({"spells": [80, 20], "cycles": [30, 10], "relapses": [4, 6], "quick_returns": [20, 0]})
CURVE = pl.DataFrame(
    {
        "at_risk": [100, 95, 60, 40],
        "days": [0.5, 1.0, 60.0, 91.0],
        "still_out": [0.95, 0.9, 0.6, 0.5],
        "low": [0.9, 0.85, 0.55, 0.45],
        "high": [0.97, 0.94, 0.65, 0.55],
    }
)


def test_the_answer_on_returns_gives_the_share_at_the_horizon_with_its_interval() -> None:
    answer = headlines.cycles(CYCLES, CURVE)
    assert (
        "Of 100 opt-outs 40.0% (35.0% to 45.0%) are taken back within 90 days, 10.0% within one day" in answer
    )
    assert "Of the 40 returns so far 50.0% came within minutes" in answer
    assert "25.0% were followed by another opt-out" in answer
    assert "within 60 days" in headlines.cycles(CYCLES, CURVE.head(3)), "no further than was observed"
    assert "Nobody opted out" in headlines.cycles(CYCLES.clear(), CURVE.clear())


def test_relapses_follow_each_pair_from_one_spell_to_the_next() -> None:
    spells = pl.DataFrame({"spell": [1, 1, 1, 2, 2, 3], "returned": [True, True, False, True, False, False]})
    assert headlines.relapses(spells).rows() == [
        (1, 3, 2, 2, 2 / 3, 1.0),
        (2, 2, 1, 1, 0.5, 1.0),
        (3, 1, 0, 0, 0.0, None),
    ]


def rates(signals: list[str], denominator: str = "audience") -> pl.DataFrame:
    count = len(signals)
    return pl.DataFrame(
        {
            "from_phone": [f"7297{number}" for number in range(count)],
            "recipients": [300, 100, 100][:count],
            "ever_opted_out": [30, 10, 10][:count],
            "n": [1000] * count,
            "rate": [0.03, 0.01, 0.01][:count],
            "low": [0.02] * count,
            "high": [0.04] * count,
            "signal": signals,
            "denominator": [denominator] * count,
        }
    )


def test_the_answer_on_rates_names_who_differs_with_intervals() -> None:
    answer = headlines.opt_out_rates(rates(["high", "usual", "usual"]))
    assert "Of all who were messaged 1.7% have ever opted out" in answer, "50 of 3,000"
    assert "1 of 3 senders differs from that by more than chance: 72970 (3.0%, 2.0% to 4.0%) above." in answer
    both = headlines.opt_out_rates(rates(["high", "usual", "low"]))
    assert "2 of 3 senders differ" in both
    assert "above and 72972 (1.0%, 2.0% to 4.0%) below" in both
    assert "with one sender there is nothing to compare" in headlines.opt_out_rates(rates(["usual"]))
    none = headlines.opt_out_rates(rates(["usual", "usual"], "observed"))
    assert "none of 2 senders differs" in none
    assert "nothing about who was messaged" in none


def test_the_answer_on_countries_gives_shares_and_the_ends_of_the_range() -> None:
    table = rates(["usual"] * 3).with_columns(country=pl.Series(["US", "CA", None]))
    curves = pl.concat(
        CURVE.with_columns(pl.lit(country).alias("country"), pl.col("still_out") + more)
        for country, more in (("US", 0.0), ("CA", 0.2), (None, 0.1))
    )
    answer = headlines.countries(table, curves)
    assert (
        "3 countries: US 60.0%, CA 20.0% and unknown 20.0%" in answer or "US 60.0%, unknown 20.0%" in answer
    )
    assert "40.0% (35.0% to 45.0%) in US are taken back within 90 days, and 20.0%" in answer


def test_the_answer_on_the_list_counts_what_changed() -> None:
    changes = pl.DataFrame({"change": ["added", "added", "removed"]})
    people = pl.DataFrame({"to_phone": ["+12025550101"] * 3})
    answer = headlines.suppression(people, changes, NOON, NOON - timedelta(days=7))
    assert answer == (
        "As of 2026-07-01 12:00 UTC 3 people are opted out of at least one sender. Since 24 June 2026 2 were added "
        "and 1 taken off."
    )


def test_the_answer_on_one_number_says_where_it_stands() -> None:
    events = pl.DataFrame(
        {
            "from_phone": ["72975", "ACME", "ACME"],
            "created_at": [NOON - timedelta(days=days) for days in (30, 20, 10)],
            "state_after": ["opt-out", "opt-out", "opt-in"],
        }
    )
    answer = headlines.one_number(events, "+1202•••0101", NOON)
    assert "+1202•••0101 is opted out of 72975 and must not be messaged" in answer
    assert "3 events with 2 senders, the last on 21 June 2026" in answer
    assert "opted in everywhere" in headlines.one_number(events.clear(), "+1202•••0101", NOON)


def test_the_most_active_number_is_the_one_with_the_most_events() -> None:
    history = pl.DataFrame({"to_phone": ["+12025550102", "+12025550101", "+12025550101"]})
    assert headlines.most_active(history) == "+12025550101"
    with pytest.raises(SettingsError, match="there is no event here"):
        headlines.most_active(history.clear())


def test_moments_are_a_week_apart_unless_said() -> None:
    assert display.moments(None, None, until=NOON) == (NOON, NOON - timedelta(days=7))
    at, before = display.moments("2026-06-01", "2026-05-01", until=NOON)
    assert (at, before) == (datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    with pytest.raises(SettingsError, match="before must lie before at"):
        display.moments("2026-05-01", "2026-06-01", until=NOON)


def test_an_export_is_its_owner_s_alone_and_replaces_what_was_there(tmp_path: Path) -> None:
    table = pl.DataFrame({"to_phone": ["+12025550101"], "opted_out_at": [NOON]})
    file = tmp_path / "list.csv"
    file.write_text("old")
    file.chmod(0o644)
    assert display.export(table, str(file)).startswith("1 row written to ")
    assert file.stat().st_mode & 0o777 == 0o600
    assert pl.read_csv(file, schema_overrides={"to_phone": pl.String})["to_phone"].to_list() == [
        "+12025550101"
    ]
    display.export(table, str(tmp_path / "list.parquet"))
    assert pl.read_parquet(tmp_path / "list.parquet").equals(table)
    assert "Nothing was written" in display.export(table, None)
    with pytest.raises(SettingsError, match=r"must name a \.csv or \.parquet file"):
        display.export(table, str(tmp_path / "list.xls"))
