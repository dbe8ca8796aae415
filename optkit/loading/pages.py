"""One page: what is requested, and the bytes of the answer as records, checked field by field.

An entry that cannot be read is an error, never a dropped row.
"""

import re
from typing import Any, Final, NamedTuple

import msgspec

from optkit.datasets.endpoint import Endpoint
from optkit.errors import ResponseError
from optkit.loading.clocks import Clock

#: Entries per page that are requested: the documented maximum.
PER_PAGE: Final = 100


class PageRequest(NamedTuple):
    """One page of the entries from `start` to `end` (epoch milliseconds)."""

    start: int
    end: int
    page: int
    per_page: int = PER_PAGE


class Page(msgspec.Struct, gc=False):
    """One page of records, with what the server says of the whole."""

    entries: list[Any]  # the records
    # as sent, whatever it is, because nothing relies on one of them alone; None where missing
    per_page: Any = None
    total_entries: Any = None
    total_pages: Any = None
    time_token: Any = None
    # when the server answered; the session sets it: the API has no field of that name
    clock: Clock = msgspec.field(name="clock of the answer", default=Clock(0, 0))

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
        list_of: Any = list  # not known to type checkers: which records they are is data
        entries = ("entries", list_of[endpoint.record])
        page: Any = msgspec.defstruct("Page", [entries], bases=(Page,), gc=False)
        self._decoder: msgspec.json.Decoder[Page] = msgspec.json.Decoder(page)
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
            page = self._decoder.decode(body.removeprefix(b"\xef\xbb\xbf"))
        except msgspec.ValidationError as error:
            raise ResponseError(_explain(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise UnreadableBodyError(_describe(body)) from None
        except RecursionError:
            raise ResponseError("the answer is nested too deeply to be the documented object") from None
        if self._strip_private is not None:
            self._strip_private(page.entries)
        return page


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
