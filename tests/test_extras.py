"""An error names packages that are not installed, and the extra that installs them."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("module", "code", "extra"),
    [
        ("uvicorn", "optkit.emulator.Emulator", "emulator"),
        ("starlette", "optkit.load('2026-06-01', '2026-06-08', account='demo')", "emulator"),
        ("great_tables", "optkit.display.table(optkit.demo_audience(), 'Recipients')", "lab"),
        ("fastexcel", "optkit.churn(optkit.demo_history(recipients=9), audience='a.xlsx')", "lab"),
        ("xlsxwriter", "optkit.export(optkit.demo_history(recipients=9), 'b.xlsx')", "lab"),
        ("nbclient", "from optkit.report.notebooks import require_lab; require_lab()", "lab"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, module: str, code: str, extra: str
) -> None:
    (tmp_path / "a.xlsx").touch()
    program = f"""
import sys
sys.modules[{module!r}] = None  # as if it were not installed
import optkit
optkit.configure(cache_dir={str(tmp_path)!r})
try:
    {code}
except optkit.SettingsError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert f"needs {module}: pip install 'optkit[{extra}]'" in done.stdout, done.stderr
