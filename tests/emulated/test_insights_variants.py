"""How the endpoint of messages deviates from its documents, and what is done to its entries."""

from collections import Counter
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from served_messages import CLOCK, EVENTS, FIRST, MESSAGES, PATH, START, ask, get, ids, make_messages

import optkit
from optkit.emulator import ApiVariant, Arrivals, Emulator, Faults
from optkit.messages import DELIVERY_STATUS, SCHEMA


@pytest.mark.parametrize(
    ("unit", "start", "end"),
    [
        ("ms", FIRST, FIRST + 120_000),
        ("s", FIRST // 1000, FIRST // 1000 + 120),
        ("start s, end ms", FIRST // 1000, FIRST + 120_000),
    ],
)
def test_start_and_end_are_read_in_the_unit_of_the_variant(unit: Any, start: int, end: int) -> None:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=ApiVariant(insights_unit=unit)) as server:
        assert ids(server, start_time=start, end_time=end) == [1002, 1001, 1000]
        if unit != "ms":  # a start in milliseconds is 50,000 years ahead
            assert ids(server, start_time=FIRST) == []


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("s", 1780272000),
        ("ms", 1780272000000),
        ("s float", 1780272000.0),
        ("iso", "2026-06-01T00:00:00.000+00:00"),
    ],
)
def test_created_at_has_the_form_of_the_variant(form: Any, written: object) -> None:
    with Emulator(
        EVENTS, MESSAGES.head(1), clock=CLOCK, variant=ApiVariant(message_created_at=form)
    ) as server:
        answered = ask(server)["entries"][0]["created_at"]
    assert answered == written
    assert type(answered) is type(written)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("e164", {"+12055550100": 3}),
        ("digits", {"12055550100": 3}),
        ("punctuated", {"+1(205) 555-0100": 3}),
        ("mixed", {"+12055550100": 1, "12055550100": 1, "+1(205) 555-0100": 1}),
    ],
)
def test_phones_have_the_form_of_the_variant(form: Any, written: dict[str, int]) -> None:
    with Emulator(EVENTS, MESSAGES.head(120), clock=CLOCK, variant=ApiVariant(phone_form=form)) as server:
        entries = ask(server, per_page=100, to_phone="+12055550100")["entries"]
        short_code = ask(server, from_phone="24365")["entries"][0]["from_phone"]
    assert Counter(entry["to_phone"] for entry in entries) == written
    assert short_code == "24365"


def test_statuses_may_be_capitalized() -> None:
    with Emulator(EVENTS, MESSAGES.head(5), clock=CLOCK, variant=ApiVariant(capitalized=True)) as server:
        seen = [entry["delivery_status"] for entry in ask(server)["entries"]]
    assert seen == ["Skipped", "Failed", "Undelivered", "Sent", "Delivered"]


def test_statuses_settle_as_the_clock_moves_on() -> None:
    variant = ApiVariant(settle_after=timedelta(hours=2))
    with Emulator(EVENTS, MESSAGES.head(5), clock=START + timedelta(hours=1), variant=variant) as server:
        at_first = [entry["delivery_status"] for entry in ask(server)["entries"]]
        assert ids(server, delivery_status="delivered") == []
        server.clock = CLOCK
        in_the_end = [entry["delivery_status"] for entry in ask(server)["entries"]]
        assert ids(server, delivery_status="delivered") == [1000]
    assert at_first == ["skipped", "failed", "sent", "sent", "sent"]
    assert in_the_end == ["skipped", "failed", "undelivered", "sent", "delivered"]


def test_statuses_may_settle_between_two_readings_of_a_page() -> None:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=ApiVariant(settle_when_shown=True)) as server:
        readings = [[entry["delivery_status"] for entry in ask(server)["entries"]] for _ in range(3)]
        other = {entry["delivery_status"] for entry in ask(server, page=2)["entries"]}
    assert {"delivered", "undelivered"}.isdisjoint(readings[0])
    assert readings[1] == readings[2] != readings[0]
    assert readings[1].count("delivered") == 9  # three of each eight; the 25th is of another kind
    assert "delivered" not in other


def test_entries_of_other_channels_can_be_mixed_in() -> None:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=ApiVariant(other_channels=0.2)) as server:
        pages = [ask(server, per_page=100, page=page)["entries"] for page in range(1, 8)]
        assert ask(server, delivery_channel="sms")["total_entries"] == 400
        assert ask(server, delivery_channel="ms_teams")["total_entries"] > 0
    entries = [entry for page in pages for entry in page]
    by_channel = Counter(entry["delivery_channel"] for entry in entries)
    assert by_channel["sms"] == 400
    assert 40 < by_channel["voice"] + by_channel["ms_teams"] < 120
    assert len({entry["id"] for entry in entries}) == len(entries)
    for entry in entries:
        if entry["delivery_channel"] == "ms_teams":
            assert "to_phone" not in entry
            assert entry["from_phone"] is None
            assert entry["delivery_status"] == "installed"
        if entry["delivery_channel"] == "voice":
            assert entry["delivery_status"] == "pending"


def test_the_channel_filter_may_be_ignored() -> None:
    variant = ApiVariant(other_channels=1.0, ignores_channel=True)
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=variant) as server:
        assert ask(server, delivery_channel="sms")["total_entries"] == 800


def test_the_variants_of_events_hold_for_messages() -> None:
    variant = ApiVariant(
        order="oldest first", bounds="exclusive", totals="as in the sample", per_page=7, paths="without .json"
    )
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=variant) as server:
        assert get(server).status_code == 404
        page = ask(server, PATH, start_time=FIRST, end_time=FIRST + 600_000)
    assert [entry["id"] for entry in page["entries"]] == list(range(1001, 1008))
    assert (page["per_page"], page["total_entries"], page["total_pages"]) == (7, 9, 1)


def test_shuffled_pages_are_stable_and_hold_everything() -> None:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=ApiVariant(order="shuffled")) as server:
        pages = [ids(server, page=page) for page in range(1, 5)]
        assert pages == [ids(server, page=page) for page in range(1, 5)]
    together = [number for page in pages for number in page]
    assert sorted(together) == MESSAGES["message_id"].to_list() != together


@pytest.mark.parametrize("field", ["id", "delivery_status", "created_at", "content", "user", "campaign"])
def test_corrupt_entries(field: str) -> None:
    for damage, seen in (("null", None), ("missing", "(none)"), ("unknown", "perhaps")):
        variant = ApiVariant(damage=damage, damaged_field=field, damaged_every=4)  # type: ignore[arg-type]
        with Emulator(EVENTS, MESSAGES.head(8), clock=CLOCK, variant=variant) as server:
            values = [entry.get(field, "(none)") for entry in ask(server)["entries"]]
        assert [value == seen for value in values] == [False, False, False, True] * 2


def test_late_messages_become_visible_as_the_clock_moves_on() -> None:
    late = ApiVariant(late_by=timedelta(hours=30), late_share=0.5)
    with Emulator(EVENTS, MESSAGES, clock=START + timedelta(hours=24), variant=late) as server:
        assert 140 < ask(server)["total_entries"] < 260
        server.clock = CLOCK
        assert ask(server)["total_entries"] == 400


def test_messages_arrive_with_each_requested_page() -> None:
    arriving = Arrivals(rows=make_messages(600).tail(3), per_request=0.5)
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, message_arrivals=arriving) as server:
        totals = [ask(server)["total_entries"] for _ in range(8)]
    assert totals == [400, 401, 401, 402, 402, 403, 403, 403]


def test_added_messages_are_visible_at_once() -> None:
    with Emulator(EVENTS, MESSAGES.head(10), clock=CLOCK) as server:
        server.add_messages(MESSAGES.slice(10, 2))
        assert ids(server)[:3] == [1011, 1010, 1009]


def test_ten_thousand_messages_in_one_second_are_read_page_by_page() -> None:
    burst = make_messages(10_000, every=timedelta())
    with Emulator(EVENTS, burst, clock=CLOCK) as server:
        seen = [number for page in range(1, 101) for number in ids(server, end_time=FIRST, page=page)]
    assert seen == list(range(10_999, 999, -1))


def test_faults_hit_messages_too() -> None:
    faults = Faults(errors=3, cut_json=4)
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, faults=faults) as server:
        answers = [get(server, start_time=FIRST) for _ in range(12)]
    faulty = [record.fault for record in server.requests]
    assert [answer.status_code for answer in answers] == [200, 200, 503] * 4
    assert Counter(faulty) == {"": 6, "errors": 4, "cut_json": 2}


# --- what it serves


def test_messages_are_validated() -> None:
    with pytest.raises(optkit.HistoryError, match="sent_at must be"):
        Emulator(EVENTS, MESSAGES.drop("sent_at"))
    with pytest.raises(optkit.HistoryError, match="to_phone must not have nulls"):
        Emulator(EVENTS, MESSAGES.with_columns(to_phone=pl.lit(None, pl.String)))
    with pytest.raises(optkit.SettingsError, match="other_channels must be"):
        ApiVariant(other_channels=2.0)
    with pytest.raises(optkit.SettingsError, match="phone_form must be 'e164' or"):
        ApiVariant(phone_form="short")  # type: ignore[arg-type]


def test_unknown_values_are_null() -> None:
    unknown = MESSAGES.head(1).with_columns(
        pl.lit(None).cast(SCHEMA[name]).alias(name)
        for name in (
            "from_phone",
            "campaign_id",
            "execution_id",
            "response_set_id",
            "campaign",
            "language",
            "executed_at",
        )
    )
    with Emulator(EVENTS, unknown, clock=CLOCK) as server:
        (entry,) = ask(server)["entries"]
    for name in ("from_phone", "campaign", "execution", "response_set", "language"):
        assert entry[name] is None


def test_the_made_up_account_can_be_served_whole() -> None:
    history, messages = optkit.demo_history(recipients=2_000), optkit.demo_messages(recipients=2_000)
    with Emulator(history, messages, clock=CLOCK) as server:
        assert ask(server, start_time=0)["total_entries"] == messages.height
        words = Counter(messages["delivery_status"].cast(pl.String))
        for word in ("delivered", "failed"):
            assert ask(server, start_time=0, delivery_status=word)["total_entries"] == words[word]
    assert set(words) <= set(DELIVERY_STATUS.categories)
