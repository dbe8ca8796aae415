"""Servers whose counts contradict what they send: exact, or a documented error, after few requests."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from accounts import CLOCK, distinct, events_of, make_history

import optkit
from optkit.demo import CLOCK as DEMO_CLOCK
from optkit.emulator import ApiVariant, Emulator, Faults

HISTORY = make_history(600, days=28)
ASKED = ("2026-03-02", "2026-03-30")
#: All of a week but its edges, which the weeks beside it are asked for, too.
WITHHELD = (datetime(2026, 3, 9, 0, 1, tzinfo=UTC), datetime(2026, 3, 15, 23, 59, tzinfo=UTC))
ALL = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))


@pytest.mark.parametrize("per_page", [1, 2, 25, 100])
@pytest.mark.parametrize("totals", ["as in the sample", "missing", "true", "15,000"])
def test_a_server_that_always_sends_the_same_page_is_found_out_at_once(
    per_page: int, totals: str, connect: Callable[[Emulator], None]
) -> None:
    variant = ApiVariant(per_page=per_page, stuck_page=1, totals=totals)  # type: ignore[arg-type] # each is one
    with Emulator(HISTORY, clock=CLOCK, variant=variant) as server:
        connect(server)
        with pytest.raises(optkit.ResponseError, match="one page under two numbers"):
            optkit.load("2026-03-02", "2026-03-09")
        assert len(server.requests) <= 20


def test_a_total_that_means_nothing_takes_few_requests(connect: Callable[[Emulator], None]) -> None:
    week = make_history(2, days=1).unique().head(7)
    with Emulator(week, clock=CLOCK, variant=ApiVariant(totals="15,000")) as server:
        connect(server)
        with pytest.warns(UserWarning, match="totals mean nothing") as caught:
            assert events_of(optkit.load(*ASKED)) == distinct(week)
        assert len(caught) == 1, "once for each load"
        assert caught[0].filename == __file__
        assert len(server.requests) <= 4 * 40


def test_entries_that_are_counted_and_not_sent_are_an_error_for_their_window_alone(
    connect: Callable[[Emulator], None],
) -> None:
    with Emulator(HISTORY, clock=CLOCK, variant=ApiVariant(withheld=WITHHELD)) as server:
        connect(server)
        with pytest.raises(
            optkit.DriftError, match=r"another number of entries in \[2026-03-09, 2026-03-16\) than"
        ):
            optkit.load(*ASKED)
    starts = [f"{start:%m-%d}" for start in optkit.coverage()["window_start"]]
    assert starts == ["03-02", "03-16", "03-23"]
    with Emulator(HISTORY, clock=CLOCK) as server:
        optkit.configure(base_url=server.url, token=server.token, account="again")
        assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)


def test_where_no_total_fits_a_warning_says_so_once(connect: Callable[[Emulator], None]) -> None:
    with Emulator(HISTORY, clock=CLOCK, variant=ApiVariant(withheld=ALL)) as server:
        connect(server)
        with pytest.warns(UserWarning, match="totals mean nothing") as caught:
            assert optkit.load(*ASKED).height == 0
        assert len(caught) == 1
        assert {record.params["start_time"] for record in server.requests}
        assert len(server.requests) >= 2 * 4, "each window is asked for twice"


def test_entries_that_are_missing_now_and_then_are_asked_for_again(
    connect: Callable[[Emulator], None],
) -> None:
    with Emulator(HISTORY, clock=CLOCK, faults=Faults(empties=5)) as server:
        connect(server)
        optkit.configure(workers=1)  # of two at once, one window could be every fifth request twice
        assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)
        assert "empties" in {record.fault for record in server.requests}


def test_a_part_of_a_window_that_is_counted_and_not_sent_is_an_error(
    connect: Callable[[Emulator], None],
) -> None:
    some = (datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC))
    with Emulator(HISTORY, clock=CLOCK, variant=ApiVariant(withheld=some)) as server:
        connect(server)
        with pytest.raises(optkit.DriftError, match=r"\[2026-03-09, 2026-03-16\)"):
            optkit.load(*ASKED)
        assert len(server.requests) < 1000
    assert optkit.coverage().filter(pl.col("window_start").dt.date() == date(2026, 3, 9)).height == 0


def test_messages_that_are_counted_and_not_sent_are_an_error_for_their_window_alone(
    connect: Callable[[Emulator], None],
) -> None:
    history, messages = optkit.demo_history(recipients=200), optkit.demo_messages(recipients=200)
    last = DEMO_CLOCK - timedelta(days=30)
    withheld = (last, last + timedelta(days=3))
    variant = ApiVariant(withheld=withheld)
    with Emulator(history, messages=messages, clock=DEMO_CLOCK, variant=variant) as server:
        connect(server)
        with pytest.raises(optkit.DriftError, match="another number of"):
            optkit.load_messages(DEMO_CLOCK - timedelta(days=60), DEMO_CLOCK - timedelta(days=7))
    covered = optkit.coverage(dataset="messages")
    assert covered.height > 3
    assert covered.filter(pl.col("window_start").is_between(*withheld, closed="left")).height == 0
