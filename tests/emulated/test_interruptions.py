"""Ctrl-C, whatever a command is doing: one line, exit status 130, no traceback; what was committed stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from accounts import CLOCK, distinct, events_of, make_history

import optkit
from optkit.emulator import Emulator, Faults

HISTORY = make_history(600, days=28)
NUMBER = HISTORY["to_phone"][0]


@contextmanager
def command(server: Emulator, cache: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a command in a process group of its own, as a terminal does."""
    settings = {"BASE_URL": server.url, "TOKEN": server.token, "CACHE_DIR": str(cache), "WORKERS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", "from optkit.cli import main; main()", *words],
        env={**os.environ, **{f"OPTKIT_{name}": value for name, value in settings.items()}},
        cwd=cache.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def interrupt(process: "subprocess.Popen[str]") -> str:
    """Press Ctrl-C; return what the command says on standard error, having checked how it ends."""
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("words", "request_number"),
    [(["refresh"], 1), (["refresh"], 3), (["refresh"], 8), (["refresh", "--start", "2026-03-02"], 1)],
)
def test_ctrl_c_at_any_request_of_a_load_is_one_line(
    words: list[str], request_number: int, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    faults = Faults(hangs=request_number, hang_seconds=120)
    with Emulator(HISTORY, clock=CLOCK, faults=faults) as server, command(server, cache, *words) as process:
        while not any(record.fault == "hangs" for record in server.requests):
            assert process.poll() is None
            time.sleep(0.01)
        said = interrupt(process)
    assert said.count("\n") == 1
    assert said.startswith("optkit: stopped; the windows that were complete are cached")
    with Emulator(HISTORY, clock=CLOCK) as server:
        optkit.configure(base_url=server.url, token=server.token, cache_dir=cache, account="again")
        assert optkit.verify("default")["ok"].all()
        assert events_of(optkit.load()) == distinct(HISTORY)


def test_ctrl_c_while_a_number_is_asked_for_is_one_line(tmp_path: Path) -> None:
    faults = Faults(hangs=1, hang_seconds=120)
    with (
        Emulator(HISTORY, clock=CLOCK, faults=faults) as server,
        command(server, tmp_path / "cache", "status", NUMBER) as process,
    ):
        while not server.requests:
            assert process.poll() is None
            time.sleep(0.01)
        said = interrupt(process)
    assert said.count("\n") == 1
    assert said.startswith("optkit: stopped")
