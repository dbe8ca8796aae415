"""Names, mail addresses, birth dates and texts are part of every message, and of nothing that optkit keeps or shows."""

import functools
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import requests
from accounts import CLOCK, make_history, make_messages

import optkit
from optkit import report
from optkit.emulator import ApiVariant, Emulator
from optkit.emulator.message_entries import ERRORS
from optkit.emulator.personal_data import (
    EMAIL_DOMAIN,
    FIRST_NAMES,
    LAST_NAMES,
    SENTENCE,
    make_people,
    person_numbers,
)
from optkit.loading.session import ApiSession

Connect = Callable[[Emulator], None]
ASKED = ("2026-03-10", "2026-03-20")
HISTORY = make_history(60)
MESSAGES = make_messages(700)
WITHHELD = (datetime(2026, 3, 12, tzinfo=UTC), datetime(2026, 3, 13, tzinfo=UTC))

#: What makes a load of messages end with an error: in decoding, in reading times, in comparing pages and totals.
BROKEN: dict[str, dict[str, Any]] = {
    "an id that is null": {"damage": "null", "damaged_field": "id", "damaged_every": 9},
    "an id that is text": {"damage": "unknown", "damaged_field": "id", "damaged_every": 9},
    "no status": {"damage": "missing", "damaged_field": "delivery_status", "damaged_every": 9},
    "a time that is null": {"damage": "null", "damaged_field": "created_at", "damaged_every": 9},
    "a time that is no time": {"damage": "unknown", "damaged_field": "created_at", "damaged_every": 9},
    "an execution that is text": {"damage": "unknown", "damaged_field": "execution", "damaged_every": 9},
    "entries that are counted and not sent": {"withheld": WITHHELD},
    "one page under two numbers": {"stuck_page": 1, "per_page": 10},
}


def personal() -> list[str]:
    """Return all that the server says of the people in `MESSAGES`, and what is part of every text."""
    phones = [f'"{phone}"'.encode() for phone in MESSAGES["to_phone"].unique()]
    people = make_people(person_numbers(phones))
    said = {str(value) for row in people.iter_rows() for value in row}
    errors = {error.partition("{")[0] for error in ERRORS.values()}
    return sorted(said | errors | {*FIRST_NAMES, *LAST_NAMES, EMAIL_DOMAIN, SENTENCE[:20], "Dear "})


def found_in(*texts: str) -> list[str]:
    """Return which of what is personal stands in one of some texts."""
    together = "\n".join(texts)
    return [word for word in personal() if word in together]


def texts_of(files: list[Path]) -> list[str]:
    """Return what files hold: Parquet as it stands and decoded."""
    decoded = [str(pl.read_parquet(file).to_dicts()) for file in files if file.suffix == ".parquet"]
    return (
        decoded
        + [file.read_bytes().decode("latin-1") for file in files]
        + [file.read_bytes().decode("utf-8", "replace") for file in files]
    )


def test_the_server_sends_what_must_not_be_found() -> None:
    with Emulator(HISTORY, MESSAGES, clock=CLOCK) as server:
        answer = requests.get(
            f"{server.url}/api/v2/campaigns/insights",
            params={"start_time": 1, "end_time": 10**13, "per_page": 100},
            headers={"access-token": server.token},
            timeout=300,
        )
    users = [str(entry["user"]) for entry in answer.json()["entries"]]
    contents = [entry["content"] for entry in answer.json()["entries"]]
    assert len(found_in(*users)) > 100
    assert all(found_in(content) for content in contents)


def test_no_page_no_cache_file_and_no_log_has_it(
    connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    get = ApiSession.get

    def spy(self: ApiSession, *args: Any, **named: Any) -> Any:
        page = get(self, *args, **named)
        decoded.append(repr(page))
        return page

    monkeypatch.setattr(ApiSession, "get", spy)
    with caplog.at_level(logging.DEBUG), Emulator(HISTORY, MESSAGES, clock=CLOCK) as server:
        connect(server)
        loaded = optkit.load_messages(*ASKED)
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert found_in(str(loaded.to_dicts()), caplog.text, *decoded, *texts_of(files)) == []
    assert "campaigns/insights" in caplog.text
    assert len(decoded) > 10
    assert len(files) > 10


@pytest.mark.parametrize("name", BROKEN)
def test_no_error_has_it(
    name: str, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    variant = ApiVariant(**BROKEN[name])
    with caplog.at_level(logging.DEBUG), Emulator(HISTORY, MESSAGES, clock=CLOCK, variant=variant) as server:
        connect(server)
        with pytest.raises((optkit.ResponseError, optkit.DriftError)) as caught:
            optkit.load_messages(*ASKED)
    said = "".join(traceback.format_exception(caught.value))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert found_in(said, caplog.text, *texts_of(files)) == []
    assert "1212555" not in said + caplog.text


def test_no_page_of_a_report_and_no_executed_notebook_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = functools.partial(report.run, keep_notebooks=True, parameters={"account": "tested"})
    damaged = ApiVariant(damage="null", damaged_field="id", damaged_every=9)
    monkeypatch.setenv("OPTKIT_CACHE_DIR", str(tmp_path / "cache"))
    with Emulator(HISTORY, MESSAGES, clock=CLOCK) as server:
        monkeypatch.setenv("OPTKIT_BASE_URL", server.url)
        monkeypatch.setenv("OPTKIT_TOKEN", server.token)
        pages = run(["which_campaign", "did_we_stop"], out=tmp_path / "pages")
    assert [page.error for page in pages] == [None, None]
    with Emulator(HISTORY, MESSAGES, clock=CLOCK, variant=damaged) as server:
        monkeypatch.setenv("OPTKIT_BASE_URL", server.url)
        monkeypatch.setenv("OPTKIT_TOKEN", server.token)
        monkeypatch.setenv("OPTKIT_CACHE_DIR", str(tmp_path / "other"))
        (failed,) = run(["which_campaign"], out=tmp_path / "failed")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".html", ".ipynb", ".parquet"}
    assert any(b"Reminders" in path.read_bytes() for path in files if path.suffix == ".html")
    assert "the field 'id' of entry" in failed.path.read_text("utf-8")
    assert found_in(*texts_of(files)) == []
