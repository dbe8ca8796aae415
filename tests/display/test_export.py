from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from optkit import display
from optkit.errors import SettingsError

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_export_replaces_the_file_for_its_owner_only(tmp_path: Path) -> None:
    table = pl.DataFrame({"to_phone": ["+12025550101"], "opted_out_at": [NOON]})
    file = tmp_path / "list.csv"
    file.write_text("old")
    file.chmod(0o644)
    assert display.export(table, str(file)).startswith("1 row written to ")
    assert file.stat().st_mode & 0o777 == 0o600
    assert pl.read_csv(file, schema_overrides={"to_phone": pl.String})["to_phone"].to_list() == [
        "+12025550101"
    ]
    display.export(table, str(tmp_path / "list.parquet"))
    assert pl.read_parquet(tmp_path / "list.parquet").equals(table)
    assert "Nothing was written" in display.export(table, None)
    with pytest.raises(SettingsError, match=r"must end in \.csv, \.parquet, \.json or \.xlsx"):
        display.export(table, str(tmp_path / "list.xls"))
