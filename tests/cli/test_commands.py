"""What each command does with its cache, and what it says when it cannot."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from accounts import CLOCK, make_history

import optkit
from optkit.emulator import Emulator, Faults

HISTORY = make_history(300)
Run = Callable[..., subprocess.CompletedProcess[str]]


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
    assert "2 files, all intact" in run("verify").stdout
    path = next(Path(account_folder(run)).glob("*.parquet"))
    path.write_bytes(path.read_bytes().replace(b"+1", b"+2"))
    assert run("verify").returncode == 1
    assert run("refresh", "--start", "2026-03-02", "--end", "2026-03-16", **account).returncode == 0
    assert "2 files, all intact" in run("verify").stdout
    path.write_bytes(path.read_bytes()[:-10])
    damaged = run("verify")
    assert damaged.returncode == 1
    assert "1 of 2 files are corrupt" in damaged.stderr
    assert run("clear").returncode == 1
    assert run("clear", "--yes").stdout == "2 windows deleted\n"


def account_folder(run: Run) -> str:
    table = run("settings").stdout
    line = next(line for line in table.splitlines() if "cache_dir" in line)
    return line.split("|")[2].strip() + "/default"


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


def test_messages_are_refreshed_listed_verified_and_cleared(run: Run) -> None:
    messages = optkit.demo_messages(recipients=100)
    with Emulator(HISTORY, messages, clock=datetime(2026, 7, 1, tzinfo=UTC)) as server:
        settings = {"base_url": server.url, "token": server.token}
        done = run("refresh", "--messages", **settings)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{messages.height:,} messages in 181 windows are cached")
        assert "expired" in run("coverage", "--messages", **settings).stdout
        assert run("verify", "--messages", **settings).stdout == "181 files, all intact\n"
        assert run("coverage", **settings).stdout.count("2026") == 0
        assert run("clear", "--messages", "--expired", "--yes", **settings).stdout == "181 windows deleted\n"
