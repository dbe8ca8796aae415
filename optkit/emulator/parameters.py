"""The documented query parameters, and the entries that they ask for."""

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from optkit.emulator.events import Index, Snapshot
from optkit.emulator.variants import Bounds
from optkit.history import OPT_IN, OPT_OUT

_DEFAULT_PER_PAGE: Final = 25
_MAX_PER_PAGE: Final = 100
_LATEST: Final = 3  # entries that a start_time without an end_time gets
_NUMBER: Final = re.compile(r"-?\d{1,18}(\.0+)?")
_COUNT: Final = re.compile(r"0*[1-9]\d{0,8}")


class ParameterError(Exception):
    """A query parameter is not valid: its name, and what it must be."""

    def __init__(self, name: str, wanted: str) -> None:
        super().__init__(f"{name} must be {wanted}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Query:
    """The documented query parameters, read and checked."""

    to_phone: str | None
    from_phone: str | None
    status: str | None
    current_status: str | None
    start: int | None
    end: int | None
    page: int
    per_page: int

    @classmethod
    def of(cls, params: dict[str, str]) -> "Query":
        """Read `params`; unknown ones are ignored."""
        return cls(
            params.get("to_phone"),
            params.get("from_phone"),
            _status(params, "status"),
            _status(params, "current_status"),
            _time(params, "start_time"),
            _time(params, "end_time"),
            _count(params, "page", 1),
            min(_count(params, "per_page", _DEFAULT_PER_PAGE), _MAX_PER_PAGE),
        )


def _status(params: dict[str, str], name: str) -> str | None:
    value = params.get(name)
    if value not in {None, OPT_IN, OPT_OUT}:
        raise ParameterError(name, f"{OPT_IN} or {OPT_OUT}")
    return value


def _time(params: dict[str, str], name: str) -> int | None:
    value = params.get(name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise ParameterError(name, "a Unix timestamp in whole milliseconds")
    return int(value.partition(".")[0])


def _count(params: dict[str, str], name: str, default: int) -> int:
    value = params.get(name)
    if value is None:
        return default
    if not _COUNT.fullmatch(value):
        raise ParameterError(name, "a whole number from 1")
    return int(value)


def select(snapshot: Snapshot, query: Query, now: int, bounds: Bounds) -> range | Index:
    """Return the places of the entries that `query` asks for, oldest first."""
    first = None if query.start is None else query.start + (bounds in {"exclusive", "end inclusive"})
    last = now if query.end is None else query.end - (bounds in {"exclusive", "start inclusive"})
    places: range | Index = snapshot.between(first, last)
    if query.to_phone is not None:
        places = _where(places, snapshot.events.to, snapshot.phones.code(query.to_phone))
    if query.from_phone is not None:
        places = _where(places, snapshot.events.sender, snapshot.phones.code(query.from_phone))
    if query.status is not None:
        places = _where(places, snapshot.events.key & 1, query.status == OPT_OUT)
    if query.current_status is not None:
        places = _where(places, snapshot.current, query.current_status == OPT_OUT)
    return places[-_LATEST:] if query.start is not None and query.end is None else places


def _where(places: range | Index, column: npt.NDArray[Any], value: int) -> Index:
    kept: Index
    if isinstance(places, range):
        kept = np.flatnonzero(column[places.start : places.stop] == value) + places.start
    else:
        kept = places[column[places] == value]
    return kept
