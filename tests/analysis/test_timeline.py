import polars as pl
import pytest
import reference
import reference_messages
from histories import Event, events, frame, moment
from hypothesis import given
from made_messages import Message, message_frame, messages

import optkit
from optkit.errors import HistoryError, SettingsError

NUMBER = "+12025550101"


@given(events())
def test_every_event_is_there_with_its_states(made: list[Event]) -> None:
    mine = [e._replace(to_phone=NUMBER) for e in made if e.to_phone in {NUMBER, NUMBER[1:]}]
    table = optkit.timeline(frame(made), NUMBER)
    expected = sorted((moment(e.at), e.from_phone, e.status) for e in mine)
    assert table.select("created_at", "from_phone", "status").rows() == expected
    for row in table.iter_rows(named=True):
        at = round(row["created_at"].timestamp() * 1000)
        assert reference.pair_state(mine, row["from_phone"], NUMBER, at) in {row["state_after"], "opt-out"}
    changes = table.filter((pl.col("state_before") != pl.col("state_after")) & (pl.col("note") == ""))
    kinds = [
        ("opt-out" if kind == "opt-out" else "opt-in", by) for by, _, _, kind in reference.transitions(mine)
    ]
    assert sorted(changes.select("status", "from_phone").rows()) == sorted(kinds)
    assert table.filter((pl.col("state_before") != pl.col("state_after")) & (pl.col("note") != "")).is_empty()


def test_notes_by_hand() -> None:
    steps = [
        (1, "opt-in", "orphan opt-in"),
        (2, "opt-in", "repeat"),
        (3, "opt-in", "tie"),
        (3, "opt-in", "duplicate"),
        (3, "opt-out", ""),
        (3, "opt-out", "duplicate"),
        (4, "opt-out", "repeat"),
        (5, "opt-in", "tie"),
        (5, "opt-out", "repeat"),
        (6, "opt-in", ""),
        (6, "opt-in", "duplicate"),
    ]
    table = optkit.timeline(
        frame([Event(NUMBER, "A", at, status) for at, status, _ in reversed(steps)]), NUMBER
    )
    assert table["note"].to_list() == [note for *_, note in steps]
    states = ["opt-in"] * 5 + ["opt-out"] * 5 + ["opt-in"]
    assert table["state_before"].to_list() == [*states[:4], "opt-in", *states[5:10], "opt-in"]
    assert table["state_after"].to_list() == ["opt-in"] * 4 + ["opt-out"] * 5 + ["opt-in"] * 2


def test_a_tie_at_the_very_beginning_is_not_an_orphan() -> None:
    made = [Event(NUMBER, "A", 1, "opt-in"), Event(NUMBER, "A", 1, "opt-out")]
    assert optkit.timeline(frame(made), NUMBER)["note"].to_list() == ["tie", ""]


def test_a_number_is_read_as_people_write_it() -> None:
    history = frame([Event(NUMBER, "A", 1, "opt-out"), Event("+12025550102", "A", 1, "opt-out")])
    assert optkit.timeline(history, "+1 (202) 555-0101").height == 1
    assert optkit.timeline(history, "(202) 555-0101", region="US").height == 1
    assert optkit.timeline(history, "+12025550103").is_empty()
    for text in ("garbage", "(202) 555-0101"):
        with pytest.raises(SettingsError, match="to_phone is not a phone number"):
            optkit.timeline(history, text)


def test_a_number_that_the_history_writes_differently_is_found() -> None:
    history = frame([Event("12025550101", "A", 1, "opt-out"), Event("short", "A", 1, "opt-out")])
    assert optkit.timeline(history, NUMBER).height == 1
    assert optkit.timeline(history, "12025550101").height == 1
    assert optkit.timeline(history, "short").height == 1


def test_a_timeline_ends_at_until_and_has_the_same_columns_without_events() -> None:
    history = frame([Event(NUMBER, "A", 1, "opt-out")])
    assert optkit.timeline(history, NUMBER, until=moment(0)).is_empty()
    assert optkit.timeline(history.clear(), NUMBER).schema == optkit.timeline(history, NUMBER).schema


def test_other_types_of_audience_are_rejected() -> None:
    with pytest.raises(SettingsError, match="one phone number"):
        optkit.timeline(frame([]), " ")
    with pytest.raises(HistoryError, match="no column 'from_phone'"):
        optkit.timeline(pl.DataFrame({"to_phone": [NUMBER]}), NUMBER)
    odd = frame([Event(NUMBER, "A", 1, "opt-out")]).with_columns(status=pl.lit("STOP"))
    with pytest.raises(HistoryError, match="status"):
        optkit.timeline(odd, NUMBER)


@given(events(14), messages())
def test_messages_are_listed_among_the_events_with_the_state_when_they_were_sent(
    made: list[Event], sent: list[Message]
) -> None:
    made = [event._replace(to_phone=NUMBER) for event in made]
    table = optkit.timeline(frame(made), NUMBER, message_frame(sent))
    it = reference_messages.account(made, sent)
    mine = [m for m in it.messages if m.to_phone == NUMBER]
    expected = [
        (m.at, m.from_phone, m.delivery_status, m.campaign, None if m.from_phone is None else it.is_out(m))
        for m in sorted(mine, key=lambda m: (m.at, m.message_id))
    ]
    rows = table.filter(pl.col("kind") == "message").select(
        pl.col("created_at").dt.epoch("ms"), "from_phone", "delivery_status", "campaign",
        pl.col("state_after") == "opt-out",
    )  # fmt: skip
    assert rows.rows() == expected
    assert table["created_at"].is_sorted()
    assert (table["note"] == "leak").sum() == sum(row[4] is True for row in expected)
    without = table.filter(pl.col("kind") != "message").drop("kind", "delivery_status", "campaign")
    assert without.equals(optkit.timeline(frame(made), NUMBER))
