"""Everything that happened to one number: each event and what it changed, or why it changed nothing."""

from itertools import groupby
from typing import TYPE_CHECKING, Final

import polars as pl

from optkit.analysis.timeline_messages import add_messages
from optkit.engine import frames, spark
from optkit.engine.frames import History, is_spark
from optkit.errors import SettingsError
from optkit.history import OPT_IN, STATUS
from optkit.phones import canonical, check_region, e164, spellings
from optkit.times import INSTANT, Moment, instant

if TYPE_CHECKING:
    from optkit.engine.message_frames import Messages

_SCHEMA: Final = pl.Schema(
    {
        "from_phone": pl.String(),
        "created_at": INSTANT,
        "status": STATUS,
        "state_before": STATUS,
        "state_after": STATUS,
        "note": pl.String(),
    }
)


def timeline(
    history: History,
    to_phone: str,
    messages: "Messages | None" = None,
    *,
    region: str | None = None,
    until: Moment | None = None,
) -> pl.DataFrame:
    """List every event of one recipient, and every message, with the pair's state before and after it.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    to_phone : str
        The recipient's number as people write it ("+1 (202) 555-0101", "0012025550101"), or exactly as in the history.
    messages : any frame, optional
        Messages, in any order.
    region : str, optional
        ISO code of the country of numbers without a country code, such as "US".
    until : str, date or datetime, optional
        Later events are left out.

    Returns
    -------
    polars.DataFrame
        One row per event, sorted by created_at, from_phone and status: from_phone (String); created_at (Datetime ms,
        UTC); status, state_before, state_after (Enum: "opt-in", "opt-out"; the states of the recipient with that
        sender, opted in before their first event); note (String): "" if the event changed the state, otherwise the
        reason why not: "repeat", "tie" (an opt-in in the same millisecond as an opt-out, which counts), "orphan opt-in"
        (the pair's first event) or "duplicate" (the same row again). No rows if the number is in neither frame: it
        counts as opted in.

        With messages also one row per message, before the events of the same millisecond, with created_at = sent_at, no
        status, and the note "leak" if the recipient was opted out. All rows then have kind (Enum: "opt-in", "opt-out",
        "message"), delivery_status (Enum) and campaign (String; null for events).

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        `to_phone` is not a phone number, or `until` cannot be used.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> number = optkit.suppression_list(history)["to_phone"][0]
    >>> optkit.timeline(history, number)["state_after"][-1]
    'opt-out'
    """
    if not isinstance(to_phone, str) or not to_phone.strip():
        raise SettingsError("to_phone must be one phone number, as text")
    number = e164(to_phone, check_region(region))
    written = [to_phone, *(spellings(number) if number else [])]
    known = spark.collect(history.where(history["to_phone"].isin(written))) if is_spark(history) else history
    events = frames.read(known).filter(pl.col("to_phone").is_in(written))
    if number is None and events.limit(1).collect().is_empty():
        canonical(to_phone, region)  # raises: the text is not a phone number, and not in the history either
    if until is not None:
        events = events.filter(pl.col("created_at") <= pl.lit(instant(until, "until")).cast(INSTANT))
    status = pl.col("status").cast(STATUS, strict=False)
    ordered = events.select("from_phone", "created_at", status).sort(pl.all()).collect()
    if any(ordered.null_count().row(0)):
        frames.validate_values(events)
    table = pl.DataFrame(_annotated(ordered.rows()), schema=_SCHEMA, orient="row")
    table = table.sort("created_at", "from_phone", "status", maintain_order=True)
    return table if messages is None else add_messages(table, messages, number or to_phone, region, until)


def _annotated(events: list[tuple[str, object, str]]) -> list[tuple[str, object, str, str, str, str]]:
    """Return the rows of events that are sorted by sender, time and status: what each changed, or why nothing."""
    rows = []
    for sender, mine in groupby(events, key=lambda event: event[0]):
        state, first = OPT_IN, True
        for at, together in groupby(mine, key=lambda event: event[1]):
            statuses = [event[2] for event in together]  # opt-ins before opt-outs
            for place, status in enumerate(statuses):
                tie = status != statuses[-1]
                after = state if tie else status
                if place and status == statuses[place - 1]:
                    note = "duplicate"
                elif tie:
                    note = "tie"
                elif first and status == OPT_IN:
                    note = "orphan opt-in"
                else:
                    note = "repeat" if state == status else ""
                rows.append((sender, at, status, state, after, note))
                state = after
            first = False
    return rows
