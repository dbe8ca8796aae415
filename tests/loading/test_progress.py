"""The progress bar: seen by whoever watches a terminal, by nobody else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from accounts import CLOCK, make_history

from optkit.emulator import Emulator, Faults

pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX")
termios = pytest.importorskip("termios", reason="pseudo-terminals are POSIX")


def refresh(server: Emulator, cache: Path, stderr: int) -> "subprocess.CompletedProcess[str]":
    settings = {"base_url": server.url, "token": server.token, "cache_dir": str(cache)}
    return subprocess.run(
        [sys.executable, "-c", "from optkit.cli import main; main()", "refresh"],
        env={**os.environ, **{f"OPTKIT_{name.upper()}": value for name, value in settings.items()}},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=True,
        timeout=60,
    )


@pytest.fixture
def server() -> "Emulator":
    return Emulator(make_history(3000), clock=CLOCK, faults=Faults(latency=0.02))


def test_a_terminal_shows_windows_rows_and_time_left(server: Emulator, tmp_path: Path) -> None:
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (30, 120))
    with server:
        refresh(server, tmp_path, terminal)
    os.close(terminal)
    shown = os.read(screen, 1_000_000).decode()
    os.close(screen)
    assert re.search(r"optkit \|[^|]+\| \d+/6 windows, [\d,]+ rows.*, \d\d:\d\d left", shown)
    assert shown.endswith("\r"), "the line is wiped at the end"


def test_a_log_shows_nothing(server: Emulator, tmp_path: Path) -> None:
    with server:
        done = refresh(server, tmp_path, subprocess.PIPE)
    assert done.stderr == ""
    assert "events in" in done.stdout
