"""The endpoint of messages, as it is documented."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import requests
from served_messages import (
    CLOCK,
    EVENTS,
    FIRST,
    JSON_PATH,
    MESSAGES,
    PATH,
    START,
    ask,
    get,
    ids,
    make_messages,
)

from optkit.emulator import Emulator
from optkit.emulator.personal_data import EMAIL_DOMAIN, FIRST_NAMES, LAST_NAMES
from optkit.messages import FAILURE

CURL = shutil.which("curl") or ""


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK) as running:
        yield running


@pytest.mark.parametrize("path", [JSON_PATH, PATH])
def test_an_entry_has_what_the_sample_has(server: Emulator, path: str) -> None:
    page = ask(server, path)
    entries = page.pop("entries")
    assert page == {
        "current_page": 1,
        "per_page": 25,
        "total_entries": 400,
        "total_pages": 16,
        "time_token": 1782864000.0,
    }
    assert [entry["id"] for entry in entries] == [1399 - i for i in range(25)]
    entry = entries[0]  # number 399, the newest
    user, content, recipient = entry.pop("user"), entry.pop("content"), entry.pop("recipient_uuid")
    assert entry == {
        "id": 1399,
        "delivery_status": "rejected",  # a word that no document knows, for "other"
        "message_uuid": None,
        "created_at": FIRST // 1000 + 399 * 60,
        "conversation_uuid": None,
        "language": "es-US",
        "execution": {"id": 907, "created_at": FIRST // 1000 + 350 * 60},
        "delivery_channel": "sms",
        "from_phone": "24365",
        "filters": [],
        "response_set": {"id": 700, "name": None},
        "error": None,
        "error_code": None,
        "campaign": {"id": 501, "name": "Offers"},
        "to_phone": "+12405550100",
    }
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", recipient)
    assert user.keys() == {"phone", "email", "first_name", "last_name", "dob", "account_balance"}
    assert user["phone"] == entry["to_phone"]
    assert len(content) == 159


def test_every_recipient_has_made_up_personal_data(server: Emulator) -> None:
    entries = [entry for page in range(1, 5) for entry in ask(server, per_page=100, page=page)["entries"]]
    by_phone: dict[str, set[str]] = {}
    for entry in entries:
        user = entry["user"]
        assert user["first_name"] in FIRST_NAMES
        assert user["last_name"] in LAST_NAMES
        assert user["email"].endswith(f"@{EMAIL_DOMAIN}")
        assert re.fullmatch(r"(0[1-9]|1[0-2])/([01]\d|2\d)/(19|20)\d\d", user["dob"])
        assert user["first_name"] in entry["content"]
        by_phone.setdefault(entry["to_phone"], set()).add(json.dumps(user))
    assert {len(users) for users in by_phone.values()} == {1}
    assert len(by_phone) == 40


def test_texts_have_the_length_and_the_stop_word_that_the_messages_say(server: Emulator) -> None:
    said = dict(MESSAGES.select("message_id", pl.struct("characters", "mentions_stop")).iter_rows())
    for page in range(1, 5):
        for entry in ask(server, per_page=100, page=page)["entries"]:
            words = re.findall(r"[A-Z]+", entry["content"])
            assert len(entry["content"]) == said[entry["id"]]["characters"]
            assert ("STOP" in words) == said[entry["id"]]["mentions_stop"]


def test_errors_hold_a_part_of_the_number(server: Emulator) -> None:
    failed = MESSAGES.filter(pl.col("failure").is_not_null())
    entries = ask(server, per_page=100, delivery_status="failed,skipped")["entries"]
    assert [entry["id"] for entry in entries] == failed["message_id"].to_list()[::-1]
    assert len({entry["error"].partition(" (")[0] for entry in entries}) == len(FAILURE.categories)
    for entry in entries:
        assert entry["error"].endswith(f"({entry['to_phone'][:7]}...)")
        assert re.fullmatch(r"AVM\d{4}|None", str(entry["error_code"]))
    assert 0 < sum(entry["error_code"] is None for entry in entries) < len(entries)


def test_messages_of_one_campaign_to_one_recipient_share_a_uuid(server: Emulator) -> None:
    seen: dict[tuple[int, str], set[str]] = {}
    for page in range(1, 5):
        for entry in ask(server, per_page=100, page=page)["entries"]:
            seen.setdefault((entry["campaign"]["id"], entry["to_phone"]), set()).add(entry["recipient_uuid"])
    assert {len(uuids) for uuids in seen.values()} == {1}
    assert len(set.union(*seen.values())) == len(seen)


FILTERS: list[tuple[dict[str, Any], pl.Expr]] = [
    ({"to_phone": "+12075550100"}, pl.col("to_phone") == "+12075550100"),
    ({"user[phone]": "+12075550100"}, pl.col("to_phone") == "+12075550100"),
    ({"to_phone": "+12075550199"}, pl.lit(False)),
    ({"from_phone": "24365"}, pl.col("from_phone") == "24365"),
    ({"campaign_id": 501}, pl.col("campaign_id") == 501),
    ({"campaign_id": "500,501"}, pl.lit(True)),
    ({"campaign_id": "499"}, pl.lit(False)),
    ({"execution_id": "901,903"}, pl.col("execution_id").is_in([901, 903])),
    ({"response_set_id": "702"}, pl.col("response_set_id") == 702),
    ({"language[]": "es-US"}, pl.col("language") == "es-US"),
    ({"language[]": ["es-US", "en-US"]}, pl.lit(True)),
    ({"delivery_status": "delivered"}, pl.col("delivery_status") == "delivered"),
    ({"delivery_status[]": ["failed", "sent"]}, pl.col("delivery_status").is_in(["failed", "sent"])),
    ({"delivery_channel": "sms"}, pl.lit(True)),
    ({"delivery_channel": "voice"}, pl.lit(False)),
    ({"delivery_channel": "sms", "channel_id": "301"}, pl.lit(True)),
    ({"delivery_channel": "sms", "channel_id": "302"}, pl.lit(False)),
    ({"agent_id": "77"}, pl.lit(True)),
    ({"agent_id": "78"}, pl.lit(False)),
    ({"filter_id": "1"}, pl.lit(False)),
    ({"message_uuid": "1-2"}, pl.lit(False)),
    ({"conversation_uuid": "1-2"}, pl.lit(False)),
    ({"to_email": "a@example.com"}, pl.lit(False)),
    ({"start_time": FIRST, "end_time": FIRST}, pl.col("message_id") == 1000),
    ({"start_time": FIRST + 1, "end_time": FIRST + 180_000}, pl.col("message_id").is_between(1001, 1003)),
    ({"start_time": FIRST + 180_000, "end_time": FIRST}, pl.lit(False)),
    (
        {"campaign_id": 501, "delivery_status": "sent"},
        (pl.col("campaign_id") == 501) & (pl.col("delivery_status") == "sent"),
    ),
    ({"colour": "red", "campaign_id": 500}, pl.col("campaign_id") == 500),
]


@pytest.mark.parametrize(("params", "expected"), FILTERS, ids=[json.dumps(params) for params, _ in FILTERS])
def test_every_parameter_filters_as_documented(
    server: Emulator, params: dict[str, Any], expected: pl.Expr
) -> None:
    first = ask(server, per_page=100, **params)
    numbers = range(1, first["total_pages"] + 2)
    pages = [ask(server, per_page=100, page=number, **params) for number in numbers]
    wanted = MESSAGES.filter(expected)["message_id"].to_list()
    assert [entry["id"] for page in pages for entry in page["entries"]] == wanted[::-1]
    assert {page["total_entries"] for page in pages} == {len(wanted)}
    assert pages[-1]["entries"] == []


def test_entries_can_be_filtered_by_properties_of_the_user(server: Emulator) -> None:
    entry = ask(server)["entries"][7]
    to_the_same = MESSAGES.filter(pl.col("to_phone") == entry["to_phone"])
    user, of_campaign = entry["user"], to_the_same.filter(pl.col("campaign_id") == entry["campaign"]["id"])
    assert ids(server, **{"user[email]": user["email"]}) == to_the_same["message_id"].to_list()[::-1]
    assert entry["id"] in ids(server, **{"user[first_name]": user["first_name"], "user[dob]": user["dob"]})
    assert ids(server, recipient_uuid=entry["recipient_uuid"]) == of_campaign["message_id"].to_list()[::-1]


def test_entries_can_be_filtered_by_error_code(server: Emulator) -> None:
    entries = ask(server, per_page=100, delivery_status="failed")["entries"]
    codes = {entry["error_code"] for entry in entries} - {None}
    code = min(codes)
    found = ask(server, per_page=100, error_code=code, delivery_status="failed")["entries"]
    assert found == [entry for entry in entries if entry["error_code"] == code]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"),
        ("per_page", "all"),
        ("start_time", "yesterday"),
        ("end_time", "2026-01-01"),
        ("delivery_status", "Delivered"),
        ("delivery_channel", "mail"),
        ("campaign_id", "flu"),
        ("channel_id", "301"),
    ],
)
def test_an_invalid_parameter_is_named(server: Emulator, name: str, value: str) -> None:
    answer = get(server, **{name: value})
    assert answer.status_code == 400
    assert answer.json()["parameter"] == name
    assert answer.json()["error"].startswith(f"{name} must be ")


def test_both_endpoints_are_on_one_server_with_one_token(server: Emulator) -> None:
    headers = {"access-token": server.token}
    page = requests.get(f"{server.url}/api/v2/sms/opt-status", headers=headers, timeout=10).json()
    assert (page["total_entries"], page["entries"]) == (0, [])
    for sent in ({}, {"access-token": "wrong"}):
        answer = requests.get(server.url + PATH, headers=sent, timeout=10)
        assert (answer.status_code, list(answer.json())) == (401, ["error"])


# --- how far back


def test_the_default_start_is_three_days_before_the_end() -> None:
    spread = make_messages(12, every=timedelta(days=1))
    with Emulator(EVENTS, spread, clock=START + timedelta(days=30)) as server:
        newest = START + timedelta(days=5, hours=1)
        page = get(server, end_time=round(newest.timestamp() * 1000)).json()
        assert [entry["id"] for entry in page["entries"]] == [1005, 1004, 1003]
        assert get(server).json()["entries"] == []  # three days before now
        server.clock = START + timedelta(days=11)
        assert [entry["id"] for entry in get(server).json()["entries"]] == [1011, 1010, 1009, 1008]


def test_a_start_before_the_last_six_months_is_moved_up_without_an_error() -> None:
    year = make_messages(365, start=datetime(2025, 9, 1, tzinfo=UTC), every=timedelta(days=1))
    with Emulator(EVENTS, year, clock=datetime(2026, 8, 31, 12, tzinfo=UTC)) as server:
        answer = ask(server, start_time=0, per_page=100, page=2)
        # 2026-02-31 does not exist: six months before 2026-08-31 12:00 is 2026-02-28 12:00
        assert answer["total_entries"] == 184
        first_of_march = 1000 + (date(2026, 3, 1) - date(2025, 9, 1)).days
        assert min(ids(server, start_time=0, page=2)) == first_of_march
        before = round(datetime(2026, 2, 1, tzinfo=UTC).timestamp() * 1000)
        assert ids(server, start_time=0, end_time=before) == []


def test_messages_are_visible_from_their_time_on() -> None:
    with Emulator(EVENTS, MESSAGES, clock=START + timedelta(minutes=9, seconds=1)) as server:
        assert len(ids(server)) == 10
        server.clock = CLOCK
        assert ask(server)["total_entries"] == 400


#: The calls of the vendor's document, with the host left out.
CURL_CALLS = {
    "the snippet": ("/api/v2/campaigns/insights.json", 0),
    "a campaign": (f"/api/v2/campaigns/insights?start_time={FIRST}&campaign_id=500", 200),
    "failed": (f"/api/v2/campaigns/insights?start_time={FIRST}&delivery_status[]=failed", 50),
    "one recipient": (f"/api/v2/campaigns/insights?start_time={FIRST}&to_phone=%2B12075550100", 10),
}


@pytest.mark.skipif(not CURL, reason="curl is not installed")
@pytest.mark.parametrize(("call", "entries"), CURL_CALLS.values(), ids=CURL_CALLS.keys())
def test_the_vendors_curl_calls_work(server: Emulator, call: str, entries: int) -> None:
    command = [CURL, "--silent", "--globoff", "--location", "--request", "GET", server.url + call]
    command += ["--header", f"access-token: {server.token}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)["total_entries"] == entries
