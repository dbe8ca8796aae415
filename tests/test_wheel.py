"""The installed package, without a checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def test_the_wheel_holds_the_code_the_style_the_types_and_every_notebook(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    kept = {
        path for path in (ROOT / "optkit").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert {str(path.relative_to(ROOT)) for path in kept} <= inside
    assert {f"optkit/{path.relative_to(ROOT)}" for path in (ROOT / "notebooks").glob("*.ipynb")} <= inside
    assert {"optkit/py.typed", "optkit/optkit.mplstyle"} <= inside


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    inside = zipfile.ZipFile(wheel).namelist()
    suffixes = {Path(name).suffix for name in inside if name.startswith("optkit/")}
    assert suffixes <= {".py", ".pyi", ".typed", ".mplstyle", ".ipynb", ".j2", ".css", ".csv", ".json"}
    assert not [name for name in inside if "checkpoint" in name or name.startswith(("tests", "data"))]


def test_an_installed_package_finds_its_notebooks_and_its_commands(wheel: Path, tmp_path: Path) -> None:
    """Unpacked apart from the checkout; the libraries are this environment's."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "empty.ipynb")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import optkit.cli\n"
        "from optkit.report import notebooks_dir, run\n"
        "from optkit.report.notebooks import find, is_checkout\n"
        "[page] = run(['empty.ipynb'], out='pages')\n"
        "assert page.path.exists() and page.error is None\n"
        "print(notebooks_dir(), is_checkout(), len(find()))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    count = len(list((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")))
    assert done.stdout.split() == [str(tmp_path / "site" / "optkit" / "notebooks"), "False", str(count)]
