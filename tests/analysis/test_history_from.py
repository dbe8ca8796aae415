from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import optkit
from optkit.errors import HistoryError, SettingsError
from optkit.history import SCHEMA

MEANINGS = {"STOP": "opt-out", "START": "opt-in", "HELP": None}
NAMES = {"to_phone": "phone", "from_phone": "shortcode", "created_at": "ts", "status": "event"}
ANN, BOB = "+12025550101", "+12025550102"

TABLE = pl.DataFrame(
    {
        "phone": [f" {ANN}", BOB, ANN, ANN, BOB, ANN],
        "shortcode": [24273, 24273, 24273, 24273, 24273, 24273],
        "ts": [
            datetime(2026, 1, 5, 10),  # noqa: DTZ001 - as a warehouse has them
            datetime(2026, 1, 5, 11),  # noqa: DTZ001 - the same
            datetime(2026, 1, 4, 10),  # noqa: DTZ001 - the same
            datetime(2026, 1, 5, 10),  # noqa: DTZ001 - the same: an exact duplicate of the first
            datetime(2026, 1, 5, 11),  # noqa: DTZ001 - the same: the same millisecond as the second
            datetime(2026, 1, 6, 10),  # noqa: DTZ001 - the same
        ],
        "event": ["START", "start", "STOP ", "START", "Stop", "help"],
        "carrier": ["a"] * 6,
    }
)

#: By hand. In New York it was 5 hours earlier than in UTC.
EXPECTED = pl.DataFrame(
    [
        (ANN, "24273", datetime(2026, 1, 4, 15, tzinfo=UTC), "opt-out", "opt-in"),
        (ANN, "24273", datetime(2026, 1, 5, 15, tzinfo=UTC), "opt-in", "opt-in"),
        (BOB, "24273", datetime(2026, 1, 5, 16, tzinfo=UTC), "opt-in", "opt-out"),
        (BOB, "24273", datetime(2026, 1, 5, 16, tzinfo=UTC), "opt-out", "opt-out"),
    ],
    schema=SCHEMA,
    orient="row",
)


def convert(frame: Any, **changes: Any) -> pl.DataFrame:
    arguments = {**NAMES, "meanings": MEANINGS, "time_zone": "America/New_York", **changes}
    history = optkit.history_from(frame, **arguments)
    assert isinstance(history, pl.DataFrame)
    return history


def test_a_warehouse_table_becomes_a_history() -> None:
    assert convert(TABLE).equals(EXPECTED)
    assert convert(TABLE).schema == SCHEMA


def test_other_frames_give_the_same_history() -> None:
    with duckdb.connect() as connection:  # some versions close it when nothing refers to it
        for frame in (
            TABLE.lazy(),
            TABLE.to_arrow(),
            TABLE.to_pandas(),
            pd.DataFrame(TABLE.to_pandas()),
            connection.from_arrow(TABLE.to_arrow()),
        ):
            assert convert(frame).equals(EXPECTED)


def test_a_stream_that_can_be_read_only_once_is_read_once() -> None:
    reader = pa.RecordBatchReader.from_batches(TABLE.to_arrow().schema, TABLE.to_arrow().to_batches())
    assert convert(reader).equals(EXPECTED)


def test_a_history_stays_the_same() -> None:
    history = optkit.demo_history(recipients=1_000)
    assert optkit.history_from(history).equals(history)
    assert optkit.history_from(history.clear()).equals(history.clear())


@pytest.mark.parametrize(
    ("times", "zone", "expected"),
    [
        (["2026-01-05T10:00:00Z"], None, datetime(2026, 1, 5, 10)),  # noqa: DTZ001 - UTC below
        (["2026-01-05 10:00+02:00"], None, datetime(2026, 1, 5, 8)),  # noqa: DTZ001
        (["2026-01-05 10:00:00.123"], None, datetime(2026, 1, 5, 10, 0, 0, 123_000)),  # noqa: DTZ001
        (["2026-01-05 10:00"], "Europe/Berlin", datetime(2026, 1, 5, 9)),  # noqa: DTZ001
        (["2026-01-05 10:00:00 UTC"], "Europe/Berlin", datetime(2026, 1, 5, 10)),  # noqa: DTZ001
        ([date(2026, 1, 5)], "Europe/Berlin", datetime(2026, 1, 4, 23)),  # noqa: DTZ001
        (["2026-10-25 02:30"], "Europe/Berlin", datetime(2026, 10, 25, 0, 30)),  # noqa: DTZ001 - the first of two
        (pl.Series([0]).cast(pl.Datetime("ns", "Asia/Tokyo")), None, datetime(1970, 1, 1)),  # noqa: DTZ001
    ],
)
def test_times_are_read_in_their_zone(times: Any, zone: str | None, expected: datetime) -> None:
    frame = pl.DataFrame({"to_phone": [ANN], "from_phone": ["A"], "created_at": times, "status": ["opt-out"]})
    history = optkit.history_from(frame, time_zone=zone)
    assert history["created_at"].to_list() == [expected.replace(tzinfo=UTC)]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"to_phone": "msisdn"},
            "no column 'msisdn' for to_phone; there are 'phone', 'shortcode', 'ts', 'event', 'carrier'",
        ),
        ({"status": "word"}, "no column 'word' for status"),
        ({"time_zone": None}, "have no time zone; say which, such as time_zone='UTC'"),
        ({"created_at": "shortcode"}, "is Int64, not a time; convert it, such as by pl.from_epoch"),
        ({"to_phone": "ts"}, "not text"),
        (
            {"meanings": {"STOP": "opt-out"}},
            "status has words without a meaning .* in 4 rows: 'START', 'help' and 'start'$",
        ),
        ({"status": "phone"}, "status has words without a meaning .* in 6 rows: 2 words not quoted here$"),
        ({"created_at": "event"}, "created_at is missing, or a time that cannot be read .* in 5 rows"),
    ],
)
def test_unreadable_values_are_counted_and_not_quoted(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(HistoryError, match=says) as caught:
        convert(TABLE, **changes)
    assert ANN not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["OPTIN", "opt_in", "STOP", None], r"in 3 rows: 'OPTIN' and 'opt_in'$"),
        (
            ["JOIN", "Ann Smith", "ann@example.com", "é"],
            r"in 4 rows: 'JOIN', 'é' and 2 words not quoted here$",
        ),
        ([f"Name{chr(65 + place)}" for place in range(9)], "in 9 rows: more than 8 different words$"),
    ],
)
def test_words_without_a_meaning_are_named_unless_they_may_be_private(words: list[str], says: str) -> None:
    row = {"to_phone": ANN, "from_phone": "A", "created_at": "2026-01-05"}
    frame = pl.DataFrame([row | {"status": word} for word in words])
    with pytest.raises(HistoryError, match=says):
        optkit.history_from(frame, meanings=MEANINGS)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"meanings": {"STOP": "stopped"}}, "'stopped' is not a status"),
        ({"time_zone": "Mars"}, "no time zone 'Mars'"),
    ],
)
def test_other_arguments_are_rejected(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        convert(TABLE, **changes)


def test_missing_values_and_what_is_not_a_frame_are_rejected() -> None:
    with pytest.raises(HistoryError, match="from_phone is missing in 5 rows"):  # the sixth is left out
        convert(TABLE.with_columns(shortcode=pl.lit(" ")))
    with pytest.raises(HistoryError, match="not list"):
        convert([])


def test_statuses_may_be_booleans() -> None:
    frame = pl.DataFrame(
        {"to_phone": [ANN], "from_phone": ["A"], "created_at": ["2026-01-05"], "status": [True]}
    )
    history = optkit.history_from(frame, meanings={True: "opt-out", False: "opt-in"})
    assert history["status"].to_list() == ["opt-out"]
