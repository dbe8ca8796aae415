"""Commands about numbers: their status, lists of them in files and on the screen."""

import json
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from accounts import CLOCK, make_history

import optkit
from optkit.demo import CLOCK as DEMO_CLOCK
from optkit.emulator import Emulator

HISTORY = make_history(300)
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_status_is_live_sender_by_sender(run: Run, account: dict[str, str]) -> None:
    phone = HISTORY["to_phone"][0]
    done = run("status", phone, **account)
    assert done.returncode == 0
    senders = HISTORY.filter(pl.col("to_phone") == phone)["from_phone"].unique()
    assert all(sender in done.stdout for sender in senders)
    typed = f"{phone[:2]} ({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
    assert run("status", typed, **account).stdout == done.stdout
    assert "counts as opted in" in run("status", "+12125559999", **account).stdout
    for text in ("garbage", "(212) 555-9999"):
        rejected = run("status", text, **account)
        assert rejected.returncode == 1
        assert rejected.stderr.startswith("optkit: to_phone is not a phone number")


HOSTILE = "\x1b[2J\x1b]0;mine\x07\u202eEVIL"
SHOWN = r"\x1b[2J\x1b]0;mine\x07\u202eEVIL"


@pytest.fixture
def hostile_account() -> Iterator[dict[str, str]]:
    """An account with a sender whose name would clear the screen, rename the window and reverse the writing."""
    history = HISTORY.with_columns(from_phone=pl.lit(HOSTILE))
    with Emulator(history, clock=CLOCK) as server:
        yield {"base_url": server.url, "token": server.token}


@pytest.mark.parametrize(
    ("keep", "suppressed"),
    [
        ("people.csv", "out.csv"),
        ("keep.csv", "people.csv"),
        ("keep.csv", "keep.csv"),
        ("link.csv", "out.csv"),
    ],
)
def test_scrub_never_replaces_one_of_its_files_by_another(
    keep: str, suppressed: str, run: Run, account: dict[str, str], tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("phone\n+12125550100\n")
    (tmp_path / "link.csv").symlink_to("people.csv")
    done = run("scrub", "people.csv", "--keep", keep, "--suppressed", suppressed, **account)
    assert done.returncode == 1
    assert "must be three files" in done.stderr
    assert people.read_text() == "phone\n+12125550100\n"


def test_scrub_splits_a_contact_file(run: Run, account: dict[str, str], tmp_path: Path) -> None:
    listed = optkit.suppression_list(HISTORY)["to_phone"].unique().sort()
    fresh = "+12125559999"
    people = pl.DataFrame({"Name": ["Ann", "Bob"], "MOBILE": [listed[0], fresh]})
    people.write_csv(tmp_path / "people.csv")
    files = ["--keep", "keep.xlsx", "--suppressed", "out.csv"]
    done = run("scrub", "people.csv", "--column", "mobile", *files, **account)
    assert (done.returncode, done.stdout) == (0, "1 contact in keep.xlsx, 1 in out.csv\n")
    assert pl.read_excel(tmp_path / "keep.xlsx")["Name"].to_list() == ["Bob"]
    assert pl.read_csv(tmp_path / "out.csv")["reason"].to_list() == ["opted out"]
    refused = run("scrub", "people.csv", "--column", "fax", *files, **account)
    problem = "optkit: the contacts have no column 'fax'; they have 'Name' and 'MOBILE'\n"
    assert (refused.returncode, refused.stderr) == (1, problem)


def test_status_shows_control_characters_as_text(run: Run, hostile_account: dict[str, str]) -> None:
    done = run("status", HISTORY["to_phone"][0], **hostile_account)
    assert done.returncode == 0, done.stderr
    assert SHOWN in done.stdout
    assert not set(done.stdout) & {"\x1b", "\x07", "\u202e"}


def test_a_warning_is_one_line(run: Run, hostile_account: dict[str, str], tmp_path: Path) -> None:
    run("refresh", **hostile_account)
    path = next((tmp_path / "cache" / "default").glob("*.parquet"))
    path.write_bytes(b"")
    done = run("suppress", "--out", str(tmp_path / "list"), **hostile_account)
    assert done.returncode == 0
    assert done.stderr.startswith(f"optkit: the cached window {path.name} is empty")
    assert done.stderr.count("\n") == 2  # and how many rows were written


def test_suppress_writes_full_numbers_for_the_owner_only(
    run: Run, account: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "list.csv"
    done = run("suppress", "--scope", "recipient", "--out", str(out), **account)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    table = pl.read_csv(out, schema_overrides={"to_phone": pl.String})
    assert table["to_phone"].str.starts_with("+1212555").all()
    printed = run("suppress", "--scope", "recipient", "--format", "json", **account)
    assert {row["to_phone"] for row in json.loads(printed.stdout)} == set(table["to_phone"])
    assert run("suppress", "--format", "parquet", **account).returncode == 1


def test_the_ending_of_a_file_chooses_its_format(run: Run, account: dict[str, str], tmp_path: Path) -> None:
    expected = optkit.suppression_list(HISTORY)["to_phone"].to_list()
    for name, read in (
        ("list.xlsx", pl.read_excel),
        ("list.PARQUET", pl.read_parquet),
        ("list.json", pl.read_json),
    ):
        done = run("suppress", "--out", name, **account)
        assert done.returncode == 0, done.stderr
        assert read(tmp_path / name)["to_phone"].to_list() == expected
    done = run("suppress", "--format", "json", "--out", "list", **account)
    assert done.returncode == 0, done.stderr
    assert [row["to_phone"] for row in json.loads((tmp_path / "list").read_text())] == expected


@pytest.mark.parametrize(
    "words",
    [
        ["suppress", "--out", "list.txt"],
        ["suppress", "--out", "list.txt", "--format", "csv"],
        ["leaks", "--out", "list"],
        ["campaigns", "--out", "list.xls"],
        ["scrub", "people.csv", "--keep", "keep.txt", "--suppressed", "out.csv"],
        ["scrub", "people.csv", "--keep", "keep.csv", "--suppressed", "out"],
    ],
)
def test_an_unknown_ending_is_an_error_before_anything_is_loaded(
    words: list[str], run: Run, tmp_path: Path
) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert done.stderr.startswith("optkit: the name of the file must end in .csv, .parquet, .json or .xlsx")
    assert list(tmp_path.iterdir()) == []


def test_an_ending_that_contradicts_the_format_is_an_error(run: Run, tmp_path: Path) -> None:
    for name in ("list.xlsx", "list.json"):
        done = run("suppress", "--format", "csv", "--out", name)
        assert done.returncode == 1
        assert done.stderr.startswith(f"optkit: --format csv contradicts the ending of {name}")
    assert list(tmp_path.iterdir()) == []


SMALL = {"recipients": 800}


@pytest.fixture
def messaged() -> Iterator[dict[str, str]]:
    """Serve a small made-up account that has messages, leaks among them."""
    history, messages = optkit.demo_history(**SMALL), optkit.demo_messages(**SMALL)
    with Emulator(history, messages, clock=DEMO_CLOCK) as server:
        yield {"base_url": server.url, "token": server.token}


def test_leaks_are_masked_on_the_screen_and_in_full_in_a_file(
    run: Run, messaged: dict[str, str], tmp_path: Path
) -> None:
    expected = optkit.leaks(optkit.demo_history(**SMALL), optkit.demo_messages(**SMALL))
    printed = run("leaks", **messaged)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.count("•••") == expected.height > 0
    names, _, *shown = (line.split("|") for line in printed.stdout.splitlines())
    column = next(i for i, name in enumerate(names) if name.strip() == "message_id")
    assert [int(cells[column]) for cells in shown] == expected["message_id"].to_list(), "as they are pasted"
    done = run("leaks", "--out", str(tmp_path / "leaks.csv"), **messaged)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith(f"{expected.height} rows in {tmp_path / 'leaks.csv'}\n")
    assert stat.S_IMODE((tmp_path / "leaks.csv").stat().st_mode) == 0o600
    table = pl.read_csv(tmp_path / "leaks.csv", schema_overrides={"to_phone": pl.String})
    assert table["to_phone"].to_list() == expected["to_phone"].to_list()
    campaigns = run("campaigns", **messaged)
    assert campaigns.returncode == 0, campaigns.stderr
    rows = [line for line in campaigns.stdout.splitlines() if line.startswith("|")][2:]
    assert "Spring clearance" in rows[0]  # the worst is first


def test_suppress_follows_a_symbolic_link(run: Run, account: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    link, target = tmp_path / "list.csv", tmp_path / "shared" / "list.csv"
    target.write_text("old")
    link.symlink_to(target)
    done = run("suppress", "--out", str(link), **account)
    assert done.returncode == 0, done.stderr
    assert link.is_symlink()
    assert target.read_text().startswith("from_phone,to_phone,opted_out_at")


def test_suppress_writes_through_a_fifo(run: Run, account: dict[str, str], tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["/bin/cat", fifo], stdout=subprocess.PIPE, text=True) as reader:
        done = run("suppress", "--out", str(fifo), **account)
        received, _ = reader.communicate(timeout=60)
    assert done.returncode == 0, done.stderr
    assert received.startswith("from_phone,to_phone,opted_out_at")
    assert stat.S_ISFIFO(fifo.stat().st_mode)
