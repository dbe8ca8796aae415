"""Commands in a process of their own: what the shell, a terminal, a pipe or a full disk does to them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import requests

import optkit
from optkit.demo import CLOCK as DEMO_CLOCK

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_shell_completes_commands() -> None:
    asked = {"_OPTKIT_COMPLETE": "complete_bash", "COMP_WORDS": "optkit re", "COMP_CWORD": "1"}
    script = Path(sys.executable).with_name("optkit")
    done = subprocess.run([script], env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refresh", "report"]


def test_a_process_ends_with_the_status_of_its_command(start: Run, account: dict[str, str]) -> None:
    done = start("refresh", "--start", "2026-03-02", "--end", "2026-03-16", **account)
    assert (done.returncode, done.stderr) == (0, "")
    assert "in 2 windows" in done.stdout
    failed = start("refresh", token="", base_url="nowhere")
    assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (1, "", 1)
    assert failed.stderr.startswith("optkit: ")
    assert start("refresh", "--speed", "9").returncode == 2


def test_the_emulator_serves_until_ctrl_c(run: Run) -> None:
    command = [sys.executable, "-c", "from optkit.cli import main; main()", "emulator", "--rows", "500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "export" in line)
            settings = dict(word.removeprefix("OPTKIT_").split("=") for word in line.split()[1:])
            done = run("refresh", **{name.lower(): value for name, value in settings.items()})
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
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
                timeout=60,
            ).json()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert page["total_entries"] == messages.height


def test_suppress_writes_through_a_device(start: Run, account: dict[str, str]) -> None:
    done = start("suppress", "--out", "/dev/stdout", **account)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("from_phone,to_phone,opted_out_at")
    full = start("suppress", "--out", "/dev/full", **account)
    assert (full.returncode, full.stderr.count("\n")) == (1, 1)
    assert "/dev/full cannot be written (No space left on device" in full.stderr


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
