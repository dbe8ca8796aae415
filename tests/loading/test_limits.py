import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optkit.errors import LoadInterrupted
from optkit.loading.limits import RateLimiter
from optkit.loading.retries import jittered_pause, parse_retry_after

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True))
def test_pauses_have_full_jitter_below_a_cap(failures: int, chance: float) -> None:
    assert 0 <= jittered_pause(failures, chance) <= min(20, 0.5 * 2.0 ** (failures - 1))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        (" 1.5 ", 1.5),
        ("Mon, 02 Mar 2026 12:00:30 GMT", 30),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOW) == seconds


def test_a_rate_is_kept() -> None:
    limiter = RateLimiter(max_rps=200)
    began = time.monotonic()
    for _ in range(21):
        limiter.wait()
    assert time.monotonic() - began >= 20 / 200


def test_a_paused_limiter_holds_all_workers_back() -> None:
    limiter = RateLimiter(None)
    began = time.monotonic()
    limiter.pause(0.1)
    waits: list[float] = []

    def worker() -> None:
        limiter.wait()
        waits.append(time.monotonic() - began)

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(waits) >= 0.1


def test_a_stopped_limiter_lets_nobody_wait() -> None:
    limiter = RateLimiter(None)
    limiter.pause(3600)
    limiter.stop()
    with pytest.raises(LoadInterrupted):
        limiter.wait()
