"""Commands as a user types them: exit status, standard output, standard error."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from accounts import CLOCK, make_history

from optkit.cli import main
from optkit.emulator import Emulator

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a command: only the cache folder is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPTKIT_")}
    return kept | {"OPTKIT_CACHE_DIR": str(tmp_path / "cache"), "COLUMNS": "200"}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: starting one takes far longer than most commands do."""

    def command(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        capfd.readouterr()
        with (
            Path(os.devnull).open() as nothing,
            pytest.MonkeyPatch.context() as patch,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("default")
            for name, value in environment.items() | _named(settings).items():
                patch.setenv(name, value)
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["optkit", *words])
            patch.setattr(sys, "stdin", nothing)
            with pytest.raises(SystemExit) as ending:
                main()
        return subprocess.CompletedProcess(words, int(ending.value.code or 0), *capfd.readouterr())

    return command


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run a command in a process of its own."""

    def command(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "optkit", *words],
            env=environment | _named(settings),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )

    return command


def _named(settings: dict[str, str]) -> dict[str, str]:
    return {f"OPTKIT_{name.upper()}": value for name, value in settings.items()}


@pytest.fixture
def account() -> Iterator[dict[str, str]]:
    """Serve an account; yield the settings that lead to it."""
    with Emulator(make_history(300), clock=CLOCK) as server:
        yield {"base_url": server.url, "token": server.token}
