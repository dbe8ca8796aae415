"""The contacts that `scrub` splits: read from a frame, a file or a list; their columns; their numbers in E.164."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import polars as pl

from optkit.arguments import shown
from optkit.engine import frames
from optkit.engine.table_files import read_table
from optkit.errors import SettingsError
from optkit.phones import check_region, e164

_PHONE: Final = re.compile(r"phone|mobile|cell|msisdn|telefon|^tel\b|^tel_?(no|nr|number)?$", re.IGNORECASE)


def read_contacts(contacts: Any) -> pl.DataFrame:
    """Return contacts as a frame, whatever they come in.

    Raises
    ------
    SettingsError
        They cannot be read, or their file has no row of column names.
    """
    if isinstance(contacts, str | Path):
        people = read_table(contacts, "contacts")
        if any(_looks_like_a_number(name) for name in people.columns):
            raise SettingsError(
                f"the contacts' file {Path(contacts).name} has a phone number in its first row; add a first row with "
                "the names of the columns"
            )
        return people
    if isinstance(contacts, pl.LazyFrame | pl.DataFrame):
        return contacts.lazy().collect()
    if hasattr(contacts, "shape") and len(contacts.shape) > 1:  # a table, not a series
        return frames.lazy(contacts, "contacts").collect()
    if isinstance(contacts, Iterable):
        return pl.DataFrame({"phone": [None if text is None else str(text) for text in contacts]})
    raise SettingsError(
        f"contacts must be a frame, the path of a file or a list of numbers, not {type(contacts).__name__}"
    )


def _looks_like_a_number(name: str) -> bool:
    return e164(name) is not None or re.fullmatch(r"[\d\s()+./-]{7,}", name.strip()) is not None


def find_column(people: pl.DataFrame, name: object) -> str | None:
    """Return the column of that name; None if there is none, or it is not a name."""
    return frames.find_column(people.columns, name) if isinstance(name, str) else None


def regions_of(people: pl.DataFrame, region: str | None) -> pl.Series:
    """Return the region of each contact's number, null where it is not known.

    Raises
    ------
    SettingsError
        `region` is neither a region nor a column of the contacts.
    """
    column = None if region is None else find_column(people, region)
    if column is None:
        try:
            code = check_region(region)
        except SettingsError as error:
            raise SettingsError(f"region: {error}, or the name of a column of the contacts") from None
        return pl.repeat(code, people.height, dtype=pl.String, eager=True)
    import phonenumbers

    codes = people[column].cast(pl.String).str.strip_chars().str.to_uppercase()
    supported = {code: code for code in phonenumbers.SUPPORTED_REGIONS}
    return codes.replace_strict(supported, default=None, return_dtype=pl.String)


def phone_column(people: pl.DataFrame, phone: str | None, regions: pl.Series) -> str:
    """Return the column with the phone numbers: the one called `phone`, or else the one that seems to have them.

    Raises
    ------
    SettingsError
        There is none of that name, or it is not clear which one it is.
    """
    if phone is not None:
        column = find_column(people, phone)
        if column is None:
            raise SettingsError(
                f"the contacts have no column {shown(phone)}; they have {frames.shown_columns(people.columns)}"
            )
        return column
    if (exact := find_column(people, "to_phone")) is not None:
        return exact
    named = [name for name in people.columns if _PHONE.search(name) and name.casefold() != "from_phone"]
    found = named or [name for name in people.columns if _holds_numbers(people[name], regions)]
    if len(found) == 1:
        return found[0]
    which = (
        f"candidates are {', '.join(found)}"
        if found
        else "no column has such a name or contains phone numbers"
    )
    raise SettingsError(
        f"it is not clear which column of the contacts has the phone numbers: {which}; give phone='…'"
    )


def _holds_numbers(column: pl.Series, regions: pl.Series) -> bool:
    if column.dtype != pl.String:
        return False
    some = column.is_not_null().arg_true().head(100)
    read = read_numbers(column.gather(some), regions.gather(some))
    return read["e164"].null_count() < len(some) / 2


def read_numbers(column: pl.Series, regions: pl.Series) -> pl.DataFrame:
    """Return each contact's number as it is written, and in E.164 (null: unreadable)."""
    text = pl.col("text")
    if column.dtype.is_float():  # pandas and spreadsheets may turn whole numbers into floats
        column = column.cast(pl.Decimal(38, 1), strict=False).cast(pl.String)
    written = pl.DataFrame({"text": column.cast(pl.String), "region": regions}).with_columns(
        text.str.strip_chars().str.replace(r"^(\d{7,15})\.0$", "$1").replace("", None)
    )
    different = written.drop_nulls("text").unique()
    read = pl.Series("e164", [e164(*row) for row in different.rows()], dtype=pl.String)
    return written.join(
        different.with_columns(read),
        on=["text", "region"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
