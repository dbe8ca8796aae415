"""One canonical form per phone number, so that a history and messages that write it differently still match."""

from functools import cache, lru_cache
from typing import Final

import polars as pl

from optkit.engine.packing import Interning, recipient_code
from optkit.phones import e164, numbering_plans

#: The pattern of a number in E.164, for polars.
E164: Final = r"^\+[1-9]\d{6,14}$"

#: Numbers of the North American plan, and how many characters they have in E.164.
_NORTH_AMERICA: Final = (12_000_000_000, 19_999_999_999)
_LENGTH: Final = 12

#: The vendor also writes numbers of the North American plan without '+'.
_NORTH_AMERICAN_DIGITS: Final = 11


def canonical_column(column: str, region: str | None) -> pl.Expr:
    """Return a column of phones in canonical form: E.164 where a text is a number, otherwise the trimmed text.

    Nearly all numbers are in E.164 already, which is fast to check; only the others are parsed, each distinct text once
    per batch.

    Parameters
    ----------
    column : str
        Name of a column of texts.
    region : str or None
        ISO code of the country of numbers without a country code.
    """
    return pl.col(column).map_batches(
        lambda batch: _canonical_batch(batch, region), return_dtype=pl.String(), is_elementwise=True
    )


def canonical_phones(region: str | None) -> list[pl.Expr]:
    """Return the columns to_phone and from_phone in canonical form."""
    return [canonical_column(name, region) for name in ("to_phone", "from_phone")]


def canonical_recipient(region: str | None, odd: Interning) -> pl.Expr:
    """Return the code of to_phone in canonical form: `recipient_code` of `canonical_column`."""
    text = pl.col("to_phone")

    def code(batch: pl.Series) -> pl.Series:
        phones = batch.struct.unnest()
        if not phones["number"].null_count():
            return phones["number"]
        canonical = phones.with_columns(canonical_column("to_phone", region))
        return canonical.select(recipient_code(odd)).to_series()

    # The code of a number with '+' is the number itself.
    number = pl.when(_is_north_american(text)).then(_number(text)).alias("number")
    return pl.struct("to_phone", number).map_batches(code, return_dtype=pl.Int64(), is_elementwise=True)


def canonical_sender(region: str | None, names: Interning) -> pl.Expr:
    """Return the code of from_phone in canonical form; null where it is null.

    Senders are few: their texts are numbered as they come, and each different text is rewritten once.
    """
    seen = pl.Series([], dtype=pl.Int64)  # by number of a text: the number of its canonical form

    def code(numbers: pl.Series) -> pl.Series:
        nonlocal seen
        known, last = seen, numbers.max()
        if isinstance(last, int) and last >= len(known):
            words = _canonical_batch(names.words(), region).to_frame("word")
            seen = known = words.select(names.code(pl.col("word"))).to_series()
        return numbers if known.equals(pl.int_range(len(known), eager=True)) else known.gather(numbers)

    return names.code(pl.col("from_phone")).map_batches(code, return_dtype=pl.Int64(), is_elementwise=True)


def _number(text: pl.Expr) -> pl.Expr:
    return text.cast(pl.Int64, strict=False)


def _is_north_american(text: pl.Expr) -> pl.Expr:
    """Return which texts are North American numbers in E.164, which are never rewritten."""
    long = text.str.len_bytes() == _LENGTH
    plain = text.str.starts_with("+") & long & _number(text).is_between(*_NORTH_AMERICA)
    return plain.fill_null(False)


def _canonical_batch(texts: pl.Series, region: str | None) -> pl.Series:
    frame, text = texts.to_frame("text"), pl.col("text")
    is_canonical = text.str.contains(E164) & ~text.str.contains(_may_be_rewritten())
    odd = frame.filter(~_is_north_american(text)).filter(~is_canonical).unique()["text"]
    written = {phone: canonical_phone(phone, region) for phone in odd}
    changed = {phone: canonical for phone, canonical in written.items() if phone != canonical}
    return texts.replace(changed) if changed else texts


@lru_cache(maxsize=1_000_000)
def canonical_phone(text: str, region: str | None) -> str:
    """Return one phone in canonical form.

    Eleven digits without '+' that begin with 1 are a number of the North American plan, unless `region` is given.
    Fewer than seven digits are a short code, in any region.

    Examples
    --------
    >>> [canonical_phone(text, None) for text in ("+1 (202) 555-0101", "12025550101", " 24273", "ACME")]
    ['+12025550101', '+12025550101', '24273', 'ACME']
    >>> canonical_phone("(202) 555-0101", "US")
    '+12025550101'
    """
    text = text.strip()
    digits = text.isascii() and text.isdigit()
    if digits and len(text) < 7:  # noqa: PLR2004 - the shortest number in E.164
        return text
    if (
        region is None
        and digits
        and len(text) == _NORTH_AMERICAN_DIGITS
        and text[0] == "1"
        and text[1] not in "01"
    ):
        return "+" + text
    return e164(text, region) or text


@cache
def _may_be_rewritten() -> str:
    """Return a pattern of E.164 texts that parsing may change: those with a national prefix after the country code."""
    never = "(?!)"
    codes = [
        f"{code}0" if plan.prefix.pattern == never else f"{code}(?:0|{plan.prefix.pattern})"
        for code, plan in numbering_plans().items()
    ]
    return rf"^\+(?:{'|'.join(codes)})"
