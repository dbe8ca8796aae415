"""What loads over real HTTP share: a client that does not wait long, a table at the end of the run."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

import optkit
import optkit.loading.session
from optkit.emulator import Emulator
from optkit.loading.retries import RetryPolicy

#: Lines for the end of the test run.
summary = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[summary] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[summary]:
        terminalreporter.section("loading over HTTP, mode by mode")
        for line in config.stash[summary]:
            terminalreporter.write_line(line)


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat requests as often as ever, but without long pauses."""
    policy = functools.partial(RetryPolicy, base=0.002, cap=0.01)
    monkeypatch.setattr(optkit.loading.session, "RetryPolicy", policy)


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[Emulator], None]:
    """Point optkit at an emulator, with an empty cache."""

    def to(server: Emulator) -> None:
        optkit.configure(
            base_url=server.url, token=server.token, cache_dir=tmp_path / "cache", account="tested"
        )

    return to


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> list[str]:
    """Lines that are printed at the end of the run."""
    return request.config.stash[summary]
