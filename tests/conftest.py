"""What every test stands on: no setting of this machine reaches it, and it leaves none behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, sync_playwright

import optkit.config

#: Set in CI: what a machine lacks is then a failure, not a skipped test.
REQUIRE_ALL = bool(os.environ.get("OPTKIT_REQUIRE_ALL"))
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("OPTKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPTKIT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    yield
    optkit.config._configured.clear()


@pytest.fixture(autouse=True)
def doctest_names(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update(optkit=optkit, pl=pl, Path=Path)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's browser, for tests that must see what a reader sees."""
    if not CHROMIUM.exists():
        (pytest.fail if REQUIRE_ALL else pytest.skip)("needs chromium: apt-get install chromium")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()
