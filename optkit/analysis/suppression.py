"""Who must not be messaged: all states at any time, the suppression list, and how it changed."""

from typing import TYPE_CHECKING, Final, overload

import polars as pl

from optkit.engine.aggregate import Rows, instants, map_rows
from optkit.engine.frames import History, Table
from optkit.engine.states import Partition, Scope, validate_scope
from optkit.errors import SettingsError
from optkit.history import OPT_IN, OPT_OUT, STATUS
from optkit.times import Moment, instant, to_ms

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

#: The two kinds of change of the list.
CHANGE: Final = pl.Enum(["added", "removed"])


@overload
def status_at(history: Table, at: Moment | None = ..., *, scope: Scope = ...) -> pl.DataFrame: ...


@overload
def status_at(history: "SparkFrame", at: Moment | None = ..., *, scope: Scope = ...) -> "SparkFrame": ...


def status_at(history: History, at: Moment | None = None, *, scope: Scope = "pair") -> Rows:
    """Return everybody's state at a time.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    at : str, date or datetime, optional
        The time. Default: the last event. An event in that very millisecond has taken effect.
    scope : "pair" or "recipient"
        Whose state: a pair's, or a recipient's, opted out while opted out of at least one sender.

    Returns
    -------
    polars.DataFrame
        One row per pair (or recipient) with an event by then, sorted by from_phone, to_phone: from_phone (String; not
        in recipient scope), to_phone (String), status (Enum: "opt-in", "opt-out"), since (Datetime ms, UTC: the event
        that began this state; for a pair that never opted out, its first event). For a Spark history a Spark DataFrame
        of the same columns (status a string), in no order.

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> optkit.status_at(history).columns
    ['from_phone', 'to_phone', 'status', 'since']
    >>> optkit.status_at(history, scope="recipient").height == history["to_phone"].n_unique()
    True
    """
    key = _key(scope)

    def mapper(partition: Partition) -> pl.LazyFrame:
        return partition.unit_summary.select(*key, status=_status(), since=instants("since"))

    return map_rows(history, mapper, sort=_sort(scope), scope=scope, until=_moment(at))


@overload
def suppression_list(history: Table, at: Moment | None = ..., *, scope: Scope = ...) -> pl.DataFrame: ...


@overload
def suppression_list(
    history: "SparkFrame", at: Moment | None = ..., *, scope: Scope = ...
) -> "SparkFrame": ...


def suppression_list(history: History, at: Moment | None = None, *, scope: Scope = "pair") -> Rows:
    """List the people who must not be messaged, and by which sender: everybody opted out at a time.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    at : str, date or datetime, optional
        The time. Default: the last event. An event in that very millisecond has taken effect.
    scope : "pair" or "recipient"
        Opted out of that sender, or of any sender.

    Returns
    -------
    polars.DataFrame
        One row per opted-out pair (or recipient), sorted by from_phone, to_phone: from_phone (String; not in recipient
        scope), to_phone (String), opted_out_at (Datetime ms, UTC: when the current spell began), opt_outs (UInt32:
        number of opt-outs so far). For a Spark history a Spark DataFrame of the same columns, in no order.

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> listed = optkit.suppression_list(history)
    >>> listed.columns
    ['from_phone', 'to_phone', 'opted_out_at', 'opt_outs']
    >>> optkit.suppression_list(history, at="2026-01-05 09:00 Europe/Berlin").height < listed.height
    True
    """
    key = _key(scope)

    def mapper(partition: Partition) -> pl.LazyFrame:
        listed = partition.unit_summary.filter("out")
        return listed.select(*key, opted_out_at=instants("since"), opt_outs="opt_outs")

    return map_rows(history, mapper, sort=_sort(scope), scope=scope, until=_moment(at))


@overload
def suppression_diff(
    history: Table, before: Moment, after: Moment, *, scope: Scope = ...
) -> pl.DataFrame: ...


@overload
def suppression_diff(
    history: "SparkFrame", before: Moment, after: Moment, *, scope: Scope = ...
) -> "SparkFrame": ...


def suppression_diff(history: History, before: Moment, after: Moment, *, scope: Scope = "pair") -> Rows:
    """List who was added to the suppression list or removed from it between two times, and by which event.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    before, after : str, date or datetime
        The times of the two lists. A pair that left the list and came back between them is not in the result.
    scope : "pair" or "recipient"
        See `suppression_list`.

    Returns
    -------
    polars.DataFrame
        One row per pair (or recipient), sorted by from_phone, to_phone: from_phone (String; not in recipient scope),
        to_phone (String), change (Enum: "added", "removed"), at (Datetime ms, UTC) and status (Enum: "opt-in",
        "opt-out") of the event that made the change. For a Spark history a Spark DataFrame of the same columns (change
        and status are strings), in no order.

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used, or `before` is after `after`.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> changes = optkit.suppression_diff(history, "2026-06-01", "2026-07-01")
    >>> changes["change"].unique().sort().to_list()
    ['added', 'removed']
    """
    start = to_ms(instant(before, "before"))
    if start > to_ms(instant(after, "after")):
        raise SettingsError("`before` must not be after `after`")
    key = _key(scope)

    def mapper(partition: Partition) -> pl.LazyFrame:
        # States alternate, so only an odd number of transitions since `before` changes the list.
        moved = partition.transitions.filter(pl.col("at") > start).group_by(key)
        last = moved.agg(pl.len().alias("moves"), pl.col("at", "out").last())
        change = pl.when("out").then(pl.lit("added", CHANGE)).otherwise(pl.lit("removed", CHANGE))
        return last.filter(pl.col("moves") % 2 == 1).select(
            *key, change=change, at=instants("at"), status=_status()
        )

    return map_rows(history, mapper, sort=_sort(scope), scope=scope, until=after)


def _moment(at: Moment | None) -> Moment | None:
    return None if at is None else instant(at, "at")


def _key(scope: Scope) -> list[str]:
    validate_scope(scope)
    return ["recipient"] if scope == "recipient" else ["sender", "recipient"]


def _sort(scope: Scope) -> list[str]:
    return ["to_phone"] if scope == "recipient" else ["from_phone", "to_phone"]


def _status() -> pl.Expr:
    return pl.when("out").then(pl.lit(OPT_OUT, STATUS)).otherwise(pl.lit(OPT_IN, STATUS))
