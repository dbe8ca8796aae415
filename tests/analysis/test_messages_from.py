from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

import optkit
from optkit.errors import HistoryError, SettingsError
from optkit.messages import SCHEMA

ANN, BOB = "+12025550101", "+12025550102"
LOG = pl.DataFrame(
    {
        "id": [7, 5, 7, 9],
        "phone": [BOB, ANN, BOB, ANN],
        "sender": ["NORTHWIND", None, "NORTHWIND", "24273"],
        "ts": ["2026-01-05T10:00Z", "2026-01-06T10:00Z", "2026-01-05T10:00Z", "2026-01-04T10:00Z"],
        "state": ["queued", "DELIVRD", "DELIVRD", "draft"],
        "name": ["spring", "spring", "spring", "sale"],
        "number": [1, 1, 1, 2],
        "length": [160, 20, 160, 5],
    }
)
NAMES: dict[str, Any] = {"to_phone": "phone", "from_phone": "sender", "sent_at": "ts"}
#: Campaign, execution and response set, name, language, time of execution, characters, mentions of STOP.
THE_REST = (1, 2, 3, "a", "en", None, 9, True)


def test_a_log_becomes_messages() -> None:
    messages = optkit.messages_from(
        LOG,
        **NAMES,
        message_id="id",
        delivery_status="state",
        campaign="name",
        meanings={"delivrd": "delivered", "queued": "pending", "draft": None},
        campaign_id="number",
        characters="length",
    )
    assert messages.schema == SCHEMA
    assert messages.drop_nulls("message_id").select(
        "message_id",
        "to_phone",
        "from_phone",
        "sent_at",
        "delivery_status",
        "campaign",
        "campaign_id",
        "characters",
    ).rows() == [
        # of the two rows numbered 7 the later one
        (7, BOB, "NORTHWIND", datetime(2026, 1, 5, 10, tzinfo=UTC), "delivered", "spring", 1, 160),
        (5, ANN, None, datetime(2026, 1, 6, 10, tzinfo=UTC), "delivered", "spring", 1, 20),
    ]
    assert messages["failure"].null_count() == messages["executed_at"].null_count() == 2


def test_columns_that_are_not_named_have_defaults() -> None:
    messages = optkit.messages_from(LOG, **NAMES)
    assert messages["message_id"].to_list() == [1, 2, 3, 4]
    assert messages["sent_at"].is_sorted()
    assert messages["delivery_status"].unique().to_list() == ["delivered"]
    assert messages["campaign"].null_count() == 4


def test_missing_values_of_additional_columns_are_null() -> None:
    log = LOG.with_columns(number=pl.Series([" ", "12", None, "7"]), length=pl.Series([None, None, 3, 4]))
    messages = optkit.messages_from(log, **NAMES, campaign_id="number", characters="length")
    assert sorted(messages["campaign_id"].drop_nulls()) == [7, 12]
    assert sorted(messages["characters"].drop_nulls()) == [3, 4]


def test_unknown_words_are_other() -> None:
    messages = optkit.messages_from(LOG, **NAMES, delivery_status="state")
    assert messages.sort("message_id")["delivery_status"].to_list() == ["other", "queued", "other", "other"]


def test_messages_stay_the_same() -> None:
    messages = pl.DataFrame(
        [
            (
                3,
                ANN,
                "24273",
                datetime(2026, 1, 5, 10, tzinfo=UTC),
                "failed",
                "blocked",
                1,
                2,
                3,
                "a",
                "en",
                None,
                9,
                True,
            )
        ],
        schema=SCHEMA,
        orient="row",
    )
    same: dict[str, Any] = {name: name for name in SCHEMA}
    assert optkit.messages_from(messages, **same).equals(messages)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"message_id": "state"}, HistoryError, "message_id is not a whole number .* in 4 rows"),
        ({"to_phone": "msisdn"}, HistoryError, "no column 'msisdn' for to_phone"),
        ({"executed_at": "sent"}, HistoryError, "no column 'sent' for executed_at"),
        ({"sent_at": "state"}, HistoryError, "sent_at is missing, or a time that cannot be read"),
        ({"sent_at": "number"}, HistoryError, "is Int64, not a time; convert it, such as by pl.from_epoch"),
        ({"sent_at": "day"}, HistoryError, "have no time zone; say which, such as time_zone='UTC'"),
        ({"to_phone": "day"}, HistoryError, "not text"),
        ({"to_phone": "blank"}, HistoryError, "to_phone is missing in 4 rows"),
        ({"delivery_status": "word"}, HistoryError, "no column 'word' for delivery_status"),
        ({"time_zone": "Mars"}, SettingsError, "no time zone 'Mars'"),
        (
            {"campaign_id": "state"},
            HistoryError,
            "campaign_id, where it is not empty, cannot be read in 4 rows",
        ),
        (
            {"characters": "phone"},
            HistoryError,
            "characters, where it is not empty, cannot be read in 4 rows",
        ),
        (
            {"executed_at": "state"},
            HistoryError,
            "executed_at, where it is not empty, cannot be read in 4 rows",
        ),
        ({"price": "number"}, SettingsError, "no column 'price'; the other columns are failure, campaign_id"),
        (
            {"delivery_status": "state", "meanings": {"DELIVRD": "arrived"}},
            SettingsError,
            "'arrived' is not a status",
        ),
    ],
)
def test_other_arguments_are_rejected(changes: dict[str, Any], error: type[Exception], says: str) -> None:
    log = LOG.with_columns(day=pl.lit(date(2026, 1, 5)), blank=pl.lit(" "))
    with pytest.raises(error, match=says) as caught:
        optkit.messages_from(log, **{**NAMES, **changes})
    assert ANN not in str(caught.value)


def test_other_objects_than_frames_are_rejected() -> None:
    with pytest.raises(HistoryError, match="not list"):
        optkit.messages_from([])  # type: ignore[call-overload]
