"""Private files: readable by their owner only, written completely or not at all."""

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest

from optkit.errors import CacheError, SettingsError
from optkit.private_files import PrivateFile, remove_leftovers

#: Written by a process that may write no more than 50,000 bytes to a file: for it, that is a full disk.
FULL_DISK = """
import resource, signal, sys
import polars as pl
from optkit.errors import SettingsError
from optkit.private_files import PrivateFile

sys.dont_write_bytecode = True  # a compiled module that is cut off would break all processes after this one
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
path, form = sys.argv[1:]
table = pl.DataFrame({"number": range(100_000)})
try:
    with PrivateFile(path) as file:
        getattr(table, f"write_{form}")(file)
except SettingsError as error:
    print(error)
"""


def test_a_file_is_replaced_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("old")
    path.chmod(0o644)
    with PrivateFile(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_while_writing_leaves_the_old_file(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("old")
    with pytest.raises(error), PrivateFile(path) as file:  # noqa: PT012 - the error comes between two writes
        file.write(b"half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
def test_a_full_disk_is_one_error_and_leaves_the_old_file(form: str, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path, form], capture_output=True, text=True, check=True
    )
    assert f"{path} cannot be written (File too large; " in done.stdout
    assert done.stdout.count("\n") == 1
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_names_the_space_that_is_needed(tmp_path: Path) -> None:
    # 100,000 numbers of five digits at most: 488,890 digits, as many line ends, and the header
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path / "list", "csv"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "0.6 MB are needed" in done.stdout


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    target, link = tmp_path / "shared" / "list.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    with PrivateFile(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_dangling_link_creates_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to("list.csv")
    with PrivateFile(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert (tmp_path / "list.csv").read_text() == "new"


def test_a_fifo_is_written_to_directly(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
    reader.start()
    with PrivateFile(path) as file:
        pl.DataFrame({"number": [1, 2]}).write_csv(file)
    reader.join()
    assert received == [b"number\n1\n2\n"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_is_written_to_directly() -> None:
    with PrivateFile("/dev/null") as file:
        file.write(b"new")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(SettingsError, match="/dev/full cannot be written"), PrivateFile("/dev/full") as file:
        file.write(b"new")


def test_a_failed_write_is_an_error_of_the_requested_type(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match=r"cannot be written \(it is a folder\); set another one"):
        PrivateFile(tmp_path, error=CacheError, remedy="set another one")
    with pytest.raises(SettingsError, match=r"No such file or directory\); give another path"):
        PrivateFile(tmp_path / "nowhere" / "list.csv")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SettingsError, match="loop cannot be written"):
        PrivateFile(tmp_path / "loop")


def test_leftovers_of_killed_processes_are_removed_and_those_of_running_ones_stay(tmp_path: Path) -> None:
    long_ago = (time.time() - 86_400,) * 2
    killed = tmp_path / ".optkit-1-aa.part"
    killed.write_bytes(b"half")
    os.utime(killed, long_ago)
    fresh = tmp_path / ".optkit-2-bb.part"
    fresh.write_bytes(b"half")
    with PrivateFile(tmp_path / "list.csv") as file:
        (running,) = set(tmp_path.iterdir()) - {killed, fresh}
        os.utime(running, long_ago)
        remove_leftovers(tmp_path)
        assert set(tmp_path.iterdir()) == {running, fresh}
        file.write(b"new")
    assert (tmp_path / "list.csv").read_text() == "new"
