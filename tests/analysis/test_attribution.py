from typing import Any

import polars as pl
import pytest
import reference_messages
from histories import FEWER_EXAMPLES, MAY_BEGIN_AFTER_THE_DATA, Event, between, events, frame, stretches
from hypothesis import given
from hypothesis import strategies as st
from made_messages import Message, message_frame, messages

import optkit
from optkit.engine.states import Scope

SCOPES = st.sampled_from(["pair", "recipient"])
WINDOWS = st.sampled_from([("1s", 1_000), ("5m", 300_000), ("72h", 259_200_000)])
STATUSES = st.sampled_from([("sent", "delivered"), ("delivered", "undelivered", "pending"), ("other",)])


def as_rows(table: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Return rows in the form of the reference, hours in milliseconds, because divisions differ in the last digits."""
    moments = pl.col("opted_out_at", "sent_at").dt.epoch("ms")
    waited = (pl.col("hours") * 3_600_000).round().cast(pl.Int64)
    return table.drop("execution_id").with_columns(moments, waited).select(
        "from_phone", "to_phone", "opted_out_at", "source", "message_id", "campaign_id", "campaign", "sent_at",
        "hours", "messages_7d", "messages_30d",
    ).rows()  # fmt: skip


@given(events(12), messages(), SCOPES, WINDOWS)
def test_attribution_matches_reference(
    made: list[Event], sent: list[Message], scope: Scope, window: tuple[str, int]
) -> None:
    table = optkit.attribution(frame(made), message_frame(sent), scope=scope, window=window[0])
    it = reference_messages.account(made, sent, scope)
    assert as_rows(table) == reference_messages.attribution(it, window[1], None)


@MAY_BEGIN_AFTER_THE_DATA
@given(events(12), messages(), SCOPES, stretches(), STATUSES)
def test_attribution_within_a_record_matches_reference(
    made: list[Event],
    sent: list[Message],
    scope: Scope,
    record: tuple[int | None, int | None],
    statuses: tuple[str, ...],
) -> None:
    table = optkit.attribution(
        frame(made), message_frame(sent), scope=scope, statuses=statuses, **between(record)
    )
    it = reference_messages.account(made, sent, scope, *record, statuses=statuses)
    assert as_rows(table) == reference_messages.attribution(it, 259_200_000, record[0])


E164 = st.sampled_from(["+12025550101", "+12025550102", "+447700900001"])


@FEWER_EXAMPLES
@given(
    events(12).flatmap(lambda made: st.tuples(*(st.builds(e._replace, to_phone=E164) for e in made))),
    messages(),
)
def test_rows_match_the_opt_outs_of_churn(made: tuple[Event, ...], sent: list[Message]) -> None:
    history = frame(list(made))
    table = optkit.attribution(history, message_frame(sent))
    opt_outs = optkit.transitions(history).filter(pl.col("kind") == "opt-out")
    assert table.select("from_phone", "to_phone", created_at="opted_out_at").equals(opt_outs.drop("kind"))
    assert table.height == optkit.churn(history)["opt_outs"].sum()


def at(text: str) -> int:
    return int(pl.Series([text]).str.to_datetime(time_unit="ms", time_zone="UTC").dt.epoch("ms").item())


def sent(
    number: int, when: str, *, to: str = "+12025550101", sender: str | None = "ACME", status: str = "sent"
) -> Message:
    return Message(number, to, sender, at(when), status, None, 511, "Flu vaccination")


HISTORY = frame([Event("+12025550101", "ACME", at("2026-01-05T10:00:00.400Z"), "opt-out")])


@pytest.mark.parametrize(
    ("messages", "source", "message_id"),
    [
        ([sent(1, "2026-01-05T10:00:00Z")], "message", 1),  # the same second: the message came first
        ([sent(1, "2026-01-05T10:00:01Z")], "unknown", None),
        (
            [sent(1, "2026-01-05T09:00Z"), sent(3, "2026-01-05T09:30Z"), sent(2, "2026-01-05T09:30Z")],
            "message",
            3,
        ),
        ([sent(1, "2026-01-02T09:00Z")], "earlier", 1),
        ([sent(1, "2026-01-02T09:00Z", status="failed")], "none", None),
        ([sent(1, "2026-01-05T09:00Z", status="undelivered")], "unknown", None),
        ([sent(1, "2026-01-05T09:00Z", sender="acme")], "unknown", None),
        ([sent(1, "2026-01-05T09:00Z", sender=None)], "unknown", None),
        ([sent(1, "2026-01-05T09:00Z", to="1 202 555 0101")], "unknown", None),  # needs a region
        ([sent(1, "2026-01-05T09:00Z", to="12025550101")], "message", 1),
    ],
)
def test_by_hand(messages: list[Message], source: str, message_id: int | None) -> None:
    table = optkit.attribution(HISTORY, message_frame(messages))
    assert table.select("source", "message_id").rows() == [(source, message_id)]


def test_region_reads_national_numbers_on_both_sides() -> None:
    history = HISTORY.with_columns(to_phone=pl.lit("(202) 555-0101"))
    spelled = message_frame([sent(1, "2026-01-05T09:00Z", to="202-555-0101")])
    assert optkit.attribution(history, spelled, region="US")["to_phone"].to_list() == ["+12025550101"]
    assert optkit.attribution(history, spelled, region="US")["source"].to_list() == ["message"]


def test_statuses_say_what_may_have_been_read() -> None:
    failed = message_frame([sent(1, "2026-01-05T09:00Z", status="failed")])
    assert optkit.attribution(HISTORY, failed, statuses=["failed"])["source"].to_list() == ["message"]
    with pytest.raises(optkit.SettingsError, match="statuses must be some of sent, delivered"):
        optkit.attribution(HISTORY, failed, statuses=["read"])


def test_empty_frames_have_the_right_columns() -> None:
    messages = message_frame([sent(1, "2026-01-05T09:00Z")])
    expected = optkit.attribution(HISTORY, messages).schema
    assert optkit.attribution(HISTORY.clear(), messages).schema == expected
    assert optkit.attribution(HISTORY, messages.clear()).schema == expected
    assert optkit.attribution(HISTORY.clear(), messages.clear()).schema == expected


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (pl.col("sent_at").dt.replace_time_zone(None), "sent_at is Datetime.*not an instant"),
        (pl.col("message_id").cast(pl.String), "message_id is String, not a whole number"),
        (pl.lit(None, pl.String).alias("to_phone"), "to_phone is null in 1 row"),
        (pl.lit(None, pl.Int64).alias("message_id"), "message_id is null in 1 row"),
        (pl.lit(None, pl.String).alias("delivery_status"), "delivery_status is null in 1 row"),
    ],
)
def test_a_frame_without_messages_is_an_error(change: pl.Expr, says: str) -> None:
    messages = message_frame([sent(1, "2026-01-05T09:00Z")]).with_columns(change)
    with pytest.raises(optkit.HistoryError, match=says):
        optkit.attribution(HISTORY, messages)
