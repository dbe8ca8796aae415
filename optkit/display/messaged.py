"""How many people were messaged, and from which time that is known: the denominator of a page's rates."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from optkit.engine.canonical import canonical_column, canonical_phones
from optkit.messages import REACHED
from optkit.times import time_zone as read_zone

if TYPE_CHECKING:
    from optkit.display.account_data import AccountData

#: After this time from the first known message, nearly everybody on the lists has received one.
_LIST_KNOWN_AFTER: Final = timedelta(days=30)

_BURN_IN: Final = timedelta(days=30)  # the default of `optkit.fatigue`


def rates_since(data: "AccountData") -> datetime | None:
    """Return the time from which it is known who was messaged, within the period to show; None: its first event.

    Parameters
    ----------
    data : AccountData
        The result of `open_account`. If it has an audience, this is the start of the period.

    Returns
    -------
    datetime or None
        UTC.
    """
    if data.audience is not None or data.messages.is_empty() or not _record_is_cut(data):
        return data.since
    return _first_sent(data)


def burn_in_since(data: "AccountData") -> datetime | None:
    """Return a `since` for `optkit.fatigue` with which its burn-in ends where the period to show begins.

    Parameters
    ----------
    data : AccountData
        The result of `open_account`.

    Returns
    -------
    datetime or None
        UTC; the first known message if that is later. None, if all is shown: the burn-in follows the first message.
    """
    if data.since is None or data.messages.is_empty():
        return data.since
    return max(data.since - _BURN_IN, _first_sent(data))


def messaged(data: "AccountData", *, by: Sequence[str] = ()) -> pl.DataFrame | None:
    """Return how many people each sender messaged in the period to show, from `rates_since` on.

    Without an audience, these are the people who were reached by a message, and those who opted out without one, who
    were on the list as well.

    Parameters
    ----------
    data : AccountData
        The result of `open_account`, with the columns of `by` in its history and its messages.
    by : sequence of str
        Additional columns to count by, such as country.

    Returns
    -------
    polars.DataFrame or None
        from_phone (String), the columns of `by`, recipients (Int64); one row per sender of the history. None if it is
        not known. `optkit.opt_out_rates` accepts it as its `audience`.
    """
    import optkit

    if data.audience is not None:
        return None if by else data.audience
    if data.messages.is_empty():
        return None
    since = rates_since(data)
    later = pl.lit(value=True) if since is None else pl.col("sent_at") >= since
    reached = data.messages.filter(
        pl.col("delivery_status").is_in(REACHED), pl.col("from_phone").is_not_null(), later
    )
    changes = optkit.transitions(data.history, since=since, until=data.until)
    pairs = data.history.select("from_phone", "to_phone", *by).unique()
    outs = pairs.join(changes.filter(pl.col("kind") == "opt-out"), on=["from_phone", "to_phone"], how="semi")
    keys = ["from_phone", *by]
    people = pl.concat(
        # most people were reached by many messages; each number is brought into canonical form once
        frame.select(*keys, "to_phone").unique().with_columns(canonical_phones(None))
        for frame in (reached, outs)
    ).unique()
    counts = people.group_by(keys).agg(recipients=pl.len().cast(pl.Int64))
    return (
        pairs.select(keys)
        .unique()
        .with_columns(sender=canonical_column("from_phone", None))
        .join(counts, left_on=["sender", *by], right_on=keys, how="left", nulls_equal=True)
        .select(*keys, pl.col("recipients").fill_null(0))
        .sort(keys, nulls_last=True)
    )


def churn(
    data: "AccountData", *, every: str = "1w", time_zone: str = "UTC", by: str | None = None
) -> pl.DataFrame:
    """Return the result of `optkit.churn`; if messages are known, with rates of the people on the list.

    Parameters
    ----------
    data : AccountData
        The result of `open_account`.
    every, time_zone, by : str
        See `optkit.churn`.

    Returns
    -------
    polars.DataFrame
        See `optkit.churn`. With messages, opted_in_start is the size of the list (`optkit.list_growth`), population is
        that plus the number of people opted out, and denominator is "list"; the rates are null in periods that begin
        before the list is known (`list_known_since`).
    """
    import optkit

    table = optkit.churn(
        data.history,
        every=every,
        time_zone=time_zone,
        by=by,
        audience=data.audience,
        since=data.since,
        until=data.until,
    )
    if data.audience is not None or data.messages.is_empty() or table.is_empty():
        return table
    growth = optkit.list_growth(
        data.history,
        data.messages,
        every=every,
        time_zone=time_zone,
        by=by,
        since=data.since or data.history["created_at"][0],
        until=data.until,
    )
    keys = ["period", *([by] if by else [])]
    known = pl.col("period") >= list_known_since(data).astimezone(read_zone(time_zone)).date()
    opted_in = pl.when(known & (pl.col("opted_in_start") > 0)).then("opted_in_start")
    return (
        table.drop("opted_in_start")
        .join(growth.select(*keys, opted_in_start="list_start"), on=keys, how="left", nulls_equal=True)
        .with_columns(
            population=pl.col("opted_in_start") + pl.col("opted_out_start"),
            churn_rate=pl.col("opt_outs") / opted_in,
            net_churn_rate=pl.col("net_opt_outs") / opted_in,
            denominator=pl.lit("list"),
        )
        .select(table.columns)
    )


def list_known_since(data: "AccountData") -> datetime:
    """Return the time from which nearly everybody on the lists is known.

    That is 30 days after the first known message, or its own time if no event is older: then the lists began with it.
    """
    return _first_sent(data) + (_LIST_KNOWN_AFTER if _record_is_cut(data, whole=True) else timedelta())


def _record_is_cut(data: "AccountData", *, whole: bool = False) -> bool:
    """Return whether the period to show, or the `whole` history, begins before the first known message."""
    first: datetime | None = data.history["created_at"].min()  # type: ignore[assignment]
    begin = first if whole else data.since or first
    return begin is not None and begin < _first_sent(data)


def _first_sent(data: "AccountData") -> datetime:
    first: datetime = data.messages["sent_at"].min()  # type: ignore[assignment]
    return first
