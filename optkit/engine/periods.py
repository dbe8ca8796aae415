"""Periods of the local calendar: days, weeks from Monday, months, quarters, years, in any time zone.

Clocks change, so a period is not always a whole number of days long; where a clock goes back over midnight, a period
may even consist of two separate pieces. `Calendar` therefore splits time in UTC into stretches that each lie in one
period: the period of an event is found by one search among whole numbers.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from optkit import times
from optkit.engine.frames import REACH
from optkit.errors import SettingsError
from optkit.formatting import minute
from optkit.times import DAY, Moment, from_ms, instant, to_ms
from optkit.warn import warn


class Stretch(NamedTuple):
    """The stretch of time that is counted, both ends included, in milliseconds since 1970; None: not given."""

    since: int | None
    until: int | None

    def within(self, first: int | None, last: int | None) -> "Stretch":
        """Fill in the ends that are not given: the first and the last event.

        If `since` is after the last event and `until` is not given, the stretch is that one instant, with a warning.
        """
        since, until = self
        if until is None:
            until = last
            if since is not None and last is not None and since > last:
                warn_of_end("since", since, last, "so nothing is counted")
                until = since
        return Stretch(first if since is None else since, until)


def read_stretch(since: Moment | None, until: Moment | None) -> Stretch:
    """Read the ends of a stretch as a caller writes them.

    Raises
    ------
    SettingsError
        One is not an instant, or `since` is after `until`.
    """
    begin = None if since is None else to_ms(instant(since, "since"))
    end = None if until is None else to_ms(instant(until, "until"))
    if begin is not None and end is not None and begin > end:
        raise SettingsError("`since` must not be after `until`")
    return Stretch(begin, end)


def warn_of_end(name: str, at: int, last: int, effect: str) -> None:
    """Warn that an argument is a time after the end of the data, both in milliseconds since 1970."""
    warn(f"{name} is {minute(from_ms(at))}, but the data ends at {minute(from_ms(last))}, {effect}")


@dataclass(frozen=True)
class Calendar:
    """Consecutive periods, from the one that contains `first` to the one that contains `last`.

    Attributes
    ----------
    starts : polars.Series of Date
        First local day of each period.
    begins, ends : list of int
        Milliseconds since 1970 at which each period begins and has ended.
    edges : list of int
        Milliseconds since 1970 at which the stretches after the first begin.
    places : list of int
        Number of the period that each stretch lies in.
    """

    starts: pl.Series
    begins: list[int]
    ends: list[int]
    edges: list[int]
    places: list[int]

    @property
    def step(self) -> int:
        """The longest time that divides the distance between any two edges, in milliseconds."""
        return math.gcd(*(edge - self.edges[0] for edge in self.edges)) or 1

    def index(self, at: pl.Expr) -> pl.Expr:
        """Return the number of the period (Int32; 0 is the first) of instants within [first, last], in ms."""
        stretch = pl.lit(pl.Series(self.edges, dtype=pl.Int64)).search_sorted(at, side="right")
        return pl.lit(pl.Series(self.places, dtype=pl.Int32)).gather(stretch)

    def start(self, index: pl.Expr) -> pl.Expr:
        """Return the first local day (Date) of a period by its number."""
        return pl.lit(self.starts).gather(index)


def validate_calendar(every: str, time_zone: str) -> None:
    """Raise `SettingsError` unless `calendar` has such periods; analyses ask before they read a history."""
    if not isinstance(every, str) or not re.fullmatch(r"[1-9]\d?(d|w|mo|q|y)", every):
        raise SettingsError(
            "every must be a number of days, weeks, months, quarters or years: '1d', '1w', '1mo', …"
        )
    times.time_zone(time_zone)


def calendar(first: int, last: int, every: str, time_zone: str) -> Calendar:
    """Return the periods of a stretch of time.

    Parameters
    ----------
    first, last : int
        Milliseconds since 1970, both within the calendar.
    every : str
        A whole number of "d", "w" (from Monday), "mo", "q" or "y"; multiples are counted from 1970 on.
    time_zone : str
        IANA name.

    Raises
    ------
    SettingsError
        `every` is not a length of a period, or `time_zone` is not a time zone.
    """
    validate_calendar(every, time_zone)
    if not -REACH <= first <= last <= REACH:
        raise SettingsError("`since` must not be after `until`, and neither may be centuries off")
    return _calendar(first, last, every, time_zone)


@lru_cache(maxsize=16)  # an analysis asks for the same one to count and to show, and for each partition
def _calendar(first: int, last: int, every: str, time_zone: str) -> Calendar:
    offset = _offsets(time_zone)
    near = pl.Series([from_ms(first - 2 * DAY).date(), from_ms(last + 2 * DAY).date()]).dt.truncate(every)
    low, high = near.head(1).dt.offset_by("-" + every).item(), near.tail(1).dt.offset_by(every).item()
    starts = pl.date_range(low, high, every, eager=True)
    begins = [_ms(day) for day in starts]
    # No clock differs from UTC by more than a day.
    edges, places = _stretches(begins, begins[0] + DAY, begins[-1] + DAY, offset)
    return _trim(starts, edges, places, first, last)


def _ms(day: date) -> int:
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _offsets(time_zone: str) -> Callable[[int], int]:
    zone = times.time_zone(time_zone)

    def offset(at: int) -> int:
        ahead = from_ms(at).astimezone(zone).utcoffset()
        assert ahead is not None
        return ahead // timedelta(milliseconds=1)

    return offset


def _changes(offset: Callable[[int], int], low: int, high: int) -> list[int]:
    """Return the instants at which the clock changes; no clock changes twice within a day."""
    found = []
    old = offset(low)
    for day in range(low, high, DAY):
        before, after = day, day + DAY
        new = offset(after)
        if new == old:
            continue
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if offset(middle) == old else (before, middle)
        found.append(after)
        old = new
    return found


def _stretches(
    begins: list[int], low: int, high: int, offset: Callable[[int], int]
) -> tuple[list[int], list[int]]:
    """Return where each stretch between `low` and `high` begins, and the number of its period.

    `begins` are the beginnings of the periods on the local clock, read as if they were in UTC.
    """
    edges: list[int] = []
    places: list[int] = []
    for turn, end in pairwise([low, *_changes(offset, low, high), high]):
        ahead = offset(turn)
        place = bisect_right(begins, turn + ahead) - 1
        edges.append(turn)
        places.append(place)
        for later in range(place + 1, bisect_left(begins, end + ahead)):
            edges.append(begins[later] - ahead)
            places.append(later)
    return edges, places


def _trim(starts: pl.Series, edges: list[int], places: list[int], first: int, last: int) -> Calendar:
    """Keep the periods that overlap with [first, last]."""
    inside = places[bisect_right(edges, first) - 1 : bisect_right(edges, last)]
    low, high = min(inside), max(inside)
    begins: dict[int, int] = {}
    ends: dict[int, int] = {}
    for place, (begin, end) in zip(places, pairwise(edges), strict=False):
        begins.setdefault(place, begin)
        ends[place] = end
    for place in range(high, low - 1, -1):  # a day that the clock skipped begins and ends with the next one
        if place not in begins:
            begins[place] = ends[place] = begins[place + 1]
    kept = range(low, high + 1)
    return Calendar(
        starts=starts[low : high + 1],
        begins=[begins[place] for place in kept],
        ends=[ends[place] for place in kept],
        edges=edges[1:],
        places=[min(max(place, low), high) - low for place in places],
    )


def period_rows(
    since: int | None, until: int | None, every: str, time_zone: str, moved: pl.Series
) -> pl.DataFrame:
    """Return the periods that a table shows: place, period, complete.

    Parameters
    ----------
    since, until : int or None
        The stretch that is counted, in milliseconds since 1970; no rows where one is None.
    every, time_zone : str
        See `calendar`.
    moved : polars.Series
        Places of the periods in which something happened. If `until` is exactly the beginning of a period, that period
        is shown only if something happened in it.
    """
    if since is None or until is None:
        return pl.DataFrame(schema={"place": pl.Int32, "period": pl.Date, "complete": pl.Boolean})
    periods = calendar(since, until, every, time_zone)
    complete = [
        since <= begin and end - 1 <= until for begin, end in zip(periods.begins, periods.ends, strict=True)
    ]
    table = pl.DataFrame({"period": periods.starts, "complete": complete}).with_row_index("place")
    just_begun = table.height > 1 and periods.begins[-1] == until and not (moved == table.height - 1).any()
    return table.head(table.height - just_begun).cast({"place": pl.Int32})
