import polars as pl
import pytest
import reference_messages
from histories import MAY_BEGIN_AFTER_THE_DATA, Event, between, frame, stretches
from hypothesis import given
from made_messages import Message, message_frame, messages

import optkit


@MAY_BEGIN_AFTER_THE_DATA
@given(messages(), stretches())
def test_audience_matches_reference(sent: list[Message], record: tuple[int | None, int | None]) -> None:
    table = optkit.audience(message_frame(sent), **between(record))
    moments = pl.col("first_sent_at", "last_sent_at").dt.epoch("ms")
    in_record = reference_messages.account([], sent, "pair", *record).messages
    assert table.with_columns(moments).rows() == reference_messages.audience(in_record)


@given(messages())
def test_one_row_without_groups(sent: list[Message]) -> None:
    whole = optkit.audience(message_frame(sent), by=None)
    assert whole["messages"].to_list() == [len(sent)]
    reached = {
        reference_messages.spelled(m.to_phone) for m in sent if m.delivery_status in ("sent", "delivered")
    }
    assert whole["recipients"].to_list() == [len(reached)]


def test_audience_is_accepted_as_a_denominator() -> None:
    sent = [
        Message(number, f"+1202555010{number}", "ACME", 1_767_000_000_000, "delivered", None, None, None)
        for number in range(8)
    ]
    history = frame([Event("+12025550101", "ACME", 1_767_225_600_000, "opt-out")])
    sent.append(sent[0]._replace(message_id=99, from_phone=None))  # matches no sender
    audience = optkit.audience(message_frame(sent))
    rates = optkit.opt_out_rates(history, audience=audience)
    assert rates.select("ever_opted_out", "n", "denominator").rows() == [(1, 8, "audience")]
    assert optkit.churn(history, audience=audience)["churn_rate"].to_list() == [0.125]


def test_only_what_is_counted_is_read() -> None:
    sent = [Message(1, "+12025550101", "ACME", 1_767_000_000_000, "sent", None, None, None)]
    table = optkit.audience(message_frame(sent).drop("message_id"))
    assert table.select("from_phone", "recipients").rows() == [("ACME", 1)]
    nobody = message_frame(sent).drop("message_id").with_columns(to_phone=pl.lit(None, pl.String))
    with pytest.raises(optkit.HistoryError, match="to_phone is null in 1 row"):
        optkit.audience(nobody)


@pytest.mark.parametrize("missing", ["to_phone", "delivery_status", "sent_at"])
def test_nulls_are_found_in_messages_that_reached_nobody(missing: str) -> None:
    sent = [Message(1, "+12025550101", "ACME", 1_767_000_000_000, "failed", None, None, None)]
    messages = message_frame(sent)
    broken = messages.with_columns(pl.lit(None, messages.schema[missing]).alias(missing))
    for ask in (optkit.audience, lambda broken: optkit.list_growth(frame([]), broken)):
        with pytest.raises(optkit.HistoryError, match=f"{missing} is null in 1 row"):
            ask(broken)


def test_sender_without_reached_messages_has_no_recipients() -> None:
    sent = [Message(1, "+12025550101", "ACME", 1_767_000_000_000, "failed", None, None, None)]
    for by in ("from_phone", ["campaign_id", "from_phone"]):
        table = optkit.audience(message_frame(sent), by=by)
        assert table.select("from_phone", "recipients", "messages").rows() == [("ACME", 0, 1)]
