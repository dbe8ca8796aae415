from datetime import date
from typing import Any

import polars as pl
import pytest
import reference_messages
from histories import MAY_BEGIN_AFTER_THE_DATA, Event, between, events, frame, stretches
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from made_messages import Message, message_frame, messages

import optkit
from optkit.engine.states import Scope

SCOPES = st.sampled_from(["pair", "recipient"])
ZONES = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe"])
CALENDARS = st.tuples(ZONES, st.sampled_from([[], [date(2025, 3, 10), date(2025, 3, 11)]]))
COLUMNS = [
    "from_phone", "to_phone", "opted_out_at", "message_id", "sent_at",
    "business_days", "reached", "blocked", "confirmation", "overdue",
]  # fmt: skip


def as_rows(table: pl.DataFrame) -> list[tuple[Any, ...]]:
    return table.with_columns(pl.col("opted_out_at", "sent_at").dt.epoch("ms")).select(COLUMNS).rows()


@MAY_BEGIN_AFTER_THE_DATA
@given(
    events(14),
    messages(),
    SCOPES,
    CALENDARS,
    stretches(),
)
def test_leaks_match_reference(
    made: list[Event],
    sent: list[Message],
    scope: Scope,
    calendar: tuple[str, list[date]],
    record: tuple[int | None, int | None],
) -> None:
    time_zone, holidays = calendar
    table = optkit.leaks(
        frame(made),
        message_frame(sent),
        scope=scope,
        time_zone=time_zone,
        holidays=holidays,
        business_days=1,
        **between(record),
    )
    it = reference_messages.account(made, sent, scope, *record)
    assert as_rows(table) == reference_messages.leaks(it, time_zone, holidays, 1)
    waited = (table["sent_at"] - table["opted_out_at"]).dt.total_milliseconds() / 3_600_000
    assert table["hours"].to_list() == pytest.approx(waited.to_list())


@MAY_BEGIN_AFTER_THE_DATA
@given(events(14), messages(), SCOPES, stretches())
def test_leak_curve_counts_match_reference(
    made: list[Event], sent: list[Message], scope: Scope, record: tuple[int | None, int | None]
) -> None:
    table = optkit.leak_curve(
        frame(made), message_frame(sent), scope=scope, resolution=None, **between(record)
    )
    it = reference_messages.account(made, sent, scope, *record)
    for kind in ("attempted", "reached"):
        found = reference_messages.first_leaks(it, kind)
        times = sorted({time for time, _ in found})
        expected = [
            (
                time,
                sum(other >= time for other, _ in found),
                sum(leak and other == time for other, leak in found),
            )
            for time in times
        ]
        rows = table.filter(pl.col("kind") == kind)
        in_ms = (rows["days"] * 86_400_000).round().cast(pl.Int64)
        assert list(zip(in_ms, rows["at_risk"], rows["events"], strict=True)) == expected


DAY = 86_400_000
START = 1_767_225_600_000  # Thursday, 2026-01-01


def test_leak_curve_matches_lifelines() -> None:
    made, sent = [], []
    for number in range(60):
        phone, out = f"+1202555{100 + number:04}", START + number * 3_600_000
        made.append(Event(phone, "ACME", out, "opt-out"))
        if number % 3:
            made.append(Event(phone, "ACME", out + (number % 20 + 1) * DAY, "opt-in"))
        at = out + (number * 7 % 30 + 1) * DAY
        sent.append(Message(number, phone, "ACME", at, "sent" if number % 2 else "failed", None, None, None))
    sent.append(Message(99, "+12025559999", "ACME", START, "sent", None, None, None))  # begins the record
    it = reference_messages.account(made, sent)
    table = optkit.leak_curve(frame(made), message_frame(sent))
    for kind in ("attempted", "reached"):
        found = reference_messages.first_leaks(it, kind)
        fitted = KaplanMeierFitter().fit([time / DAY for time, _ in found], [leak for _, leak in found])
        curve = table.filter((pl.col("kind") == kind) & (pl.col("events") > 0))
        assert curve.height > 5
        survival = 1 - fitted.survival_function_at_times(curve["days"]).to_numpy()
        assert curve["share"].to_list() == pytest.approx(survival.tolist())
        curve = curve.filter(pl.col("share") < 1)  # at 1 the variance is not defined
        ends = 1 - fitted.confidence_interval_.loc[curve["days"].to_numpy()].to_numpy()
        assert curve["high"].to_list() == pytest.approx(ends[:, 0].tolist())
        assert curve["low"].to_list() == pytest.approx(ends[:, 1].tolist())


def message(number: int, at: int, status: str = "delivered", failure: str | None = None) -> Message:
    return Message(number, "+12025550101", "ACME", at, status, failure, 511, "Flu vaccination")


def test_by_hand() -> None:
    opted_out = START + DAY // 2 + 400  # Thursday noon
    history = frame([Event("+12025550101", "ACME", opted_out, "opt-out")])
    sent = [
        message(1, START),  # before
        message(2, START + DAY // 2),  # the same second: before
        message(3, START + DAY // 2 + 60_000),  # confirms
        message(4, START + DAY // 2 + 120_000),
        message(5, START + 5 * DAY, "failed", "unsubscribed"),  # Tuesday
        message(6, START + 14 * DAY),  # Thursday two weeks later: business day 10
        message(7, START + 15 * DAY),
    ]
    table = optkit.leaks(history, message_frame(sent))
    assert table["message_id"].to_list() == [3, 4, 5, 6, 7]
    assert table["business_days"].to_list() == [0, 0, 3, 10, 11]
    assert table["reached"].to_list() == [True, True, False, True, True]
    assert table["blocked"].to_list() == [False, False, True, False, False]
    assert table["confirmation"].to_list() == [True, False, False, False, False]
    assert table["overdue"].to_list() == [False, False, False, False, True]
    assert table["delivery_status"].to_list() == [
        "delivered",
        "delivered",
        "failed",
        "delivered",
        "delivered",
    ]
    # New Year is the day of the opt-out, so no business day after it is lost; a Monday is.
    monday = optkit.leaks(history, message_frame(sent), holidays=["2026-01-01", date(2026, 1, 5)])
    assert monday["business_days"].to_list() == [0, 0, 2, 9, 10]
    assert not monday["overdue"].any()
    # In Auckland the opt-out is on Friday, after midnight.
    auckland = optkit.leaks(history, message_frame(sent), time_zone="Pacific/Auckland")
    assert auckland["business_days"].to_list() == [0, 0, 2, 9, 10]


def test_a_message_of_another_sender_leaks_only_in_recipient_scope() -> None:
    history = frame([Event("+12025550101", "24273", START, "opt-out")])
    sent = [message(1, START + DAY), message(2, START + 2 * DAY)._replace(from_phone=None)]
    assert optkit.leaks(history, message_frame(sent)).height == 0
    table = optkit.leaks(history, message_frame(sent), scope="recipient")
    assert table.select("from_phone", "message_id").rows() == [("ACME", 1), (None, 2)]


def test_opt_outs_before_the_record_are_not_in_the_curve() -> None:
    history = frame([Event("+12025550101", "ACME", START - DAY, "opt-out")])
    sent = message_frame([message(1, START)])
    assert optkit.leaks(history, sent).height == 1
    assert optkit.leak_curve(history, sent).height == 0
    assert optkit.leak_curve(history, sent, since="2025-12-01")["events"].to_list() == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"business_days": -1}, "business_days must be"),
        ({"holidays": ["Christmas"]}, "holidays must be dates"),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(optkit.SettingsError, match=says):
        optkit.leaks(frame([]), message_frame([]), **arguments)


def test_empty_frames_have_the_right_columns() -> None:
    history = frame([Event("+12025550101", "ACME", START, "opt-out")])
    sent = message_frame([message(1, START + DAY)])
    for function in (optkit.leaks, optkit.leak_curve):
        full = function(history, sent)
        assert function(history.clear(), sent).schema == full.schema
        assert function(history, sent.clear()).schema == full.schema


@pytest.mark.parametrize(
    ("sent_at", "says"),
    [
        (None, "sent_at is null in 1 row"),
        (pl.datetime(3000, 1, 1, time_unit="ms", time_zone="UTC"), "sent_at lies centuries off in 1 row"),
    ],
)
def test_a_time_that_cannot_be_used_is_an_error(sent_at: pl.Expr | None, says: str) -> None:
    history = frame([Event("+12025550101", "ACME", START, "opt-out")])
    sent = message_frame([message(1, START + DAY), message(2, START + DAY)])
    is_first = pl.col("message_id") == 1
    with pytest.raises(optkit.HistoryError, match=says):
        optkit.leaks(history, sent.with_columns(sent_at=pl.when(is_first).then(sent_at).otherwise("sent_at")))
