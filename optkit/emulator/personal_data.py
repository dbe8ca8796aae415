"""Made-up people and texts, as an account of messages has them.

The loader keeps none of it. The names occur nowhere else, so that a search finds where they leaked to.
"""

import json
from functools import lru_cache
from typing import Final
from zlib import crc32

import numpy as np
import polars as pl

FIRST_NAMES: Final = (
    "Zoërella",
    "Josébert",
    "Anneliesel",
    "Brunhildo",
    "Caspariel",
    "Dorotheon",
    "Emmerance",
    "Friedolinda",
    "Gundermar",
    "Hyacinthus",
    "Ismeralda",
    "Jorindel",
    "Kunibertha",
    "Leopoldina",
    "Mirabellus",
    "Nepomukka",
)
LAST_NAMES: Final = (
    "Quillfeather",
    "Ombrewick",
    "Thistledown-Vale",
    "Murgatroid",
    "Pennyfarthing",
    "Ravensbourne-Oak",
    "Zwetschgenbaum",
    "Çelikdağ",
    "Appelmanshof",
    "Bumblethorpe",
    "Crickleworth",
    "Dunkelgrün",
    "Eiderdaun",
)
EMAIL_DOMAIN: Final = "personal-mail.example"
#: Every text of a message consists of it. Its quotes, emoji and line break test how texts are decoded.
SENTENCE: Final = (
    'your order of "Mondschein-Tee" is on its way \N{FULL MOON SYMBOL} we look forward to seeing you.\n'
)
#: Personal data of an entry, in addition to the phone.
USER_FIELDS: Final = ("first_name", "last_name", "email", "dob", "account_balance")

_STOP_SENTENCE: Final = "Reply STOP to unsubscribe."
_SHORT_STOP: Final = "STOP"


def person_numbers(phones: list[bytes]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return a number for each phone, by its JSON text, from which all that is made up of its owner follows."""
    return np.fromiter((crc32(phone) for phone in phones), np.int64, len(phones))


def make_people(numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pl.DataFrame:
    """Return made-up people, with the columns `USER_FIELDS` (String)."""
    number = pl.Series("number", numbers)
    first = pl.Series(FIRST_NAMES).gather(number % len(FIRST_NAMES))
    last = pl.Series(LAST_NAMES).gather(number // len(FIRST_NAMES) % len(LAST_NAMES))
    month, day = (number % 12 + 1), (number // 12 % 28 + 1)
    return pl.DataFrame({"first_name": first, "last_name": last, "number": number}).select(
        "first_name",
        "last_name",
        email=pl.format(
            "{}.{}.{}@{}",
            pl.col("first_name").str.to_lowercase(),
            pl.col("last_name").str.to_lowercase(),
            pl.col("number") % 9973,
            pl.lit(EMAIL_DOMAIN),
        ),
        dob=pl.format(
            "{}/{}/{}",
            month.cast(pl.String).str.zfill(2),
            day.cast(pl.String).str.zfill(2),
            1931 + pl.col("number") // 336 % 71,
        ),
        account_balance=pl.format(
            "${}.{}", number % 9000 + 1000, (number // 7 % 100).cast(pl.String).str.zfill(2)
        ),
    )


def user_texts(phones: list[bytes], numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[bytes]:
    """Return the `user` of an entry for each phone, as JSON."""
    people = make_people(numbers).with_columns(pl.Series("phone", phones).cast(pl.String))
    fields = ('"' + pl.col(name) + '"' for name in USER_FIELDS)
    form = ",".join(f'"{name}":{{}}' for name in ("phone", *USER_FIELDS))
    texts = people.select("{" + pl.format(form, "phone", *fields) + "}").to_series()
    return texts.cast(pl.Binary).to_list()


@lru_cache(maxsize=100_000)
def content_text(number: int, characters: int, mentions_stop: bool) -> bytes:  # noqa: FBT001 - a column of a frame
    """Return the text of a message, so many characters long, to the person with a number below `NAMES`, as JSON."""
    first, last = (
        FIRST_NAMES[number % len(FIRST_NAMES)],
        LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)],
    )
    stop = "" if not mentions_stop else _STOP_SENTENCE if characters > len(_STOP_SENTENCE) else _SHORT_STOP
    text = f"Dear {first} {last}, " + SENTENCE * (characters // len(SENTENCE) + 1)
    return json.dumps(text[: max(0, characters - len(stop))] + stop, ensure_ascii=False).encode()


#: People whose numbers are the same modulo this have the same name.
NAMES: Final = len(FIRST_NAMES) * len(LAST_NAMES)
