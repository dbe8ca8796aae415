import pytest
import reference_messages
from histories import MAY_BEGIN_AFTER_THE_DATA, Event, between, events, frame, stretches
from hypothesis import given
from hypothesis import strategies as st
from made_messages import Message, message_frame, messages

import optkit

SPANS = st.sampled_from([("5m", 300_000), ("1h", 3_600_000), ("7d", 604_800_000)])


@MAY_BEGIN_AFTER_THE_DATA
@given(events(14), messages(), SPANS, st.sampled_from([("0d", 0), ("1d", 86_400_000)]), stretches())
def test_fatigue_matches_reference(
    made: list[Event],
    sent: list[Message],
    recent: tuple[str, int],
    burn_in: tuple[str, int],
    record: tuple[int | None, int | None],
) -> None:
    table = optkit.fatigue(
        frame(made), message_frame(sent), recent=recent[0], burn_in=burn_in[0], **between(record)
    )
    it = reference_messages.account(made, sent, "pair", *record)
    expected = reference_messages.fatigue(it, recent[1], burn_in[1], 259_200_000)
    rows = table.select("exposures_recent", "exposures", "opt_outs", "adjusted_rate").rows()
    assert {row[0]: row[1:3] for row in rows} == {value: row[:2] for value, row in expected.items()}
    adjusted = {value: row[2] for value, row in expected.items()}
    assert {row[0]: row[3] for row in rows} == pytest.approx(adjusted)


def test_ten_and_more_are_one_row() -> None:
    start, phone = 1_767_225_600_000, "+12025550101"
    sent = [Message(n, phone, "ACME", start + n * 1000, "sent", None, None, None) for n in range(14)]
    table = optkit.fatigue(frame([]), message_frame(sent), burn_in="0d")
    assert table["exposures_recent"].to_list() == list(range(1, 11))
    assert table["exposures"].to_list() == [1] * 9 + [5]
