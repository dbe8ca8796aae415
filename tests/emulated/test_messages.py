"""What a user of load_messages and scan_messages relies on, over real HTTP; each trap of the endpoint."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from accounts import CLOCK, make_history, make_messages
from accounts import MESSAGES_START as START
from children import Child

import optkit
from optkit.emulator import ApiVariant, Arrivals, Emulator, Faults
from optkit.messages import DELIVERY_STATUS, FAILURE, ORDER, SCHEMA

Connect = Callable[[Emulator], None]
ASKED = ("2026-03-10", "2026-03-20")
HISTORY = make_history(60)


MESSAGES = make_messages(700)


@pytest.fixture
def server(connect: Connect) -> Any:
    with Emulator(HISTORY, MESSAGES, clock=CLOCK) as running:
        connect(running)
        yield running


def probes(server: Emulator) -> int:
    """Return how many requests were for one entry only: for the time, or the unit of time."""
    return sum(record.params["per_page"] == "1" for record in server.requests)


def test_a_load_is_exact_and_the_next_one_makes_no_requests(server: Emulator) -> None:
    assert optkit.load_messages(*ASKED).equals(MESSAGES)
    asked = len(server.requests)
    assert optkit.load_messages(*ASKED).equals(MESSAGES)
    assert optkit.load_messages(*ASKED, refresh="never").equals(MESSAGES)
    assert len(server.requests) == asked
    assert optkit.coverage(dataset="messages")["rows"].sum() == MESSAGES.height
    assert optkit.verify(dataset="messages")["ok"].all()
    assert optkit.coverage().height == 0


def test_without_a_start_a_load_reaches_back_six_months(server: Emulator) -> None:
    assert optkit.load_messages().equals(MESSAGES)
    table = optkit.coverage(dataset="messages")
    assert table["window_start"][0] == datetime(2025, 10, 1, tzinfo=UTC)
    assert table["window_end"][-1] == CLOCK
    assert optkit.load_messages(refresh="never").equals(MESSAGES)


@pytest.mark.parametrize(
    ("damage", "field"), [("null", "id"), ("missing", "created_at"), ("null", "delivery_status")]
)
def test_a_damaged_entry_is_an_error_that_quotes_nothing(damage: Any, field: str, connect: Connect) -> None:
    variant = ApiVariant(damage=damage, damaged_field=field, damaged_every=50)
    with Emulator(HISTORY, MESSAGES, clock=CLOCK, variant=variant) as server:
        connect(server)
        with pytest.raises(optkit.ResponseError, match=field) as caught:
            optkit.load_messages(*ASKED)
    assert "1212555" not in str(caught.value)


@pytest.mark.parametrize("unit", ["ms", "s", "start s, end ms"])
def test_the_unit_of_time_is_found_out_once_and_kept(unit: Any, connect: Connect) -> None:
    with Emulator(HISTORY, MESSAGES, clock=CLOCK, variant=ApiVariant(insights_unit=unit)) as server:
        connect(server)
        optkit.load_messages("2026-03-10", "2026-03-15")
        found = probes(server)
        assert 2 <= found <= 4
        optkit.load_messages(*ASKED)
        assert probes(server) == found + 1  # for the time
    # a week without messages tells nothing: the one before it does
    with Emulator(HISTORY, MESSAGES, clock=CLOCK, variant=ApiVariant(insights_unit=unit)) as server:
        connect(server)
        optkit.configure(account="another")
        assert optkit.load_messages("2026-03-10").equals(MESSAGES)


def test_an_account_without_messages_is_empty_and_what_comes_later_is_found(connect: Connect) -> None:
    with Emulator(HISTORY, clock=CLOCK, variant=ApiVariant(insights_unit="s")) as server:
        connect(server)
        assert optkit.load_messages(*ASKED).equals(MESSAGES.clear())
        server.add_messages(make_messages(50, start=datetime(2026, 3, 30, tzinfo=UTC), days=1))
        assert optkit.load_messages("2026-03-10").height == 50


def test_expired_messages_are_named(server: Emulator) -> None:
    with pytest.raises(optkit.MissingWindowsError, match=r"last 6 months only: \[2025-09-25, 2025-10-01\)"):
        optkit.load_messages("2025-09-25", "2025-12-01")
    assert optkit.coverage(dataset="messages").height == 0
    assert optkit.load_messages("2025-10-01", "2025-10-05").height == 0


def test_cached_messages_stay_after_they_expire(connect: Connect) -> None:
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    then = now - timedelta(days=100)
    first = then - timedelta(days=120)
    messages = make_messages(60, start=first, days=3)
    with Emulator(HISTORY, messages, clock=then) as server:
        connect(server)
        assert optkit.load_messages(first).equals(messages)
        server.clock = now
        asked = len(server.requests)
        assert optkit.load_messages(first, first + timedelta(days=3)).equals(messages)
        assert len(server.requests) == asked
        table = optkit.coverage(dataset="messages")
        assert table.filter("expired")["window_start"].to_list()[:3] == [
            first + timedelta(days=day) for day in range(3)
        ]
        assert not table["expired"].all()
        with pytest.warns(UserWarning, match="cannot be fetched again and stay"):
            assert optkit.clear(dataset="messages") == (~table["expired"]).sum()
        assert optkit.coverage(dataset="messages")["expired"].all()
        assert optkit.load_messages(first, first + timedelta(days=3)).equals(messages)
        assert optkit.clear(dataset="messages", expired=True) == table["expired"].sum()
        with pytest.raises(optkit.MissingWindowsError):
            optkit.load_messages(first, first + timedelta(days=3))


def test_a_later_load_has_the_later_status(connect: Connect) -> None:
    variant = ApiVariant(settle_after=timedelta(hours=30))
    clock = datetime(2026, 3, 20, 12, tzinfo=UTC)
    with Emulator(HISTORY, MESSAGES, clock=clock, variant=variant) as server:
        connect(server)
        early = optkit.load_messages(*ASKED)
        assert (
            early.filter(pl.col("sent_at") >= clock - timedelta(hours=30))["delivery_status"] != "delivered"
        ).all()
        server.clock = clock + timedelta(days=3)
        assert optkit.load_messages(*ASKED).equals(MESSAGES)


def test_late_messages_are_seen_within_the_look_back(connect: Connect) -> None:
    variant = ApiVariant(late_by=timedelta(hours=30), late_share=0.3)
    with Emulator(HISTORY, MESSAGES, clock=datetime(2026, 3, 20, tzinfo=UTC), variant=variant) as server:
        connect(server)
        assert optkit.load_messages(*ASKED).height < MESSAGES.height
        server.clock = datetime(2026, 3, 22, tzinfo=UTC)
        assert optkit.load_messages(*ASKED).equals(MESSAGES)


def test_an_unknown_status_is_other_and_a_message_to_no_phone_is_dropped_and_counted(
    connect: Connect,
) -> None:
    unknown = ApiVariant(damage="unknown", damaged_field="delivery_status", damaged_every=7)
    with Emulator(HISTORY, MESSAGES, clock=CLOCK, variant=unknown) as server:
        connect(server)
        loaded = optkit.load_messages(*ASKED)
    is_other = pl.col("delivery_status") == "other"
    assert loaded.filter(is_other).height == MESSAGES.height // 7
    same = loaded.filter(~is_other)
    assert same.equals(MESSAGES.join(same, on="message_id", how="semi"))
    for damage in ("null", "missing"):
        no_phone = ApiVariant(damage=damage, damaged_field="to_phone", damaged_every=7)
        with Emulator(HISTORY, MESSAGES, clock=CLOCK, variant=no_phone) as server:
            connect(server)
            optkit.configure(account=damage)
            loaded = optkit.load_messages(*ASKED)
        assert loaded.equals(MESSAGES.join(loaded, on="message_id", how="semi"))
        assert loaded.height == MESSAGES.height - MESSAGES.height // 7
        assert optkit.coverage(dataset="messages")["dropped"].sum() == MESSAGES.height // 7


def test_messages_that_arrive_while_pages_are_read_do_not_hide_others(connect: Connect) -> None:
    late = make_messages(60, seed=7)
    arrivals = Arrivals(rows=late, per_request=0.5)
    with Emulator(HISTORY, MESSAGES, clock=CLOCK, message_arrivals=arrivals) as server:
        connect(server)
        loaded = optkit.load_messages(*ASKED)
    ids = set(loaded["message_id"])
    assert set(MESSAGES["message_id"]) <= ids <= set(MESSAGES["message_id"]) | set(late["message_id"])
    assert loaded.height == len(ids)


def test_ten_thousand_messages_in_one_second_are_read(connect: Connect) -> None:
    rows = 10_000
    one = make_messages(8).head(1).drop("message_id", "sent_at")
    crowd = pl.concat([one] * rows).with_columns(
        message_id=pl.int_range(rows, dtype=pl.Int64),
        sent_at=pl.lit(START + timedelta(hours=9), SCHEMA["sent_at"]),
    )
    crowd = pl.concat(
        [crowd.select(SCHEMA.names()), MESSAGES.with_columns(pl.col("message_id") + rows)]
    ).sort(ORDER)
    with Emulator(HISTORY, crowd, clock=CLOCK) as server:
        connect(server)
        assert optkit.load_messages(*ASKED).equals(crowd)
        deep = [int(record.params["page"]) for record in server.requests]
        assert sum(page > 5 for page in deep) <= 2 * rows / 100


def test_filters_find_phones_in_any_form(connect: Connect) -> None:
    number = MESSAGES["to_phone"][0]
    wanted = MESSAGES.filter(pl.col("to_phone") == number)
    for form in ("e164", "digits", "punctuated"):
        variant = ApiVariant(phone_form=form)
        with Emulator(HISTORY, MESSAGES, clock=CLOCK, variant=variant) as server:
            connect(server)
            optkit.configure(account=form)
            found = optkit.load_messages(
                *ASKED, to_phone=f"{number[:2]} ({number[2:5]}) {number[5:8]}-{number[8:]}"
            )
            assert found["message_id"].to_list() == wanted["message_id"].to_list()
            sender = optkit.load_messages(*ASKED, from_phone=["+12125550100", "OPTKIT"])
            assert sender.height == MESSAGES.filter(pl.col("from_phone") != "24365").height


def test_filters_by_campaign_and_status(server: Emulator) -> None:
    lazy = optkit.scan_messages(*ASKED, campaign_id=[8], delivery_status="delivered")
    assert "SELECTION" in lazy.explain()
    delivered = (pl.col("campaign_id") == 8) & (pl.col("delivery_status") == "delivered")
    assert lazy.collect().equals(MESSAGES.filter(delivered))


@pytest.mark.parametrize("read", [optkit.load_messages, optkit.scan_messages])
def test_unknown_senders_and_campaigns_give_a_warning_that_names_the_known_ones(
    server: Emulator, read: Callable[..., pl.DataFrame | pl.LazyFrame]
) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"from_phone": ["OPTIKT", "24365"]}, "no message has the sender OPTIKT; .* senders are .*OPTKIT"),
        (
            {"campaign_id": [8, 987]},
            "no message has the campaign_id 987; the messages' campaigns are 7 and 8",
        ),
    ]
    for wanted, says in cases:
        with pytest.warns(UserWarning, match=says) as caught:
            messages = read(*ASKED, **wanted).lazy().collect()
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert messages.height


@pytest.mark.parametrize(
    "call",
    [
        lambda: optkit.load_messages(delivery_status="gone"),
        lambda: optkit.load_messages(campaign_id="8"),  # type: ignore[arg-type]
        lambda: optkit.coverage(dataset="replies"),
        lambda: optkit.load_messages(to_phone="garbage"),
    ],
)
def test_a_bad_argument_is_an_error(call: Callable[[], object]) -> None:
    with pytest.raises(optkit.SettingsError):
        call()


def test_messages_of_another_account_never_mix_with_cached_events(connect: Connect) -> None:
    with Emulator(HISTORY, MESSAGES, clock=CLOCK) as server:
        connect(server)
        optkit.load("2026-03-02", "2026-03-16")
        port = int(server.url.rsplit(":", 1)[1])
    with Emulator(make_history(90, seed=4), MESSAGES, clock=CLOCK, port=port) as other:
        optkit.configure(token=other.token)
        with pytest.raises(optkit.CacheError, match="reads another account"):
            optkit.load_messages(*ASKED)
    with Emulator(HISTORY, MESSAGES, clock=CLOCK, port=port) as again:
        optkit.configure(token=again.token)
        assert optkit.load_messages(*ASKED).equals(MESSAGES)


def test_every_failure_is_told_from_the_vendors_text(server: Emulator) -> None:
    loaded = optkit.load_messages(*ASKED)
    assert set(loaded["failure"].drop_nulls()) == set(FAILURE.categories)
    assert set(loaded["delivery_status"]) < set(DELIVERY_STATUS.categories)


def test_four_processes_on_a_cold_cache_under_faults_are_each_exact(tmp_path: Path) -> None:
    outputs = [tmp_path / f"{number}.parquet" for number in range(4)]
    faults = Faults(errors=11, resets=13, truncated=17)  # as in test_processes.py
    with Emulator(HISTORY, MESSAGES, clock=CLOCK, faults=faults) as server, ExitStack() as stack:
        children = [
            stack.enter_context(
                Child(server, tmp_path / "cache", "shared", ASKED, output, call="load_messages")
            )
            for output in outputs
        ]
        for child in children:
            child.begin()
        for child in children:
            child.wait()
    for output in outputs:
        assert pl.read_parquet(output).cast(pl.String).equals(MESSAGES.cast(pl.String))
    optkit.configure(cache_dir=tmp_path / "cache")
    assert optkit.verify("shared", "messages")["ok"].all()
