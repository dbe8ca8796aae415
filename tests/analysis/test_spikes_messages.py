from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from histories import Event, frame
from made_messages import Message, message_frame

import optkit
from optkit.times import to_ms

FIRST = datetime(2026, 1, 5, 12, tzinfo=UTC)


def account(sent: list[int], left: list[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a history and messages with the given numbers of messages and opt-outs per day."""
    made: list[Event] = []
    messages: list[Message] = []
    for day, (count, outs) in enumerate(zip(sent, left, strict=True)):
        at = to_ms(FIRST + timedelta(days=day))
        for place in range(count):
            phone = f"+1202{5_550_000 + len(messages):07}"
            messages.append(Message(len(messages), phone, "ACME", at, "sent", None, None, None))
            if place < outs:
                made.append(Event(phone, "ACME", at + 60_000, "opt-out"))
    return frame(made), message_frame(messages)


def spikes(sent: list[int], left: list[int]) -> list[int]:
    """Return the days that are spikes, given the messages."""
    history, messages = account(sent, left)
    table = optkit.spikes(history, messages=messages)
    assert table.height == len(sent)
    return table.with_row_index("day").filter("spike")["day"].to_list()


LEFT = np.random.default_rng(3).poisson(10, 40).clip(1).tolist()


def test_ten_times_the_messages_and_opt_outs_are_not_a_spike() -> None:
    busy = [*LEFT[:20], 100, *LEFT[21:]]
    assert spikes([200] * 20 + [2000] + [200] * 19, busy) == []
    history, _ = account([200] * 20 + [2000] + [200] * 19, busy)
    assert optkit.spikes(history).filter("spike").height == 1  # without the messages it is one


def test_half_of_the_messages_and_as_many_opt_outs_are_a_spike() -> None:
    many = np.random.default_rng(4).poisson(100, 40).tolist()
    usual = [*many[:20], 100, *many[21:]]
    assert spikes([400] * 20 + [200] + [400] * 19, usual) == [20]
    history, _ = account([400] * 40, usual)
    assert optkit.spikes(history).filter("spike").height == 0


def test_a_tenth_of_the_messages_and_as_many_opt_outs_are_a_spike() -> None:
    usual = [*LEFT[:20], 12, *LEFT[21:]]
    assert spikes([200] * 20 + [20] + [200] * 19, usual) == [20]
    history, _ = account([200] * 40, usual)
    assert optkit.spikes(history).filter("spike").height == 0


def test_messages_of_a_group_are_its_own() -> None:
    history, messages = account([200] * 40, LEFT)
    both = optkit.spikes(history, messages=messages, by="from_phone")
    assert both.drop("from_phone").equals(optkit.spikes(history, messages=messages))


def test_audience_and_messages_exclude_each_other() -> None:
    history, messages = account([5], [1])
    with pytest.raises(optkit.SettingsError, match="not both"):
        optkit.spikes(history, messages=messages, audience=messages)
