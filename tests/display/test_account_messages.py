from datetime import UTC, datetime

import polars as pl
import pytest

import optkit
from optkit.display import if_messages, leak_counts, per_thousand, worst_campaigns
from optkit.display.account_messages import load_messages
from optkit.messages import SCHEMA

RATES = pl.DataFrame(
    {
        "campaign_id": [1, 2, 3],
        "campaign": ["calm", "loud", "large"],
        "exposures": [1000, 500, 20_000],
        "rate": [0.001, 0.1, 0.01],
        "low": [0.0005, 0.08, 0.009],
        "high": [0.002, 0.12, 0.011],
        "excess": [0.0, 50.0, 100.0],
        "excess_low": [-5.0, 40.0, 80.0],
        "excess_high": [5.0, 60.0, 120.0],
    }
)


def test_messages_end_before_end_and_belong_to_the_chosen_senders() -> None:
    optkit.load_messages("2026-01-05", "2026-01-19", account="demo", progress=False)
    found, problem = load_messages("demo", "2026-01-19", ["18181"])
    before, chosen = pl.col("sent_at") < datetime(2026, 1, 19, tzinfo=UTC), pl.col("from_phone") == "18181"
    assert found.equals(optkit.demo_messages().filter(before, chosen))
    assert found.height > 0
    assert problem == ""


def test_if_messages_shows_nothing_without_messages() -> None:
    assert if_messages(pl.DataFrame({"message_id": [1]}), lambda: "a table") == "a table"
    assert if_messages(SCHEMA.to_frame(), pytest.fail) is None


def test_per_thousand_scales_rate_and_excess_with_their_intervals() -> None:
    table = per_thousand(RATES)
    columns = ["campaign", "excess_per_1000", "excess_per_1000_low", "excess_per_1000_high"]
    assert table.select(columns).rows() == [
        ("large", 5.0, 4.0, 6.0),
        ("loud", 100.0, 80.0, 120.0),
        ("calm", 0.0, -5.0, 5.0),
    ]
    assert table.select("per_1000", "per_1000_low", "per_1000_high").row(0) == pytest.approx((10, 9, 11))


def test_worst_campaigns_are_those_with_the_largest_excess_per_message() -> None:
    # 23:30 in London; 12:00 in London
    times = [datetime(2026, 1, 5, 23, 30, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC)]
    messages = pl.DataFrame(
        {
            "campaign_id": [2, 3],
            "campaign": ["loud", "large"],
            "from_phone": ["72975", "ACME"],
            "to_phone": ["+447700900001"] * 2,
            "sent_at": times,
            "language": ["en-GB", None],
            "characters": [160, 80],
            "mentions_stop": [True, False],
        }
    )
    table = worst_campaigns(RATES, messages)
    assert table["campaign"].to_list() == ["loud", "large"]
    assert table["night_share"].to_list() == [1.0, 0.0]
    assert table["look_at"].to_list() == [
        "the hours it is sent at, the words on how to opt out, its text and who gets it",
        "its text and who gets it",
    ]
    assert worst_campaigns(RATES, messages, count=1)["senders"].to_list() == ["72975"]
    assert worst_campaigns(RATES.clear(), SCHEMA.to_frame()).is_empty()


def test_leak_counts_are_sorted_by_what_is_overdue() -> None:
    leaks = pl.DataFrame(
        {
            "campaign": ["A", "A", "B"],
            "from_phone": ["72975"] * 3,
            "blocked": [True, False, False],
            "reached": [False, True, True],
            "confirmation": [False, True, False],
            "overdue": [False, False, True],
        }
    )
    assert leak_counts(leaks).rows() == [("B", "72975", 1, 0, 1, 0, 1), ("A", "72975", 2, 1, 1, 1, 0)]


def test_an_account_whose_messages_cannot_be_loaded_says_why() -> None:
    found, problem = load_messages("acme", None, None)
    assert found.equals(SCHEMA.to_frame())
    assert "there is no token" in problem
