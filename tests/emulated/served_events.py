"""Events for an emulator to serve, and requests for them."""

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import requests

from optkit.emulator import Emulator
from optkit.history import SCHEMA

CLOCK = datetime(2026, 7, 1, tzinfo=UTC)
START = datetime(2026, 6, 1, 0, 0, 0, 250_000, tzinfo=UTC)
FIRST = 1780272000250  # START in ms
PATH = "/api/v2/sms/opt-status"


def events(count: int, after: timedelta = timedelta()) -> pl.DataFrame:
    """Return events, one per second, each of another recipient, all opt-outs."""
    return pl.DataFrame(
        {
            "to_phone": [f"+1{200 + i // 100}55501{i % 100:02d}" for i in range(count)],
            "from_phone": ["18181"] * count,
            "created_at": [START + after + timedelta(seconds=i) for i in range(count)],
            "status": ["opt-out"] * count,
        },
        schema={name: SCHEMA[name] for name in ("to_phone", "from_phone", "created_at", "status")},
    )


def get(server: Emulator, path: str = PATH, **params: object) -> requests.Response:
    texts = {name: str(value) for name, value in params.items()}
    headers = {"access-token": server.token}
    return requests.get(server.url + path, texts, headers=headers, timeout=10, allow_redirects=False)


def times(server: Emulator, **params: object) -> list[Any]:
    return [entry["created_at"] for entry in get(server, PATH, **params).json()["entries"]]


def raw(server: Emulator, **params: object) -> socket.socket:
    """Send a request; the caller reads the response."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    query = "&".join(f"{name}={value}" for name, value in params.items())
    head = f"GET {PATH}?{query} HTTP/1.1\r\nhost: {host}\r\naccess-token: {server.token}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def hangs(server: Emulator) -> bool:
    """Return whether the next request gets no response."""
    with raw(server) as connection:
        connection.settimeout(0.2)
        try:
            return not connection.recv(1)
        except TimeoutError:
            return True


def statuses(server: Emulator, count: int) -> list[int]:
    return [get(server).status_code for _ in range(count)]
