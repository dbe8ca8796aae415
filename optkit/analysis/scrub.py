"""Split a contact list into the contacts that may be messaged and those that must not be."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import polars as pl

from optkit.analysis.contacts import find_column, phone_column, read_contacts, read_numbers, regions_of
from optkit.analysis.suppression import suppression_list
from optkit.engine import frames, spark
from optkit.engine.frames import History, Table, is_spark
from optkit.engine.states import Scope, validate_scope
from optkit.errors import SettingsError
from optkit.formatting import plural
from optkit.phones import e164, numbering_plans
from optkit.sender_names import canonical_sender, warn_of_unknown_senders
from optkit.times import Moment
from optkit.warn import warn

OPTED_OUT: Final = "opted out"
UNREADABLE: Final = "unreadable number"
MISSING: Final = "no number"

#: A number without a country code: neither a plus sign nor the 00 that is dialled for it, and no letters.
_NATIONAL: Final = r"^(?:[\s'(./-]*[1-9]|[\s'(./-]*0[\s.-]*[1-9])[\d\s()./-]*$"
_FEWEST_DIGITS: Final = 7

#: Reading a number changes its beginning, but never its last digits.
_TAIL: Final = 6


def scrub(
    contacts: Table | Iterable[str | int | None] | str | Path,
    history: History,
    at: Moment | None = None,
    *,
    scope: Scope = "recipient",
    region: str | None = None,
    phone: str | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a contact list into those who may be messaged and those who must not be.

    If in doubt, a contact is suppressed: an unreadable or missing number could belong to anybody, and a number without
    a country code could be the opted-out number of another country than `region`. Warnings count numbers without a
    country code that are suppressed for these reasons: usually `region` is missing or wrong.

    Parameters
    ----------
    contacts : frame, path or list of str
        A polars, pandas or pyarrow frame, or anything else that exports Arrow; the path of a .csv (UTF-8 or
        Windows-1252; comma, semicolon or tab), .parquet or .xlsx file, whose cells are read as text, so that '+' and
        leading zeros survive; or phone numbers.
    history : any frame
        Events, in any order.
    at : str, date or datetime, optional
        The time of the suppression list. Default: the last event.
    scope : "recipient" or "pair"
        Suppress contacts who are opted out of any sender, or only those opted out of the sender in the contacts' column
        from_phone. A sender without events gives a warning.
    region : str, optional
        ISO code of the country of numbers without a country code, such as "US", or the name of a column with such
        codes.
    phone : str, optional
        Name of the column of phone numbers. Default: the column with such a name, otherwise the one that contains phone
        numbers. Case does not matter in names of columns.

    Returns
    -------
    keep, suppressed : polars.DataFrame
        Each contact is in one of them, with its columns, types and order unchanged. suppressed has additional columns:
        reason (String: "opted out", "unreadable number" or "no number"), e164 (String: the number as it was read),
        from_phone (String) and opted_out_at (Datetime ms, UTC) of the earliest opt-out in force, of the same digits in
        another country if only that one opted out. If the contacts have a column from_phone, it is kept instead.

    Raises
    ------
    HistoryError
        `history` is not a history.
    SettingsError
        The contacts cannot be read, have no row of column names, or it is not clear which column has the numbers.

    Examples
    --------
    >>> import optkit
    >>> import polars as pl
    >>> history = optkit.demo_history(recipients=200)
    >>> out = optkit.suppression_list(history)["to_phone"][0]
    >>> contacts = pl.DataFrame({"name": ["Ann", "Bob", "Cy"], "Mobile": [out, "(202) 555-0199", "n/a"]})
    >>> keep, suppressed = optkit.scrub(contacts, history, region="US")
    >>> keep["name"].to_list(), suppressed.select("name", "reason").rows()
    (['Bob'], [('Ann', 'opted out'), ('Cy', 'unreadable number')])
    """
    validate_scope(scope)
    people = read_contacts(contacts)
    regions = regions_of(people, region)
    clash = [name for name in ("reason", "e164", "opted_out_at") if name in people.columns]
    if clash:
        raise SettingsError(f"the contacts have a column {clash[0]} already; rename it")
    column = phone_column(people, phone, regions)
    sender = find_column(people, "from_phone") if scope == "pair" else None
    if scope == "pair" and sender is None:
        raise SettingsError(
            "scope='pair' needs the column from_phone in the contacts: the sender that will message them"
        )
    history = frames.rereadable(history)
    listed = suppression_list(history, at)
    forbidden = pl.DataFrame(spark.collect(listed)) if is_spark(listed) else listed
    forbidden = forbidden.with_columns(sender=_canonical(forbidden["from_phone"]))
    numbers = read_numbers(people[column], regions)
    if sender is not None:
        numbers = numbers.with_columns(sender=_canonical(people[sender]))
        own = numbers["sender"].drop_nulls().unique().sort()
        warn_of_unknown_senders(own, _senders_of(history))
    findings = _judge(numbers, _also_written(forbidden, numbers, regions), _by_national_digits(forbidden))
    _warn_of_national_numbers(numbers.filter(findings["reason"] == UNREADABLE))
    added = findings.select(name for name in findings.columns if name not in people.columns)
    judged = pl.concat([people, added], how="horizontal")
    is_kept = findings["reason"].is_null()
    return people.filter(is_kept), judged.filter(~is_kept)


def _also_written(forbidden: pl.DataFrame, numbers: pl.DataFrame, regions: pl.Series) -> pl.DataFrame:
    """Return the forbidden numbers that contacts may have, one row per way of writing or reading them."""
    tails = pl.concat([_tail(numbers["text"]), _tail(numbers["e164"])]).drop_nulls().unique()
    near = forbidden.filter(_tail(forbidden["to_phone"]).is_in(tails.implode()))
    texts = near["to_phone"].to_list()
    ways = [texts, [e164(text if text.startswith("+") else "+" + text) for text in texts]]
    ways += [
        [None if text.startswith("+") else e164(text, region) for text in texts]
        for region in (None, *regions.drop_nulls().unique())
    ]
    return pl.concat([near.with_columns(to_phone=pl.Series(way, dtype=pl.String)) for way in ways])


def _tail(text: pl.Series) -> pl.Series:
    return text.str.replace_all(r"\D", "").str.slice(-_TAIL)


def _by_national_digits(forbidden: pl.DataFrame) -> pl.DataFrame:
    """Return the forbidden numbers as digits with and without their calling code, without leading zeros."""
    codes = "|".join(numbering_plans())
    digits = forbidden["to_phone"].str.strip_prefix("+").rename("to_phone")
    ways = [digits, digits.str.replace(f"^(?:{codes})0*", "")]
    return pl.concat([forbidden.with_columns(to_phone=way) for way in ways])


def _warn_of_national_numbers(unreadable: pl.DataFrame) -> None:
    """Warn about numbers that may be unreadable only because they have no country code and there is no region."""
    text = pl.col("text")
    national = text.str.contains(_NATIONAL) & (text.str.count_matches(r"\d") >= _FEWEST_DIGITS)
    count = unreadable.filter(pl.col("region").is_null(), national).height
    if count:
        warn(
            f"{plural(count, 'number')} without a country code could not be read; "
            "give their country as region (--region), such as US"
        )


def _judge(numbers: pl.DataFrame, forbidden: pl.DataFrame, national: pl.DataFrame) -> pl.DataFrame:
    """Return the additional columns of each contact; the reason is null if it may be messaged."""
    sender = ["sender"] if "sender" in numbers.columns else []
    contacts = numbers.with_row_index("contact")
    written = pl.concat([contacts.select("contact", *sender, to_phone=way) for way in ("text", "e164")])
    met = written.join(forbidden, on=["to_phone", *sender])
    doubtful = _in_doubt(contacts, met).join(national, on=["to_phone", *sender])
    count = doubtful["contact"].n_unique()
    if count:
        warn(
            f"{plural(count, 'number')} without a country code had to be suppressed: "
            "the same digits are opted out in another country; check region"
        )
    met = pl.concat([met, doubtful], how="diagonal").sort("opted_out_at", "from_phone")
    earliest = met.unique("contact", keep="first", maintain_order=True)
    judged = contacts.join(
        earliest.select("contact", "from_phone", "opted_out_at"),
        on="contact",
        how="left",
        maintain_order="left",
    )
    reason = (
        pl.when(pl.col("opted_out_at").is_not_null())
        .then(pl.lit(OPTED_OUT))
        .when(pl.col("text").is_null())
        .then(pl.lit(MISSING))
        .when(pl.col("e164").is_null())
        .then(pl.lit(UNREADABLE))
    )
    return judged.select(reason.alias("reason"), "e164", "from_phone", "opted_out_at")


def _in_doubt(contacts: pl.DataFrame, met: pl.DataFrame) -> pl.DataFrame:
    """Return the digits of contacts that were read with a region and are not on the list."""
    text = pl.col("text")
    unmet = contacts.join(met.select("contact"), on="contact", how="anti")
    guessed = unmet.filter(pl.col("e164").is_not_null(), text.str.contains(_NATIONAL))
    digits = text.str.replace_all(r"\D", "").str.strip_chars_start("0")
    sender = ["sender"] if "sender" in contacts.columns else []
    return guessed.select("contact", *sender, to_phone=digits).filter(
        pl.col("to_phone").str.len_chars() >= _FEWEST_DIGITS
    )


def _senders_of(history: History) -> pl.Series:
    if is_spark(history):
        return pl.DataFrame(spark.collect(history.select("from_phone").distinct()))["from_phone"]
    return frames.read(history, ["from_phone"]).unique().collect()["from_phone"]


def _canonical(senders: pl.Series) -> pl.Series:
    """Return senders in the form in which they are compared."""
    if senders.dtype.is_float():  # pandas' type of whole numbers of which some are missing
        senders = senders.cast(pl.Int64, strict=False)
    text = senders.cast(pl.String)
    different = text.unique().drop_nulls()
    return text.replace({sender: canonical_sender(sender) for sender in different})
