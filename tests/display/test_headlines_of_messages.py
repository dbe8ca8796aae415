"""The sentences about campaigns, fatigue and leaks, from small tables that can be added up by hand."""

import polars as pl

from optkit.display import headlines

CAMPAIGNS = pl.DataFrame(
    {
        "campaign": ["calm", "loud"],
        "opt_outs": [10, 60],
        "exposures": [9000, 1000],
        "expected": [4.0, 1.0],
        "rate": [10 / 9000, 0.06],
        "excess": [6.0, 59.0],
        "excess_low": [0.0, 44.0],
        "excess_high": [14.0, 76.0],
        "signal": ["usual", "high"],
    }
)


def test_campaigns_names_who_stands_out_with_the_excess() -> None:
    answer = headlines.campaigns(CAMPAIGNS, window="72h")
    assert (
        "Of 10,000 messages that reached people who were opted in, 70 opt-outs (0.70%) followed within 72h"
        in answer
    )
    assert "about 5 of them were expected without a message" in answer
    assert "1 of 2 campaigns stands out: loud (6.0%; 59 more than expected, 44 to 76)." in answer
    assert "No campaign differs" in headlines.campaigns(CAMPAIGNS.head(1), window="72h")
    assert "No messages are loaded" in headlines.campaigns(CAMPAIGNS.clear(), window="72h")


HAZARD = pl.DataFrame(
    {
        "from_hours": [0.0, 1.0, 3.0, 6.0],
        "to_hours": [1.0, 3.0, 6.0, None],
        "low": [5.0, 2.0, 0.5, 1.5],
        "background": [1.0] * 4,
    }
)


def test_window_ends_where_the_hazard_is_down_to_the_background() -> None:
    assert headlines.supported_window(HAZARD) == 3.0, "what rises again later is not the message's"
    assert headlines.supported_window(HAZARD.with_columns(low=0.1)) is None
    assert "first 3 hours after a message" in headlines.window_sentence(HAZARD, "72h")
    assert "do not show how long messages have an effect" in headlines.window_sentence(HAZARD.clear(), "72h")


def test_fatigue_compares_the_first_message_of_a_week_with_the_last() -> None:
    table = pl.DataFrame(
        {"exposures_recent": [1, 3], "rate": [0.01, 0.05], "low": [0.008, 0.03], "high": [0.012, 0.07]}
    )
    caps = pl.DataFrame(
        {
            "cap": [1, 2],
            "exposures_share": [0.2, 0.05],
            "opt_outs_saved": [90.0, 40.0],
            "opt_outs_saved_low": [70.0, 30.0],
            "opt_outs_saved_high": [110.0, 50.0],
        }
    )
    sent = pl.DataFrame({"message_id": [1]})
    answer = headlines.fatigue(table, caps, sent)
    assert (
        "only message of a week, 1.0% (0.80% to 1.2%) opt out; after the third 5.0% (3.0% to 7.0%)" in answer
    )
    assert "prevented 5.0% of the messages and, as estimated, 40 opt-outs (30 to 50)" in answer
    assert headlines.fatigue(table.head(1), caps.clear(), sent).endswith("opt out.")
    assert "No messages are loaded" in headlines.fatigue(table.clear(), caps.clear(), sent.clear())
    assert (
        "No message that reached somebody in this period has 30 days of known messages before it"
        in headlines.fatigue(table.clear(), caps.clear(), sent)
    )


def test_leaks_counts_what_was_blocked_what_arrived_and_what_is_overdue() -> None:
    table = pl.DataFrame(
        {
            "campaign": ["A", "A", None],
            "blocked": [True, False, False],
            "reached": [False, True, True],
            "confirmation": [False, True, False],
            "overdue": [False, False, True],
        }
    )
    messages = pl.DataFrame({"message_id": range(100)})
    answer = headlines.leaks(table, messages)
    assert (
        "3 messages of 100 went to people who had opted out: 1 blocked, 2 arrived (1 of them to confirm"
        in answer
    )
    assert "1 arrived after the limit of business days: unnamed (1)." in answer
    assert "None arrived after the limit" in headlines.leaks(table.head(2), messages)
    assert "None of 100 messages went" in headlines.leaks(table.clear(), messages)
    assert "No messages are loaded" in headlines.leaks(table.clear(), messages.clear())
