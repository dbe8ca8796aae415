"""Take out of a contact list whom the suppression list forbids to message."""

import re
from pathlib import Path
from typing import Any, Final

import polars as pl

from optkit.analysis.suppression import suppression_list
from optkit.engine import spark
from optkit.engine.frames import History, is_spark
from optkit.engine.states import Scope
from optkit.errors import SettingsError
from optkit.phones import check_region, e164
from optkit.times import Moment

OPTED_OUT: Final = "opted out"
UNREADABLE: Final = "unreadable number"
MISSING: Final = "no number"

_PHONE: Final = re.compile(r"phone|mobile|cell|msisdn|telefon|^tel\b|^tel_?(no|nr|number)?$", re.IGNORECASE)

#: Reading a number changes how it begins, never its last digits.
_TAIL: Final = 6


def scrub(
    contacts: Any,
    history: History,
    at: Moment | None = None,
    *,
    scope: Scope = "recipient",
    region: str | None = None,
    phone: str | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a contact list into those who may be messaged and those who must not be.

    When in doubt a contact is suppressed: a number that cannot be read, or is missing, could be anybody's.

    Parameters
    ----------
    contacts : frame or path
        A polars, pandas or pyarrow frame, or anything else that exports Arrow; or the path of a CSV file in UTF-8
        (separated by comma, semicolon or tab), which is read as text, so that '+' and leading zeros survive.
    history : any frame
        Events, in any order.
    at : str, date or datetime, optional
        The moment of the suppression list, default the last event.
    scope : "recipient" or "pair"
        Who is opted out of any sender is suppressed; or who is opted out of the sender in the contacts'
        column from_phone.
    region : str, optional
        ISO code of the country whose numbers are written without a country code, such as "US".
    phone : str, optional
        Column of the phone number; by default the one that is named like one, or else holds numbers.

    Returns
    -------
    keep, suppressed : polars.DataFrame
        The contacts, each in one of them, with their columns, types and order. suppressed has one column more:
        reason (String: "opted out", "unreadable number" or "no number").

    Raises
    ------
    HistoryError
        The history is none.
    SettingsError
        The contacts cannot be read, or which column holds the numbers is not clear.

    Examples
    --------
    >>> history = pl.DataFrame(
    ...     {
    ...         "to_phone": ["+12025550101"],
    ...         "from_phone": ["24273"],
    ...         "created_at": ["2026-01-05T10:00Z"],
    ...         "status": ["opt-out"],
    ...     }
    ... ).with_columns(pl.col("created_at").str.to_datetime(time_unit="ms", time_zone="UTC"))
    >>> contacts = pl.DataFrame(
    ...     {"name": ["Ann", "Bob", "Cy"], "phone": ["(202) 555-0101", "+12025550102", "n/a"]}
    ... )
    >>> keep, suppressed = optkit.scrub(contacts, history, region="US")
    >>> keep.rows()
    [('Bob', '+12025550102')]
    >>> suppressed.rows()
    [('Ann', '(202) 555-0101', 'opted out'), ('Cy', 'n/a', 'unreadable number')]
    """
    region = check_region(region)
    people = _read(contacts)
    if "reason" in people.columns:
        raise SettingsError("the contacts have a column reason already; rename it")
    if scope == "pair" and "from_phone" not in people.columns:
        raise SettingsError(
            "scope='pair' needs the contacts' column from_phone: the sender that will message them"
        )
    column = phone if phone is not None else _phone_column(people, region)
    if column not in people.columns:
        raise SettingsError(f"the contacts have no column {column!r}")
    listed = suppression_list(history, at, scope=scope)
    forbidden = pl.DataFrame(spark.collect(listed)) if is_spark(listed) else listed
    numbers = _numbers(people[column], region)
    senders = people["from_phone"].cast(pl.String) if scope == "pair" else None
    reasons = _reasons(numbers, senders, _also_written(forbidden, numbers, region))
    judged = people.with_columns(reason=reasons)
    return judged.filter(pl.col("reason").is_null()).drop("reason"), judged.filter(
        pl.col("reason").is_not_null()
    )


def _read(contacts: Any) -> pl.DataFrame:
    if isinstance(contacts, pl.DataFrame):
        return contacts
    if isinstance(contacts, pl.LazyFrame):
        return contacts.collect()
    if isinstance(contacts, str | Path):
        return _read_csv(Path(contacts))
    if hasattr(contacts, "__arrow_c_stream__"):
        return pl.DataFrame(contacts)
    raise SettingsError(f"contacts are a frame or the path of a CSV file, not {type(contacts).__name__}")


def _read_csv(path: Path) -> pl.DataFrame:
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        separator = max(",;\t", key=header.count)
        return pl.read_csv(path, separator=separator, infer_schema=False)
    except OSError as error:
        raise SettingsError(f"the contacts' file {path.name} cannot be opened: {error.strerror}") from None
    except (UnicodeDecodeError, pl.exceptions.PolarsError):
        raise SettingsError(
            f"the contacts' file {path.name} is no CSV file in UTF-8; save it as one"
        ) from None


def _phone_column(people: pl.DataFrame, region: str | None) -> str:
    """Return the column that holds the phone numbers."""
    if "to_phone" in people.columns:
        return "to_phone"
    named = [name for name in people.columns if _PHONE.search(name) and name != "from_phone"]
    found = named or [name for name in people.columns if _holds_numbers(people[name], region)]
    if len(found) == 1:
        return found[0]
    which = f"several might: {', '.join(found)}" if found else "none is named like one or holds any"
    raise SettingsError(f"which column of the contacts holds the phone numbers? {which}; say it by phone='…'")


def _holds_numbers(column: pl.Series, region: str | None) -> bool:
    if column.dtype != pl.String:
        return False
    some = _numbers(column.drop_nulls().head(100), region)
    return some["e164"].null_count() < len(some) / 2


def _numbers(column: pl.Series, region: str | None) -> pl.DataFrame:
    """Return each contact's number as it is written, and in E.164 (null: unreadable)."""
    if column.dtype.is_float():  # what pandas makes of numbers where one is missing
        column = column.cast(pl.Int64, strict=False)
    text = column.cast(pl.String).str.strip_chars()
    written = pl.DataFrame({"text": text.replace("", None)})
    different = written.drop_nulls().unique()
    read = [e164(text, region) for text in different["text"]]
    return written.join(
        different.with_columns(e164=pl.Series(read, dtype=pl.String)),
        on="text",
        how="left",
        maintain_order="left",
    )


def _also_written(forbidden: pl.DataFrame, numbers: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Return the forbidden numbers that contacts may have, a row for every way to read them."""
    tails = pl.concat([_tail(numbers["text"]), _tail(numbers["e164"])]).drop_nulls().unique()
    near = forbidden.filter(_tail(forbidden["to_phone"]).is_in(tails.implode()))
    texts = near["to_phone"].to_list()
    read = [e164(text if text.startswith("+") else "+" + text) for text in texts]
    dialled = [None if text.startswith("+") else e164(text, region) for text in texts]
    ways = [near, *(near.with_columns(to_phone=pl.Series(way, dtype=pl.String)) for way in (read, dialled))]
    return pl.concat(ways).drop_nulls("to_phone")


def _tail(text: pl.Series) -> pl.Series:
    return text.str.replace_all(r"\D", "").str.slice(-_TAIL)


def _reasons(numbers: pl.DataFrame, senders: pl.Series | None, forbidden: pl.DataFrame) -> pl.Series:
    """Return why each contact is suppressed; null: it is not."""
    keys = ["to_phone"]
    if senders is not None:
        keys.append("from_phone")
        numbers = numbers.with_columns(from_phone=_plain(senders))
        forbidden = forbidden.with_columns(from_phone=_plain(forbidden["from_phone"]))
    listed = forbidden.select(keys).unique().with_columns(out=pl.lit(True))

    def out(column: str) -> pl.Series:
        met = numbers.join(
            listed, left_on=[column, *keys[1:]], right_on=keys, how="left", maintain_order="left"
        )
        return met["out"].fill_null(False)

    return numbers.select(
        pl.when(out("text") | out("e164"))
        .then(pl.lit(OPTED_OUT))
        .when(pl.col("text").is_null())
        .then(pl.lit(MISSING))
        .when(pl.col("e164").is_null())
        .then(pl.lit(UNREADABLE))
    ).to_series()


def _plain(senders: pl.Series) -> pl.Series:
    """Return senders as E.164 where they are numbers: they may be written in several ways."""
    different = senders.unique().drop_nulls()
    read = {sender: e164(sender) or sender.strip() for sender in different}
    return senders.replace(read)
