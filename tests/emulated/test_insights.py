import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import requests

import optkit
from optkit.emulator import ApiVariant, Arrivals, Emulator, Faults
from optkit.emulator.personal_data import EMAIL_DOMAIN, FIRST_NAMES, LAST_NAMES
from optkit.history import SCHEMA as HISTORY
from optkit.messages import DELIVERY_STATUS, FAILURE, SCHEMA

CLOCK = datetime(2026, 7, 1, tzinfo=UTC)
START = datetime(2026, 6, 1, tzinfo=UTC)
FIRST = 1780272000000  # START in ms
CURL = shutil.which("curl") or ""
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


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK) as running:
        yield running


def get(server: Emulator, path: str = JSON_PATH, **params: object) -> requests.Response:
    return requests.get(server.url + path, params, headers={"access-token": server.token}, timeout=10)  # type: ignore[arg-type]


def ask(server: Emulator, path: str = JSON_PATH, **params: object) -> dict[str, Any]:
    answer = get(server, path, **{"start_time": FIRST, **params})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def ids(server: Emulator, **params: object) -> list[int]:
    return [entry["id"] for entry in ask(server, JSON_PATH, **{"per_page": 100, **params})["entries"]]


# --- as documented


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


# --- variants


@pytest.mark.parametrize(
    ("unit", "start", "end"),
    [
        ("ms", FIRST, FIRST + 120_000),
        ("s", FIRST // 1000, FIRST // 1000 + 120),
        ("start s, end ms", FIRST // 1000, FIRST + 120_000),
    ],
)
def test_start_and_end_are_read_in_the_unit_of_the_variant(unit: Any, start: int, end: int) -> None:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=ApiVariant(insights_unit=unit)) as server:
        assert ids(server, start_time=start, end_time=end) == [1002, 1001, 1000]
        if unit != "ms":  # a start in milliseconds is 50,000 years ahead
            assert ids(server, start_time=FIRST) == []


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("s", 1780272000),
        ("ms", 1780272000000),
        ("s float", 1780272000.0),
        ("iso", "2026-06-01T00:00:00.000+00:00"),
    ],
)
def test_created_at_has_the_form_of_the_variant(form: Any, written: object) -> None:
    with Emulator(
        EVENTS, MESSAGES.head(1), clock=CLOCK, variant=ApiVariant(message_created_at=form)
    ) as server:
        answered = ask(server)["entries"][0]["created_at"]
    assert answered == written
    assert type(answered) is type(written)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("e164", {"+12055550100": 3}),
        ("digits", {"12055550100": 3}),
        ("punctuated", {"+1(205) 555-0100": 3}),
        ("mixed", {"+12055550100": 1, "12055550100": 1, "+1(205) 555-0100": 1}),
    ],
)
def test_phones_have_the_form_of_the_variant(form: Any, written: dict[str, int]) -> None:
    with Emulator(EVENTS, MESSAGES.head(120), clock=CLOCK, variant=ApiVariant(phone_form=form)) as server:
        entries = ask(server, per_page=100, to_phone="+12055550100")["entries"]
        short_code = ask(server, from_phone="24365")["entries"][0]["from_phone"]
    assert Counter(entry["to_phone"] for entry in entries) == written
    assert short_code == "24365"


def test_statuses_may_be_capitalized() -> None:
    with Emulator(EVENTS, MESSAGES.head(5), clock=CLOCK, variant=ApiVariant(capitalized=True)) as server:
        seen = [entry["delivery_status"] for entry in ask(server)["entries"]]
    assert seen == ["Skipped", "Failed", "Undelivered", "Sent", "Delivered"]


def test_statuses_settle_as_the_clock_moves_on() -> None:
    variant = ApiVariant(settle_after=timedelta(hours=2))
    with Emulator(EVENTS, MESSAGES.head(5), clock=START + timedelta(hours=1), variant=variant) as server:
        at_first = [entry["delivery_status"] for entry in ask(server)["entries"]]
        assert ids(server, delivery_status="delivered") == []
        server.clock = CLOCK
        in_the_end = [entry["delivery_status"] for entry in ask(server)["entries"]]
        assert ids(server, delivery_status="delivered") == [1000]
    assert at_first == ["skipped", "failed", "sent", "sent", "sent"]
    assert in_the_end == ["skipped", "failed", "undelivered", "sent", "delivered"]


def test_statuses_may_settle_between_two_readings_of_a_page() -> None:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=ApiVariant(settle_when_shown=True)) as server:
        readings = [[entry["delivery_status"] for entry in ask(server)["entries"]] for _ in range(3)]
        other = {entry["delivery_status"] for entry in ask(server, page=2)["entries"]}
    assert {"delivered", "undelivered"}.isdisjoint(readings[0])
    assert readings[1] == readings[2] != readings[0]
    assert readings[1].count("delivered") == 9  # three of each eight; the 25th is of another kind
    assert "delivered" not in other


def test_entries_of_other_channels_can_be_mixed_in() -> None:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=ApiVariant(other_channels=0.2)) as server:
        pages = [ask(server, per_page=100, page=page)["entries"] for page in range(1, 8)]
        assert ask(server, delivery_channel="sms")["total_entries"] == 400
        assert ask(server, delivery_channel="ms_teams")["total_entries"] > 0
    entries = [entry for page in pages for entry in page]
    by_channel = Counter(entry["delivery_channel"] for entry in entries)
    assert by_channel["sms"] == 400
    assert 40 < by_channel["voice"] + by_channel["ms_teams"] < 120
    assert len({entry["id"] for entry in entries}) == len(entries)
    for entry in entries:
        if entry["delivery_channel"] == "ms_teams":
            assert "to_phone" not in entry
            assert entry["from_phone"] is None
            assert entry["delivery_status"] == "installed"
        if entry["delivery_channel"] == "voice":
            assert entry["delivery_status"] == "pending"


def test_the_channel_filter_may_be_ignored() -> None:
    variant = ApiVariant(other_channels=1.0, ignores_channel=True)
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=variant) as server:
        assert ask(server, delivery_channel="sms")["total_entries"] == 800


def test_the_variants_of_events_hold_for_messages() -> None:
    variant = ApiVariant(
        order="oldest first", bounds="exclusive", totals="as in the sample", per_page=7, paths="without .json"
    )
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=variant) as server:
        assert get(server).status_code == 404
        page = ask(server, PATH, start_time=FIRST, end_time=FIRST + 600_000)
    assert [entry["id"] for entry in page["entries"]] == list(range(1001, 1008))
    assert (page["per_page"], page["total_entries"], page["total_pages"]) == (7, 9, 1)


def test_shuffled_pages_are_stable_and_hold_everything() -> None:
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, variant=ApiVariant(order="shuffled")) as server:
        pages = [ids(server, page=page) for page in range(1, 5)]
        assert pages == [ids(server, page=page) for page in range(1, 5)]
    together = [number for page in pages for number in page]
    assert sorted(together) == MESSAGES["message_id"].to_list() != together


@pytest.mark.parametrize("field", ["id", "delivery_status", "created_at", "content", "user", "campaign"])
def test_corrupt_entries(field: str) -> None:
    for damage, seen in (("null", None), ("missing", "(none)"), ("unknown", "perhaps")):
        variant = ApiVariant(damage=damage, damaged_field=field, damaged_every=4)  # type: ignore[arg-type]
        with Emulator(EVENTS, MESSAGES.head(8), clock=CLOCK, variant=variant) as server:
            values = [entry.get(field, "(none)") for entry in ask(server)["entries"]]
        assert [value == seen for value in values] == [False, False, False, True] * 2


def test_late_messages_become_visible_as_the_clock_moves_on() -> None:
    late = ApiVariant(late_by=timedelta(hours=30), late_share=0.5)
    with Emulator(EVENTS, MESSAGES, clock=START + timedelta(hours=24), variant=late) as server:
        assert 140 < ask(server)["total_entries"] < 260
        server.clock = CLOCK
        assert ask(server)["total_entries"] == 400


def test_messages_arrive_with_each_requested_page() -> None:
    arriving = Arrivals(rows=make_messages(600).tail(3), per_request=0.5)
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, message_arrivals=arriving) as server:
        totals = [ask(server)["total_entries"] for _ in range(8)]
    assert totals == [400, 401, 401, 402, 402, 403, 403, 403]


def test_added_messages_are_visible_at_once() -> None:
    with Emulator(EVENTS, MESSAGES.head(10), clock=CLOCK) as server:
        server.add_messages(MESSAGES.slice(10, 2))
        assert ids(server)[:3] == [1011, 1010, 1009]


def test_ten_thousand_messages_in_one_second_are_read_page_by_page() -> None:
    burst = make_messages(10_000, every=timedelta())
    with Emulator(EVENTS, burst, clock=CLOCK) as server:
        seen = [number for page in range(1, 101) for number in ids(server, end_time=FIRST, page=page)]
    assert seen == list(range(10_999, 999, -1))


def test_faults_hit_messages_too() -> None:
    faults = Faults(errors=3, cut_json=4)
    with Emulator(EVENTS, MESSAGES, clock=CLOCK, faults=faults) as server:
        answers = [get(server, start_time=FIRST) for _ in range(12)]
    faulty = [record.fault for record in server.requests]
    assert [answer.status_code for answer in answers] == [200, 200, 503] * 4
    assert Counter(faulty) == {"": 6, "errors": 4, "cut_json": 2}


# --- what it serves


def test_messages_are_validated() -> None:
    with pytest.raises(optkit.HistoryError, match="sent_at must be"):
        Emulator(EVENTS, MESSAGES.drop("sent_at"))
    with pytest.raises(optkit.HistoryError, match="to_phone must not have nulls"):
        Emulator(EVENTS, MESSAGES.with_columns(to_phone=pl.lit(None, pl.String)))
    with pytest.raises(optkit.SettingsError, match="other_channels must be"):
        ApiVariant(other_channels=2.0)
    with pytest.raises(optkit.SettingsError, match="phone_form must be one of 'e164'"):
        ApiVariant(phone_form="short")  # type: ignore[arg-type]


def test_unknown_values_are_null() -> None:
    unknown = MESSAGES.head(1).with_columns(
        pl.lit(None).cast(SCHEMA[name]).alias(name)
        for name in (
            "from_phone",
            "campaign_id",
            "execution_id",
            "response_set_id",
            "campaign",
            "language",
            "executed_at",
        )
    )
    with Emulator(EVENTS, unknown, clock=CLOCK) as server:
        (entry,) = ask(server)["entries"]
    for name in ("from_phone", "campaign", "execution", "response_set", "language"):
        assert entry[name] is None


def test_the_made_up_account_can_be_served_whole() -> None:
    history, messages = optkit.demo_history(recipients=2_000), optkit.demo_messages(recipients=2_000)
    with Emulator(history, messages, clock=CLOCK) as server:
        assert ask(server, start_time=0)["total_entries"] == messages.height
        words = Counter(messages["delivery_status"].cast(pl.String))
        for word in ("delivered", "failed"):
            assert ask(server, start_time=0, delivery_status=word)["total_entries"] == words[word]
    assert set(words) <= set(DELIVERY_STATUS.categories)


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
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    assert json.loads(done.stdout)["total_entries"] == entries
