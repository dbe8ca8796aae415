"""Shared by loads over real HTTP: an empty cache, a table at the end of the run."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

import optkit
from optkit.emulator import Emulator

#: What the tests of a file do to a load or a command, one thing each.
_FAULTS: Final = {
    "test_answers.py": "answers that are not the documented JSON",
    "test_clocks.py": "clocks that are wrong",
    "test_disk.py": "disks that are full",
    "test_fetch.py": "filters that a server ignores, and intervals without time",
    "test_folders.py": "folders and files that cannot be used",
    "test_interruptions.py": "interruptions",
    "test_processes.py": "processes that share a folder",
    "test_proxies.py": "proxies",
    "test_tls.py": "certificates and TLS",
    "test_totals.py": "totals that contradict the entries",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    # from the reports, because tests run in other processes than this
    reports = terminalreporter.stats.get("passed", ())
    properties = [value for report in reports for name, value in report.user_properties if name == "outcomes"]
    outcomes = [(name, Counter(endings)) for name, endings in properties]
    files = [Path(report.nodeid.partition("::")[0]).name for report in reports]
    faults = Counter(_FAULTS[file] for file in files if file in _FAULTS)
    if not (outcomes or faults):
        return
    terminalreporter.section("loading over HTTP, mode by mode and fault by fault")
    for name, endings in outcomes:
        found = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
        terminalreporter.write_line(f"{name:45}{found}")
    for fault, count in sorted(faults.items()):
        terminalreporter.write_line(f"{fault:60}{count} as expected")
    modes = sum((endings for _, endings in outcomes), Counter[str]())
    tried = modes.total() + faults.total()
    terminalreporter.write_line(
        f"{tried:,} faults tried: {modes['exact']:,} loads exact, {modes.total() - modes['exact']:,} with a documented "
        f"error, {faults.total():,} others as expected"
    )


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[Emulator], None]:
    """Point optkit at an emulator, with an empty cache."""

    def to(server: Emulator) -> None:
        optkit.configure(
            base_url=server.url, token=server.token, cache_dir=tmp_path / "cache", account="tested"
        )

    return to
