"""Folders and files that cannot be used as they are: one sentence that says what and where."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from accounts import CLOCK, distinct, events_of, make_history
from children import obey_permissions, run_command

import optkit
from optkit.emulator import Emulator

ASKED = ("2026-03-02", "2026-03-16")
HISTORY = make_history(300)
WINDOW = "2026-03-09.parquet"


@pytest.fixture
def server() -> Iterator[Emulator]:
    with Emulator(HISTORY, clock=CLOCK) as running:
        yield running


@pytest.fixture
def folder(server: Emulator, connect: Callable[[Emulator], None], tmp_path: Path) -> Iterator[Path]:
    """The cache folder of an account of two weeks; its permissions are restored in the end."""
    connect(server)
    optkit.load(*ASKED)
    folder = tmp_path / "cache" / "tested"
    yield folder
    for path in (folder, *folder.glob("*")):
        with suppress(OSError):
            path.chmod(0o700)


@pytest.fixture
def run(server: Emulator, folder: Path) -> Callable[..., CompletedProcess[str]]:
    """Return a function that runs a command as somebody who obeys permissions."""

    return lambda *words: run_command(server, folder, words, obey_permissions)


def sentence(done: CompletedProcess[str]) -> str:
    """Return the one line that a command says when it fails."""
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_folder_that_cannot_be_written_is_one_error(
    folder: Path, run: Callable[..., CompletedProcess[str]]
) -> None:
    before = sorted(folder.iterdir())
    folder.chmod(0o500)
    said = sentence(run("refresh", "--start", "2026-03-02", "--end", "2026-03-23"))
    assert str(folder) in said
    assert "(Permission denied)" in said
    assert "OPTKIT_CACHE_DIR" in said
    assert sorted(folder.iterdir()) == before
    assert "2026-03-09" in run("coverage").stdout, "it can still be read"
    assert str(folder) in sentence(run("clear", "--yes"))


def test_a_folder_that_cannot_be_read_is_one_error(
    folder: Path, run: Callable[..., CompletedProcess[str]]
) -> None:
    folder.chmod(0o000)
    for command in (["coverage"], ["verify"], ["refresh"], ["clear", "--yes"], ["suppress"]):
        said = sentence(run(*command))
        assert str(folder) in said
        assert "(Permission denied)" in said


def test_an_account_file_that_cannot_be_read_is_not_called_damaged(
    folder: Path, run: Callable[..., CompletedProcess[str]]
) -> None:
    (folder / "account.json").chmod(0o000)
    said = sentence(run("refresh"))
    assert "account.json cannot be read (Permission denied)" in said
    assert "clear" not in said


def test_a_window_that_cannot_be_read_is_fetched_again(
    folder: Path, run: Callable[..., CompletedProcess[str]]
) -> None:
    (folder / WINDOW).chmod(0o000)
    done = run("refresh", "--start", ASKED[0], "--end", ASKED[1])
    assert done.returncode == 0, done.stderr
    assert f"{WINDOW} cannot be read (Permission denied)" in done.stderr
    assert optkit.verify()["ok"].all()


def test_a_folder_under_a_windows_name_is_one_error(
    folder: Path, run: Callable[..., CompletedProcess[str]]
) -> None:
    (folder / WINDOW).unlink()
    (folder / WINDOW).mkdir()
    assert optkit.verify()["ok"].to_list() == [True, False]
    done = run("refresh", "--start", ASKED[0], "--end", ASKED[1])
    assert done.returncode == 1
    assert f"{WINDOW} cannot be written (it is a folder)" in done.stderr
    assert "Traceback" not in done.stderr
    assert WINDOW in sentence(run("clear", "--yes"))


def test_a_file_in_the_folders_place_is_one_error(
    folder: Path, run: Callable[..., CompletedProcess[str]]
) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("in the way")
    for command in (["coverage"], ["verify"], ["refresh"], ["clear", "--yes"]):
        assert str(folder) in sentence(run(*command))
    assert folder.read_text() == "in the way"


def test_a_window_of_another_account_is_not_read(folder: Path, server: Emulator, tmp_path: Path) -> None:
    other = make_history(300, seed=3)
    with Emulator(other, clock=CLOCK) as another:
        optkit.configure(base_url=another.url, token=another.token, account="other")
        optkit.load(*ASKED)
    stranger = folder.with_name("other") / WINDOW
    (folder / WINDOW).write_bytes(stranger.read_bytes())
    optkit.configure(base_url=server.url, token=server.token, account="tested")
    assert optkit.verify()["ok"].to_list() == [True, False]
    with pytest.raises(optkit.MissingWindowsError, match="2026-03-09"):
        optkit.load(*ASKED, refresh="never")
    with pytest.warns(UserWarning, match=f"{WINDOW} .*another account"):
        assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)
