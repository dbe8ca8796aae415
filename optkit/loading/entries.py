"""An answer's bytes to columns: what the vendor sends, checked field by field.

An entry that cannot be read is an error, never a dropped row.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any, Final, Literal

import msgspec
import polars as pl

from optkit.errors import ResponseError
from optkit.history import STATUS
from optkit.times import INSTANT, to_ms

_Status = Literal["opt-in", "opt-out"]

#: Epoch numbers are told apart by magnitude: seconds up to the year 5138, milliseconds from 1973 on, microseconds
#: from 1973 on. The ranges do not meet for any time since 2001.
_SECONDS: Final = (10**9, 10**11)
_MILLISECONDS: Final = (10**11, 10**14)
_MICROSECONDS: Final = (10**14, 10**17)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(msgspec.Struct, gc=False, frozen=True):
    """One event as the API gives it; fields that the document does not know are ignored."""

    to_phone: str
    from_phone: str
    created_at: int | float | str
    status: _Status
    current_status: _Status

    @property
    def identity(self) -> tuple[str, str, int | float | str, str]:
        """All that makes it this event; `current_status` changes with time."""
        return self.to_phone, self.from_phone, self.created_at, self.status


class Page(msgspec.Struct, gc=False):
    """One answer. The counts plan the work; nothing relies on them alone, so anything may stand there."""

    entries: list[Entry]
    per_page: Any = None
    total_entries: Any = None
    total_pages: Any = None
    time_token: Any = None
    #: The HTTP header Date, which is not in the body; the client fills it in.
    date_header: Any = None

    def same_events(self, other: "Page") -> bool:
        """Return whether both hold the same events in the same order."""
        return [entry.identity for entry in self.entries] == [entry.identity for entry in other.entries]

    @property
    def clock(self) -> int | None:
        """The server's clock in epoch milliseconds, None where it gives none that can be read."""
        try:
            return _one_to_ms(self.time_token)
        except (TypeError, ValueError, OverflowError):
            return None

    @property
    def date(self) -> int | None:
        """The time in the header Date in epoch milliseconds, None where there is none that can be read."""
        try:
            return to_ms(parsedate_to_datetime(self.date_header))
        except (TypeError, ValueError, OverflowError):  # a date without a zone cannot be subtracted from
            return None


_decoder = msgspec.json.Decoder(Page)


class UnreadableBodyError(Exception):
    """The bytes are not JSON: cut off, or a page for people. It may pass."""


def decode(body: bytes) -> Page:
    """Read an answer.

    Raises
    ------
    UnreadableBodyError
        It is no JSON.
    ResponseError
        It is JSON of another shape than documented.
    """
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise ResponseError(_explain(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableBodyError from None


def _explain(problem: str) -> str:
    """Say what is wrong without quoting the answer: msgspec quotes unknown words, so only names are taken over."""
    missing = re.search(r"missing required field `(\w+)`", problem)
    where = re.search(r"- at `\$\.entries\[(\d+)\](?:\.(\w+))?`", problem)
    if where is None:
        return "the answer is not the documented object with a list 'entries'"
    entry = f"entry {int(where[1]) + 1} of a page"
    if missing:
        return f"{entry} has no field '{missing[1]}'"
    if where[2] is None:
        return f"{entry} is no object"
    return (
        f"the field '{where[2]}' of {entry} is {'null' if 'got `null`' in problem else 'not as documented'}"
    )


def to_columns(pages: Iterable[Page]) -> pl.DataFrame:
    """Put the entries of pages into a frame with the history's columns, unsorted, none left out.

    Raises
    ------
    ResponseError
        A `created_at` cannot be read, or a phone is empty.
    """
    entries = list(chain.from_iterable(page.entries for page in pages))
    frame = pl.DataFrame(
        {
            "to_phone": pl.Series([entry.to_phone for entry in entries], dtype=pl.String),
            "from_phone": pl.Series([entry.from_phone for entry in entries], dtype=pl.String),
            "created_at": instants([entry.created_at for entry in entries]),
            "status": pl.Series([entry.status for entry in entries], dtype=pl.String),
            "current_status": pl.Series([entry.current_status for entry in entries], dtype=pl.String),
        }
    ).with_columns(
        pl.col("to_phone", "from_phone").str.strip_chars(), pl.col("status", "current_status").cast(STATUS)
    )
    for phone in ("to_phone", "from_phone"):
        if (frame[phone] == "").any():
            raise ResponseError(f"the field '{phone}' of an entry is empty")
    return frame


def instants(values: Sequence[float | str]) -> pl.Series:
    """Read `created_at` in any of its forms, down to whole milliseconds.

    Seconds, milliseconds or microseconds since 1970, as a number or as digits in a string, or ISO 8601 with an offset.
    Rounding down, never to the nearest: an event must not move past the end of its window.

    Raises
    ------
    ResponseError
        A value is none of these.
    """
    kinds = set(map(type, values))
    try:
        if kinds <= {int}:
            ms = _integers_to_ms(pl.Series(values, dtype=pl.Int64))
        else:
            ms = pl.Series([_one_to_ms(value) for value in values], dtype=pl.Int64)
    except (TypeError, ValueError, OverflowError):
        raise ResponseError(
            "the field 'created_at' of an entry is no time: neither epoch seconds, milliseconds or microseconds nor "
            "ISO 8601 with an offset"
        ) from None
    return ms.cast(INSTANT)


def _integers_to_ms(values: pl.Series) -> pl.Series:
    if values.is_between(*_MILLISECONDS, closed="left").all():
        return values
    if values.is_between(*_SECONDS, closed="left").all():
        return values * 1000
    if values.is_between(*_MICROSECONDS, closed="left").all():
        return values // 1000
    raise ValueError


def _one_to_ms(value: Any) -> int:
    if isinstance(value, str):
        number = value.strip()
        if re.fullmatch(r"\d+", number):
            return _one_to_ms(int(number))
        if re.fullmatch(r"\d+\.\d+", number):
            return _one_to_ms(float(number))
        moment = datetime.fromisoformat(number)
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    # a float of seconds is not exact: to the nearest microsecond first, then down
    for (low, high), microseconds in ((_SECONDS, 1_000_000), (_MILLISECONDS, 1000), (_MICROSECONDS, 1)):
        if low <= value < high:
            return round(value * microseconds) // 1000
    raise ValueError
