"""The server's two clocks and this machine's, compared without a server."""

import pytest

from optkit.errors import ResponseError
from optkit.loading.clocks import compare_clocks
from optkit.times import DAY, SECOND

NOW = 1_790_000_000_000
HOUR = 3600 * SECOND


@pytest.mark.parametrize(
    ("clocks", "now", "cautious", "says"),
    [
        ((NOW, NOW - 500, NOW + 2000), NOW, NOW - 500, ""),
        ((None, NOW, NOW + 2000), NOW, NOW, ""),
        ((None, None, NOW), NOW, NOW, ""),
        # one wrong clock of three is outvoted, and makes nothing final that the others do not
        ((NOW - 1000 * DAY, NOW, NOW), NOW, NOW - 1000 * DAY, "time_token says"),
        ((NOW + 10 * DAY, NOW, NOW), NOW, NOW, "time_token says"),
        ((NOW, NOW + 10 * DAY, NOW), NOW, NOW, "Date header says"),
        ((NOW, NOW, NOW - 400 * DAY), NOW, NOW - 400 * DAY, "this machine"),
        ((NOW, NOW, NOW + 400 * DAY), NOW, NOW, "this machine"),
        # of two, the server's counts while they are less than a day apart
        ((NOW, None, NOW - HOUR), NOW, NOW - HOUR, "this machine"),
        ((NOW, None, NOW + HOUR), NOW, NOW, "this machine"),
    ],
)
def test_the_middle_clock_counts_and_the_earliest_decides_what_is_final(
    clocks: tuple[int | None, int | None, int], now: int, cautious: int, says: str
) -> None:
    clock = compare_clocks(*clocks)
    assert (clock.now, clock.cautious) == (now, cautious)
    assert says in clock.warning
    assert bool(says) == bool(clock.warning)


@pytest.mark.parametrize(
    ("time_token", "date", "local"),
    [
        (NOW - 1000 * DAY, None, NOW),
        (NOW + 10 * DAY, None, NOW),
        (NOW, NOW - 10 * DAY, NOW + 10 * DAY),
    ],
)
def test_clocks_of_which_no_two_agree_are_an_error_with_all_times(
    time_token: int, date: int | None, local: int
) -> None:
    with pytest.raises(
        ResponseError, match=r"time_token says 20.* this machine 20.*set this machine's clock"
    ):
        compare_clocks(time_token, date, local)


def test_a_server_on_this_machine_may_stand_still() -> None:
    past = NOW - 200 * DAY
    assert compare_clocks(past, past - 300, NOW, on_this_machine=True).now == past
    assert not compare_clocks(past, past - 300, NOW, on_this_machine=True).warning
    assert compare_clocks(NOW + DAY, NOW + DAY, NOW, on_this_machine=True).cautious == NOW
