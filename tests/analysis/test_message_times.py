from datetime import UTC, datetime

import polars as pl

from optkit.analysis.message_times import local_hours, message_number


def test_local_hours_are_in_the_recipients_local_time() -> None:
    # Monday 5 January 2026 at 3 in the morning in UTC is Sunday evening in New York
    messages = pl.DataFrame(
        {
            "to_phone": ["+12125550101", "+447700900001", "72975"],
            "sent_at": [datetime(2026, 1, 5, 3, tzinfo=UTC)] * 3,
        }
    )
    assert local_hours(messages).select("hour", "weekday").rows() == [(22, 7), (3, 1), (None, None)]


def test_message_number_counts_within_sender_and_recipient() -> None:
    messages = pl.DataFrame({"from_phone": ["A"] * 8 + ["B"], "to_phone": ["+12125550101"] * 9})
    numbers = message_number(messages)["message_number"].to_list()
    assert numbers == ["1", "2-3", "2-3", "4-7", "4-7", "4-7", "4-7", "8+", "1"]
