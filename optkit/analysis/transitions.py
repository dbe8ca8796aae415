"""All changes of state: every opt-out and re-opt-in, and the spells between them."""

from typing import TYPE_CHECKING, Final, overload

import polars as pl

from optkit.engine.aggregate import Rows, instants, map_rows
from optkit.engine.frames import History, Table
from optkit.engine.states import Partition, Scope
from optkit.history import OPT_OUT
from optkit.times import DAY, Moment

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

RE_OPT_IN: Final = "re-opt-in"

#: The two kinds of transition.
KIND: Final = pl.Enum([OPT_OUT, RE_OPT_IN])


@overload
def transitions(
    history: Table, *, scope: Scope = ..., since: Moment | None = ..., until: Moment | None = ...
) -> pl.DataFrame: ...


@overload
def transitions(
    history: "SparkFrame", *, scope: Scope = ..., since: Moment | None = ..., until: Moment | None = ...
) -> "SparkFrame": ...


def transitions(
    history: History, *, scope: Scope = "pair", since: Moment | None = None, until: Moment | None = None
) -> Rows:
    """List the events that changed a state: opt-outs, and opt-ins after an opt-out.

    Repeats, exact duplicates and orphan opt-ins (a pair's first event is an opt-in) change nothing. Of opposite events
    of a pair in the same millisecond, the opt-out counts.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    scope : "pair" or "recipient"
        Whose state: a pair's, or a recipient's, opted out while opted out of at least one sender. In recipient scope
        from_phone is the sender of the event that made the change (of several the first by name).
    since, until : str, date or datetime, optional
        Only transitions in this stretch, both ends included; by default from the first event to the last.

    Returns
    -------
    polars.DataFrame
        One row per transition, sorted by created_at, from_phone, to_phone: from_phone, to_phone (String),
        created_at (Datetime ms, UTC), kind (Enum: "opt-out", "re-opt-in"). For a Spark history a Spark
        DataFrame of the same columns (kind a string), in no order.

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
    >>> optkit.transitions(history)["kind"].unique().sort().to_list()
    ['opt-out', 're-opt-in']
    """

    def mapper(partition: Partition) -> pl.LazyFrame:
        kind = pl.when("out").then(pl.lit(OPT_OUT, KIND)).otherwise(pl.lit(RE_OPT_IN, KIND))
        return partition.transitions.select("sender", "recipient", created_at=instants("at"), kind=kind)

    sort = ["created_at", "from_phone", "to_phone"]
    return map_rows(history, mapper, sort=sort, scope=scope, since=since, until=until)


@overload
def spells(
    history: Table, *, scope: Scope = ..., since: Moment | None = ..., until: Moment | None = ...
) -> pl.DataFrame: ...


@overload
def spells(
    history: "SparkFrame", *, scope: Scope = ..., since: Moment | None = ..., until: Moment | None = ...
) -> "SparkFrame": ...


def spells(
    history: History, *, scope: Scope = "pair", since: Moment | None = None, until: Moment | None = None
) -> Rows:
    """List the spells: each time from an opt-out to the re-opt-in that ended it.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    scope : "pair" or "recipient"
        See `transitions`; in recipient scope from_phone is the sender of the event that began the spell.
    since, until : str, date or datetime, optional
        Only spells that begin in this stretch, both ends included; by default from the first event to the last. A spell
        is open if it did not end by `until`.

    Returns
    -------
    polars.DataFrame
        One row per spell, sorted by from_phone, to_phone, spell: from_phone, to_phone (String), spell (UInt32: 1 for
        the first ever of the pair or recipient), opted_out_at, returned_at (Datetime ms, UTC; null: open at `until`),
        days (Float64: of 24 hours, to the return or to `until`), returned (Boolean). For a Spark history a Spark
        DataFrame of the same columns, in no order.

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
    >>> spells = optkit.spells(history, until="2026-07-01")
    >>> spells["returned"].sum() == spells["returned_at"].len() - spells["returned_at"].null_count()
    True
    """

    def mapper(partition: Partition) -> pl.LazyFrame:
        end = pl.col("returned_at").fill_null(partition.until)
        return partition.spells.select(
            "sender",
            "recipient",
            "spell",
            opted_out_at=instants("opted_out_at"),
            returned_at=instants("returned_at"),
            days=(end - pl.col("opted_out_at")) / DAY,
            returned=pl.col("returned_at").is_not_null(),
        )

    sort = ["from_phone", "to_phone", "spell"]
    return map_rows(history, mapper, sort=sort, scope=scope, since=since, until=until)
