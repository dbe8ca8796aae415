"""The opt-status endpoint: the events of an account."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.emulator.code_books import Codes, Phones
from optkit.emulator.paging import PagedResource
from optkit.emulator.parameters import Params, read_choice, read_time
from optkit.emulator.rows import Index, Rows, Snapshot, where
from optkit.emulator.time_forms import TIME_FORMS
from optkit.emulator.variants import ApiVariant, Arrivals
from optkit.emulator.visibility import Visibility
from optkit.errors import HistoryError
from optkit.history import OPT_IN, OPT_OUT, STATUS, event_order
from optkit.times import INSTANT

_NEEDED: Final = {"to_phone": pl.String(), "from_phone": pl.String(), "created_at": INSTANT, "status": STATUS}
_LATEST: Final = 3  # entries that a start_time without an end_time gets
#: The end of an entry, by whether it is an opt-out and whether its pair is opted out now.
_STATUSES: Final = np.array(
    [
        f'"status":"{status}","current_status":"{current}"'.encode()
        for status in (OPT_IN, OPT_OUT)
        for current in (OPT_IN, OPT_OUT)
    ]
)


@dataclass(frozen=True, slots=True)
class Events(Rows):
    """Events, with codes of their phones; an opt-out has an odd key and follows an opt-in of the same millisecond."""

    to: Codes
    sender: Codes

    @classmethod
    def of(cls, history: pl.DataFrame, phones: Phones) -> Self:
        """Return the events of `history`, whose current_status is ignored.

        Raises
        ------
        HistoryError
            A column is missing, has another dtype or a null.
        """
        found = history.schema
        for name, dtype in _NEEDED.items():
            if found.get(name) != dtype or history[name].null_count():
                raise HistoryError(f"the emulator serves a history: {name} must be {dtype}, without nulls")
        ms, out = history["created_at"].to_physical().to_numpy(), (history["status"] == OPT_OUT).to_numpy()
        return cls(
            event_order(ms, out), phones.codes(history["to_phone"]), phones.codes(history["from_phone"])
        )

    def identity(self) -> Index:
        """Return a number for each event that is the same for events of the same pair."""
        return (self.to.astype(np.int64) << 32) | self.sender


class EventSnapshot(Snapshot[Events]):
    """The visible events, and of each whether its pair is opted out now."""

    def __init__(self, rows: Events, current: npt.NDArray[np.bool_], phones: Phones, created_at: str) -> None:
        super().__init__(rows)
        self.current = current
        self.phones = phones
        self._created_at = created_at

    @classmethod
    def empty(cls, phones: Phones, created_at: str) -> Self:
        """Return a snapshot without events; `created_at` is the form in which entries have it."""
        none = np.empty(0, np.int64)
        rows = Events(none, none.astype(np.int32), none.astype(np.int32))
        return cls(rows, np.empty(0, np.bool_), phones, created_at)

    def with_arrived(self, arrived: Events) -> Self:
        """Return the snapshot after `arrived`, in order of time, became visible."""
        places = np.searchsorted(self.rows.key, arrived.key, "right")
        rows = self.rows.insert(places, arrived)
        current = np.insert(self.current, places, values=False)
        touched = np.flatnonzero(np.isin(rows.identity(), arrived.identity()))
        current[touched] = _current(rows.take(touched))
        return type(self)(rows, current, self.phones, self._created_at)

    def entries(self, places: Index, now: int) -> bytes:  # noqa: ARG002 - nothing in an event depends on the time
        """Return the entries at `places` as JSON, joined by commas."""
        events = self.rows.take(places)
        values: list[Any] = [None] * (4 * len(places))
        values[0::4] = self.phones.texts[events.to].tolist()
        values[1::4] = self.phones.texts[events.sender].tolist()
        form, convert = TIME_FORMS[self._created_at]
        values[2::4] = convert(events.ms()).tolist()
        values[3::4] = _STATUSES[(events.key & 1) * 2 + self.current[places]].tolist()
        # one formatting for the whole page: twice as fast as one for each entry
        entry = b'{"to_phone":%%b,"from_phone":%%b,"created_at":%b,%%b},' % form
        return (entry * len(places))[:-1] % tuple(values)


class OptStatus(PagedResource):
    """The endpoint of one account."""

    path: ClassVar = "/api/v2/sms/opt-status"
    filters: ClassVar = frozenset({"to_phone", "from_phone", "status", "current_status"})

    def __init__(
        self,
        history: pl.DataFrame,
        now: Callable[[], datetime],
        variant: ApiVariant,
        arrivals: Arrivals | None,
    ) -> None:
        phones = Phones()
        visibility = Visibility(
            EventSnapshot.empty(phones, variant.created_at),
            lambda frame: Events.of(frame, phones),
            history,
            now=now,
            variant=variant,
            arrivals=arrivals,
        )
        super().__init__(visibility, now, variant)

    def select(self, snapshot: Snapshot[Any], params: Params, now: int) -> range | Index:
        """Return the places of the requested entries, oldest first."""
        assert isinstance(snapshot, EventSnapshot)
        start, end = read_time(params, "start_time"), read_time(params, "end_time")
        status = read_choice(params, "status", (OPT_IN, OPT_OUT))
        current = read_choice(params, "current_status", (OPT_IN, OPT_OUT))
        first, last = self.bounds(start, end, now)
        places: range | Index = snapshot.between(first, last)
        if "to_phone" in params:
            places = where(places, snapshot.rows.to, snapshot.phones.code(params["to_phone"]))
        if "from_phone" in params:
            places = where(places, snapshot.rows.sender, snapshot.phones.code(params["from_phone"]))
        if status is not None:
            places = where(places, snapshot.rows.key & 1, status == OPT_OUT)
        if current is not None:
            places = where(places, snapshot.current, current == OPT_OUT)
        return places[-_LATEST:] if start is not None and end is None else places


def _current(events: Events) -> npt.NDArray[np.bool_]:
    """Return of each event whether its pair is opted out after its last one; `events` are in order."""
    pairs = events.identity()
    by_pair = np.argsort(pairs, kind="stable")
    last = np.flatnonzero(np.diff(pairs[by_pair], append=-1))
    current = np.empty(len(events), dtype=np.bool_)
    current[by_pair] = np.repeat(events.key[by_pair][last] & 1, np.diff(last, prepend=-1))
    return current
