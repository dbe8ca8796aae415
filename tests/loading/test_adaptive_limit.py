"""The adaptive limit against simulated servers: a queue with so many places, in simulated time."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from optkit.loading.limits import AdaptiveLimit

SERVICE = 0.06


@dataclass
class Run:
    """What a simulated load came to."""

    seconds: float = 0.0
    answered: int = 0
    refused: int = 0
    waits: list[float] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


def simulate(
    capacity: int,
    requests: int,
    *,
    refuses: bool = False,
    service: Callable[[random.Random, float], float] = lambda *_: SERVICE,
    most: int = 32,
) -> Run:
    """Send requests as fast as the limit allows to a server that serves so many at once."""
    limit, run, chance = AdaptiveLimit(most), Run(), random.Random(0)
    now, in_flight, sent = 0.0, 0, 0
    free = [0.0] * capacity  # when each place of the server is free again
    ends: list[tuple[float, float, int, bool]] = []
    while run.answered < requests:
        while in_flight < limit.value and sent - run.refused < requests:
            in_flight += 1
            sent += 1
            if refuses and free[0] > now:
                heapq.heappush(ends, (now + 0.005, now, limit.generation, True))
                continue
            begin = max(now, heapq.heappop(free))
            end = begin + service(chance, now)
            heapq.heappush(free, end)
            run.waits.append(begin - now)
            heapq.heappush(ends, (end, now, limit.generation, False))
        now, began, generation, was_refused = heapq.heappop(ends)
        in_flight -= 1
        if was_refused:
            run.refused += 1
            limit.refuse(generation)
        else:
            run.answered += 1
            if 2 * in_flight >= limit.value:
                limit.add(now - began, generation)
        run.limits.append(limit.value)
    run.seconds = now
    return run


def noisy(chance: random.Random, _: float) -> float:
    return SERVICE * chance.lognormvariate(0, 0.2)


@pytest.mark.parametrize("capacity", [4, 8, 16, 32])
@pytest.mark.parametrize("service", [lambda *_: SERVICE, noisy], ids=["steady", "noisy"])
def test_nearly_all_of_a_servers_capacity_is_used(
    capacity: int, service: Callable[[random.Random, float], float]
) -> None:
    run = simulate(capacity, 2000, service=service)
    assert run.rate >= 0.85 * capacity / SERVICE


@pytest.mark.parametrize("capacity", [4, 8, 16])
@pytest.mark.parametrize("service", [lambda *_: SERVICE, noisy], ids=["steady", "noisy"])
def test_requests_do_not_wait_long_at_the_server(
    capacity: int, service: Callable[[random.Random, float], float]
) -> None:
    waits = sorted(simulate(capacity, 2000, service=service).waits)
    assert waits[int(0.95 * len(waits))] <= 1.01 * SERVICE


@pytest.mark.parametrize("capacity", [2, 4, 8, 16])
def test_few_requests_are_refused(capacity: int) -> None:
    run = simulate(capacity, 2000, refuses=True)
    assert run.refused <= 0.05 * run.answered
    assert run.rate >= 0.7 * capacity / SERVICE


def test_one_processor_is_not_shared_by_many() -> None:
    # a server that answers at once: requests wait for this machine's processor, one after the other
    run = simulate(1, 2000)
    assert sum(run.limits) / len(run.limits) <= 3


def test_a_server_that_becomes_slower_by_itself_is_still_asked_by_many() -> None:
    run = simulate(64, 4000, service=lambda _, now: SERVICE / 6 if now < 1 else SERVICE)
    assert run.limits[-1] >= 24


def test_a_server_that_takes_fewer_at_once_is_asked_by_fewer() -> None:
    fast = simulate(32, 3000)
    assert fast.limits[-1] == 32
    slowed = simulate(8, 3000)
    assert slowed.limits[-1] <= 16


def test_the_upper_bound_is_kept() -> None:
    assert max(simulate(64, 500, most=5).limits) == 5
    assert max(simulate(64, 100, most=1).limits) == 1
