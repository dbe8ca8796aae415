"""The local time of the recipients."""

from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, overload
from zoneinfo import ZoneInfo

import polars as pl

from optkit.engine.columns import add_columns
from optkit.engine.frames import ArrowTable
from optkit.errors import SettingsError
from optkit.phones import Frame, country_of
from optkit.times import INSTANT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

#: Time zones that share a range of numbers with other zones, those with more people first.
_BY_POPULATION: Final = (
    "America/New_York",
    "Asia/Jakarta",
    "America/Sao_Paulo",
    "Europe/Moscow",
    "America/Mexico_City",
    "Europe/London",
    "Europe/Rome",
    "Africa/Kinshasa",
    "America/Los_Angeles",
    "Europe/Madrid",
    "Asia/Makassar",
    "America/Denver",
    "America/Santiago",
    "Asia/Almaty",
    "Australia/Sydney",
    "America/Guayaquil",
    "Europe/Lisbon",
    "America/Phoenix",
    "Europe/Helsinki",
    "Europe/Oslo",
    "Pacific/Auckland",
    "America/Mazatlan",
    "Asia/Ulaanbaatar",
    "America/Puerto_Rico",
    "Australia/Perth",
    "America/Halifax",
    "Indian/Reunion",
    "America/Anchorage",
    "Pacific/Tahiti",
    "America/Curacao",
    "Pacific/Tarawa",
    "America/Godthab",
    "Pacific/Truk",
)

#: If two zones' clocks ever differ, they differ on one of these days: one per month of a year with today's rules.
_DAYS: Final = tuple(datetime(2026, month, 15, tzinfo=UTC) for month in range(1, 13))

#: The zones of a number under +1 depend only on this many of its first characters.
_PREFIX: Final = 8
_AREA: Final = r"^\+1[2-9]\d{9}$"


@overload
def with_local_time(frame: Frame, *, at: str = "created_at") -> Frame: ...


@overload
def with_local_time(frame: ArrowTable, *, at: str = "created_at") -> pl.DataFrame: ...


@overload
def with_local_time(frame: "SparkFrame", *, at: str = "created_at") -> "SparkFrame": ...


def with_local_time(frame: Any, *, at: str = "created_at") -> Any:
    """Add the local time where the recipient's number is registered.

    A mobile number of a country with several time zones may be in any of them: the most populous zone is taken, and the
    row is marked as ambiguous if the zones' clocks differ. People also move and travel with their numbers.

    Parameters
    ----------
    frame : any frame
        With the column to_phone.
    at : str
        The column of times to convert; with a time zone.

    Returns
    -------
    polars.DataFrame, polars.LazyFrame or pyspark.sql.DataFrame
        The same frame (polars, if it was another Arrow frame) with time_zone (String: IANA name), local_time (Datetime
        ms without a time zone) and ambiguous (Boolean: the number may also be in a zone with another time). All three
        are null if the number has no country.

    Raises
    ------
    HistoryError
        It is not such a frame.

    Notes
    -----
    The zones of the ranges are those of Google's libphonenumber, from the phonenumbers package.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> import optkit
    >>> import polars as pl
    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> frame = pl.DataFrame({"to_phone": ["+12025550101", "+4930555000"], "created_at": [noon, noon]})
    >>> optkit.with_local_time(frame).select("time_zone", pl.col("local_time").dt.hour()).rows()
    [('America/New_York', 7), ('Europe/Berlin', 13)]
    """
    if not isinstance(at, str):
        raise SettingsError("at must be the name of a column")
    needs = {"to_phone": pl.String(), at: pl.Datetime("ms", "UTC")}
    return add_columns(frame, partial(_local_times, at=at), needs=needs, made=_MADE, name="with_local_time")


_MADE: Final = pl.Schema(
    {"time_zone": pl.String(), "local_time": pl.Datetime("ms"), "ambiguous": pl.Boolean()}
)


def _local_times(rows: pl.DataFrame, *, at: str) -> pl.DataFrame:
    """Return the zone, the local time and whether it is ambiguous, converting the rows zone by zone."""
    places = _places(rows["to_phone"])
    zones, times = places["time_zone"], rows[at]
    if times.dtype == pl.Null:  # of a frame without rows
        times = times.cast(INSTANT)
    local = pl.repeat(None, rows.height, dtype=pl.Datetime("ms"), eager=True)
    for zone in zones.unique().drop_nulls():
        chosen = (zones == zone).fill_null(value=False).arg_true()
        local = local.scatter(
            chosen,
            times.gather(chosen)
            .dt.cast_time_unit("ms")
            .dt.convert_time_zone(zone)
            .dt.replace_time_zone(None),
        )
    return places.with_columns(local_time=local).select(list(_MADE))


def _places(numbers: pl.Series) -> pl.DataFrame:
    """Return time_zone and ambiguous for each number; each distinct range is looked up once."""
    number = pl.col("number")
    frame = pl.DataFrame({"number": numbers.cast(pl.String)})
    key = pl.when(number.str.contains(_AREA)).then(number.str.head(_PREFIX)).otherwise(number)
    different = frame.unique().with_columns(key=key)
    ranges = different.group_by("key").agg(number.first()).drop_nulls()
    schema = {"time_zone": pl.String, "ambiguous": pl.Boolean}
    found = pl.DataFrame([_main_zone(_zones_of(n)) for n in ranges["number"]], schema=schema, orient="row")
    named = different.join(pl.concat([ranges.select("key"), found], how="horizontal"), on="key", how="left")
    return frame.join(
        named.drop("key"), on="number", how="left", maintain_order="left", nulls_equal=True
    ).drop("number")


@lru_cache(maxsize=65_536)
def _zones_of(number: str) -> tuple[str, ...]:
    """Return the time zones that a number may be in; none if it has no country."""
    import phonenumbers
    from phonenumbers import timezone

    if country_of(number) is None:
        return ()
    parsed = phonenumbers.parse(number)
    zones = timezone.time_zones_for_number(parsed)
    if zones == (timezone.UNKNOWN_TIMEZONE,):  # an unassigned range, such as numbers for fiction
        zones = timezone.time_zones_for_geographical_number(parsed)
    return tuple(zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE)


@cache
def _main_zone(zones: tuple[str, ...]) -> tuple[str | None, bool | None]:
    """Return the most populous of the zones, and whether their clocks ever differ."""
    if not zones:
        return None, None
    main = next((zone for zone in _BY_POPULATION if zone in zones), zones[0])
    clocks = {tuple(day.astimezone(ZoneInfo(zone)).utcoffset() for day in _DAYS) for zone in zones}
    return main, len(clocks) > 1
