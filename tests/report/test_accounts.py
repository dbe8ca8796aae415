"""The account of a report: a named account is never replaced by the made-up one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

NOTEBOOK = (
    "# How many events?",
    ("parameters", "account: str | None = None"),
    "from optkit import display\ndata = display.open_account(account)\ndata",
    ("headline", "from IPython.display import Markdown\nMarkdown(f'{data.history.height:,} events')"),
)


@pytest.fixture
def report(
    make_notebook: Callable[..., Path], tmp_path: Path
) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run the command `report` on a notebook that counts events."""
    notebook = make_notebook("events", *NOTEBOOK)

    def run(*words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        environment = {f"OPTKIT_{name.upper()}": value for name, value in settings.items()}
        environment["OPTKIT_CACHE_DIR"] = str(tmp_path / "cache")
        return subprocess.run(
            [sys.executable, "-c", "from optkit.cli import main; main()", "report", notebook, *words],
            env={**os.environ, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_an_account_that_is_named_never_becomes_the_demo(
    report: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    for words, settings in (((), {"account": "acme"}), (("--account", "acme"), {})):
        done = report(*words, **settings)
        assert done.returncode == 1
        assert "there is no token and nothing is cached" in done.stdout
        assert "DEMO" not in done.stdout + done.stderr
    assert not (tmp_path / "cache" / "demo").exists()


def test_each_line_about_the_demo_says_so(
    report: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    done = report()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("DEMO events: ")
