"""One page: what is requested, and the bytes of the answer as records, checked field by field.

An entry that cannot be read is an error, never a dropped row.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from optkit.datasets.endpoint import Endpoint
from optkit.errors import ResponseError
from optkit.loading.clocks import UNKNOWN, Clock

R = TypeVar("R")

#: Entries per page that are requested: the documented maximum.
PER_PAGE: Final = 100


class PageRequest(NamedTuple):
    """One page of the entries from `start` to `end` (epoch milliseconds, both as sent)."""

    start: int
    end: int
    page: int
    per_page: int = PER_PAGE


class _Envelope(msgspec.Struct, Generic[R], gc=False):
    """The content of a response. The counts may have any value, because nothing relies on them alone."""

    entries: list[R]
    per_page: Any = None
    total_entries: Any = None
    total_pages: Any = None
    time_token: Any = None


@dataclass(slots=True)
class Page:
    """One page of records, with what the server says of the whole.

    Attributes
    ----------
    entries : sequence
        The records.
    per_page, total_entries, total_pages, time_token : Any
        As sent; None where missing.
    clock : Clock
        When the server answered.
    """

    entries: Sequence[Any]
    per_page: Any = None
    total_entries: Any = None
    total_pages: Any = None
    time_token: Any = None
    clock: Clock = UNKNOWN

    @property
    def most(self) -> int:
        """How many entries a page has at most."""
        given = self.per_page
        return min(given, PER_PAGE) if type(given) is int and given > 0 else PER_PAGE

    def believable_total(self) -> int | None:
        """Return the number of entries that a first page counts, None if its numbers are missing or contradictory."""
        total, count, size = self.total_entries, self.total_pages, len(self.entries)
        if type(total) is not int or size > total or (size == 0) != (total == 0):
            return None
        if type(count) is int and total and count != -(-total // size):
            return None
        return total

    def contradicts(self, received: int) -> bool:
        """Return whether a first page counts another number of entries than came."""
        total, size = self.total_entries, len(self.entries)
        if type(total) is not int or total == received:
            return False
        # the document defines the total as entries per page times pages
        is_rounded_up = size > 0 and total % size == 0 and total - size < received < total
        return not is_rounded_up


class UnreadableBodyError(Exception):
    """The bytes are not JSON: cut off, or a page for people. A retry may cure it. The text says what they look like."""


class PageDecoder:
    """Decodes the answers of an endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        envelope: Any = _Envelope
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(envelope[endpoint.record]).decode
        self._strip_private = endpoint.strip_private

    def decode(self, body: bytes) -> Page:
        """Read an answer.

        Raises
        ------
        UnreadableBodyError
            It is not JSON.
        ResponseError
            It is JSON of another shape than documented.
        """
        try:
            sent = self._decode(body.removeprefix(b"\xef\xbb\xbf"))
        except msgspec.ValidationError as error:
            raise ResponseError(_explain(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise UnreadableBodyError(_describe(body)) from None
        except RecursionError:
            raise ResponseError("the answer is nested too deeply to be the documented object") from None
        if self._strip_private is not None:
            self._strip_private(sent.entries)
        return Page(sent.entries, sent.per_page, sent.total_entries, sent.total_pages, sent.time_token)


def _explain(problem: str) -> str:
    """Say what is wrong without quoting the answer: msgspec quotes unknown words, so only names are used."""
    missing = re.search(r"missing required field `(\w+)`", problem)
    where = re.search(r"- at `\$\.entries\[(\d+)\](?:\.(\w+))?", problem)
    if where is None:
        return "the answer is not the documented object with a list 'entries'"
    entry = f"entry {int(where[1]) + 1} of a page"
    if missing:
        return f"{entry} has no field '{missing[1]}'"
    if where[2] is None:
        return f"{entry} is not an object"
    return (
        f"the field '{where[2]}' of {entry} is {'null' if 'got `null`' in problem else 'not as documented'}"
    )


def _describe(body: bytes) -> str:
    """Say what bytes that are not JSON look like, without quoting them."""
    start = body[:64].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "an HTML page instead of JSON, perhaps a login page"
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in body[:4]:
        return "text in UTF-16 instead of UTF-8"
    return "something that is not JSON"
