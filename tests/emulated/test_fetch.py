"""`fetch` and the command `status`: what the server says of a number, and nobody else's events."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from accounts import CLOCK, make_history

import optkit
from optkit.emulator import ApiVariant, Emulator

HISTORY = make_history(300)
NUMBER = HISTORY["to_phone"][0]
IGNORANT = ApiVariant(ignores_filters=True)


@pytest.mark.parametrize(
    ("name", "value"), [("to_phone", NUMBER), ("from_phone", "24365"), ("status", "opt-out")]
)
def test_a_server_that_ignores_a_filter_is_an_error(
    name: str, value: str, connect: Callable[[Emulator], None]
) -> None:
    with Emulator(HISTORY, clock=CLOCK, variant=IGNORANT) as server:
        connect(server)
        with pytest.raises(optkit.ResponseError, match=f"another {name} than it was asked for") as caught:
            optkit.fetch(**{name: value})
    assert value not in str(caught.value)


def test_status_prints_only_events_of_the_number(tmp_path: Path) -> None:
    with Emulator(HISTORY, clock=CLOCK, variant=IGNORANT) as server:
        done = subprocess.run(
            [sys.executable, "-c", "from optkit.cli import main; main()", "status", NUMBER],
            env={
                "OPTKIT_BASE_URL": server.url,
                "OPTKIT_TOKEN": server.token,
                "OPTKIT_CACHE_DIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("optkit: the server sends events with another to_phone")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("start", "end"), [("2026-03-10", "2026-03-09"), ("2026-03-10", "2026-03-10"), (None, "1970-01-01")]
)
def test_an_empty_interval_is_an_error(
    start: str | None, end: str, connect: Callable[[Emulator], None]
) -> None:
    with Emulator(HISTORY, clock=CLOCK) as server:
        connect(server)
        with pytest.raises(optkit.SettingsError, match="start must be before end"):
            optkit.fetch(to_phone=NUMBER, start=start, end=end)
        assert not server.requests


@pytest.mark.parametrize("call", [optkit.load, optkit.fetch])
@pytest.mark.parametrize("name", ["to_phone", "from_phone"])
def test_an_empty_number_is_an_error(
    call: Callable[..., object], name: str, connect: Callable[[Emulator], None]
) -> None:
    with Emulator(HISTORY, clock=CLOCK) as server:
        connect(server)
        with pytest.raises(optkit.SettingsError, match=name):
            call(**{name: " "})
        assert not server.requests


def test_events_of_a_number_that_are_counted_and_not_sent_are_an_error(
    connect: Callable[[Emulator], None],
) -> None:
    year = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    with Emulator(HISTORY, clock=CLOCK, variant=ApiVariant(withheld=year)) as server:
        connect(server)
        with pytest.raises(optkit.DriftError, match="counts another number of events than it sends"):
            optkit.fetch(to_phone=NUMBER)
