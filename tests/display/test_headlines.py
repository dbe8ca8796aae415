"""The notebooks' sentences, from small tables that can be added up by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from optkit import display
from optkit.display import headlines
from optkit.errors import SettingsError

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_coverage_names_corrupt_files_and_failed_checks(account_data: display.AccountData) -> None:
    files = pl.DataFrame({"ok": [True, True]})
    checks = pl.DataFrame({"check": ["duplicates", "ties", "silent days"], "ok": [True, True, True]})
    good = headlines.coverage(account_data, files, checks)
    assert "2 events from 5 January 2026 to 9 January 2026, without a gap" in good
    assert "its files are intact, and 3 checks of its events found nothing unusual" in good
    doubtful = checks.with_columns(ok=pl.Series([True, False, False]))
    bad = headlines.coverage(account_data, pl.DataFrame({"ok": [True, False]}), doubtful)
    assert "1 file of 2 cannot be read" in bad
    assert "2 of 3 checks need a look first: ties and silent days" in bad


def churn_table(rates: list[float] | None, *, outs: list[int] | None = None) -> pl.DataFrame:
    """Weeks of which the first and the last are incomplete; without rates there is no audience."""
    weeks = len(rates or outs or [])
    return pl.DataFrame(
        {
            "period": [date(2026, 1, 5) + timedelta(weeks=week) for week in range(weeks)],
            "opt_outs": outs or [1000] * weeks,
            "re_opt_ins": [250] * weeks,
            "opted_out_end": [750 * (week + 1) for week in range(weeks)],
            "churn_rate": pl.Series(rates or [None] * weeks, dtype=pl.Float64),
            "denominator": ["audience" if rates else "observed"] * weeks,
            "complete": [False] + [True] * (weeks - 2) + [False],
        }
    )


USUAL = [0.01, 0.012, 0.011] * 4


def test_churn_gives_totals_of_the_period_and_compares_the_last_week(
    account_data: display.AccountData,
) -> None:
    data = replace(account_data, since=datetime(2026, 1, 9, tzinfo=UTC))
    answer = headlines.churn(churn_table([0.5, *USUAL, 0.02, 0.5]), data)
    assert "From 9 January 2026 to 10 January 2026 people opted out 1 time and came back 0 times" in answer
    assert "1 opt-outs were in force at the start, 2 at the end" in answer, "the other opt-out came before"
    assert (
        "2.0% of the people who could be messaged left, more than in any of the 12 weeks before (1.0% to 1.2%)"
        in answer
    )
    assert "one week in 13 is the highest by chance" in answer
    usual = headlines.churn(churn_table([0.5, *USUAL, 0.012, 0.5]), data)
    assert "as usual in the 12 weeks before (1.0% to 1.2%)" in usual
    assert "chance" not in usual


def test_churn_compares_opt_outs_where_no_rate_is_known(account_data: display.AccountData) -> None:
    outs = [7, *[90, 100, 110] * 4, 80, 3]
    answer = headlines.churn(churn_table(None, outs=outs), account_data)
    assert "80 opt-outs were counted, fewer than in any of the 12 weeks before (90 to 110)" in answer
    assert "%" not in answer


def test_churn_compares_with_twelve_weeks_or_not_at_all(account_data: display.AccountData) -> None:
    answer = headlines.churn(churn_table([0.5, *USUAL[1:], 0.02, 0.5]), account_data)
    assert answer.endswith("2 at the end.")


def test_churn_compares_nothing_without_complete_weeks(account_data: display.AccountData) -> None:
    assert headlines.churn(churn_table([0.1, 0.1]), account_data).endswith("2 at the end.")
    assert "no events" in headlines.churn(churn_table([0.1, 0.1]).clear(), account_data)


def test_headline_is_escaped() -> None:
    assert "<strong>a &lt; b</strong>" in headlines.Headline("a < b")._repr_html_()


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


def test_spikes_names_day_limits_and_sender_of_the_largest() -> None:
    by_sender = pl.DataFrame({"from_phone": ["72975", "ACME"], "opt_outs": [1350, 150], "share": [0.9, 0.1]})
    answer = headlines.spikes(spikes_table(50, 1500, 90, 40), by_sender)
    assert "2 of the 4 days from 13 February 2026 on had more opt-outs than expected" in answer
    assert "Saturday 14 February 2026: 1,500 opt-outs, 90.0% of them from 72975; 30 to 80 are usual" in answer
    assert "None of the 2 days" in headlines.spikes(spikes_table(50, 40), by_sender)
    assert "no events" in headlines.spikes(spikes_table(), by_sender)


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


RELAPSES = pl.DataFrame(
    {
        "at_risk": [40, 30],
        "days": [20.0, 40.0],
        "still_in": [0.9, 0.75],
        "low": [0.8, 0.6],
        "high": [0.95, 0.85],
    }
)


def test_cycles_gives_the_share_with_its_interval() -> None:
    answer = headlines.cycles(CYCLES, CURVE, RELAPSES)
    assert (
        "Of 100 opt-outs 40.0% (35.0% to 45.0%) are followed by a return within 90 days, 10.0% within one day"
        in answer
    )
    assert "Of the 40 returns so far 50.0% came within minutes" in answer
    assert "Of all returns 25.0% (15.0% to 40.0%) are followed by another opt-out within 40 days" in answer
    assert "within 60 days" in headlines.cycles(CYCLES, CURVE.head(3), RELAPSES), (
        "no further than was observed"
    )
    assert "Nobody opted out" in headlines.cycles(CYCLES.clear(), CURVE.clear(), RELAPSES.clear())


def test_a_share_of_zero_has_an_interval() -> None:
    nobody = CURVE.tail(1).with_columns(still_out=1.0, low=0.91, high=1.0)
    answer = headlines.cycles(CYCLES, nobody, RELAPSES)
    assert "0.0% (0.0% to 8.8%) are followed by a return within 90 days" in answer, "Wilson's for 0 of 40"


def rates(
    signals: list[str | None], denominator: str = "audience", outs: tuple[int, ...] = (30, 10, 10, 10, 10)
) -> pl.DataFrame:
    count = len(signals)
    return pl.DataFrame(
        {
            "from_phone": [f"7297{number}" for number in range(count)],
            "recipients": [300, 100, 100, 100, 100][:count],
            "ever_opted_out": outs[:count],
            "n": [1000] * count,
            "rate": [out / 1000 for out in outs[:count]],
            "low": [0.02] * count,
            "high": [0.04] * count,
            "signal": pl.Series(signals, dtype=pl.String),
            "denominator": [denominator] * count,
        }
    )


def test_opt_out_rates_names_senders_that_differ() -> None:
    answer = headlines.opt_out_rates(rates(["high", *["usual"] * 4]))
    assert "Of all who were messaged 1.4% have opted out" in answer, "70 of 5,000"
    assert (
        "1 of 5 senders differs from the others by more than senders usually differ here: "
        "72970 (3.0%, 2.0% to 4.0%) above." in answer
    )
    both = headlines.opt_out_rates(rates(["high", "usual", "low", "usual", "usual"]))
    assert "2 of 5 senders differ" in both
    assert "above and 72972 (1.0%, 2.0% to 4.0%) below" in both


def test_opt_out_rates_states_the_time_from_which_people_were_counted() -> None:
    answer = headlines.opt_out_rates(rates(["usual"] * 5), since=datetime(2026, 1, 5, tzinfo=UTC))
    assert answer.startswith("Of all who were messaged since 5 January 2026 1.4% have opted out; ")


def test_opt_out_rates_says_whether_the_order_may_be_chance() -> None:
    # chi-square of 30, 10, 10, 10, 10 of 1,000 each: 23.2 with 4 degrees of freedom, p = 0.0001
    alike = rates(["usual"] * 5, outs=(12, 10, 11, 9, 8))
    answers = [headlines.opt_out_rates(table) for table in (rates(["usual"] * 5), alike)]
    for answer in answers:
        assert "none of 5 senders differs from the others by more than senders usually differ here" in answer
    assert "But their rates differ by more than chance: from 72970 (3.0%" in answers[0]
    assert "may be chance" in answers[1]


def test_opt_out_rates_judges_none_of_few_senders() -> None:
    few = headlines.opt_out_rates(rates([None, None]))
    assert (
        "2 senders are too few to show how much senders usually differ, so none of them is called high or low"
        in few
    )
    assert "by more than chance: from 72970 (3.0%, 2.0% to 4.0%) down to 72971" in few
    assert "there is only one sender" in headlines.opt_out_rates(rates([None]))


def test_opt_out_rates_compares_nobody_without_an_audience() -> None:
    answer = headlines.opt_out_rates(rates([None] * 5, "observed"))
    assert "Of the people in this history 1.4% have ever opted out." in answer
    assert "does not compare senders" in answer
    assert "7297" not in answer


def test_countries_gives_shares_and_the_extremes() -> None:
    seen = rates([None] * 3, "observed", outs=(30, 10, 10)).with_columns(
        country=pl.Series(["US", "CA", None])
    )
    table = seen.with_columns(n=pl.Series([300, 100, 100]))
    curves = pl.concat(
        pl.DataFrame(
            {
                "country": country,
                "days": [30.0, 91.0],
                "at_risk": [100, 100 - back],
                "returned": [back, 0],
                "censored": [0, 100 - back],
                "still_out": [1 - back / 100] * 2,
                "low": [0.5] * 2,
                "high": [0.7] * 2,
            },
            schema_overrides={"country": pl.String},
        )
        for country, back in (("US", 40), ("CA", 20), (None, 30))
    )
    answer = headlines.countries(table, curves)
    assert answer.startswith(
        "The people who opted out or in have numbers of 3 countries: US 60.0%, unknown 20.0% and CA 20.0%."
    )
    assert "differs between countries by more than chance: most in US about 3" in answer
    assert "(counted: 40.0%, 30.0% to 50.0%), fewest in CA about 2" in answer
    alike = curves.filter(pl.col("country") == "US")
    alike = pl.concat([alike, alike.with_columns(country=pl.lit("CA"))])
    assert "does not differ between countries by more than chance" in headlines.countries(table, alike)
    assert headlines.countries(table, alike.head(2)).endswith("CA 20.0%.")


def test_countries_gives_true_rates_where_it_is_known_who_was_messaged() -> None:
    countries = pl.Series("country", ["US", "CA", "GB", "DE", None])
    table = rates(["high", *["usual"] * 4]).select(countries, pl.exclude("from_phone"))
    curves = pl.DataFrame(
        {
            "country": ["US"],
            "days": [30.0],
            "at_risk": [40],
            "returned": [10],
            "censored": [30],
            "still_out": [0.75],
            "low": [0.6],
            "high": [0.9],
        }
    )
    answer = headlines.countries(table, curves, since=datetime(2026, 1, 5, tzinfo=UTC))
    assert answer.startswith(
        "The people who were messaged since 5 January 2026 have numbers of 5 countries: unknown 20.0%, CA "
    )
    assert (
        "1.4% of them opted out; by more than countries usually differ, in US (3.0%, 2.0% to 4.0%) more."
        in answer
    )
    alike = table.with_columns(signal=pl.lit("usual"))
    assert "1.4% of them opted out; no country differs" in headlines.countries(alike, curves)
    few = table.with_columns(signal=pl.lit(None, pl.String))
    assert "1.4% of them opted out; there are too few countries" in headlines.countries(few, curves)


def test_suppression_counts_people_and_changes() -> None:
    changes = pl.DataFrame({"change": ["added", "added", "removed"]})
    people = pl.DataFrame({"to_phone": ["+12025550101"] * 3})
    answer = headlines.suppression(people, changes, NOON, NOON - timedelta(days=7))
    assert answer == (
        "As of 2026-07-01 12:00 UTC 3 people are opted out of at least one sender. Since 24 June 2026 2 were added "
        "and 1 were removed."
    )


def test_one_number_names_the_senders_that_it_is_opted_out_of() -> None:
    events = pl.DataFrame(
        {
            "from_phone": ["72975", "ACME", "ACME"],
            "status": ["opt-out", "opt-out", "opt-in"],
            "created_at": [NOON - timedelta(days=days) for days in (30, 20, 10)],
            "state_after": ["opt-out", "opt-out", "opt-in"],
        }
    )
    answer = headlines.one_number(events, "+1202•••0101", NOON)
    assert "+1202•••0101 is opted out of 72975, which must not message it, as of" in answer
    assert "3 events with 2 senders, the last on 21 June 2026" in answer
    assert "opted in everywhere" in headlines.one_number(events.clear(), "+1202•••0101", NOON)


def test_one_number_counts_messages_and_those_after_an_opt_out() -> None:
    rows = pl.DataFrame(
        {
            "from_phone": ["72975"] * 3,
            "created_at": [NOON - timedelta(days=days) for days in (30, 20, 10)],
            "status": ["opt-out", None, None],
            "state_after": ["opt-out", "opt-out", "opt-out"],
            "note": ["", "leak", ""],
        }
    )
    answer = headlines.one_number(rows, "+1202•••0101", NOON)
    assert (
        "1 event with 1 sender, the last on 1 June 2026. 2 messages went to it, 1 of them although" in answer
    )
    only_messages = headlines.one_number(rows.tail(1), "+1202•••0101", NOON)
    assert only_messages.endswith("opted in everywhere. 1 message went to it, none of them after an opt-out.")


def test_most_active_has_the_most_events() -> None:
    history = pl.DataFrame({"to_phone": ["+12025550102", "+12025550101", "+12025550101"]})
    assert headlines.most_active(history) == "+12025550101"
    with pytest.raises(SettingsError, match="there are no events"):
        headlines.most_active(history.clear())
