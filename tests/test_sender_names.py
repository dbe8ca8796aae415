"""Senders as people write them, beside those of the data."""

import pytest

from optkit import sender_names


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("24273", "24273"),
        (" NORTHWIND ", "NORTHWIND"),
        ("+1 833 555 0142", "+18335550142"),
        ("18335550142", "+18335550142"),
        ("447700900123 ", "+447700900123"),
        ("911", "911"),
        ("1234567", "1234567"),
    ],
)
def test_senders_are_numbers_or_stay_as_they_are(text: str, sender: str) -> None:
    assert sender_names.canonical_sender(text) == sender


def test_senders_are_found_in_any_spelling() -> None:
    known = ["+18335550142", "1 833 555 0142", "+447700900123", "18181"]
    found = sender_names.find_senders(["18335550142", "447700900123", "18181", "NORTHWIND"], known)
    assert list(found.values()) == [known[:2], ["+447700900123"], ["18181"], []]
