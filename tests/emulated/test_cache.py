"""The cache: its files are complete, and only their owner can read them."""

import json
import os
import shutil
import stat
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from accounts import CLOCK, distinct, events_of, make_history

import optkit
from optkit.emulator import Emulator
from optkit.loading.identity import AccountIdentity
from optkit.loading.window_file import CorruptFileError, read_footer

HISTORY = make_history(300)
Harm = Callable[[Path], object]


@pytest.fixture
def folder(connect: Callable[[Emulator], None], tmp_path: Path) -> Iterator[Path]:
    """The cache folder of an account of two weeks, its server running."""
    with Emulator(HISTORY, clock=CLOCK) as server:
        connect(server)
        optkit.load("2026-03-02", "2026-03-16")
        yield tmp_path / "cache" / "tested"


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x10
    path.write_bytes(content)


def flip_a_byte_of_the_footer(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-30] ^= 0x01
    path.write_bytes(content)


def claim_more(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"rows": ', b'"rows":1'))


def write_a_foreign_one(path: Path) -> None:
    pl.DataFrame({"to_phone": ["+12125550100"]}).write_parquet(path)


HARMS: dict[str, tuple[Harm, str]] = {
    "a byte": (flip_a_byte, "differs from what was written"),
    "a byte of the footer": (flip_a_byte_of_the_footer, "differs|cut off"),
    "its own description": (claim_more, "differs|cut off"),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "differs|cut off"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "foreign": (write_a_foreign_one, "not written by optkit"),
    "text": (lambda path: path.write_text("hello"), "not written by optkit"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_window_is_an_error_of_scan_or_fetched_again(harm: str, folder: Path) -> None:
    path = folder / "2026-03-09.parquet"
    HARMS[harm][0](path)
    truth = distinct(HISTORY.filter(pl.col("created_at") < datetime(2026, 3, 16, tzinfo=UTC)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the file that is fetched again
        lazy = optkit.scan("2026-03-02", "2026-03-16")
    try:
        assert events_of(lazy.collect()) == truth
    except optkit.CacheError:
        with pytest.warns(UserWarning, match="fetched again"):
            assert events_of(optkit.load("2026-03-02", "2026-03-16")) == truth
    assert optkit.verify()["ok"].all()


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_window_is_found_said_and_fetched_again(harm: str, folder: Path) -> None:
    path = folder / "2026-03-09.parquet"
    HARMS[harm][0](path)
    table = optkit.verify()
    assert table["ok"].to_list() == [True, False]
    assert pl.Series([table["problem"][1]]).str.contains(HARMS[harm][1]).item()
    with pytest.raises(optkit.MissingWindowsError, match=r"corrupt: 2026-03-09\.parquet"):
        optkit.load("2026-03-02", "2026-03-16", refresh="never")
    with pytest.warns(UserWarning, match=r"2026-03-09\.parquet .* fetched again"):
        history = optkit.load("2026-03-02", "2026-03-16")
    assert events_of(history) == distinct(
        HISTORY.filter(pl.col("created_at") < datetime(2026, 3, 16, tzinfo=UTC))
    )
    assert optkit.verify()["ok"].all()


def test_a_window_under_another_ones_name_is_found(folder: Path) -> None:
    (folder / "2026-03-02.parquet").replace(folder / "2026-03-23.parquet")
    assert "renamed" in optkit.verify().filter(~pl.col("ok"))["problem"].item()


def test_corruption_is_found_after_an_earlier_check(folder: Path) -> None:
    optkit.load("2026-03-02", "2026-03-16")
    flip_a_byte(folder / "2026-03-02.parquet")
    with pytest.warns(UserWarning, match="fetched again"):
        optkit.load("2026-03-02", "2026-03-16")


def test_a_foreign_file_is_reported_and_left_alone(folder: Path) -> None:
    foreign = folder / "mine.parquet"
    write_a_foreign_one(foreign)
    assert optkit.verify()["file"].to_list() == ["2026-03-02.parquet", "2026-03-09.parquet", "mine.parquet"]
    optkit.load("2026-03-02", "2026-03-16")
    with pytest.raises(optkit.MissingWindowsError) as raised:
        optkit.load("2026-03-02", "2026-03-23", refresh="never")
    assert foreign.name not in str(raised.value)
    optkit.clear()
    assert list(folder.iterdir()) == [foreign]


def test_files_are_for_their_owner_only(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_token_is_in_no_file(folder: Path) -> None:
    token = optkit.config.resolve().token
    assert token is not None
    for path in folder.iterdir():
        assert token.encode() not in path.read_bytes()
    assert set(json.loads((folder / "account.json").read_text())) == {"server", "salt", "token"}


def test_a_file_is_plain_parquet_with_a_historys_columns(folder: Path) -> None:
    table = pl.read_parquet(folder / "2026-03-02.parquet")
    assert table.columns == ["to_phone", "from_phone", "created_at", "status", "current_status"]
    assert table.dtypes == [pl.String, pl.String, pl.Datetime("ms", "UTC"), pl.String, pl.String]


def test_leftovers_of_killed_processes_are_removed_later(folder: Path) -> None:
    old, fresh = folder / ".2026-03-02.1-aa.part", folder / ".2026-03-02.2-bb.part"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 86_400,) * 2)
    assert optkit.verify()["ok"].all()
    optkit.load("2026-03-16", "2026-03-23")
    assert not old.exists()
    assert fresh.exists()


def test_clear_deletes_the_chosen_windows(folder: Path) -> None:
    assert optkit.clear("2026-03-08", "2026-03-09") == 1
    assert optkit.coverage()["window_start"].to_list() == [datetime(2026, 3, 9, tzinfo=UTC)]
    assert (folder / "account.json").exists()
    assert optkit.clear() == 1
    assert not (folder / "account.json").exists()
    assert optkit.clear() == 0


def test_a_lost_account_file_does_not_open_the_folder_to_others(folder: Path) -> None:
    (folder / "account.json").unlink()
    assert optkit.load("2026-03-02", "2026-03-16").height
    assert (folder / "account.json").exists()


def test_a_damaged_account_file_is_an_error(folder: Path) -> None:
    (folder / "account.json").write_text("{")
    with pytest.raises(optkit.CacheError, match=r"account\.json is damaged"):
        optkit.load("2026-03-02", "2026-03-16")


def test_a_folder_that_cannot_be_made_is_an_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    optkit.configure(cache_dir=tmp_path / "file")
    with pytest.raises(optkit.CacheError, match="OPTKIT_CACHE_DIR"):
        optkit.load("2026-03-02", "2026-03-16")


def test_coverage_says_what_each_window_is(folder: Path) -> None:
    table = optkit.coverage()
    assert table.columns == [
        "window_start",
        "window_end",
        "rows",
        "duplicates",
        "pages",
        "final",
        "fetched_at",
    ]
    assert table["final"].all()
    assert table["fetched_at"].to_list() == [CLOCK] * 2
    assert table["rows"].sum() == len(distinct(HISTORY))


def test_an_entry_of_another_layout_is_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optkit.loading.window_file.VERSION", 2)
    with pytest.raises(CorruptFileError, match="layout 1"):
        read_footer(folder / "2026-03-02.parquet")


def test_files_of_the_first_version_are_read_without_a_request(tmp_path: Path) -> None:
    with Emulator(HISTORY, clock=CLOCK) as server:
        optkit.configure(base_url=server.url, token=server.token, cache_dir=tmp_path, account="old")
        shutil.copytree(Path(__file__).with_name("cache_of_version_1"), tmp_path / "old")
        AccountIdentity.of(server.url, server.token).write_first(tmp_path / "old")
        loaded = optkit.load("2026-03-02", "2026-03-16")
        assert not server.requests
    assert events_of(loaded) == distinct(make_history(60))
    assert optkit.verify()["ok"].all()
    assert optkit.coverage()["final"].all()


def test_a_window_of_another_account_is_not_read(folder: Path) -> None:
    copied = "2026-03-09.parquet"
    with Emulator(make_history(300, seed=9), clock=CLOCK) as server:
        optkit.configure(base_url=server.url, token=server.token, account="other")
        optkit.load("2026-03-02", "2026-03-16")
        shutil.copy(folder / copied, folder.with_name("other") / copied)
        assert optkit.verify().row(1) == (copied, None, False, "was written for another account")
        with pytest.warns(UserWarning, match="another account"):
            loaded = optkit.load("2026-03-02", "2026-03-16")
    assert events_of(loaded) == distinct(make_history(300, seed=9))
