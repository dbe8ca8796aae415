"""A server whose clock is wrong: no event is lost, no window is final too early, and the user is told."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from accounts import CLOCK, START, distinct, events_of, make_history
from network import answering

import optkit
from optkit.emulator import ApiVariant, Emulator

NOW = datetime.now(UTC).replace(microsecond=0)
#: The last three weeks: the server's clock is the real one here, so that its header Date agrees with this machine.
HISTORY = make_history(300).with_columns(pl.col("created_at") + (NOW - timedelta(days=17) - START))
BEGIN = NOW - timedelta(days=20)
LOOK_BACK = timedelta(days=2)


@pytest.mark.parametrize(
    ("time_token", "says"),
    [
        ("as in the sample", "2023-02-03 07:40 UTC"),
        ("ten days ahead", f"{NOW + timedelta(days=10):%Y-%m-%d}"),
        ("in the year 5000", "5000-01-01 00:00 UTC"),
    ],
)
def test_a_wrong_time_token_loses_nothing_and_makes_nothing_final_too_early(
    time_token: str, says: str, connect: Callable[[Emulator], None]
) -> None:
    variant = ApiVariant(time_token=time_token)  # type: ignore[arg-type] # each of them is one
    with Emulator(HISTORY, variant=variant) as server:
        connect(server)
        with pytest.warns(UserWarning, match=f"{says}.* this machine {NOW:%Y-%m-%d}"):
            assert events_of(optkit.load(BEGIN)) == distinct(HISTORY)
        assert len(server.requests) < 40
        late = HISTORY.head(1).with_columns(
            created_at=pl.lit(NOW - timedelta(days=1), pl.Datetime("ms", "UTC"))
        )
        server.add(late)
        time.sleep(1)  # the header Date has whole seconds: a window is read again once it has moved on
        with pytest.warns(UserWarning, match="clock"):
            assert events_of(optkit.load(BEGIN)) == distinct(pl.concat([HISTORY, late]))
    final = optkit.coverage().filter("final")["window_end"].to_list()
    assert all(end <= NOW + timedelta(hours=1) - LOOK_BACK for end in final)


def test_the_date_header_is_enough(connect: Callable[[Emulator], None]) -> None:
    with Emulator(HISTORY, variant=ApiVariant(time_token="missing")) as server:  # noqa: S106 - a time
        connect(server)
        assert events_of(optkit.load(BEGIN)) == distinct(HISTORY)


def test_a_server_ahead_of_this_machine_makes_nothing_final_too_early(
    connect: Callable[[Emulator], None],
) -> None:
    with Emulator(HISTORY, clock=NOW + timedelta(days=10)) as server:
        connect(server)
        with pytest.warns(UserWarning, match=f"{NOW + timedelta(days=10):%Y-%m-%d}"):
            assert events_of(optkit.load(BEGIN)) == distinct(HISTORY)
    final = optkit.coverage().filter("final")["window_end"].to_list()
    assert final
    assert all(end <= NOW + timedelta(hours=1) - LOOK_BACK for end in final)


def test_a_sample_time_token_without_a_date_is_an_error_with_both_times(
    connect: Callable[[Emulator], None],
) -> None:
    body = b'{"total_entries":0,"total_pages":0,"time_token":1675410047.186922,"entries":[]}'
    with answering(body) as port, Emulator(HISTORY) as server:
        connect(server)
        optkit.configure(base_url=f"http://127.0.0.1:{port}")
        with pytest.raises(optkit.ResponseError, match=r"2023-02-03 07:40 UTC, this machine 20"):
            optkit.load()


def test_cached_events_are_not_cut_off_when_the_servers_clock_steps_back(
    connect: Callable[[Emulator], None],
) -> None:
    history = make_history(300, days=28)
    with Emulator(history, clock=CLOCK) as server:
        connect(server)
        loaded = optkit.load()
        assert events_of(loaded) == distinct(history)
        server.clock = CLOCK - timedelta(days=20)
        with pytest.warns(
            UserWarning, match=r"clock says 2026-03-12 00:00 UTC, but the cache was read at 2026-04-01"
        ):
            assert optkit.load().equals(loaded)
        with pytest.warns(UserWarning, match="clock says"):
            assert optkit.load(end=CLOCK).equals(loaded)


def test_a_machine_whose_clock_is_behind_loads_up_to_the_servers_present(
    connect: Callable[[Emulator], None],
) -> None:
    def event(days: int) -> pl.DataFrame:
        at = pl.lit(NOW + timedelta(days=days), pl.Datetime("ms", "UTC"))
        return HISTORY.head(1).with_columns(created_at=at)

    later = [event(1), event(3), event(9)]
    with Emulator(pl.concat([HISTORY, *later]), clock=NOW) as server:
        connect(server)
        for days, count in ((2, 1), (4, 2), (10, 3)):
            server.clock = NOW + timedelta(days=days)
            with pytest.warns(UserWarning, match="clock"):
                assert events_of(optkit.load(BEGIN)) == distinct(pl.concat([HISTORY, *later[:count]]))


@pytest.mark.parametrize("days", [40, None])
def test_a_machine_whose_clock_is_before_the_start_asks_the_server_for_the_time(
    days: int | None, connect: Callable[[Emulator], None]
) -> None:
    begin = NOW + timedelta(days=20)
    history = HISTORY.with_columns(pl.col("created_at") + timedelta(days=40))
    with Emulator(history, clock=NOW + timedelta(days=50)) as server:
        connect(server)
        end = None if days is None else NOW + timedelta(days=days)
        for _ in range(2):
            with pytest.warns(UserWarning, match="clock"):
                assert events_of(optkit.load(begin, end)) == distinct(history)


def test_a_start_in_the_future_has_no_events(connect: Callable[[Emulator], None]) -> None:
    with Emulator(HISTORY) as server:
        connect(server)
        assert optkit.load(NOW + timedelta(days=20)).is_empty()
        assert len(server.requests) == 1
