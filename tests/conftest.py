"""What several folders of tests need: a browser that a machine may lack, and loads that neither pause nor hash long."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from optkit.loading import identity, retries

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Set in CI: what a machine lacks is then a failure, not a skipped test.
REQUIRE_ALL = bool(os.environ.get("OPTKIT_REQUIRE_ALL"))
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat requests as often as ever, but without long pauses."""
    monkeypatch.setattr(retries, "BASE", 0.002)
    monkeypatch.setattr(retries, "CAP", 0.01)


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash tokens with little work, in tests that load often; other processes cannot use their folders."""
    monkeypatch.setattr(identity, "WORK", 2)


@pytest.fixture(scope="module")  # not of the session: while it is open, the thread's event loop is its
def chromium() -> Iterator["Browser"]:
    """Yield Debian's browser, for tests of what a reader sees."""
    if not CHROMIUM.exists():
        (pytest.fail if REQUIRE_ALL else pytest.skip)("needs chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # no page is open long enough for optimized code to pay for its compilation
    scripts = "--js-flags=--no-opt --no-maglev --single-threaded-gc"
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", scripts]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()
