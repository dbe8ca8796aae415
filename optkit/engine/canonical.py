"""One form for each phone number, so that a history and messages that write it differently still match."""

from functools import cache, lru_cache
from typing import Final

import polars as pl

from optkit.phones import e164, numbering_plans

_E164: Final = r"^\+[1-9]\d{6,14}$"

#: Numbers in E.164 that are never rewritten; one look at them is enough.
_NORTH_AMERICA: Final = r"^\+1[2-9]\d{9}$"

#: The vendor writes numbers of the North American plan without '+', too.
_NORTH_AMERICAN_DIGITS: Final = 11


def canonical_column(column: str, region: str | None) -> pl.Expr:
    """Return a column of phones in canonical form: E.164 where a text is a number, else the text without spaces around.

    Nearly all numbers are in E.164 already. Regular expressions recognize them; only what is left is parsed, each
    different text once per batch.

    Parameters
    ----------
    column : str
        Name of a column of texts.
    region : str or None
        ISO code of the country that numbers without a country code belong to.
    """
    text = pl.col(column)
    return text.map_batches(
        lambda batch: _canonical_batch(batch, region), return_dtype=pl.String(), is_elementwise=True
    )


def _canonical_batch(texts: pl.Series, region: str | None) -> pl.Series:
    name, text = texts.name, pl.col("text")
    frame = texts.to_frame("text")
    others = frame.filter(~text.str.contains(_NORTH_AMERICA))
    if others.is_empty():
        return texts
    is_canonical = text.str.contains(_E164) & ~text.str.contains(_may_be_rewritten())
    odd = others.unique().filter(~is_canonical)
    if odd.is_empty():
        return texts
    written = odd.with_columns(
        canonical=pl.Series([canonical_phone(phone, region) for phone in odd["text"]], dtype=pl.String)
    )
    joined = frame.join(written, on="text", how="left", maintain_order="left")
    return joined.select(pl.coalesce("canonical", "text").alias(name)).to_series()


@lru_cache(maxsize=1_000_000)
def canonical_phone(text: str, region: str | None) -> str:
    """Return one phone in canonical form.

    Eleven digits without '+' that begin with 1 are a number of the North American plan, unless `region` says
    otherwise. Fewer than seven digits are a short code, in any region.

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
    """Return what matches E.164 texts that parsing may change: after the code, digits only dialled at home."""
    never = "(?!)"
    codes = [
        f"{code}0" if plan.prefix.pattern == never else f"{code}(?:0|{plan.prefix.pattern})"
        for code, plan in numbering_plans().items()
    ]
    return rf"^\+(?:{'|'.join(codes)})"
