import json
from datetime import UTC, datetime

import polars as pl
import pytest

from optkit.errors import ResponseError
from optkit.loading.entries import UnreadableBodyError, decode, instants, to_columns

#: The vendor's own sample of a time_token is 1675410047.186922.
MOMENT = datetime(2023, 2, 3, 7, 40, 47, 186_000, tzinfo=UTC)
ENTRY = {
    "to_phone": "+12125550100",
    "from_phone": "24365",
    "created_at": 1675410047186,
    "status": "opt-out",
    "current_status": "opt-in",
}


def body(*entries: object, **rest: object) -> bytes:
    return json.dumps({"entries": list(entries), **rest}).encode()


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1675410047, MOMENT.replace(microsecond=0)),
        (1675410047.186922, MOMENT),
        (1675410047186, MOMENT),
        (1675410047186.9, MOMENT),
        (1675410047186922, MOMENT),
        ("1675410047", MOMENT.replace(microsecond=0)),
        ("1675410047.186922", MOMENT),
        ("1675410047186", MOMENT),
        ("1675410047186922", MOMENT),
        (" 1675410047186 ", MOMENT),
        ("2023-02-03T07:40:47.186Z", MOMENT),
        ("2023-02-03T08:40:47.186922+01:00", MOMENT),
        ("2023-02-03 07:40:47.186999+00:00", MOMENT),
        # floats of seconds are not exact: .186 s must not become 185 ms
        (1675410047.186, MOMENT),
        (1675410047.999, MOMENT.replace(microsecond=999_000)),
    ],
)
def test_every_form_of_created_at_is_read_down_to_the_millisecond(
    value: float | str, moment: datetime
) -> None:
    assert instants([value]).to_list() == [moment]
    assert instants([value]).dtype == pl.Datetime("ms", "UTC")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "2023-02-03T07:40:47",
        "2023-02-03",
        0,
        -1,
        10**17,
        12345,
        "1e9",
        float("inf"),
        float("nan"),
        "NaN",
    ],
)
def test_what_is_no_time_is_refused(value: float | str) -> None:
    with pytest.raises(ResponseError, match="created_at"):
        instants([value])


def test_whole_numbers_are_read_alike_all_at_once_and_one_by_one() -> None:
    seconds, milliseconds, microseconds = [1675410047], [1675410047186], [1675410047186922]
    for values in (seconds, milliseconds, microseconds):
        several = [values[0], values[0] + 1]
        assert instants(several).to_list() == [instants([value]).item() for value in several]


def test_entries_become_columns() -> None:
    page = decode(body(ENTRY, {**ENTRY, "to_phone": " +12125550101 ", "colour": "red"}, total_entries=2))
    frame = to_columns([page])
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
        (["+12125550100"], "entry 1 of a page is no object"),
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
def test_what_is_no_json_may_pass(content: bytes) -> None:
    with pytest.raises(UnreadableBodyError):
        decode(content)


def test_an_empty_phone_is_refused() -> None:
    with pytest.raises(ResponseError, match="'from_phone' of an entry is empty"):
        to_columns([decode(body({**ENTRY, "from_phone": " "}))])


def test_the_clock_is_read_in_any_form_and_does_without() -> None:
    assert decode(body(time_token=1675410047.186922)).clock == 1675410047186
    assert decode(body(time_token=1675410047)).clock == 1675410047000
    assert decode(body(time_token=str(1675410047186))).clock == 1675410047186
    assert decode(body()).clock is None
    assert decode(body(time_token={"now": 1})).clock is None
