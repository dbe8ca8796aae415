"""Made-up people and texts, as an account of messages would hold them.

Nobody who reads messages needs any of it. The names occur nowhere else, so that a search finds where they leaked to.
"""

import json
from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

FIRST_NAMES: Final = (
    *(
        "Zoërella",
        "Josébert",
        "Anneliesel",
        "Brunhildo",
        "Caspariel",
        "Dorotheon",
        "Emmerance",
        "Friedolinda",
    ),
    *(
        "Gundermar",
        "Hyacinthus",
        "Ismeralda",
        "Jorindel",
        "Kunibertha",
        "Leopoldina",
        "Mirabellus",
        "Nepomukka",
    ),
)
LAST_NAMES: Final = (
    *("Quillfeather", "Ombrewick", "Thistledown-Vale", "Murgatroid", "Pennyfarthing", "Ravensbourne-Oak"),
    *(
        "Zwetschgenbaum",
        "Çelikdağ",
        "Appelmanshof",
        "Bumblethorpe",
        "Crickleworth",
        "Dunkelgrün",
        "Eiderdaun",
    ),
)
EMAIL_DOMAIN: Final = "personal-mail.example"
#: Every text of a message consists of it; quotes, an emoji and a line break are there to be decoded.
SENTENCE: Final = (
    'your order of "Mondschein-Tee" is on its way \N{FULL MOON SYMBOL} we look forward to seeing you.\n'
)

_STOP_SENTENCE: Final = "Reply STOP to unsubscribe."
_SHORT_STOP: Final = "STOP"


class Person(NamedTuple):
    """A made-up person; every phone number has its own."""

    first_name: str
    last_name: str
    email: str
    dob: str
    account_balance: str


@lru_cache(maxsize=50_000)
def person_of(phone: bytes) -> Person:
    """Return whose phone it is, by its JSON text."""
    number = crc32(phone)
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    last = LAST_NAMES[number // 16 % len(LAST_NAMES)]
    return Person(
        first,
        last,
        f"{first}.{last}.{number % 9973}@{EMAIL_DOMAIN}".lower(),
        f"{number % 12 + 1:02d}/{number // 12 % 28 + 1:02d}/{1931 + number // 336 % 71}",
        f"${number % 9000 + 1000:,}.{number // 7 % 100:02d}",
    )


@lru_cache(maxsize=50_000)
def user_json(phone: bytes) -> bytes:
    """Return the `user` of an entry."""
    text = '{"phone":%s,"first_name":"%s","last_name":"%s","email":"%s","dob":"%s","account_balance":"%s"}'
    return (text % (phone.decode(), *person_of(phone))).encode()


def content_json(phone: bytes, characters: int, mentions_stop: bool) -> bytes:  # noqa: FBT001 - a column of a frame
    """Return the text of a message to somebody: so many characters, with or without how to opt out."""
    person = person_of(phone)
    return _content(person.first_name, person.last_name, characters, mentions_stop)


@lru_cache(maxsize=100_000)
def _content(first_name: str, last_name: str, characters: int, mentions_stop: bool) -> bytes:  # noqa: FBT001
    stop = "" if not mentions_stop else _STOP_SENTENCE if characters > len(_STOP_SENTENCE) else _SHORT_STOP
    text = f"Dear {first_name} {last_name}, " + SENTENCE * (characters // len(SENTENCE) + 1)
    return json.dumps(text[: max(0, characters - len(stop))] + stop, ensure_ascii=False).encode()
