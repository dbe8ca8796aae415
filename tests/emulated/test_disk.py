"""A disk that is full while a load or a command writes: one error, and what was there stays."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest
from accounts import CLOCK, distinct, events_of, make_history
from children import fill_disk, run_command

import optkit
from optkit.emulator import Emulator
from optkit.history import STATUS

ASKED = ("2026-03-02", "2026-03-16")
HISTORY = make_history(3000)


@pytest.fixture
def with_full_disk(tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """Return a function that runs a command whose disk is full."""

    def run(server: Emulator, *words: str) -> CompletedProcess[str]:
        return run_command(server, tmp_path / "cache" / "tested", words, fill_disk)

    return run


@pytest.mark.parametrize("cached", [False, True])
def test_a_load_that_fills_the_disk_is_one_error_and_keeps_what_was_committed(
    cached: bool,  # noqa: FBT001 - as pytest passes it
    connect: Callable[[Emulator], None],
    tmp_path: Path,
    with_full_disk: Callable[..., CompletedProcess[str]],
) -> None:
    with Emulator(HISTORY, clock=CLOCK) as server:
        connect(server)
        if cached:
            optkit.load(*ASKED)
        before = optkit.coverage()
        done = with_full_disk(server, "refresh", "--force", "--start", ASKED[0], "--end", ASKED[1])
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "cannot be written (File too large; " in done.stderr
        assert "MB are needed" in done.stderr
        assert "OPTKIT_CACHE_DIR" in done.stderr
        assert optkit.coverage().equals(before)
        assert optkit.verify()["ok"].all()
        assert not list((tmp_path / "cache").rglob("*.part"))
        assert events_of(optkit.load(*ASKED)) == distinct(HISTORY)


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_list_that_fills_the_disk_is_one_error_and_the_old_list_stays(
    form: str,
    connect: Callable[[Emulator], None],
    tmp_path: Path,
    with_full_disk: Callable[..., CompletedProcess[str]],
) -> None:
    out = tmp_path / "lists" / "list"
    out.parent.mkdir()
    out.write_text("old")
    everybody = pl.format("+1212555{}", pl.int_range(pl.len()).cast(pl.String).str.zfill(4))
    out_of_all = HISTORY.with_columns(to_phone=everybody, status=pl.lit("opt-out", STATUS))
    with Emulator(out_of_all, clock=CLOCK) as server:
        connect(server)
        optkit.load()
        done = with_full_disk(server, "suppress", "--format", form, "--out", str(out))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"{out} cannot be written (File too large; " in done.stderr
    assert out.read_text() == "old"
    assert list(out.parent.iterdir()) == [out]
