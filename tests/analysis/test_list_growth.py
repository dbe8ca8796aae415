from datetime import date

import polars as pl
import pytest
import reference_messages
from histories import FEWER_EXAMPLES, INSTANTS, Event, events, frame, moment
from hypothesis import given, settings
from hypothesis import strategies as st
from made_messages import Message, message_frame, messages
from polars.testing import assert_frame_equal

import optkit
from optkit.engine.states import Scope
from optkit.times import INSTANT

SCOPES = st.sampled_from(["pair", "recipient"])
EVERY = st.sampled_from(["1d", "1w", "1mo"])
ZONES = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe"])
COUNTED = ["period", "list_start", "joined", "re_opt_ins", "opt_outs", "list_end", "complete"]


@settings(max_examples=30)
@given(events(10), messages(12), EVERY, ZONES, SCOPES)
def test_list_growth_matches_reference(
    made: list[Event], sent: list[Message], every: str, time_zone: str, scope: Scope
) -> None:
    table = optkit.list_growth(
        frame(made), message_frame(sent), every=every, time_zone=time_zone, scope=scope
    )
    it = reference_messages.account(made, sent, scope)
    expected = [] if it.since is None else reference_messages.list_growth(it, it.since, every, time_zone)
    assert table.select(COUNTED).rows() == expected


@settings(max_examples=30)
@given(events(10), messages(12), st.lists(st.sampled_from(INSTANTS), min_size=2, max_size=2).map(sorted))
def test_a_stretch_matches_reference(made: list[Event], sent: list[Message], stretch: list[int]) -> None:
    since, until = stretch
    table = optkit.list_growth(
        frame(made), message_frame(sent), every="1mo", since=moment(since), until=moment(until)
    )
    it = reference_messages.account(made, sent, until=until)
    assert table.select(COUNTED).rows() == reference_messages.list_growth(it, since, "1mo", "UTC")


@FEWER_EXAMPLES
@given(events(), messages(), EVERY, SCOPES)
def test_the_list_rolls_forward_and_its_opt_outs_are_those_of_churn(
    made: list[Event], sent: list[Message], every: str, scope: Scope
) -> None:
    made = [event._replace(to_phone="+12025550101") for event in made]
    since = moment(INSTANTS[0])
    table = optkit.list_growth(frame(made), message_frame(sent), every=every, scope=scope, since=since)
    growth = table["joined"] + table["re_opt_ins"] - table["opt_outs"]
    assert (table["list_end"] == table["list_start"] + growth).all()
    assert table["list_end"][:-1].equals(table["list_start"][1:])
    churn = optkit.churn(frame(made), every=every, scope=scope, since=since)
    both = table.join(churn, on="period", suffix="_of_churn")
    assert both["opt_outs"].sum() == table["opt_outs"].sum() == churn["opt_outs"].sum()
    assert both["opt_outs"].equals(both["opt_outs_of_churn"])
    assert both["re_opt_ins"].equals(both["re_opt_ins_of_churn"])


@settings(max_examples=20)
@given(events(), messages())
def test_senders_add_up_to_all(made: list[Event], sent: list[Message]) -> None:
    asked = (frame(made), message_frame(sent))
    whole = optkit.list_growth(*asked, every="1mo")
    numbers = ["list_start", "joined", "re_opt_ins", "opt_outs", "list_end"]
    by_sender = optkit.list_growth(*asked, every="1mo", by="from_phone")
    if by_sender.height:
        sums = by_sender.group_by("period").agg(pl.col(numbers).sum()).sort("period")
        assert_frame_equal(sums, whole.select("period", *numbers))


JANUARY = 1_767_225_600_000
DAY = 86_400_000


def reached(number: int, to: int, day: int) -> Message:
    return Message(number, f"+1202555{to:04}", "ACME", JANUARY + day * DAY, "sent", None, None, None)


def event(to: int, day: int, status: str = "opt-out") -> Event:
    return Event(f"+1202555{to:04}", "ACME", JANUARY + day * DAY, status)


def test_by_hand() -> None:
    # Thursday, 2026-01-01: two are messaged. One leaves on the next Monday, and a third leaves without a message.
    sent = message_frame([reached(1, 100, 0), reached(2, 101, 0), reached(3, 100, 12)])
    history = frame([event(100, 4), event(102, 5), event(100, 10, "opt-in")])
    table = optkit.list_growth(history, sent)
    assert table["period"].to_list() == [date(2025, 12, 29), date(2026, 1, 5), date(2026, 1, 12)]
    assert table.select(COUNTED[1:]).rows() == [
        (0, 2, 0, 0, 2, False),
        (2, 1, 1, 2, 2, True),
        (2, 0, 0, 0, 2, False),
    ]
    assert table["growth_rate"].to_list() == [None, 0.0, 0.0]
    assert table["churn_rate"].to_list() == [None, 1.0, 0.0]
    assert optkit.list_growth(history, sent.clear()).schema == table.schema
    assert optkit.list_growth(history.clear(), sent.clear()).height == 0


def test_by_is_a_column_of_either_frame() -> None:
    sent = message_frame([reached(1, 100, 0), reached(2, 101, 0)])
    history = frame([event(100, 4), event(102, 5)])
    by_history = optkit.list_growth(history.with_columns(brand=pl.lit("Acme")), sent, every="1mo", by="brand")
    by_messages = optkit.list_growth(
        history, sent.with_columns(brand=pl.lit("Acme")), every="1mo", by="brand"
    )
    assert by_history.equals(by_messages)
    assert by_history.select("brand", "joined", "opt_outs").rows() == [("Acme", 3, 2)]
    with pytest.raises(optkit.SettingsError, match="needs scope='pair'"):
        optkit.list_growth(history, sent, by="from_phone", scope="recipient")
    two = sent.with_columns(plan=pl.Series(["a", "b"]), to_phone=pl.lit("+12025550100"))
    with pytest.raises(optkit.HistoryError, match="plan has several values"):
        optkit.list_growth(history.with_columns(plan=pl.lit("a")), two, by="plan")


@pytest.mark.parametrize(
    ("prefix", "senders"),
    [
        ("+1202555", 5),  # recipient, sender and time fit into 63 bits
        ("+12025550100", 5),  # numbers are too long
        ("customer ", 5),  # codes of texts are too long
        ("+1202555", 5000),  # senders are too many
    ],
)
@pytest.mark.parametrize("with_events", [True, False])  # they show sooner what fits
def test_everybody_joins_once_whatever_fits(prefix: str, senders: int, *, with_events: bool) -> None:
    # Sender n writes to each of three recipients on days n % 99, n % 99 + 7 and n % 99 + 14.
    numbers = pl.DataFrame({"sender": range(senders)})
    for name, values in (("to", [100, 101, 102]), ("week", range(3))):
        numbers = numbers.join(pl.DataFrame({name: values}), how="cross")
    day = pl.col("sender") % 99 + pl.col("week") * 7
    sent = numbers.select(
        to_phone=pl.format("{}0{}", pl.lit(prefix), "to"),
        from_phone=pl.format("S{}", "sender"),
        sent_at=(JANUARY + day * DAY + DAY // 2).cast(INSTANT),
        delivery_status=pl.lit("sent"),
    )
    opted_in = sent.head(1).select("to_phone", "from_phone", created_at="sent_at", status=pl.lit("opt-in"))
    table = optkit.list_growth(
        opted_in if with_events else opted_in.clear(),
        sent.reverse(),
        every="1d",
        time_zone="Asia/Kathmandu",  # 5:45 ahead: noon in UTC is the same day there
    )
    first_days = [sender % 99 for sender in range(senders)]
    assert table["joined"].to_list() == [3 * first_days.count(day) for day in range(min(senders, 99) + 14)]


def test_a_record_of_many_years() -> None:
    # Counted in hours, because clocks change, 80 years do not fit beside a recipient and a sender.
    sent = message_frame([reached(1, 100, 0), reached(2, 101, -80 * 365), reached(3, 100, -40 * 365)])
    table = optkit.list_growth(frame([]), sent, every="1y", time_zone="America/New_York")
    joined = table.filter(pl.col("joined") > 0)
    assert joined.select(pl.col("period").dt.year(), "joined").rows() == [(1946, 1), (1986, 1)]


def test_who_was_known_before_since_is_on_the_list_at_its_start() -> None:
    sent = message_frame([reached(1, 100, 0), reached(2, 101, 9), reached(3, 100, 10), reached(4, 102, 10)])
    within_a_day = moment(JANUARY + 9 * DAY + 1)  # a millisecond after the second joined and somebody left
    table = optkit.list_growth(frame([event(103, 9)]), sent, every="1d", since=within_a_day)
    assert table.select("list_start", "joined", "list_end").rows() == [(2, 0, 2), (2, 1, 3)]
