import polars as pl
import pytest
import reference_messages
from histories import FEWER_EXAMPLES, MAY_BEGIN_AFTER_THE_DATA, Event, between, events, frame, stretches
from hypothesis import given
from made_messages import Message, message_frame, messages
from polars.testing import assert_frame_equal

import optkit

GROUPS = ["campaign_id", "campaign"]


@MAY_BEGIN_AFTER_THE_DATA
@given(events(14), messages(), stretches())
def test_campaign_rates_match_reference(
    made: list[Event], sent: list[Message], record: tuple[int | None, int | None]
) -> None:
    table = optkit.campaign_rates(frame(made), message_frame(sent), window="5m", **between(record))
    it = reference_messages.account(made, sent, "pair", *record)
    expected = reference_messages.campaign_rates(it, 300_000)
    counts = table.select(*GROUPS, "messages", "exposures", "recipients", "opt_outs", "expected").rows()
    assert {row[:2]: row[2:6] for row in counts} == {group: row[:4] for group, row in expected.items()}
    assert {row[:2]: row[6] for row in counts} == pytest.approx({g: row[4] for g, row in expected.items()})
    assert counts == sorted(counts, key=lambda row: (row[0] is None, row[0], row[1]))


@FEWER_EXAMPLES
@given(events(14), messages())
def test_opt_outs_are_those_that_attribution_gives_to_messages(
    made: list[Event], sent: list[Message]
) -> None:
    history, frame_of_messages = frame(made), message_frame(sent)
    table = optkit.campaign_rates(history, frame_of_messages).filter(pl.col("opt_outs") > 0)
    rows = optkit.attribution(history, frame_of_messages).filter(pl.col("source") == "message")
    assert_frame_equal(
        table.select(*GROUPS, "opt_outs"),
        rows.group_by(GROUPS).agg(opt_outs=pl.len().cast(pl.Int64)).sort(GROUPS, nulls_last=True),
    )


DAY = 86_400_000


def message(number: int, to: int, day: float, campaign: str = "A") -> Message:
    at = round(1_767_225_600 + day * 86_400) * 1000
    return Message(number, f"+1202555{to:04}", "ACME", at, "delivered", None, None, campaign)


def opt_out(to: int, day: float) -> Event:
    return Event(f"+1202555{to:04}", "ACME", round((1_767_225_600 + day * 86_400) * 1000), "opt-out")


def test_expected_by_hand() -> None:
    # Two people for 10 days after their messages: one leaves after 1 day, the other after 6.
    sent = [message(1, 100, 0), message(2, 101, 0), message(3, 102, 0)]
    history = frame([opt_out(100, 1), opt_out(101, 6)])
    table = optkit.campaign_rates(
        history, message_frame(sent), by="campaign", window="72h", until="2026-01-11"
    )
    # Covered: 1 + 3 + 3 days; not covered: 3 (until the second leaves) + 7 (until the end), with one opt-out.
    assert table.select("exposures", "opt_outs", "expected").rows() == [(3, 1, pytest.approx(7 * 1 / 10))]
    assert table["excess"].item() == pytest.approx(0.3)
    # Garwood's interval of one event, as in tables of it
    assert table.select("excess_low", "excess_high").row(0) == pytest.approx(
        (0.0253178 - 0.7, 5.5716434 - 0.7)
    )
    # Wilson's interval of 1 of 3, by statsmodels.stats.proportion.proportion_confint(1, 3, method="wilson")
    assert table.select("rate", "low", "high").row(0) == pytest.approx((1 / 3, 0.0614919, 0.7923404))


def test_a_column_of_the_history_groups_messages() -> None:
    sent = [message(1, 100, 0), message(2, 101, 0), message(3, 102, 0)]
    history = frame([opt_out(100, 1), opt_out(101, 6)]).with_columns(
        brand=pl.lit("Acme"), plan=pl.when(pl.col("to_phone").str.ends_with("0")).then(1).otherwise(2)
    )
    by_sender = optkit.campaign_rates(history, message_frame(sent), by="brand")
    assert by_sender.select("brand", "exposures").rows() == [("Acme", 3)]
    by_recipient = optkit.campaign_rates(history, message_frame(sent), by="plan")
    assert by_recipient.select("plan", "exposures").rows() == [(1, 1), (2, 1), (None, 1)]
    both = frame([opt_out(100, 1), opt_out(100, 2)._replace(status="opt-in")])
    with pytest.raises(optkit.HistoryError, match="status has several values"):
        optkit.campaign_rates(both, message_frame(sent), by="status")


def test_a_column_missing_in_both_frames_is_named() -> None:
    with pytest.raises(optkit.HistoryError, match="no column 'brand'; it has"):
        optkit.campaign_rates(frame([]), message_frame([message(1, 100, 0)]), by="brand")


def test_empty_frames_have_the_right_columns() -> None:
    sent = message_frame([message(1, 100, 0)])
    full = optkit.campaign_rates(frame([opt_out(100, 1)]), sent)
    assert optkit.campaign_rates(frame([]), sent).schema == full.schema
    assert optkit.campaign_rates(frame([]), sent.clear()).schema == full.schema
    assert optkit.campaign_rates(frame([opt_out(100, 1)]), sent.clear()).schema == full.schema
