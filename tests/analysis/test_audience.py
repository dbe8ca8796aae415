import polars as pl
import pytest
import reference_messages
from histories import MAY_BEGIN_AFTER_THE_DATA, Event, between, frame, stretches
from hypothesis import given
from made_messages import Message, message_frame, messages

import optkit
from optkit.times import INSTANT


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


def test_times_centuries_off_are_found_without_a_scan_of_their_own() -> None:
    sent = [Message(1, "+12025550101", "ACME", 1_767_000_000_000, "failed", None, None, None)]
    messages = message_frame([*sent, *sent])
    years = pl.Series([0, 30_000]) * 365 * 86_400_000
    far = messages.with_columns(pl.col("sent_at") + years.cast(pl.Duration("ms")))
    with pytest.raises(optkit.HistoryError, match="sent_at lies centuries off in 1 row"):
        optkit.audience(far)


@pytest.mark.parametrize(
    "groups", [40, 1000, 5000]
)  # hashes differ, some are equal, more than fit into 63 bits
def test_any_number_of_groups_is_counted(groups: int) -> None:
    # Group n has the first 1 + n % 3 of the recipients, each twice.
    rows = pl.DataFrame({"campaign_id": range(groups)}).with_columns(
        to_phone=pl.int_ranges(1 + pl.col("campaign_id") % 3)
    )
    phones = pl.format("+1202555010{}", "to_phone")
    named = rows.explode("to_phone").with_columns(
        phones,
        from_phone=pl.format("S{}", "campaign_id"),
        campaign=pl.format("Campaign {}", "campaign_id"),
        delivery_status=pl.lit("sent"),
    )
    sent = pl.concat([named, named]).with_columns(sent_at=pl.lit(1_767_000_000_000).cast(INSTANT))
    for by in ("from_phone", "campaign_id", "campaign", ["campaign", "from_phone"]):
        table = optkit.audience(sent, by=by)
        expected = sorted(1 + group % 3 for group in range(groups))
        assert table["recipients"].sort().to_list() == expected
        assert (table["messages"] == 2 * table["recipients"]).all()


def test_messages_without_sender_count_in_no_group_but_their_own() -> None:
    sent = [
        Message(number, f"+1202555010{number}", sender, 1_767_000_000_000, "sent", None, 7, None)
        for number, sender in enumerate([None, "ACME", None, "ACME", "+12025550100", "12025550100"])
    ]
    messages = message_frame([*sent, *sent])
    assert optkit.audience(messages).select("from_phone", "recipients").rows() == [
        ("+12025550100", 2),
        ("ACME", 2),
    ]
    assert optkit.audience(messages, by="campaign_id")["recipients"].to_list() == [6]


def test_sender_without_reached_messages_has_no_recipients() -> None:
    sent = [Message(1, "+12025550101", "ACME", 1_767_000_000_000, "failed", None, None, None)]
    for by in ("from_phone", ["campaign_id", "from_phone"]):
        table = optkit.audience(message_frame(sent), by=by)
        assert table.select("from_phone", "recipients", "messages").rows() == [("ACME", 0, 1)]
