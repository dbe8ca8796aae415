"""Entries of the insights endpoint as columns, from the bytes of a response."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optkit.datasets.messages import MESSAGES
from optkit.errors import ResponseError
from optkit.loading.pages import PageDecoder

#: The vendor's sample, with made-up numbers.
SAMPLE: dict[str, Any] = {
    "id": 8685,
    "delivery_status": "delivered",
    "created_at": 1689592018,
    "content": "Reply STOP to end",
    "language": "en-US",
    "execution": {"id": 1708, "created_at": 1689592016},
    "delivery_channel": "sms",
    "from_phone": " +15550100180 ",
    "response_set": {"id": 997, "name": None},
    "error": None,
    "error_code": None,
    "user": {"phone": "+15550100555", "email": "a@example.com", "first_name": "A"},
    "campaign": {"id": 511, "name": "Flu vaccination"},
    "to_phone": "+1(555) 010-0555",
}


def read(**fields: Any) -> dict[str, Any]:
    body = json.dumps({"entries": [{**SAMPLE, **fields}]}).encode()
    page = PageDecoder(MESSAGES).decode(body)
    return MESSAGES.to_columns(page.entries).row(0, named=True)


def test_the_vendors_sample_is_read() -> None:
    row = read()
    assert list(row) == MESSAGES.schema.names()
    assert (row["message_id"], row["to_phone"], row["from_phone"]) == (
        8685,
        "+1(555) 010-0555",
        "+15550100180",
    )
    assert f"{row['sent_at']:%Y-%m-%d %H:%M:%S %Z}" == "2023-07-17 11:06:58 UTC"
    assert f"{row['executed_at']:%H:%M:%S}" == "11:06:56"
    assert (row["campaign_id"], row["campaign"]) == (511, "Flu vaccination")
    assert (row["execution_id"], row["response_set_id"]) == (1708, 997)
    assert (row["characters"], row["mentions_stop"], row["failure"]) == (17, True, None)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("Text stop to leave", True),
        ("UNSUBSCRIBE any time", True),
        ("Opt-out: reply NO", True),
        ("you can opt out", True),
        ("reply optout", True),
        ("Send to a friend this weekend", False),
        ("Nonstop flights, quite cancellable options", False),
        ("The offer ends. End.", True),
        ("", False),
    ],
)
def test_a_text_tells_how_to_opt_out_by_whole_words(content: str, says: bool) -> None:  # noqa: FBT001 - a table
    row = read(content=content)
    assert (row["characters"], row["mentions_stop"]) == (len(content), says)


#: What the words are by definition, as slow as it is obvious.
STOP = re.compile(r"\b(STOP|UNSUBSCRIBE|QUIT|END|CANCEL|OPT[ -]?OUT)\b", re.IGNORECASE)
SYLLABLES = [
    "stop",
    "Unsubscribe",
    "QUIT",
    "eNd",
    "cancel",
    "opt",
    "out",
    "s",
    "_",
    "1",
    "é",
    "ß",
    "日",
    "❤️",
    "🌕",
]
MARKS = [" ", "-", ".", "\n", "'", "/", "\u200d", "\u0301", "\0", ""]


@given(
    st.lists(st.lists(st.sampled_from([*SYLLABLES, *MARKS]), max_size=8).map("".join), min_size=1, max_size=6)
)
@settings(max_examples=300, deadline=None)
def test_words_are_found_in_each_text_of_a_page_separately(texts: list[str]) -> None:
    body = json.dumps({"entries": [{**SAMPLE, "content": text} for text in texts]}).encode()
    rows = MESSAGES.to_columns(PageDecoder(MESSAGES).decode(body).entries)
    assert rows["mentions_stop"].to_list() == [STOP.search(text) is not None for text in texts]
    assert rows["characters"].to_list() == [len(text) for text in texts]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Delivered", "delivered"),
        (" SENT ", "sent"),
        ("pending", "pending"),
        ("bounced", "other"),
        ("", "other"),
    ],
)
def test_statuses_are_read_in_any_case_and_unknown_ones_are_other(status: str, expected: str) -> None:
    assert read(delivery_status=status)["delivery_status"] == expected


@pytest.mark.parametrize(
    ("status", "error", "failure"),
    [
        ("failed", "Rate limit exceeded", "rate limit"),
        ("failed", "Permission to send an SMS has not been enabled for the region indicated", "region"),
        ("skipped", "Attempt to send to unsubscribed recipient", "unsubscribed"),
        ("failed", "The 'From' phone number's message queue is full", "queue"),
        ("failed", "+1555010... is not a valid mobile number", "invalid number"),
        ("failed", "Queue overflow", "queue"),
        ("failed", "Account suspended", "account"),
        ("undelivered", "Unreachable destination handset", "unreachable"),
        ("undelivered", "Message blocked", "blocked"),
        ("undelivered", "Unknown destination handset", "unreachable"),
        ("undelivered", "Landline or unreachable carrier", "landline"),
        ("undelivered", "Message filtered", "filtered"),
        ("undelivered", "Unknown error", "unknown"),
        ("undelivered", "Carrier congestion", "carrier"),
        ("failed", "The content of the message is too large", "content"),
        ("failed", "Invalid recipient", "invalid number"),
        ("failed", "Same From and To numbers", "invalid number"),
        ("failed", None, "unknown"),
        ("undelivered", None, None),
        ("delivered", None, None),
    ],
)
def test_each_text_of_an_error_has_its_class(status: str, error: str | None, failure: str | None) -> None:
    assert read(delivery_status=status, error=error)["failure"] == failure


def test_missing_optional_fields_are_null() -> None:
    names = ("campaign", "execution", "response_set", "language", "content", "from_phone")
    row = read(**dict.fromkeys(names))
    assert [name for name, value in row.items() if value is None] == [
        "from_phone",
        "failure",
        "campaign_id",
        "execution_id",
        "response_set_id",
        "campaign",
        "language",
        "executed_at",
        "characters",
        "mentions_stop",
    ]


@pytest.mark.parametrize(
    ("channel", "phone", "belongs"),
    [
        ("sms", "+15550100555", True),
        ("SMS", "+15550100555", True),
        (None, "+15550100555", True),
        ("voice", "+15550100555", False),
        ("ms_teams", None, False),
        ("sms", None, False),
    ],
)
def test_only_texts_to_a_phone_belong(channel: str | None, phone: str | None, belongs: bool) -> None:  # noqa: FBT001
    body = json.dumps({"entries": [{**SAMPLE, "delivery_channel": channel, "to_phone": phone}]}).encode()
    entries = PageDecoder(MESSAGES).decode(body).entries
    assert MESSAGES.select is not None
    assert MESSAGES.select(entries) == list(entries if belongs else ())


def test_a_decoded_entry_holds_neither_text_nor_error_nor_person() -> None:
    secret = {
        "content": "Dear Zoërella, STOP",
        "error": "Message blocked +1555010",
        "delivery_status": "failed",
    }
    body = json.dumps({"entries": [{**SAMPLE, **secret}]}).encode()
    (entry,) = PageDecoder(MESSAGES).decode(body).entries
    assert not any(word in repr(entry) for word in ("Zoërella", "blocked +", "example.com", "first_name"))


@pytest.mark.parametrize(
    ("field", "value"), [("id", 2**63), ("id", -(2**63) - 1), ("campaign", {"id": 2**70})]
)
def test_an_id_that_fits_into_no_column_is_an_error_that_does_not_quote_it(field: str, value: Any) -> None:
    with pytest.raises(ResponseError, match=f"the field '{field}' of entry 1 of a page is not as documented"):
        read(**{field: value})


def test_a_page_without_entries_is_a_frame_without_rows() -> None:
    frame = MESSAGES.to_columns(PageDecoder(MESSAGES).decode(b'{"entries": []}').entries)
    assert (frame.schema, frame.height) == (MESSAGES.schema, 0)


def test_an_execution_at_no_time_is_an_error() -> None:
    with pytest.raises(ResponseError, match="execution"):
        read(execution={"id": 1, "created_at": "soon"})
