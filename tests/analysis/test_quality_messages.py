from typing import Any

import polars as pl
import reference_messages
from histories import Event, events, frame
from hypothesis import given
from made_messages import Message, message_frame, messages

import optkit

DAY = 86_400_000
START = 1_767_225_600_000  # Thursday, 2026-01-01


def found(history: pl.DataFrame, sent: pl.DataFrame) -> dict[str, Any]:
    table = optkit.quality(history, sent, now="2030-01-01")
    return {name: (rows, ok) for name, rows, ok in table.select("check", "rows", "ok").iter_rows()}


def message(number: int, to: str, day: float, status: str = "delivered", sender: str = "ACME") -> Message:
    failure = "unsubscribed" if status == "failed" else None
    return Message(number, to, sender, START + round(day * DAY), status, failure, None, None)


def test_by_hand() -> None:
    history = frame(
        [
            Event("+12025550101", "ACME", START + DAY, "opt-out"),
            Event("+12025550102", "ACME", START + 2 * DAY, "opt-out"),  # never messaged
            Event(
                "+12025550103", "ACME", START + 3 * DAY + 1000, "opt-out"
            ),  # a second after a blocked message
            Event(
                "+12025550104", "24273", START - DAY, "opt-out"
            ),  # before the record; nothing was sent by 24273
        ]
    )
    sent = message_frame(
        [
            message(1, "12025550101", 0),
            message(2, "+12025550103", 3, "failed"),
            message(3, "202 555 0105", 4, "other"),
            message(4, "+12025550105", 5, "sent"),
            message(5, "+12025550105", 22, "sent", sender="QUIET"),  # two weeks without any
        ]
    )
    checks = found(history, sent)
    assert checks["opt-outs never messaged"] == (1, False)
    assert checks["opt-outs at a failure"] == (1, False)
    assert checks["senders without messages"] == (1, False)
    assert checks["senders without events"] == (1, True)
    assert checks["messages: unmatched numbers"] == (1, False)
    assert checks["messages: unknown status"] == (1, False)
    assert checks["messages: never confirmed"] == (1, True)
    assert checks["weeks without messages"] == (2, False)
    begin = optkit.quality(history, sent).filter(check="messages: left edge")["meaning"].item()
    assert begin.startswith("the record begins at 2026-01-01 00:00 UTC")


def test_the_made_up_account_passes_all_checks() -> None:
    account = optkit.demo_history(recipients=3000), optkit.demo_messages(recipients=3000)
    table = optkit.quality(*account, now="2026-07-01")
    wrong = table.filter(~pl.col("ok"))["check"].to_list()
    assert not [name for name in wrong if "message" in name or "failure" in name or "without" in name]


def test_frames_without_rows_have_all_checks() -> None:
    history = frame([Event("+12025550101", "ACME", START, "opt-out")])
    sent = message_frame([message(1, "+12025550101", 0)])
    names = list(found(history, sent))
    assert list(found(history.clear(), sent)) == list(found(history, sent.clear())) == names


@given(events(14), messages())
def test_opt_outs_never_messaged_are_those_of_the_reference(made: list[Event], sent: list[Message]) -> None:
    it = reference_messages.account(made, sent)
    messaged = {(m.from_phone, m.to_phone) for m in it.messages}
    in_record = [(by, to) for by, to, at in it.opt_outs() if it.since is not None and at >= it.since]
    never = sum(pair not in messaged for pair in in_record)
    assert found(frame(made), message_frame(sent))["opt-outs never messaged"][0] == never
