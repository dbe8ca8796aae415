"""What a user of load, scan and fetch relies on, over real HTTP."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from accounts import CLOCK, START, distinct, events_of, make_history

import optkit
from optkit.emulator import ApiVariant, Emulator, Faults
from optkit.history import OPT_IN, OPT_OUT, SCHEMA

HISTORY = make_history(700, days=30)
Connect = Callable[[Emulator], None]


@pytest.fixture
def server(connect: Connect) -> Iterator[Emulator]:
    with Emulator(HISTORY, clock=CLOCK) as running:
        connect(running)
        yield running


def between(start: datetime, end: datetime) -> list[tuple[object, ...]]:
    return distinct(HISTORY.filter((pl.col("created_at") >= start) & (pl.col("created_at") < end)))


def test_everything_from_the_first_event_to_now(server: Emulator) -> None:
    history = optkit.load()
    assert events_of(history) == distinct(HISTORY)
    assert history.schema == SCHEMA
    # an event at the very start of a week: the week before is read as well
    assert optkit.coverage()["window_start"][0] == START - timedelta(days=7)
    assert optkit.coverage()["window_end"][-1] == CLOCK


def test_bounds_are_half_open_to_the_millisecond(server: Emulator) -> None:
    moment = HISTORY["created_at"][350]
    assert events_of(optkit.load("2026-03-04", moment)) == between(datetime(2026, 3, 4, tzinfo=UTC), moment)
    later = optkit.load(moment, date(2026, 3, 20))
    assert events_of(later) == between(moment, datetime(2026, 3, 20, tzinfo=UTC))


def test_the_second_load_makes_no_requests(server: Emulator) -> None:
    first = optkit.load("2026-03-02", "2026-03-16")
    asked = len(server.requests)
    assert optkit.load("2026-03-02", "2026-03-16").equals(first)
    assert len(server.requests) == asked


def test_duplicates_are_dropped_and_counted(server: Emulator) -> None:
    optkit.load()
    assert optkit.coverage()["duplicates"].sum() == HISTORY.height - len(distinct(HISTORY)) > 0


def test_current_status_is_of_the_end_of_what_was_asked_for(server: Emulator) -> None:
    history = optkit.load("2026-03-02", "2026-03-10")
    last: dict[tuple[str, str], tuple[datetime, bool]] = {}
    for to_phone, from_phone, moment, status, _ in history.iter_rows():
        last[to_phone, from_phone] = max(
            last.get((to_phone, from_phone), (START, False)), (moment, status == OPT_OUT)
        )
    for to_phone, from_phone, _, _, current in history.iter_rows():
        assert current == (OPT_OUT if last[to_phone, from_phone][1] else OPT_IN)


def test_filters_apply_after_the_current_status_was_derived(server: Emulator) -> None:
    everything = optkit.load()
    sender = optkit.load(from_phone="24365", status=OPT_OUT, current_status=[OPT_IN])
    assert sender.equals(
        everything.filter(
            (pl.col("from_phone") == "24365")
            & (pl.col("status") == OPT_OUT)
            & (pl.col("current_status") == OPT_IN)
        )
    )
    assert sender.height
    numbers = everything["to_phone"].unique().sort()[:3].to_list()
    assert set(optkit.load(to_phone=numbers)["to_phone"]) == set(numbers)


def test_phone_numbers_are_read_as_people_write_them(server: Emulator) -> None:
    number = HISTORY.filter(pl.col("to_phone").str.starts_with("+1"))["to_phone"][0]
    area, office, line = number[2:5], number[5:8], number[8:]
    for text in (f" +1 ({area}) {office}-{line}", f"001{area}{office}{line}"):
        assert optkit.fetch(to_phone=text).equals(optkit.fetch(to_phone=number))
        assert optkit.load(to_phone=text).equals(optkit.load(to_phone=number))
    national = f"({area}) {office}-{line}"
    assert optkit.load(to_phone=national, region="US").equals(optkit.load(to_phone=number))
    assert optkit.load(to_phone=number).height


def test_a_sender_may_be_written_without_its_plus_sign(server: Emulator) -> None:
    sender = "+12125550100"
    wanted = HISTORY.filter(pl.col("from_phone") == sender)
    for text in ("12125550100", "+1 (212) 555-0100"):
        for read in (optkit.load, optkit.fetch):
            assert events_of(read(from_phone=text)) == distinct(wanted)
        assert events_of(optkit.scan(from_phone=text).collect()) == distinct(wanted)


def test_a_sender_without_events_gives_a_warning_that_names_the_senders(server: Emulator) -> None:
    with pytest.warns(UserWarning, match=r"no event has the sender 24356; .* senders are .*24365") as caught:
        assert optkit.load(from_phone=["24356", "24365"]).height
    assert caught[0].filename == __file__
    assert optkit.load("2026-03-02", "2026-03-03", from_phone=" 24365").height


def test_the_reported_status_is_what_the_api_gave(server: Emulator) -> None:
    history = optkit.load("2026-03-02", "2026-03-10", reported=True)
    assert history.columns[-1] == "reported_current_status"
    now = {(row[0], row[1]): row[4] for row in optkit.load().iter_rows()}
    reported = {(row[0], row[1]): row[5] for row in history.iter_rows()}
    assert reported == {pair: now[pair] for pair in reported}
    assert reported != {(row[0], row[1]): row[4] for row in history.iter_rows()}


def test_fetch_is_live_and_leaves_no_cache(server: Emulator) -> None:
    number = HISTORY["to_phone"][0]
    fetched = optkit.fetch(to_phone=number)
    assert events_of(fetched) == distinct(HISTORY.filter(pl.col("to_phone") == number))
    assert optkit.coverage().height == 0
    more = HISTORY.filter(pl.col("to_phone") == number).head(1)
    server.add(more.with_columns(created_at=pl.lit(CLOCK).cast(SCHEMA["created_at"])))
    assert optkit.fetch(to_phone=number).height == fetched.height + 1


def test_fetch_takes_several_values_and_the_servers_filters(server: Emulator) -> None:
    numbers = HISTORY["to_phone"].unique().sort()[:2].to_list()
    fetched = optkit.fetch(to_phone=numbers, from_phone=["24365", "OPTKIT"], status=OPT_OUT)
    wanted = HISTORY.filter(
        pl.col("to_phone").is_in(numbers)
        & (pl.col("from_phone") != "+12125550100")
        & (pl.col("status") == OPT_OUT)
    )
    assert events_of(fetched) == distinct(wanted)
    assert optkit.fetch(to_phone="+12125559999").schema == SCHEMA


def test_never_reads_the_cache_alone_and_names_the_gaps(server: Emulator) -> None:
    with pytest.raises(optkit.MissingWindowsError, match="nothing is cached"):
        optkit.load(refresh="never")
    with pytest.raises(optkit.MissingWindowsError, match="nothing is cached"):
        optkit.load("2026-03-02", refresh="never")
    optkit.load("2026-03-02", "2026-03-09")
    for after in ("2026-03-09", "2026-03-16"):
        with pytest.raises(optkit.MissingWindowsError, match="the cache ends at 2026-03-09"):
            optkit.load(after, refresh="never")
    optkit.load("2026-03-16", "2026-03-23")
    asked = len(server.requests)
    with pytest.raises(optkit.MissingWindowsError, match=r"\[2026-03-09, 2026-03-16\)"):
        optkit.load("2026-03-02", "2026-03-23", refresh="never")
    with pytest.raises(optkit.MissingWindowsError, match="where the account begins"):
        optkit.load(refresh="never")
    held = between(datetime(2026, 3, 16, tzinfo=UTC), datetime(2026, 3, 23, tzinfo=UTC))
    assert events_of(optkit.load("2026-03-16", refresh="never")) == held
    assert len(server.requests) == asked


def test_force_fetches_what_is_cached(server: Emulator) -> None:
    first = optkit.load("2026-03-02", "2026-03-16")
    asked = len(server.requests)
    assert optkit.load("2026-03-02", "2026-03-16", refresh="force").equals(first)
    assert len(server.requests) > asked + 5


def test_late_events_are_seen_within_the_look_back(connect: Connect) -> None:
    variant = ApiVariant(late_by=timedelta(hours=40), late_share=0.3)
    with Emulator(HISTORY, clock=datetime(2026, 3, 9, 1, tzinfo=UTC), variant=variant) as server:
        connect(server)
        early = optkit.load()
        assert early.height < len(between(START, datetime(2026, 3, 9, tzinfo=UTC)))
        server.clock = datetime(2026, 3, 12, tzinfo=UTC)
        assert events_of(optkit.load("2026-03-02", "2026-03-09")) == between(
            START, datetime(2026, 3, 9, tzinfo=UTC)
        )
        final = optkit.coverage().filter(pl.col("final"))
        assert final["window_start"].to_list()[-1] == START


def test_an_open_week_is_read_again_once_time_has_passed(connect: Connect) -> None:
    with Emulator(HISTORY, clock=datetime(2026, 3, 11, tzinfo=UTC)) as server:
        connect(server)
        assert events_of(optkit.load()) == between(START, datetime(2026, 3, 11, tzinfo=UTC))
        server.clock = datetime(2026, 3, 12, tzinfo=UTC)
        assert events_of(optkit.load()) == between(START, datetime(2026, 3, 12, tzinfo=UTC))


def test_no_time_before_1970_is_asked_for(server: Emulator) -> None:
    optkit.load()
    assert min(int(record.params["start_time"]) for record in server.requests) == 0


def test_an_end_in_the_future_means_now_and_a_start_before_the_first_event_costs_little(
    server: Emulator,
) -> None:
    assert events_of(optkit.load("2001-01-01", "2030-01-01")) == distinct(HISTORY)
    assert len(server.requests) < 60


def test_an_account_without_events_is_empty_and_complete(connect: Connect) -> None:
    with Emulator(HISTORY.clear(), clock=CLOCK) as server:
        connect(server)
        history = optkit.load()
        assert history.height == 0
        assert history.schema == SCHEMA
        assert optkit.load("2026-01-01", refresh="never").height == 0


def test_scan_reads_nothing_until_it_is_collected_and_pushes_filters_down(server: Emulator) -> None:
    lazy = optkit.scan("2026-03-02", "2026-03-09", from_phone="24365")
    plan = lazy.explain()
    assert "SELECTION" in plan
    assert "24365" in plan.split("SELECTION")[1]
    optkit.clear()
    with pytest.raises(optkit.CacheError, match="was removed from the cache"):
        lazy.collect()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: optkit.load(datetime(2026, 3, 2)), "time zone"),  # noqa: DTZ001 - what is refused
        (lambda: optkit.load("2026-03-09", "2026-03-02"), "start must be before end"),
        (lambda: optkit.load("yesterday"), "start='yesterday' is not a date"),
        (lambda: optkit.load(status="stopped"), "'opt-in' or 'opt-out'"),
        (lambda: optkit.load(to_phone=12125550100), "plus sign"),  # type: ignore[arg-type]
        (lambda: optkit.load(to_phone="garbage"), "to_phone is not a phone number"),
        (lambda: optkit.scan(to_phone="(212) 555-0100"), "need region"),
        (lambda: optkit.fetch(to_phone=["+12125550100", "2125550100"]), "need region"),
        (lambda: optkit.load(to_phone="2125550100", region="UK"), "no country 'UK'"),
        (lambda: optkit.load(refresh="always"), "'auto' or 'never' or 'force'"),  # type: ignore[arg-type]
        (lambda: optkit.load(account="../other"), "folder"),
        (lambda: optkit.clear("2026-03-09", "2026-03-02"), "start must be before end"),
    ],
)
def test_a_bad_argument_is_rejected_before_any_request(
    call: Callable[[], object], says: str, server: Emulator
) -> None:
    with pytest.raises(optkit.SettingsError, match=says):
        call()
    assert not server.requests


def test_without_token_and_cache_the_error_names_both_remedies() -> None:
    with pytest.raises(optkit.SettingsError, match=r"OPTKIT_TOKEN.*account='demo'"):
        optkit.load()


def test_without_a_token_the_cache_can_still_be_read(server: Emulator) -> None:
    first = optkit.load("2026-03-02", "2026-03-16")
    optkit.configure(token=None)
    assert optkit.load("2026-03-02", "2026-03-16").equals(first)
    with pytest.raises(optkit.SettingsError, match="refresh='never'"):
        optkit.load("2026-03-02", "2026-03-30")


def test_another_server_is_refused(server: Emulator) -> None:
    optkit.load("2026-03-02", "2026-03-16")
    with Emulator(HISTORY, clock=CLOCK, token=server.token) as other:
        optkit.configure(base_url=other.url)
        refreshes: list[Literal["auto", "never", "force"]] = ["auto", "never", "force"]
        for refresh in refreshes:
            with pytest.raises(optkit.CacheError, match="was filled from"):
                optkit.load("2026-03-02", "2026-03-16", refresh=refresh)
        assert not other.requests


def at_the_same_address(history: pl.DataFrame, server: Emulator) -> Emulator:
    """Return a server that looks like the other one, with another token and perhaps another account."""
    return Emulator(history, clock=CLOCK, port=int(server.url.rsplit(":", 1)[1]))


def test_a_new_token_is_taken_once_a_final_window_proves_it(connect: Connect) -> None:
    with Emulator(HISTORY, clock=CLOCK) as server:
        connect(server)
        first = optkit.load("2026-03-02", "2026-03-16")
    with at_the_same_address(HISTORY, server) as again:
        optkit.configure(token=again.token)
        assert optkit.load("2026-03-02", "2026-03-16").equals(first)
        asked = len(again.requests)
        assert asked > 0
        optkit.load("2026-03-02", "2026-03-16")
        assert len(again.requests) == asked


def test_another_account_cannot_enter_the_first_ones_cache(connect: Connect, tmp_path: Path) -> None:
    with Emulator(HISTORY, clock=CLOCK) as server:
        connect(server)
        optkit.load("2026-03-02", "2026-03-16")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with at_the_same_address(make_history(700, days=30, seed=5), server) as other:
        optkit.configure(token=other.token)
        with pytest.raises(optkit.CacheError, match="reads another account"):
            optkit.load()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_new_token_without_proof_is_refused(connect: Connect) -> None:
    with Emulator(HISTORY, clock=datetime(2026, 3, 4, tzinfo=UTC)) as server:
        connect(server)
        optkit.load()
    with at_the_same_address(HISTORY, server) as again:
        optkit.configure(token=again.token)
        with pytest.raises(optkit.CacheError, match="no final window"):
            optkit.load()


def test_a_revoked_token_stops_the_load_and_keeps_what_was_complete(connect: Connect) -> None:
    with Emulator(HISTORY, clock=CLOCK, faults=Faults(revoked_after=8)) as server:
        connect(server)
        optkit.configure(workers=1)
        with pytest.raises(optkit.AuthenticationError):
            optkit.load("2026-03-02", "2026-03-30")
        held = optkit.coverage().height
        assert 0 < held < 4
        assert len(server.requests) < 14
        with pytest.raises(optkit.AuthenticationError):
            optkit.load("2026-03-02", "2026-03-30")


def test_ctrl_c_keeps_what_was_complete_and_the_next_load_goes_on(connect: Connect) -> None:
    # the eighth request, one of the third window, gets no answer: there is time to press
    with Emulator(HISTORY, clock=CLOCK, faults=Faults(hangs=8)) as server:
        connect(server)
        optkit.configure(workers=1)

        def press() -> None:
            while len(server.requests) < 8 or optkit.coverage().height < 2:
                time.sleep(0.005)
            os.kill(os.getpid(), signal.SIGINT)

        presser = threading.Thread(target=press)
        presser.start()
        with pytest.raises(optkit.LoadInterrupted, match="goes on from there"):
            optkit.load("2026-03-02", "2026-03-30")
        presser.join()
        held = optkit.coverage()
        assert 2 <= held.height < 4
        optkit.configure(timeout=0.5)
        optkit.load("2026-03-02", "2026-03-30")
        assert optkit.coverage().head(2).equals(held.head(2))


def test_the_demo_account_is_always_there_and_asked_once() -> None:
    history = optkit.load(account="demo")
    assert history.equals(optkit.demo_history())
    assert optkit.load(account="demo", refresh="never").equals(history)
    assert optkit.load(account="demo").equals(history)


def test_results_are_in_utc_for_arguments_in_any_time_zone(server: Emulator) -> None:
    zone = timedelta(hours=-5)
    start = datetime(2026, 3, 3, 19, tzinfo=UTC) + zone
    assert events_of(optkit.load("2026-03-04T00:00-05:00", "2026-03-10")) == between(
        start - zone + timedelta(hours=10), datetime(2026, 3, 10, tzinfo=UTC)
    )
