from pathlib import Path

import pytest

import optkit
from optkit.report import server


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in ("00_start_here", "01_churn"):
        (folder / f"{name}.ipynb").write_text(f'"{name} as shipped"')
    monkeypatch.setattr(server, "notebooks_dir", lambda: folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


def test_a_user_gets_a_copy_for_each_version(shipped: Path, tmp_path: Path) -> None:
    folder = server.writable_copy()
    assert folder == tmp_path / "home" / "optkit-notebooks" / optkit.__version__
    assert [path.name for path in sorted(folder.iterdir())] == ["00_start_here.ipynb", "01_churn.ipynb"]


def test_a_copy_never_overwrites_the_users_changes(shipped: Path, tmp_path: Path) -> None:
    folder = server.writable_copy(tmp_path / "mine")
    (folder / "01_churn.ipynb").write_text('"mine"')
    (folder / "00_start_here.ipynb").unlink()
    server.writable_copy(folder)
    assert (folder / "01_churn.ipynb").read_text() == '"mine"'
    assert (folder / "00_start_here.ipynb").read_text() == '"00_start_here as shipped"'


def test_a_folder_that_cannot_be_written_is_a_clear_error(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(optkit.SettingsError, match="give another folder"):
        server.writable_copy(tmp_path / "file" / "mine")
