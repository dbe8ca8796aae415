"""What time it is: the server's two clocks and this machine's clock, compared.

A wrong clock must not lose events: one that is ahead would make windows final too early, one that is behind would hide
the newest weeks.
"""

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self

from optkit.config import Settings
from optkit.datasets.timestamps import to_milliseconds
from optkit.errors import ResponseError
from optkit.formatting import minute
from optkit.setting_values import DEMO
from optkit.times import DAY, SECOND, from_ms, to_ms

#: Clocks that differ by less agree.
TOLERANCE: Final = 5 * 60 * SECOND


@dataclass(frozen=True)
class Clock:
    """The time of an answer, in epoch milliseconds."""

    now: int  # where a load without an end ends
    cautious: int  # the earliest of the clocks: a window is final only if it ended by this one
    warning: str = ""  # how the clocks differ; empty where they agree

    def earlier(self, other: Self) -> Self:
        """Return the earlier of both, time by time."""
        return type(self)(min(self.now, other.now), min(self.cautious, other.cautious))


class ServerClock:
    """Reads the clocks of a server's answers, as `compare_clocks` does; any number of threads may use it."""

    def __init__(self, *, on_this_machine: bool) -> None:
        self.now: int | None = None  # the time of the first answer, in epoch milliseconds
        self.warning = ""  # how the clocks differ; empty where they agree
        self._on_this_machine = on_this_machine
        self._last: tuple[str, Clock] | None = None  # of the last answer: its header Date, and what it means

    def read(self, time_token: Any, date: str | None) -> Clock:
        """Return the time of an answer, by its time_token and its header Date."""
        last = self._last
        if last is not None and last[0] == date:
            return last[1]  # to the second, the time has not changed
        clock = compare_clocks(
            _read_token(time_token), _read_date(date), local_clock(), on_this_machine=self._on_this_machine
        )
        self.warning = self.warning or clock.warning
        self.now = clock.now if self.now is None else self.now
        if date is not None:
            self._last = (date, clock)
        return clock


def local_clock() -> int:
    """Return this machine's clock in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def now_of(settings: Settings) -> int:
    """Return the time without a request, in epoch milliseconds; the made-up account's time is fixed."""
    if settings.account == DEMO:
        from optkit.demo import CLOCK

        return to_ms(CLOCK)
    return local_clock()


def _read_token(token: Any) -> int | None:
    try:
        return to_milliseconds(token)
    except (TypeError, ValueError, OverflowError):
        return None


def _read_date(date: str | None) -> int | None:
    try:
        return to_ms(parsedate_to_datetime(date or ""))
    except (TypeError, ValueError, OverflowError):  # a date without a zone cannot be subtracted from
        return None


def compare_clocks(
    time_token: int | None, date: int | None, local: int, *, on_this_machine: bool = False
) -> Clock:
    """Compare the clocks of an answer, its time_token and its header Date, with this machine's.

    All are epoch milliseconds; of an answer, None where none can be read. If both clocks of a server on this machine
    agree on a time in the past, its clock stands still on purpose, as the emulator's can.

    Raises
    ------
    ResponseError
        The clocks differ by more than a day, and no two of three agree.
    """
    server = [clock for clock in (time_token, date) if clock is not None]
    clocks = sorted([*server, local])
    if on_this_machine and len(server) == 2 and _agree(*server) and server[0] <= local:  # noqa: PLR2004 - both
        return Clock(server[0], min(server))
    if not server or _agree(clocks[0], clocks[-1]):
        return Clock((server or clocks)[0], clocks[0])
    names = ["its time_token"] * (time_token is not None) + ["its Date header"] * (date is not None)
    readings = [f"{name} says {_text(clock)}" for name, clock in zip(names, server, strict=True)]
    problem = (
        f"the server's clock and this machine's differ: {', '.join(readings)}, this machine {_text(local)}"
    )
    now = clocks[1] if len(clocks) == 3 else server[0]  # noqa: PLR2004 - the middle one of three
    if sorted(abs(now - clock) for clock in clocks)[1] > DAY:  # the first one is its own distance
        raise ResponseError(f"{problem}; set this machine's clock right, or tell the vendor if it is")
    return Clock(now, clocks[0], f"{problem}; windows count as final by the earliest of them")


def _agree(one: int, other: int) -> bool:
    return abs(one - other) <= TOLERANCE


def _text(ms: int) -> str:
    try:
        return minute(from_ms(ms))
    except OverflowError:
        return "a time after the year 9999"


def warn_of_step_back(now: int | None, read_at: int) -> str:
    """Return a warning if the cache was read later than now, so that a clock has stepped back; "" if it was not."""
    if now is None or read_at - now <= TOLERANCE:
        return ""
    return (
        f"the clock says {_text(now)}, but the cache was read at {_text(read_at)}: cached events up to then are "
        "returned, and nothing is fetched again until then; if the earlier clock was wrong, load with refresh='force'"
    )
