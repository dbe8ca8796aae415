import json
import time
from datetime import UTC, datetime

import polars as pl
import pytest

from optkit.datasets.opt_status import OPT_STATUS
from optkit.errors import ResponseError
from optkit.loading.clocks import ServerClock, _read_token
from optkit.loading.pages import PageDecoder, UnreadableBodyError

#: The vendor's own sample of a time_token is 1675410047.186922.
MOMENT = datetime(2023, 2, 3, 7, 40, 47, 186_000, tzinfo=UTC)
ENTRY = {
    "to_phone": "+12125550100",
    "from_phone": "24365",
    "created_at": 1675410047186,
    "status": "opt-out",
    "current_status": "opt-in",
}


decode = PageDecoder(OPT_STATUS).decode


def body(*entries: object, **rest: object) -> bytes:
    return json.dumps({"entries": list(entries), **rest}).encode()


def test_entries_become_columns() -> None:
    page = decode(body(ENTRY, {**ENTRY, "to_phone": " +12125550101 ", "colour": "red"}, total_entries=2))
    frame = OPT_STATUS.to_columns(page.entries)
    assert frame.row(1) == ("+12125550101", "24365", MOMENT, "opt-out", "opt-in")
    assert frame.dtypes[3] == frame.dtypes[4] == pl.Enum(["opt-in", "opt-out"])
    assert page.total_entries == 2


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        (
            [ENTRY, {**ENTRY, "status": "stopped"}],
            "the field 'status' of entry 2 of a page is not as documented",
        ),
        ([{**ENTRY, "current_status": None}], "the field 'current_status' of entry 1 of a page is null"),
        ([{**ENTRY, "created_at": None}], "the field 'created_at' of entry 1 of a page is null"),
        ([{**ENTRY, "created_at": True}], "the field 'created_at' of entry 1"),
        ([{**ENTRY, "to_phone": 12125550100}], "the field 'to_phone' of entry 1"),
        (
            [{key: ENTRY[key] for key in ENTRY if key != "to_phone"}],
            "entry 1 of a page has no field 'to_phone'",
        ),
        (["+12125550100"], "entry 1 of a page is not an object"),
    ],
)
def test_a_damaged_entry_is_an_error_that_names_it_and_quotes_nothing(
    entries: list[object], says: str
) -> None:
    with pytest.raises(ResponseError) as caught:
        decode(body(*entries))
    assert says in str(caught.value)
    assert "1212555" not in str(caught.value)
    assert "stopped" not in str(caught.value)


@pytest.mark.parametrize("content", [b"[]", b"{}", b'"text"', b'{"entries": null}', b'{"entries": {}}'])
def test_another_shape_is_an_error(content: bytes) -> None:
    with pytest.raises(ResponseError, match="documented"):
        decode(content)


@pytest.mark.parametrize("content", [b"", b"<html>", body(ENTRY)[:-20], b"\xff\xfe"])
def test_a_response_that_is_not_json_has_its_own_error(content: bytes) -> None:
    with pytest.raises(UnreadableBodyError):
        decode(content)


def test_an_empty_phone_is_rejected() -> None:
    with pytest.raises(ResponseError, match="'from_phone' of an entry is empty"):
        OPT_STATUS.to_columns(decode(body({**ENTRY, "from_phone": " "})).entries)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b" <!DOCTYPE html><html>", "login page"),
        (json.dumps({"entries": []}).encode("utf-16"), "UTF-16"),
        (b"nonsense", "not JSON"),
    ],
)
def test_an_error_says_what_the_bytes_look_like(content: bytes, says: str) -> None:
    with pytest.raises(UnreadableBodyError, match=says):
        decode(content)


def test_a_byte_order_mark_is_read() -> None:
    assert decode(b"\xef\xbb\xbf" + body(ENTRY)).entries == decode(body(ENTRY)).entries


def test_deep_nesting_is_an_error() -> None:
    with pytest.raises(ResponseError, match="nested too deeply"):
        decode(b'{"entries": [], "extra": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@pytest.mark.parametrize("token", [1675410047.186922, 1675410047.187, "1675410047186"])
def test_the_clock_is_read_in_any_form(token: object) -> None:
    assert (_read_token(decode(body(time_token=token)).time_token) or 0) // 10 == 167541004718


@pytest.mark.parametrize("token", [None, {"now": 1}, "soon"])
def test_without_a_server_clock_this_machines_counts(token: object) -> None:
    before = time.time_ns() // 1_000_000
    clock = ServerClock(on_this_machine=False).read(decode(body(time_token=token)).time_token, "soon")
    assert before <= clock.now <= time.time_ns() // 1_000_000
    assert not clock.warning
