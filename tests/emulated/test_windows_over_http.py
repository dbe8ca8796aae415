"""Several windows at once over HTTP: how many requests, and what happens when some fail."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from accounts import CLOCK, START, distinct, events_of, make_history

import optkit
from optkit.emulator import ApiVariant, Emulator, Faults
from optkit.errors import AuthenticationError, ResponseError, TransportError
from optkit.times import DAY, WEEK, to_ms

WRONG = "another"
Connect = Callable[[Emulator], None]


def test_windows_that_are_over_take_a_request_each(connect: Connect) -> None:
    with Emulator(make_history(60), clock=CLOCK) as server:
        connect(server)
        optkit.load(START, START + timedelta(days=21))
        assert len(server.requests) == 3


def test_no_request_is_larger_than_a_window_where_a_start_is_given(connect: Connect) -> None:
    with Emulator(make_history(2000, days=30), clock=CLOCK) as server:
        connect(server)
        optkit.load(START)
        spans = [
            int(record.params["end_time"]) - int(record.params["start_time"]) for record in server.requests
        ]
        assert max(spans) <= WEEK + 1


def test_the_beginning_is_found_with_few_requests_that_get_smaller(connect: Connect) -> None:
    with Emulator(make_history(60), clock=CLOCK) as server:
        connect(server)
        optkit.load()
        looks = [record.params for record in server.requests if record.params["per_page"] == "1"]
        assert len(looks) <= 12
        spans = [int(look["end_time"]) - int(look["start_time"]) for look in looks]
        assert spans == sorted(spans, reverse=True)
        assert optkit.coverage()["window_start"][0] == START - timedelta(days=7)
    with Emulator(make_history(60), clock=CLOCK) as server:
        connect(server)
        optkit.configure(account="again")
        optkit.load(START)
        assert all(record.params["per_page"] == "100" for record in server.requests)


def test_a_window_that_fails_does_not_keep_the_others_from_being_committed(connect: Connect) -> None:
    history = make_history(600, days=28)
    damaged = ApiVariant(damage="null", damaged_every=history.height)  # the very first event
    with Emulator(history, clock=CLOCK, variant=damaged) as server:
        connect(server)
        with pytest.raises(ResponseError, match=r"^window \[2026-03-02, 2026-03-09\) could not be read: "):
            optkit.load(START, START + timedelta(days=28))
        assert optkit.coverage()["window_start"].to_list() == [
            START + timedelta(days=days) for days in (7, 14, 21)
        ]
        later = START + timedelta(days=7)
        loaded = optkit.load(later, START + timedelta(days=28), refresh="never")
        assert events_of(loaded) == distinct(history.filter(pl.col("created_at") >= later))


@pytest.mark.usefixtures("quick_retries")
def test_a_server_that_fails_is_not_asked_for_every_window(connect: Connect) -> None:
    with Emulator(make_history(60), clock=CLOCK, faults=Faults(errors=1)) as server:
        connect(server)
        with pytest.raises(TransportError, match=r"^windows \[.* could not be read: .*HTTP 503"):
            optkit.load(START - timedelta(days=140), START)
        assert len(server.requests) <= 24


def test_a_refused_token_is_sent_once_per_request_in_flight(connect: Connect) -> None:
    with Emulator(make_history(60), clock=CLOCK) as server:
        connect(server)
        optkit.configure(token=WRONG)
        with pytest.raises(AuthenticationError):
            optkit.load(CLOCK - timedelta(days=28), CLOCK)
        assert len(server.requests) <= 2


def test_a_refused_token_leaves_no_trace_that_keeps_the_right_one_out(connect: Connect) -> None:
    with Emulator(make_history(60), clock=CLOCK) as server:
        connect(server)
        optkit.configure(token=WRONG)
        with pytest.raises(AuthenticationError):
            optkit.load(START, CLOCK)
        optkit.configure(token=server.token)
        assert optkit.load(START, CLOCK).height


def test_few_windows_are_open_at_once(connect: Connect) -> None:
    history = make_history(400, days=182)
    clock = START + timedelta(days=200)
    with Emulator(history, clock=clock, faults=Faults(latency=0.002)) as server:
        connect(server)
        optkit.configure(workers=2)
        optkit.load(START, START + timedelta(days=182))
        starts = [int(record.params["start_time"]) + 1 for record in server.requests]
    # a window is asked for only after those some places before it: none runs far ahead
    order = [(start - to_ms(datetime(2026, 3, 2, tzinfo=UTC))) // (7 * DAY) for start in starts]
    assert all(number - place <= 4 for place, number in enumerate(order))
