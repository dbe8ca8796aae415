"""Files, read by another library than the one that wrote them."""

import csv
import json
import stat
import sys
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import duckdb
import pandas as pd
import polars as pl
import pytest

import optkit
from optkit.errors import SettingsError

TABLE = pl.DataFrame(
    {
        "from_phone": ["00501", "NORTHWIND", None],
        "to_phone": ["+12025550101", "=1+1", "http://example.com"],
        "opted_out_at": pl.Series(
            [datetime(2026, 6, 29, 7, tzinfo=UTC), datetime(2026, 6, 29, 7, 0, 0, 123_000, tzinfo=UTC), None],
            dtype=pl.Datetime("ms", "UTC"),
        ),
        "local_time": pl.Series([datetime(2026, 6, 29, 9), None, None], dtype=pl.Datetime("ms")),  # noqa: DTZ001 - a local time
        "day": [date(2026, 6, 29), None, date(2026, 1, 1)],
        "message_id": [9_007_199_254_740_993, 2, 3],
        "share": [0.5, None, 1.0],
        "status": pl.Series(["opt-out", "opt-in", None], dtype=pl.Enum(["opt-in", "opt-out"])),
    }
)


def test_csv_has_times_in_one_form(tmp_path: Path) -> None:
    optkit.export(TABLE, tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == TABLE.columns
    first = "00501 +12025550101 2026-06-29T07:00:00.000Z 2026-06-29T09:00:00.000 2026-06-29 9007199254740993"
    assert rows[1][:6] == first.split()
    assert rows[2][2] == "2026-06-29T07:00:00.123Z"


def test_json_is_a_list_of_objects_with_the_same_times(tmp_path: Path) -> None:
    optkit.export(TABLE, str(tmp_path / "list.JSON"))
    rows = json.loads((tmp_path / "list.JSON").read_text(encoding="utf-8"))
    assert rows[0]["opted_out_at"] == "2026-06-29T07:00:00.000Z"
    assert rows[0]["local_time"] == "2026-06-29T09:00:00.000"
    assert rows[2]["opted_out_at"] is None
    assert rows[0]["message_id"] == 9_007_199_254_740_993


def test_parquet_has_the_same_types(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    optkit.export(TABLE, path)
    assert pl.read_parquet(path).equals(TABLE)
    rows = duckdb.sql("SELECT to_phone FROM read_parquet(?) LIMIT 1", params=[str(path)])
    assert rows is not None
    assert rows.fetchall() == [("+12025550101",)]


def cells(path: Path) -> list[list[tuple[str | None, str | None]]]:
    """Return the type and the value of each cell of the first sheet, as the file has them."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as book:
        shared = ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314 - written by this test
        texts = ["".join(t.text or "" for t in item.iter(f"{{{space['m']}}}t")) for item in shared]
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - the same
        assert not sheet.findall(".//m:f", space), "a formula"
        assert b"<hyperlink" not in book.read("xl/worksheets/sheet1.xml")
    rows = []
    for row in sheet.findall(".//m:row", space):
        values = []
        for cell in row.findall("m:c", space):
            value, kind = cell.findtext("m:v", None, space), cell.get("t")
            values.append((kind, texts[int(value)] if kind == "s" and value is not None else value))
        rows.append(values)
    return rows


def test_excel_keeps_all_text_as_text_and_times_as_times(tmp_path: Path) -> None:
    optkit.export(TABLE, tmp_path / "list.xlsx")
    rows = cells(tmp_path / "list.xlsx")
    assert [text for _, text in rows[0]] == TABLE.columns
    first = {text for kind, text in rows[1] if kind == "s"}
    assert first == {"00501", "+12025550101", "9007199254740993", "opt-out"}
    assert ("s", "=1+1") in rows[2]
    assert ("s", "http://example.com") in rows[3]
    days = (
        datetime(2026, 6, 29, 7, tzinfo=UTC) - datetime(1899, 12, 30, tzinfo=UTC)
    ).total_seconds() / 86_400
    assert float(rows[1][2][1] or 0) == pytest.approx(days)
    with zipfile.ZipFile(tmp_path / "list.xlsx") as book:
        assert "UTC" in book.read("xl/styles.xml").decode()


def test_excel_is_read_back_with_the_values(tmp_path: Path) -> None:
    optkit.export(TABLE, tmp_path / "list.xlsx")
    back = pl.read_excel(tmp_path / "list.xlsx")
    assert back["to_phone"].to_list() == TABLE["to_phone"].to_list()
    assert back["opted_out_at"].to_list()[0] == datetime(2026, 6, 29, 7)  # noqa: DTZ001 - Excel has no zones
    assert back["day"].to_list() == TABLE["day"].to_list()


@pytest.mark.parametrize("ending", ["csv", "parquet", "json", "xlsx"])
def test_a_file_is_readable_by_its_owner_only_and_an_empty_table_has_its_columns(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"list.{ending}"
    optkit.export(TABLE.clear(), path)
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    optkit.export(TABLE, path)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    if ending == "xlsx":
        optkit.export(TABLE.clear(), path)
        assert [text for _, text in cells(path)[0]] == TABLE.columns


@pytest.mark.parametrize("make", [TABLE.lazy, TABLE.to_arrow, TABLE.to_pandas])
def test_other_frames_are_written(tmp_path: Path, make: "object") -> None:
    optkit.export(make(), tmp_path / "list.csv")  # type: ignore[operator]
    assert pd.read_csv(tmp_path / "list.csv", dtype=str)["to_phone"].to_list() == TABLE["to_phone"].to_list()


@pytest.mark.parametrize(
    ("table", "name", "says"),
    [
        (TABLE, "list.pdf", r"must end in \.csv, \.parquet, \.json or \.xlsx"),
        (TABLE, "list", "list does not"),
        ([1, 2], "list.csv", "not list"),
        (pl.DataFrame({"numbers": [[1, 2]]}), "list.csv", "cannot hold the lists in column 'numbers'"),
        (pl.DataFrame({"numbers": [[1, 2]]}), "list.xlsx", "cannot hold the lists in column 'numbers'"),
        (pl.DataFrame({"text": ["x" * 40_000]}), "list.xlsx", "32,767 characters"),
        (pl.DataFrame({"n": pl.zeros(1_048_576, eager=True)}), "list.xlsx", "1,048,575 rows"),
        (TABLE, "nowhere/list.csv", "cannot be written"),
    ],
)
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, table: Any, name: str, says: str) -> None:
    (tmp_path / "list.csv").write_text("old")
    (tmp_path / "list.xlsx").write_text("old")
    with pytest.raises(SettingsError, match=says):
        optkit.export(table, tmp_path / name)
    assert (tmp_path / "list.csv").read_text() == (tmp_path / "list.xlsx").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_missing_library_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(SettingsError, match=r"xlsxwriter: pip install 'optkit\[lab\]'"):
        optkit.export(TABLE, tmp_path / "list.xlsx")
