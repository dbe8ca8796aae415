"""Phone numbers: how they are read, which country they belong to, how they are shown."""

import re
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final, NamedTuple, TypeVar, overload

import polars as pl

from optkit.arguments import shown
from optkit.errors import HistoryError, SettingsError

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

#: The characters that one phone number may consist of.
_PUNCTUATION: Final = re.compile(r"(?:tel:)?\+?[\d\s().\-\u2010-\u2015\u00a0/]+", re.IGNORECASE)

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")

#: In most countries, 00 is dialled for the plus sign.
_ZEROS: Final = re.compile(r"\A[\s']*00[\s.\-]*(?=[1-9])")

#: Under +1, the area code and the digit after it determine the country; personal numbers (+1 52x) need more digits.
_AREA: Final = r"^\+1[2-9]\d{9}$"
_PERSONAL: Final = "+152"

_HIDDEN: Final = "•••"


def e164(text: str, region: str | None = None) -> str | None:
    """Return one phone number as people write it in E.164, or None if it cannot be read safely.

    Parameters
    ----------
    text : str
        A number with country code, such as "+1 (202) 555-0101" or "0012025550101", or with `region` as it is dialled
        there. Text with anything else (letters, an extension, a second number) is not read.
    region : str, optional
        ISO code of the country of numbers without a country code.

    Returns
    -------
    str or None
        E.164, such as "+12025550101", if its numbering plan has numbers of that length.

    Examples
    --------
    >>> e164("+1 (202) 555-0101"), e164("020 7946 0101", "GB"), e164("020 7946 0101")
    ('+12025550101', '+442079460101', None)
    """
    import phonenumbers

    if (plain := _plain(text)) is not None:
        return text if plain.possible else None
    number = _parse(_ZEROS.sub("+", text), region)
    return None if number is None else phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def canonical(text: str, region: str | None = None, name: str = "to_phone") -> str:
    """Return a phone number that somebody typed in E.164, the form in which numbers are compared.

    Parameters
    ----------
    text : str
        A number with country code ("+1 (201) 555-0100", "0012015550100"), or with `region` as it is dialled there.
    region : str, optional
        ISO code of the country of numbers without a country code.
    name : str
        Name of the argument, for the error.

    Returns
    -------
    str
        E.164, such as "+12015550100".

    Raises
    ------
    SettingsError
        It is not a phone number, or has no country code and there is no `region`.

    Examples
    --------
    >>> from optkit.phones import canonical
    >>> canonical("+1 (201) 555-0100"), canonical("0012015550100"), canonical("201-555-0100", "US")
    ('+12015550100', '+12015550100', '+12015550100')
    """
    number = e164(text, check_region(region)) if isinstance(text, str) else None
    if number is None:
        raise SettingsError(
            f"{name} is not a phone number with a country code, such as '+1 201 555 0100'; "
            "numbers without a country code need region, such as region='US'"
        )
    return number


def spellings(number: str) -> list[str]:
    """Return the forms in which a history may hold a number in E.164: with its plus sign, or without."""
    return [number, number.removeprefix("+")]


def check_region(region: str | None) -> str | None:
    """Return an ISO country code in capitals; None stays None.

    Raises
    ------
    SettingsError
        No country has that code.
    """
    import phonenumbers

    if region is None:
        return None
    code = region.strip().upper() if isinstance(region, str) else None
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise SettingsError(f"there is no country {shown(region)}; give its ISO code, such as 'US' or 'GB'")
    return code


class _Plain(NamedTuple):
    """A number in E.164 that needs no parsing."""

    possible: bool
    code: int
    rest: int
    country: str | None  # of a calling code with only one country


class _Plan(NamedTuple):
    lengths: frozenset[int]
    prefix: re.Pattern[str]
    country: str | None


def _plain(text: str) -> _Plain | None:
    """Read a number that is in E.164 already, ten times as fast as parsing it; None: it has to be parsed."""
    if not _E164.fullmatch(text):
        return None
    code = next((text[1:end] for end in (2, 3, 4) if text[1:end] in numbering_plans()), None)
    if code is None:
        return _Plain(possible=False, code=0, rest=0, country=None)
    rest, plan = text[1 + len(code) :], numbering_plans()[code]
    if rest.startswith("0") or plan.prefix.match(rest):
        return None  # a national prefix, which E.164 does not have
    return _Plain(len(rest) in plan.lengths, int(code), int(rest), plan.country)


@cache
def numbering_plans() -> dict[str, _Plan]:
    """Return the numbering plan of each calling code."""
    import phonenumbers

    plans = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        data = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, regions[0])
        assert data is not None
        assert data.general_desc is not None
        plans[str(code)] = _Plan(
            frozenset(data.general_desc.possible_length),
            re.compile(data.national_prefix_for_parsing or r"(?!)"),
            regions[0] if len(regions) == 1 and regions[0] in phonenumbers.SUPPORTED_REGIONS else None,
        )
    return plans


def _parse(text: str, region: str | None) -> Any:
    import phonenumbers

    plain = text.strip().lstrip("'")
    if not _PUNCTUATION.fullmatch(plain):
        return None
    try:
        number = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    return number if possible == phonenumbers.ValidationResult.IS_POSSIBLE else None


@lru_cache(maxsize=65_536)
def country_of(number: str) -> str | None:
    """Return the ISO country code of a number with a country code; None if it has no country.

    Examples
    --------
    >>> country_of("+14165550101"), country_of("+447700900123"), country_of("+12925550101")
    ('CA', 'GB', None)
    """
    import phonenumbers

    plain = _plain(number)
    if plain is not None and (plain.country is not None or not plain.possible):
        return plain.country if plain.possible else None
    parsed = _parse(number, None) if plain is None else phonenumbers.PhoneNumber(plain.code, plain.rest)
    if parsed is None:
        return None
    region, code = phonenumbers.region_code_for_number(parsed), parsed.country_code or 0
    if region is None and code != 1:
        region = phonenumbers.region_code_for_country_code(code)
    return region if region in phonenumbers.SUPPORTED_REGIONS else None


def countries(numbers: pl.Series) -> pl.Series:
    """Return the country of each number; each distinct one is looked up once."""
    number = pl.col("number")
    by_area = number.str.contains(_AREA) & ~number.str.starts_with(_PERSONAL)
    frame = pl.DataFrame({"number": numbers.cast(pl.String)})
    different = frame.unique().with_columns(
        key=pl.when(by_area).then(number.str.slice(0, 6)).otherwise(number)
    )
    keys = different.group_by("key").agg(number.first()).drop_nulls()
    found = keys.with_columns(pl.Series("country", map(country_of, keys["number"]), dtype=pl.String))
    named = different.join(found.drop("number"), on="key", how="left").drop("key")
    return frame.join(named, on="number", how="left", maintain_order="left")["country"]


@cache
def country_names() -> pl.DataFrame:
    """Return country (ISO code) and country_name (English) of every country that has phone numbers."""
    with resources.as_file(resources.files("optkit") / "countries.csv") as path:
        return pl.read_csv(path, infer_schema=False)


@overload
def mask(frame: Frame) -> Frame: ...


@overload
def mask(frame: Any) -> pl.DataFrame: ...


def mask(frame: Any) -> Any:
    """Mask the recipients' phone numbers for display; senders stay as they are.

    The first five characters and the last four are kept, or fewer of a short number: at least three are always hidden.
    Masking protects a number from readers of a page. It is not anonymisation: somebody who knows the area can guess.

    Parameters
    ----------
    frame : any frame except Spark's
        A frame without to_phone is returned unchanged.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The same frame (polars, if it was another Arrow frame) with to_phone (String) masked. Masked numbers stay as
        they are.

    Raises
    ------
    HistoryError
        It is not such a frame.

    Examples
    --------
    >>> import optkit
    >>> import polars as pl
    >>> frame = pl.DataFrame({"to_phone": ["+12025550101", "+4570123", "911"]})
    >>> optkit.mask(frame)["to_phone"].to_list()
    ['+1202•••0101', '+•••0123', '•••']
    """
    if not isinstance(frame, pl.DataFrame | pl.LazyFrame):
        not_a_frame = HistoryError(f"mask takes a polars, pandas or Arrow frame, not {type(frame).__name__}")
        if not hasattr(frame, "__arrow_c_stream__") or not hasattr(frame, "shape"):
            raise not_a_frame
        try:
            frame = pl.DataFrame(frame)
        except (ValueError, TypeError, pl.exceptions.PolarsError):
            raise not_a_frame from None  # what was raised may quote a phone number
    if "to_phone" not in frame.collect_schema():
        return frame
    text = pl.col("to_phone").cast(pl.String)
    spare = text.str.len_chars().cast(pl.Int64) - len(_HIDDEN)
    tail = spare.clip(0, 4)
    head = (spare - 4).clip(0, 5)
    short = text.str.slice(0, head) + _HIDDEN + text.str.slice(text.str.len_chars().cast(pl.Int64) - tail)
    return frame.with_columns(
        to_phone=pl.when(text.str.contains(_HIDDEN, literal=True)).then(text).otherwise(short)
    )
