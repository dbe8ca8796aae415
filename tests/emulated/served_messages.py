"""Messages for an emulator to serve, and requests for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import requests

from optkit.emulator import Emulator
from optkit.history import SCHEMA as HISTORY
from optkit.messages import FAILURE, SCHEMA

CLOCK = datetime(2026, 7, 1, tzinfo=UTC)
START = datetime(2026, 6, 1, tzinfo=UTC)
FIRST = 1780272000000  # START in ms
JSON_PATH, PATH = "/api/v2/campaigns/insights.json", "/api/v2/campaigns/insights"
EVENTS = pl.DataFrame(schema=HISTORY)
STATUSES = ["delivered", "sent", "undelivered", "failed", "skipped", "delivered", "delivered", "other"]


def make_messages(
    count: int, *, start: datetime = START, every: timedelta = timedelta(minutes=1)
) -> pl.DataFrame:
    """Return messages of two campaigns to 40 people in turn, every second one from a short code."""
    failures = FAILURE.categories.to_list()
    rows = [
        {
            "message_id": 1000 + i,
            "to_phone": f"+1{201 + i % 40}5550100",
            "from_phone": "24365" if i % 2 else "+12125550180",
            "sent_at": start + i * every,
            "delivery_status": STATUSES[i % 8],
            "failure": failures[i // 8 % 13] if STATUSES[i % 8] in {"failed", "skipped"} else None,
            "campaign_id": 500 + i % 2,
            "execution_id": 900 + i // 50,
            "response_set_id": 700 + i % 3,
            "campaign": ["Flu vaccination", "Offers"][i % 2],
            "language": ["en-US", "es-US"][i % 2],
            "executed_at": start + i // 50 * 50 * every,
            "characters": 60 + i % 100,
            "mentions_stop": i % 5 == 0,
        }
        for i in range(count)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


MESSAGES = make_messages(400)


def get(server: Emulator, path: str = JSON_PATH, **params: object) -> requests.Response:
    return requests.get(server.url + path, params, headers={"access-token": server.token}, timeout=10)  # type: ignore[arg-type]


def ask(server: Emulator, path: str = JSON_PATH, **params: object) -> dict[str, Any]:
    answer = get(server, path, **{"start_time": FIRST, **params})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def ids(server: Emulator, **params: object) -> list[int]:
    return [entry["id"] for entry in ask(server, JSON_PATH, **{"per_page": 100, **params})["entries"]]
