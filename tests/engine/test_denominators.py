"""The audience in all forms that a caller may use."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xlsxwriter
from histories import Event, frame

import optkit

HISTORY = frame(
    [
        Event("+12025550101", "18181", 1_767_225_600_000, "opt-out"),
        Event("+12025550102", "NORTHWIND", 1_767_225_600_000, "opt-out"),
    ]
)
AUDIENCE = {"18181": 1000, "NORTHWIND": 50}
TABLE = pl.DataFrame({"from_phone": list(AUDIENCE), "recipients": list(AUDIENCE.values())})


def sizes(audience: Any) -> dict[str, int]:
    """The denominators of both senders."""
    table = optkit.opt_out_rates(HISTORY, audience=audience)
    return dict(table.select("from_phone", "n").rows())


@pytest.mark.parametrize(
    "audience",
    [
        AUDIENCE,
        {18181: 1000, "NORTHWIND": 50},
        TABLE,
        TABLE.lazy(),
        TABLE.to_arrow(),
        pd.DataFrame({"from_phone": list(AUDIENCE), "recipients": list(AUDIENCE.values()), "note": "x"}),
        TABLE.with_columns(pl.col("recipients").cast(pl.UInt32)),
        pl.concat([TABLE, TABLE.with_columns(pl.lit(0).alias("recipients").cast(pl.Int64))]),
    ],
)
def test_dicts_and_frames_are_read(audience: Any) -> None:
    assert sizes(audience) == AUDIENCE


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"from_phone,recipients\n18181,1000\nNORTHWIND,50\n"),
        ("a.CSV", b"\xef\xbb\xbffrom_phone;note;recipients\r\n18181;\xe2\x82\xac;1000\r\nNORTHWIND;; 50\r\n"),
        ("a.txt", b"from_phone\trecipients\tnote\r18181\t1000\tcaf\xe9\rNORTHWIND\t50\t\r"),  # Windows-1252
    ],
)
def test_csv_files_are_read(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert sizes(str(tmp_path / name)) == AUDIENCE


def test_senders_that_are_numbers_in_a_file_are_text(tmp_path: Path) -> None:
    workbook = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = workbook.add_worksheet()
    for place, row in enumerate([["from_phone", "recipients"], [18181, 1000], ["NORTHWIND", 50]]):
        sheet.write_row(place, 0, row)
    workbook.close()
    assert sizes(tmp_path / "a.xlsx") == AUDIENCE

    only = HISTORY.filter(pl.col("from_phone") == "18181")
    pl.DataFrame({"from_phone": [18181.0], "recipients": [1000]}).write_parquet(tmp_path / "a.parquet")
    assert optkit.churn(only, audience=tmp_path / "a.parquet")["population"].to_list() == [1000]


LONG_CODES = frame(
    [
        Event("+12025550101", "+18335550142", 1_767_225_600_000, "opt-out"),
        Event("+12025550102", "+447700900123", 1_767_225_600_000, "opt-out"),
        Event("+12025550103", "18181", 1_767_225_600_000, "opt-out"),
    ]
)
#: As a spreadsheet that reads senders as numbers writes them.
PLUSLESS = pl.DataFrame(
    {"from_phone": [18_335_550_142, 447_700_900_123, 18_181], "recipients": [1000, 200, 50]}
)


@pytest.mark.parametrize(
    "audience",
    [
        PLUSLESS,
        PLUSLESS.with_columns(pl.col("from_phone").cast(pl.Float64)),
        PLUSLESS.with_columns(pl.col("from_phone").cast(pl.String)),
        dict(PLUSLESS.rows()),
        {"+1 (833) 555-0142": 1000, "+44 7700 900123": 200, "18181": 50},
    ],
)
def test_a_long_code_without_its_plus_sign_is_the_sender_with_it(audience: Any) -> None:
    table = optkit.opt_out_rates(LONG_CODES, audience=audience)
    expected = {"+18335550142": 1000, "+447700900123": 200, "18181": 50}
    assert dict(table.select("from_phone", "n").rows()) == expected
    assert optkit.churn(LONG_CODES, audience=audience)["population"].to_list() == [1250]


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_headers_of_a_file_may_differ_in_case_and_space(tmp_path: Path, ending: str) -> None:
    table = PLUSLESS.rename({"from_phone": " From_Phone", "recipients": "RECIPIENTS "})
    optkit.export(table, tmp_path / f"a.{ending}")
    rates = optkit.opt_out_rates(LONG_CODES, audience=tmp_path / f"a.{ending}")
    assert rates["n"].to_list() == [1000, 200, 50]


def test_senders_that_may_be_either_of_two_are_not_guessed() -> None:
    both = LONG_CODES.head(1).with_columns(from_phone=pl.lit("18335550142"))
    history = pl.concat([LONG_CODES.filter(pl.col("from_phone") != "18181"), both])
    audience = {"+18335550142": 1000, "18335550142": 10, "+447700900123": 200}
    table = optkit.opt_out_rates(history, audience=audience)
    assert dict(table.select("from_phone", "n").rows()) == audience
    with pytest.raises(
        optkit.SettingsError, match=r"lacks senders of the history: \+18335550142 and 18335550142"
    ):
        optkit.opt_out_rates(history, audience={"+1 (833) 555-0142": 1000, "+447700900123": 200})


def test_a_row_that_is_not_a_sender_is_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"1 sender of the audience .* Total"):
        table = optkit.churn(LONG_CODES, audience=dict(PLUSLESS.rows()) | {"Total": 1250})
    assert table["population"].to_list() == [1250]


@pytest.mark.parametrize("number", [7, np.int64(7)])
def test_one_number_is_the_audience_of_all(number: int) -> None:
    assert optkit.churn(HISTORY, audience=number)["population"].to_list() == [7]


@pytest.mark.parametrize(
    ("audience", "says"),
    [
        (True, "whole number"),
        (-1, "whole number"),
        (2**63, "whole number"),
        (10**30, "whole number"),
        (1.5, "audience must .* not float"),
        ([1, 2], "audience must .* not list"),
        ({"18181": "many", "NORTHWIND": 50}, "whole numbers"),
        ({"18181": -1, "NORTHWIND": 50}, "none below zero"),
        ({"18181": 10**30, "NORTHWIND": 50}, "whole numbers"),
        ({"18181": 1000}, "lacks senders of the history: NORTHWIND"),
        ({None: 1}, "from_phone must not be missing"),
        (TABLE.rename({"from_phone": "sender"}), "no column 'from_phone'; it has 'sender' and 'recipients'"),
        ("none.csv", "'none.csv' cannot be opened"),
        ("\0.csv", "cannot be opened"),
        (".", "must end in .csv, .parquet or .xlsx"),
        ("audience.ods", "must end in .csv, .parquet or .xlsx"),
    ],
)
def test_invalid_audiences_are_an_error(audience: Any, says: str) -> None:
    with pytest.raises(optkit.SettingsError, match=says):
        optkit.churn(HISTORY, audience=audience)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.xlsx"])
@pytest.mark.parametrize("content", [b"", b'"+12025550101,1\n2,3,4', b"\x81\xff +12025550101"])
def test_a_corrupt_file_is_an_error_that_does_not_quote_it(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(optkit.SettingsError, match="audience") as caught:
        optkit.churn(HISTORY, audience=tmp_path / name)
    assert "2025550101" not in str(caught.value)
