import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import requests

import optkit
from optkit.emulator import Emulator
from optkit.history import SCHEMA

CLOCK = datetime(2026, 7, 1, tzinfo=UTC)
FIRST = 1767225600000  # 2026-01-01T00:00Z
NEWEST = FIRST + 999 * 60_000
CURL, NODE = shutil.which("curl") or "", shutil.which("node") or ""
JSON_PATH, PATH = "/api/v2/sms/opt-status.json", "/api/v2/sms/opt-status"


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


def get(server: Emulator, path: str = JSON_PATH, **params: object) -> requests.Response:
    texts = {name: str(value) for name, value in params.items()}
    return requests.get(server.url + path, texts, headers={"access-token": server.token}, timeout=10)


def ask(server: Emulator, path: str = JSON_PATH, **params: object) -> dict[str, Any]:
    answer = get(server, path, **params)
    assert answer.status_code == 200
    page: dict[str, Any] = answer.json()
    return page


def reference(history: pl.DataFrame, **params: str | int) -> list[dict[str, Any]]:
    """Return what the document promises for `params`: a slow reference in plain Python, without pages."""
    rows = [
        {
            "to_phone": to_phone,
            "from_phone": from_phone,
            "created_at": round(created_at.timestamp() * 1000),
            "status": status,
        }
        for to_phone, from_phone, created_at, status in history.iter_rows()
    ]
    rows.sort(key=lambda row: row["created_at"])
    now = {(row["to_phone"], row["from_phone"]): row["status"] for row in rows}
    answer = []
    for row in reversed(rows):
        entry = {**row, "current_status": now[row["to_phone"], row["from_phone"]]}
        in_time = params.get("start_time", 0) <= row["created_at"] <= params.get("end_time", 10**15)
        if in_time and all(entry.get(name, value) == value for name, value in params.items()):
            answer.append(entry)
    return answer[:3] if "start_time" in params and "end_time" not in params else answer


@pytest.mark.parametrize("path", [JSON_PATH, PATH])
def test_without_parameters_the_newest_25_entries_are_returned(server: Emulator, path: str) -> None:
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


@pytest.mark.parametrize(
    "params",
    [
        {"to_phone": "+12125550107"},
        {"from_phone": "78787"},
        {"from_phone": "+12135550199", "status": "opt-in"},
        {"status": "opt-out"},
        {"current_status": "opt-out"},
        {"current_status": "opt-in", "status": "opt-out"},
        {"start_time": FIRST, "end_time": FIRST},
        {"start_time": FIRST + 60_000, "end_time": FIRST + 180_000},
        {"start_time": FIRST + 60_001, "end_time": FIRST + 179_999},
        {"start_time": FIRST + 180_000, "end_time": FIRST + 60_000},
        {"end_time": FIRST + 180_000},
        {"end_time": FIRST - 1},
        {"start_time": FIRST},
        {"start_time": NEWEST - 60_000},
        {"start_time": FIRST, "status": "opt-in"},
        {"start_time": FIRST + 60_000, "end_time": NEWEST, "to_phone": "+12125550100", "status": "opt-in"},
        {"to_phone": "+12125550999"},
        {"colour": "red", "to_phone": "+12125550100"},
    ],
)
def test_every_parameter_filters_as_documented(
    server: Emulator, history: pl.DataFrame, params: dict[str, Any]
) -> None:
    first = ask(server, per_page=100, **params)
    pages = [ask(server, per_page=100, page=page, **params) for page in range(1, first["total_pages"] + 2)]
    wanted = reference(history, **{name: value for name, value in params.items() if name != "colour"})
    assert [entry for page in pages for entry in page["entries"]] == wanted
    assert {page["total_entries"] for page in pages} == {len(wanted)}
    assert pages[-1]["entries"] == []
    assert [page["current_page"] for page in pages] == list(range(1, len(pages) + 1))


@pytest.mark.parametrize(
    ("per_page", "answered", "pages"),
    [(1, 1, 1000), (7, 7, 143), (100, 100, 10), (101, 100, 10), (5000, 100, 10)],
)
def test_per_page_is_at_most_100(server: Emulator, per_page: int, answered: int, pages: int) -> None:
    page = ask(server, per_page=per_page)
    assert (page["per_page"], len(page["entries"]), page["total_pages"]) == (answered, answered, pages)


def test_a_plus_that_is_not_encoded_is_a_space_and_matches_nothing(server: Emulator) -> None:
    headers = {"access-token": server.token}
    bare = requests.get(f"{server.url}{PATH}?to_phone=+12125550100", headers=headers, timeout=10).json()
    encoded = requests.get(f"{server.url}{PATH}?to_phone=%2B12125550100", headers=headers, timeout=10).json()
    assert (bare["total_entries"], encoded["total_entries"]) == (0, 10)
    assert server.requests[-2].params == {"to_phone": " 12125550100"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"),
        ("page", "-1"),
        ("page", "two"),
        ("page", ""),
        ("page", "1.5"),
        ("per_page", "0"),
        ("per_page", "all"),
        ("start_time", "yesterday"),
        ("end_time", "2026-01-01"),
        ("end_time", "1e12"),
        ("end_time", ""),
        ("status", "OPT-IN"),
        ("current_status", "out"),
    ],
)
def test_an_invalid_parameter_is_named(server: Emulator, name: str, value: str) -> None:
    answer = get(server, **{name: value})
    assert answer.status_code == 400
    assert answer.json()["parameter"] == name
    assert answer.json()["error"].startswith(f"{name} must be ")


def test_requests_without_the_token_get_401(server: Emulator) -> None:
    for headers in ({}, {"access-token": "wrong"}, {"authorization": server.token}):
        answer = requests.get(server.url + PATH, headers=headers, timeout=10)
        assert (answer.status_code, list(answer.json())) == (401, ["error"])


def test_other_paths_and_methods_get_json_errors(server: Emulator) -> None:
    headers = {"access-token": server.token}
    for path in ("/", "/api/v2/sms/opt-status/", "/api/v1/sms/opt-status.json"):
        assert (get(server, path).status_code, get(server, path).json()) == (404, {"error": "Not Found"})
    for method in ("POST", "PUT", "DELETE"):
        answer = requests.request(method, server.url + PATH, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()) == (405, {"error": "Method Not Allowed"})
        assert "GET" in answer.headers["allow"]


def test_requests_are_recorded_without_the_token(server: Emulator) -> None:
    del server.requests[:]
    get(server, page=2)
    get(server, status="maybe")
    get(server, "/elsewhere")
    seen = [(record.path, record.params, record.status) for record in server.requests]
    assert seen == [
        (JSON_PATH, {"page": "2"}, 200),
        (JSON_PATH, {"status": "maybe"}, 400),
        ("/elsewhere", {}, 404),
    ]
    assert server.requests[0].at <= server.requests[1].at <= server.requests[2].at
    assert server.token not in repr(server.requests) + repr(server)


def test_in_a_tie_the_opt_out_counts_and_comes_first(history: pl.DataFrame) -> None:
    tie = history.head(1).with_columns(status=pl.Series(["opt-out"], dtype=SCHEMA["status"]))
    with Emulator(pl.concat([tie, history.head(1)]), clock=CLOCK) as server:
        entries = ask(server)["entries"]
    assert [entry["status"] for entry in entries] == ["opt-out", "opt-in"]
    assert {entry["current_status"] for entry in entries} == {"opt-out"}


def test_exact_duplicates_are_all_returned(history: pl.DataFrame) -> None:
    with Emulator(pl.concat([history.head(2), history.head(2)]), clock=CLOCK) as server:
        assert ask(server)["total_entries"] == 4


def test_an_empty_account_has_no_pages() -> None:
    with Emulator(pl.DataFrame(schema=SCHEMA)) as server:
        page = ask(server)
    assert (page["total_entries"], page["total_pages"], page["entries"]) == (0, 0, [])


@pytest.mark.parametrize("phone", ['"quoted"', "back\\slash", "Müller & Söhne", " spaces ", "\x07bell"])
def test_senders_with_special_characters_are_returned_unchanged(history: pl.DataFrame, phone: str) -> None:
    with Emulator(history.head(3).with_columns(from_phone=pl.lit(phone)), clock=CLOCK) as server:
        page = ask(server, from_phone=phone)
    assert [entry["from_phone"] for entry in page["entries"]] == [phone] * 3


def test_a_fixed_clock_hides_later_events_until_it_is_moved(history: pl.DataFrame) -> None:
    with Emulator(history, clock=CLOCK - timedelta(days=181) + timedelta(minutes=9, seconds=1)) as server:
        assert server.now() == server.now()
        page = ask(server)
        assert (page["total_entries"], page["time_token"]) == (10, 1767226141.0)
        assert (
            ask(server, end_time=NEWEST)["total_entries"] == 10
        )  # what has not happened cannot be asked for
        server.clock = CLOCK
        assert ask(server)["total_entries"] == 1000


def test_without_a_clock_the_time_is_now(history: pl.DataFrame) -> None:
    before = datetime.now(UTC).timestamp()
    with Emulator(history) as server:
        assert before - 1 < ask(server)["time_token"] < datetime.now(UTC).timestamp() + 1


def test_added_events_are_visible_at_once_and_change_the_current_status(history: pl.DataFrame) -> None:
    with Emulator(history.head(10), clock=CLOCK) as server:
        assert ask(server, to_phone="+12125550101")["entries"][0]["current_status"] == "opt-out"
        server.add(history.slice(500, 2).with_columns(status=pl.lit("opt-in").cast(SCHEMA["status"])))
        entries = ask(server, to_phone="+12125550101")["entries"]
        assert ask(server)["total_entries"] == 12
    assert [entry["status"] for entry in entries] == ["opt-in", "opt-out"]
    assert {entry["current_status"] for entry in entries} == {"opt-in"}


def test_pages_shift_when_a_newer_event_arrives_between_them(history: pl.DataFrame) -> None:
    with Emulator(history.head(50), clock=CLOCK) as server:
        first = ask(server)["entries"]
        server.add(history.slice(60, 1))
        second = ask(server, page=2)["entries"]
    assert second[0] == first[-1]


def test_history_and_clock_are_validated(history: pl.DataFrame) -> None:
    with pytest.raises(optkit.HistoryError, match="created_at must be"):
        Emulator(history.with_columns(pl.col("created_at").dt.replace_time_zone(None)))
    with pytest.raises(optkit.HistoryError, match="status must be"):
        Emulator(history.drop("status"))
    with pytest.raises(optkit.SettingsError, match="time zone"):
        Emulator(history, clock=datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose


def test_a_port_in_use_is_a_settings_error(server: Emulator, history: pl.DataFrame) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(optkit.SettingsError, match=f"port {port}"), Emulator(history, port=port):
        pass


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
def test_a_port_that_does_not_exist_is_a_settings_error(port: int, history: pl.DataFrame) -> None:
    with pytest.raises(optkit.SettingsError, match=f"cannot listen on port {port};"):
        Emulator(history, port=port)


def test_two_emulators_are_independent(server: Emulator, history: pl.DataFrame) -> None:
    with Emulator(history.head(1), clock=CLOCK) as other:
        assert ask(other)["total_entries"] == 1
        assert other.token != server.token
    assert ask(server)["total_entries"] == 1000


#: The calls of the vendor's document, with the host left out.
CURL_CALLS = {
    "the snippet": ("/api/v2/sms/opt-status", 1000),
    "all the opted-out": ("/api/v2/sms/opt-status?current_status=opt-out", 660),
    "one recipient": ("/api/v2/sms/opt-status?to_phone=%2B1909090909", 0),
    "the heading": ("/api/v2/sms/opt-status.json", 1000),
}


@pytest.mark.skipif(not CURL, reason="curl is not installed")
@pytest.mark.parametrize(("call", "entries"), CURL_CALLS.values(), ids=CURL_CALLS.keys())
def test_the_vendors_curl_calls_work(server: Emulator, call: str, entries: int) -> None:
    command = [CURL, "--silent", "--location", "--request", "GET", server.url + call]
    command += ["--header", f"access-token: {server.token}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)["total_entries"] == entries


NODE_CALL = """
var request = function (options, callback) {  // the snippet's library, of which it uses this much
  require('http').request(options.url, options, function (response) {
    response.body = '';
    response.on('data', function (chunk) { response.body += chunk; });
    response.on('end', function () { callback(null, response); });
  }).on('error', callback).end();
};
var options = {
  'method': 'GET',
  'url': 'URL',
  'headers': {
    'access-token': 'TOKEN'
  }
};
request(options, function (error, response) {
  if (error) throw new Error(error);
  console.log(response.body);
});
"""


@pytest.mark.skipif(not NODE, reason="Node.js is not installed")
@pytest.mark.parametrize(
    ("path", "entries"), [(PATH, 25), ("/api/v2/campaigns/insights.json", 0)], ids=["events", "messages"]
)
def test_the_vendors_node_snippets_work(server: Emulator, path: str, entries: int) -> None:
    script = NODE_CALL.replace("URL", server.url + path).replace("TOKEN", server.token)
    done = subprocess.run([NODE, "-e", script], capture_output=True, text=True, check=True, timeout=60)
    assert len(json.loads(done.stdout)["entries"]) == entries
