"""Shared by all tests and doctests: no setting of this machine reaches them, and they leave none behind."""

import gc
import os
import sys
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Let processes share compiled modules where the machine says that Python writes none: tests start many.

    Libraries are imported after that, and not at the top of this file.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(config.cache.mkdir("bytecode"))
        sys.dont_write_bytecode = False
    # jsonschema, which nbformat imports, would read a grammar of addresses for a second; no test checks an address
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    from hypothesis import settings

    # the same examples everywhere, however slow the machine
    settings.register_profile("optkit", derandomize=True, deadline=None, max_examples=60)
    settings.load_profile("optkit")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what collection makes to no garbage collection: a million objects live until the end of the run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


#: Files that take longest; they begin first, so that all processes end at about the same time.
LONGEST = (
    "test_notebooks_in_jupyterlab.py",
    "test_modes.py",
    "test_spark.py",
    "test_message_modes.py",
    "test_bad_input.py",
    "test_notebooks_on_other_accounts.py",
    "test_runner.py",
    "test_processes.py",
    "test_secrets.py",
    "test_kills.py",
    "test_privacy.py",
    "test_agreement_messages.py",
    "test_returns.py",
    "test_analysts_day.py",  # would be the last long one by its path
    "test_types.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return paths of new folders: `mktemp` looks through all folders of the run for each."""
    together = tmp_path_factory.mktemp("caches")
    return (together / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, caches: Iterator[Path]) -> Iterator[None]:
    cache = next(caches)
    cache.mkdir(mode=0o700)
    for name in [name for name in os.environ if name.startswith("OPTKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPTKIT_CACHE_DIR", str(cache))
    yield
    from optkit.config import _configured

    _configured.clear()


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
