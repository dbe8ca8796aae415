import polars as pl
import pytest
import reference_messages
from histories import FEWER_EXAMPLES, MAY_BEGIN_AFTER_THE_DATA, Event, between, events, frame, stretches
from hypothesis import given
from made_messages import Message, message_frame, messages
from polars.testing import assert_frame_equal

import optkit

EDGES = (0, 0.01, 0.1, 1, 24, 200)


@MAY_BEGIN_AFTER_THE_DATA
@given(events(14), messages(), stretches())
def test_hazard_matches_reference(
    made: list[Event], sent: list[Message], record: tuple[int | None, int | None]
) -> None:
    table = optkit.opt_out_hazard(frame(made), message_frame(sent), edges=EDGES, **between(record))
    it = reference_messages.account(made, sent, "pair", *record)
    expected = reference_messages.hazard(it, list(EDGES))
    assert table["from_hours"].to_list() == list(EDGES)
    assert table["to_hours"].to_list() == [*EDGES[1:], None]
    assert table["opt_outs"].to_list() == [opt_outs for _, opt_outs in expected]
    assert table["person_hours"].to_list() == pytest.approx([time / 3_600_000 for time, _ in expected])


@FEWER_EXAMPLES
@given(events(14), messages())
def test_groups_add_up(made: list[Event], sent: list[Message]) -> None:
    history, frame_of_messages = frame(made), message_frame(sent)
    whole = optkit.opt_out_hazard(history, frame_of_messages)
    parts = optkit.opt_out_hazard(history, frame_of_messages, by="from_phone").group_by("from_hours")
    if whole["person_hours"].sum():
        sums = parts.agg(pl.col("person_hours", "opt_outs").sum()).sort("from_hours")
        assert_frame_equal(sums, whole.select("from_hours", "person_hours", "opt_outs"), rel_tol=1e-9)


def test_by_hand() -> None:
    # One person: a message, out after 2 hours, back after 10, a further message at 20, and 400 hours until the end.
    hour, start = 3_600_000, 1_767_225_600_000
    phone = "+12025550101"
    history = frame(
        [Event(phone, "ACME", start + 2 * hour, "opt-out"), Event(phone, "ACME", start + 10 * hour, "opt-in")]
    )
    sent = [
        Message(number, phone, "ACME", start + at * hour, "sent", None, None, None)
        for number, at in ((1, 0), (2, 20))
    ]
    until = pl.Series([start + 420 * hour]).cast(pl.Datetime("ms", "UTC")).item()
    table = optkit.opt_out_hazard(history, message_frame(sent), edges=(0, 12, 168), until=until)
    assert table["person_hours"].to_list() == [2 + 2 + 12, 8 + 156, 232]
    assert table["opt_outs"].to_list() == [1, 0, 0]
    assert table["hazard"].to_list() == [24_000 / 16, 0.0, 0.0]
    assert table["background"].to_list() == [0.0] * 3
    # Garwood's interval of one event, as in tables of it
    assert table.select("low", "high").row(0) == pytest.approx((0.0253178 * 1500, 5.5716434 * 1500), rel=1e-6)
    early = optkit.opt_out_hazard(history, message_frame(sent), edges=(0, 100), until=until)
    assert early["background"].to_list() == [None, None]


@pytest.mark.parametrize("edges", [(), (1, 1), (3, 2), (-1, 0)])
def test_edges_must_rise(edges: tuple[float, ...]) -> None:
    with pytest.raises(optkit.SettingsError, match="edges must be rising"):
        optkit.opt_out_hazard(frame([]), message_frame([]), edges=edges)
