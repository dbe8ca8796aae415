"""Where the recipients' numbers are registered."""

from typing import TYPE_CHECKING, Any, Final, overload

import polars as pl

from optkit.engine import frames, spark
from optkit.engine.frames import is_spark
from optkit.errors import HistoryError
from optkit.phones import Frame, countries

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyspark.sql import DataFrame as SparkFrame

_MISSING: Final = "with_country needs the column to_phone"


@overload
def with_country(history: Frame) -> Frame: ...


@overload
def with_country(history: Any) -> Any: ...


def with_country(history: Any) -> Any:
    """Add the country of the recipient's number.

    A number has a country if its numbering plan has numbers of that length. It is the country of its calling code;
    of countries that share one, the country that the range belongs to (under +1 the area code's), and
    for a range that nobody holds the main country, except under +1, where an unknown area code says nothing.
    So numbers reserved for fiction have a country as well. It is where the number is *registered*:
    people move and keep their numbers.

    Parameters
    ----------
    history : any frame
        With the column to_phone.

    Returns
    -------
    polars.DataFrame, polars.LazyFrame or pyspark.sql.DataFrame
        The same (as polars, if it was another Arrow frame) with country (String): ISO 3166-1 alpha-2; null for
        what is no number with a country code.

    Raises
    ------
    HistoryError
        It is no such frame.

    Notes
    -----
    Ranges as Google's libphonenumber lists them, by the phonenumbers package.

    Examples
    --------
    >>> frame = pl.DataFrame({"to_phone": ["+12025550101", "+14165550101", "+447700900123", "12345"]})
    >>> optkit.with_country(frame)["country"].to_list()
    ['US', 'CA', 'GB', None]
    """
    if is_spark(history):
        return _on_spark(history)
    frame = history if isinstance(history, pl.DataFrame | pl.LazyFrame) else frames.lazy(history).collect()
    if "to_phone" not in frame.collect_schema():
        raise HistoryError(_MISSING)
    country = pl.col("to_phone").map_batches(countries, return_dtype=pl.String, is_elementwise=True)
    return frame.with_columns(country=country)


def _on_spark(history: "SparkFrame") -> "SparkFrame":
    from pyspark.sql.types import StringType, StructField, StructType

    if "to_phone" not in history.columns:
        raise HistoryError(_MISSING)

    def add(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        for batch in batches:
            country = countries(pl.Series(batch["to_phone"])).to_arrow().cast(pa.string())
            yield batch.append_column("country", country)

    schema = StructType([*history.schema.fields, StructField("country", StringType())])
    with spark.quiet():
        return history.mapInArrow(add, schema)
