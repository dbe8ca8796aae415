"""Small made-up histories with few phones and few instants, so that events coincide."""

from datetime import UTC, datetime
from typing import NamedTuple, TypedDict

import polars as pl
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from optkit.history import STATUS
from optkit.times import INSTANT, instant, to_ms

#: For properties that run several analyses per example, each of which is compared with a reference on more examples.
FEWER_EXAMPLES = settings(max_examples=25)

#: For properties whose stretch of time may begin after the last event, which gives a warning.
MAY_BEGIN_AFTER_THE_DATA = pytest.mark.filterwarnings("ignore:(since|at) is .*, but the data ends at")


class Event(NamedTuple):
    to_phone: str
    from_phone: str
    at: int
    status: str


SENDERS = ["+18005550199", "24273", "ACME", "acme"]

#: E.164 and what is not: texts that a careless number would make equal.
RECIPIENTS = [
    "+12025550101",
    "12025550101",
    "0012025550101",
    "+012025550101",
    "+447700900001",
    "+447700900002",
    "+999999999999999",
    "+9999999999999999",
    "999999999999999",
    "+1",
    "1",
    "-1",
    "+",
    "",
    " +12025550101",
    "anonymous",
]

#: Around the days on which clocks jump in New York and Lord Howe, and where months, quarters and years end.
_DAYS = [
    "2025-03-09T04:59:59.999Z",
    "2025-03-09T05:00Z",
    "2025-03-10T04:00Z",
    "2025-11-02T04:00Z",
    "2025-11-03T05:00Z",
    "2025-04-05T13:00Z",
    "2025-04-06T13:30Z",
    "2025-10-04T13:30Z",
    "2025-10-05T13:00Z",
    "2025-03-31T23:59:59.999Z",
    "2025-04-01T00:00Z",
    "2026-01-01T00:00Z",
]
INSTANTS = sorted(to_ms(instant(day)) + step for day in _DAYS for step in (-1, 0, 1))


def events(max_size: int = 24) -> st.SearchStrategy[list[Event]]:
    """Return lists of events in any order, with ties, repeats and exact duplicates."""
    event = st.builds(
        Event,
        st.sampled_from(RECIPIENTS[:3]) | st.sampled_from(RECIPIENTS),
        st.sampled_from(SENDERS),
        st.sampled_from(INSTANTS[:4]) | st.sampled_from(INSTANTS),
        st.sampled_from(["opt-in", "opt-out"]),
    )
    return st.lists(event, max_size=max_size)


def stretches() -> st.SearchStrategy[tuple[int | None, int | None]]:
    """Return possible values of (since, until), in ms: neither, one, or both in order."""
    end = st.none() | st.sampled_from(INSTANTS)

    def in_order(ends: tuple[int | None, int | None]) -> bool:
        since, until = ends
        return since is None or until is None or since <= until

    return st.tuples(end, end).filter(in_order)


class Ends(TypedDict, total=False):
    """The arguments that say which stretch is counted."""

    since: datetime
    until: datetime


def between(stretch: tuple[int | None, int | None]) -> Ends:
    """Return a stretch, in ms, as arguments."""
    since, until = stretch
    ends: Ends = {}
    if since is not None:
        ends["since"] = moment(since)
    if until is not None:
        ends["until"] = moment(until)
    return ends


def frame(events: list[Event]) -> pl.DataFrame:
    """Return events as a history, without current_status."""
    columns = {
        "to_phone": pl.String(),
        "from_phone": pl.String(),
        "created_at": pl.Int64(),
        "status": STATUS,
    }
    return pl.DataFrame(events, schema=columns, orient="row").with_columns(pl.col("created_at").cast(INSTANT))


def moment(at: int) -> datetime:
    """Return milliseconds since 1970 as an aware datetime."""
    return datetime.fromtimestamp(at // 1000, UTC).replace(microsecond=at % 1000 * 1000)
