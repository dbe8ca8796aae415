"""The commands as a user types them: exit status, standard output, standard error."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import polars as pl
import pytest
import requests
from accounts import CLOCK, make_history

import optkit
from optkit.demo import CLOCK as DEMO_CLOCK
from optkit.emulator import Emulator, Faults

HISTORY = make_history(300)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command in a process of its own, with nothing set but what is given."""

    def command(*words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPTKIT_")}
        environment |= {"OPTKIT_CACHE_DIR": str(tmp_path / "cache"), "COLUMNS": "200"}
        environment |= {f"OPTKIT_{name.upper()}": value for name, value in settings.items()}
        return subprocess.run(
            [sys.executable, "-m", "optkit", *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    return command


@pytest.fixture
def account() -> Iterator[dict[str, str]]:
    with Emulator(HISTORY, clock=CLOCK) as server:
        yield {"base_url": server.url, "token": server.token}


def test_the_shell_completes_commands() -> None:
    asked = {"_OPTKIT_COMPLETE": "complete_bash", "COMP_WORDS": "optkit re", "COMP_CWORD": "1"}
    script = Path(sys.executable).with_name("optkit")
    done = subprocess.run([script], env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refresh", "report"]


COMMANDS = [
    "refresh",
    "coverage",
    "verify",
    "clear",
    "status",
    "suppress",
    "leaks",
    "campaigns",
    "scrub",
    "report",
    "lab",
    "demo",
    "emulator",
    "settings",
]


def test_help_lists_every_command(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, run: Run) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: optkit {command}") or "Usage:" in done.stdout


def test_wrong_usage_is_status_2(run: Run) -> None:
    for words in (
        ["refresh", "--speed", "9"],
        ["status"],
        ["nonsense"],
        ["suppress", "--scope", "sender"],
        ["emulator", "--port", "99999"],
    ):
        assert run(*words).returncode == 2


def test_a_users_error_is_one_line_and_status_1(run: Run) -> None:
    done = run("refresh")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("optkit: there is no token and nothing is cached")
    assert done.stderr.count("\n") == 1


def test_refresh_coverage_verify_clear(run: Run, account: dict[str, str]) -> None:
    done = run("refresh", "--start", "2026-03-02", "--end", "2026-03-16", **account)
    assert (done.returncode, done.stderr) == (0, "")
    assert "in 2 windows" in done.stdout
    assert run("coverage").stdout.count("2026-03-") >= 4
    assert "2 files, all as they were written" in run("verify").stdout
    path = next(Path(account_folder(run)).glob("*.parquet"))
    path.write_bytes(path.read_bytes().replace(b"+1", b"+2"))
    assert run("verify").returncode == 1
    assert run("refresh", "--start", "2026-03-02", "--end", "2026-03-16", **account).returncode == 0
    assert "2 files, all as they were written" in run("verify").stdout
    path.write_bytes(path.read_bytes()[:-10])
    damaged = run("verify")
    assert damaged.returncode == 1
    assert "1 of 2 files are corrupt" in damaged.stderr
    assert run("clear").returncode == 1
    assert run("clear", "--yes").stdout == "2 windows forgotten\n"


def account_folder(run: Run) -> str:
    table = run("settings").stdout
    line = next(line for line in table.splitlines() if "cache_dir" in line)
    return line.split("|")[2].strip() + "/default"


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
    """An account with a sender whose name would clear the screen, name the window and turn the writing round."""
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
    assert (refused.returncode, refused.stderr) == (1, "optkit: the contacts have no column 'fax'\n")


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


SMALL = {"recipients": 800}


@pytest.fixture
def messaged() -> Iterator[dict[str, str]]:
    """Serve a small made-up account that has messages, leaks among them."""
    history, messages = optkit.demo_history(**SMALL), optkit.demo_messages(**SMALL)
    with Emulator(history, messages, clock=DEMO_CLOCK) as server:
        yield {"base_url": server.url, "token": server.token}


def test_leaks_are_shortened_on_the_screen_and_whole_in_a_file(
    run: Run, messaged: dict[str, str], tmp_path: Path
) -> None:
    expected = optkit.leaks(optkit.demo_history(**SMALL), optkit.demo_messages(**SMALL))
    printed = run("leaks", **messaged)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.count("•••") == expected.height > 0
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


def test_settings_hide_the_token(run: Run) -> None:
    done = run("settings", token="s3cret-token")  # noqa: S106 - made up
    assert "s3cret" not in done.stdout
    assert "OPTKIT_TOKEN" in done.stdout


def test_an_http_error_shows_neither_token_nor_number(run: Run) -> None:
    with Emulator(HISTORY, clock=CLOCK, faults=Faults(forbidden=1)) as server:
        done = run("status", "+12125550123", base_url=server.url, token=server.token)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "refused the token (HTTP 403)" in done.stderr
    assert server.token not in done.stderr + done.stdout
    assert "2125550123" not in done.stderr


def test_the_emulator_serves_until_ctrl_c(run: Run, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from optkit.cli import main; main()", "emulator", "--rows", "500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "export" in line)
            settings = dict(word.removeprefix("OPTKIT_").split("=") for word in line.split()[1:])
            done = run("refresh", **{name.lower(): value for name, value in settings.items()})
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert done.returncode == 0, done.stderr
    assert process.returncode == 0, errors
    assert "stopped" in errors


def test_the_emulator_serves_messages_from_a_file(tmp_path: Path) -> None:
    demo = optkit.demo_messages(recipients=200, days=30)
    since = int((datetime.now(UTC) - DEMO_CLOCK).total_seconds())  # the emulator's clock is the real one
    messages = demo.with_columns(pl.col("sent_at") + pl.duration(seconds=since))
    messages.write_parquet(tmp_path / "messages.parquet")
    command = [sys.executable, "-c", "from optkit.cli import main; main()", "emulator"]
    command += ["--messages", str(tmp_path / "messages.parquet")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(f"0 events and {messages.height:,} messages;")
            line = next(line for line in process.stdout if "export" in line)
            settings = dict(word.removeprefix("OPTKIT_").split("=") for word in line.split()[1:])
            page = requests.get(
                f"{settings['BASE_URL']}/api/v2/campaigns/insights",
                {"start_time": 0},
                headers={"access-token": settings["TOKEN"]},
                timeout=10,
            ).json()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
        finally:
            process.kill()
    assert page["total_entries"] == messages.height


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
        received, _ = reader.communicate(timeout=20)
    assert done.returncode == 0, done.stderr
    assert received.startswith("from_phone,to_phone,opted_out_at")
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_suppress_writes_through_a_device(run: Run, account: dict[str, str]) -> None:
    done = run("suppress", "--out", "/dev/stdout", **account)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("from_phone,to_phone,opted_out_at")
    full = run("suppress", "--out", "/dev/full", **account)
    assert (full.returncode, full.stderr.count("\n")) == (1, 1)
    assert "/dev/full cannot be written (No space left on device" in full.stderr


def test_report_writes_one_file_of_a_period_for_the_chosen_senders(run: Run, tmp_path: Path) -> None:
    cells = [
        nbformat.v4.new_markdown_cell("# What was asked for?"),
        nbformat.v4.new_code_cell(
            "account: str = ''\nstart: str = ''\nend: str = ''\nsenders: list[str] = []",
            metadata={"tags": ["parameters"]},
        ),
        nbformat.v4.new_code_cell(
            "print(account, start, end, '+'.join(senders))", metadata={"tags": ["headline"]}
        ),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "asked.ipynb")
    words = ["--period", "last-month", "--sender", "A", "--sender", "B", "--account", "demo"]
    done = run("report", "asked.ipynb", *words, "--single-file", "--keep-notebooks")
    assert done.returncode == 0, done.stderr
    assert "asked: demo 2026-06-01 2026-07-01 A+B" in done.stdout, "the demo's clock stands at 1 July 2026"
    [folder] = (tmp_path / "reports").iterdir()
    assert re.fullmatch(r"demo-\d{4}-\d\d-\d\d-\d{6}", folder.name), "the time keeps earlier reports"
    assert {path.name for path in folder.iterdir()} == {"report.html", "asked.ipynb"}
    assert "asked: done after" in done.stderr
    wrong = run("report", "asked.ipynb", "--period", "last-week", "--start", "2026-06-01")
    assert (wrong.returncode, wrong.stderr) == (1, "optkit: give either --period, or --start and --end\n")


def test_messages_are_refreshed_listed_verified_and_cleared(run: Run) -> None:
    messages = optkit.demo_messages(recipients=100)
    with Emulator(HISTORY, messages, clock=datetime(2026, 7, 1, tzinfo=UTC)) as server:
        settings = {"base_url": server.url, "token": server.token}
        done = run("refresh", "--messages", **settings)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{messages.height:,} messages in 181 windows are cached")
        assert "expired" in run("coverage", "--messages", **settings).stdout
        assert run("verify", "--messages", **settings).stdout == "181 files, all as they were written\n"
        assert run("coverage", **settings).stdout.count("2026") == 0
        assert (
            run("clear", "--messages", "--expired", "--yes", **settings).stdout == "181 windows forgotten\n"
        )


@pytest.mark.parametrize("words", [["settings"], ["coverage"], ["report", "--help"]])
def test_a_reader_who_stops_early_is_not_an_error(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "optkit", *words], stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_the_output_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "optkit", "settings"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"optkit: the output cannot be written (No space left on device)\n"
