"""The times and filters that callers name: read, checked, and brought into the form in which they are compared."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import polars as pl

from optkit.arguments import choice
from optkit.config import Settings
from optkit.errors import SettingsError
from optkit.loading.clocks import now_of
from optkit.loading.plan import LoadRequest, Refresh
from optkit.phones import canonical
from optkit.sender_names import canonical_sender, find_senders, warn_of_unknown_senders
from optkit.times import Moment, from_ms, instant, to_ms

#: A value of a filter, or several.
OneOrMany = str | Iterable[str] | None


def load_request(
    start: Moment | None, end: Moment | None, refresh: Refresh, settings: Settings
) -> LoadRequest:
    """Read the times that a caller names."""
    now = from_ms(now_of(settings))
    return LoadRequest(
        None if start is None else to_ms(instant(start, "start", now=now)),
        None if end is None else to_ms(instant(end, "end", now=now)),
        refresh,
    )


def given(**filters: list[Any] | None) -> dict[str, list[Any]]:
    """Return the values of the filters that were given, by column."""
    return {name: values for name, values in filters.items() if values is not None}


def _several(value: OneOrMany, name: str) -> list[str] | None:
    """Return the values of a filter, trimmed, None for no filter."""
    if value is None:
        return None
    values = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if not all(isinstance(item, str) and item.strip() for item in values):
        raise SettingsError(f"{name} takes text or a list of it, such as '+12125550100' with its plus sign")
    return [item.strip() for item in values]


def recipients(value: OneOrMany, region: str | None) -> list[str] | None:
    """Return phone numbers that somebody typed in E.164, None for no filter."""
    numbers = _several(value, "to_phone")
    return None if numbers is None else [canonical(number, region, "to_phone") for number in numbers]


def senders(value: OneOrMany, region: str | None) -> list[str] | None:
    """Return senders in the form in which they are compared, None for no filter."""
    names = _several(value, "from_phone")
    return None if names is None else [canonical_sender(name, region) for name in names]


def has_sender(wanted: list[str], rows: pl.LazyFrame, what: str) -> pl.Expr:
    """Return whether a row has one of the senders, in any spelling; warn about those that no row has.

    Only the column of senders is read.
    """
    known = rows.select(pl.col("from_phone").drop_nulls().unique()).collect(engine="streaming")["from_phone"]
    warn_of_unknown_senders(wanted, known, what)
    return pl.col("from_phone").is_in(list(chain.from_iterable(find_senders(wanted, known).values())))


def words(value: OneOrMany, name: str, known: Iterable[str]) -> list[str] | None:
    """Return values that must be some of the known words, None for no filter."""
    values = _several(value, name)
    return None if values is None else [choice(item, name, list(known)) for item in values]
