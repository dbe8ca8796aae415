from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import requests

from optkit.emulator import Emulator
from optkit.history import SCHEMA

CLOCK = datetime(2026, 7, 1, tzinfo=UTC)
NEWEST = 1767225600000 + 999 * 60_000


@pytest.fixture(scope="module")
def history() -> pl.DataFrame:
    """1,000 events, one a minute from 2026-01-01, 100 recipients in turn; every third is an opt-in."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "to_phone": [f"+1212555{100 + i % 100:04d}" for i in range(1000)],
            "from_phone": ["78787" if i % 2 else "+12135550199" for i in range(1000)],
            "created_at": [start + timedelta(minutes=i) for i in range(1000)],
            "status": ["opt-out" if i % 3 else "opt-in" for i in range(1000)],
        },
        schema={name: SCHEMA[name] for name in ("to_phone", "from_phone", "created_at", "status")},
    )


@pytest.fixture(scope="module")
def server(history: pl.DataFrame) -> Iterator[Emulator]:
    with Emulator(history, clock=CLOCK) as running:
        yield running


def ask(server: Emulator, path: str = "/api/v2/sms/opt-status.json", **params: object) -> dict[str, Any]:
    answer = requests.get(
        server.url + path,
        params={name: str(value) for name, value in params.items()},
        headers={"access-token": server.token},
        timeout=10,
    )
    assert answer.status_code == 200
    page: dict[str, Any] = answer.json()
    return page


@pytest.mark.parametrize("path", ["/api/v2/sms/opt-status.json", "/api/v2/sms/opt-status"])
def test_without_parameters_it_answers_the_newest_25(server: Emulator, path: str) -> None:
    page = ask(server, path)
    entries = page.pop("entries")
    assert page == {
        "current_page": 1,
        "per_page": 25,
        "total_entries": 1000,
        "total_pages": 40,
        "time_token": 1782864000.0,
    }
    assert [entry["created_at"] for entry in entries] == [NEWEST - 60_000 * i for i in range(25)]
    assert entries[0] == {
        "to_phone": "+12125550199",
        "from_phone": "78787",
        "created_at": NEWEST,
        "status": "opt-in",
        "current_status": "opt-in",
    }
