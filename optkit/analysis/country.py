"""The countries in which the recipients' numbers are registered."""

from functools import partial
from typing import TYPE_CHECKING, Any, overload

import polars as pl

from optkit.engine.columns import add_columns
from optkit.engine.frames import ArrowTable
from optkit.errors import SettingsError
from optkit.phones import Frame, countries, country_names

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame


@overload
def with_country(frame: Frame, *, names: bool = False) -> Frame: ...


@overload
def with_country(frame: ArrowTable, *, names: bool = False) -> pl.DataFrame: ...


@overload
def with_country(frame: "SparkFrame", *, names: bool = False) -> "SparkFrame": ...


def with_country(frame: Any, *, names: bool = False) -> Any:
    """Add the country of the recipient's number.

    A number has a country if its numbering plan has numbers of that length. That is the country of its calling code. If
    several countries share a calling code, it is the country of the number's range (under +1: of the area code), and
    for an unassigned range the main country; under +1 an unknown area code has no country. So numbers reserved for
    fiction have a country as well. It is where the number is *registered*: people move and keep their numbers.

    Parameters
    ----------
    frame : any frame
        With the column to_phone.
    names : bool
        Add the country's English name as well.

    Returns
    -------
    polars.DataFrame, polars.LazyFrame or pyspark.sql.DataFrame
        The same frame (polars, if it was another Arrow frame) with country (String: ISO 3166-1 alpha-2) and, with
        `names`, country_name (String); null if it is not a number with a country code.

    Raises
    ------
    HistoryError
        It is not such a frame.

    Notes
    -----
    The ranges are those of Google's libphonenumber, from the phonenumbers package.

    Examples
    --------
    >>> import optkit
    >>> import polars as pl
    >>> frame = pl.DataFrame({"to_phone": ["+12025550101", "+14165550101", "+447700900123", "12345"]})
    >>> optkit.with_country(frame)["country"].to_list()
    ['US', 'CA', 'GB', None]
    >>> optkit.with_country(frame, names=True)["country_name"].to_list()
    ['United States', 'Canada', 'United Kingdom', None]
    """
    if not isinstance(names, bool):
        raise SettingsError("names must be True or False")
    made = pl.Schema({"country": pl.String()} | ({"country_name": pl.String()} if names else {}))
    needs = {"to_phone": pl.String()}
    return add_columns(frame, partial(_countries, names=names), needs=needs, made=made, name="with_country")


def _countries(rows: pl.DataFrame, *, names: bool) -> pl.DataFrame:
    country = countries(rows["to_phone"])
    if not names:
        return country.to_frame()
    known = country_names()
    name = country.replace_strict(known["country"], known["country_name"], default=None)
    return pl.DataFrame([country, name.alias("country_name")])
