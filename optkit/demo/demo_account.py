"""The made-up account for users: its history, messages and audience."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from optkit import messages as schema
from optkit.arguments import whole_number
from optkit.demo.outcomes import messages_of
from optkit.demo.rng import Bools, Ints, Rng
from optkit.demo.senders import SENDERS
from optkit.demo.simulation import Simulation, simulate
from optkit.history import OPT_IN, OPT_OUT, ORDER, SCHEMA, STATUS, event_order
from optkit.times import SECOND, to_ms

#: The fixed time of the made-up account's clock; everything in it is earlier.
CLOCK: Final = datetime(2026, 7, 1, tzinfo=UTC)

#: The beginning of the made-up account's messages: the vendor's API reaches back six months.
RECORD_START: Final = datetime(2026, 1, 5, tzinfo=UTC)

#: Approximate number of events per recipient, with the default number of days.
EVENTS_PER_RECIPIENT: Final = 0.33

_MOST_RECIPIENTS: Final = 100_000_000
_MOST_DAYS: Final = 36_525  # a century

_REPEATS: Final = 0.05  # share of events that are repeated
_REPEAT_WITHIN: Final = 20 * SECOND  # soon enough, so that nothing else happens to the pair before
#: Share of opt-outs with an opt-in in the same millisecond; few enough for `optkit.quality`.
_TIES: Final = 0.001


def demo_history(*, recipients: int = 20_000, days: int = 365, seed: int = 0) -> pl.DataFrame:
    """Return the made-up account's history.

    Nine senders of very different sizes send fourteen campaigns to people in six countries. Messages cause opt-outs
    (see `demo_messages` and `optkit.demo.effects`), a few people opt out without one, and some come back, many of them
    within minutes because they typed CANCEL and meant an appointment. There are relapses, repeats, opposite events in
    the same millisecond, pairs whose first event is an opt-in, and one campaign that went wrong. There are no exact
    duplicates: the API may return them, but a loaded history does not have them.

    Parameters
    ----------
    recipients : int
        How many people are on the senders' lists. About a quarter of them are in the history; the others never opted
        out or in.
    days : int
        How many days the history reaches back from `optkit.demo.CLOCK`, 2026-07-01 00:00 UTC.
    seed : int
        The same seed gives the same frame on every machine.

    Returns
    -------
    polars.DataFrame
        A history: to_phone and from_phone (String), created_at (Datetime("ms", "UTC")), status and
        current_status (Enum), sorted by created_at, from_phone, to_phone, status.

    Raises
    ------
    SettingsError
        An argument is not a whole number, `recipients` or `days` is below 1 or too large, or `seed` is below 0.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1_000)
    >>> history.columns
    ['to_phone', 'from_phone', 'created_at', 'status', 'current_status']
    >>> history.equals(optkit.demo_history(recipients=1_000))
    True
    """
    simulation, start = _simulated(recipients, days, seed)
    people = simulation.population
    pair, ms, out, now_out = _settled(*_events(simulation, Rng(seed + 1_000_003)), start)
    names = pl.Series([sender.name for sender in SENDERS])
    return (
        pl.DataFrame(
            {"number": people.numbers[people.recipient[pair]], "ms": ms, "out": out, "now_out": now_out}
        )
        .select(
            to_phone="+" + pl.col("number").cast(pl.String),
            from_phone=names.gather(people.sender[pair]),
            created_at=pl.from_epoch("ms", time_unit="ms").dt.replace_time_zone("UTC"),
            status=_status("out"),
            current_status=_status("now_out"),
        )
        .cast(SCHEMA)
        .sort(ORDER)
    )


def demo_messages(*, recipients: int = 20_000, days: int = 365, seed: int = 0) -> pl.DataFrame:
    """Return the made-up account's messages; they belong to the history with the same arguments.

    The messages begin on 2026-01-05, as far back as the API would reach. Their effects are known: `optkit.demo.effects`
    has the rate of each kind of campaign and all factors. Most messages arrive, some fail for each of the reasons of
    the API, and a few are sent to people who had opted out. No message to a landline or an invalid number arrives.

    Parameters
    ----------
    recipients, days, seed : int
        See `demo_history`.

    Returns
    -------
    polars.DataFrame
        Messages: message_id (Int64), to_phone and from_phone (String), sent_at (Datetime("ms", "UTC")),
        delivery_status and failure (Enum), campaign_id, execution_id and response_set_id (Int64), campaign and
        language (String), executed_at (Datetime("ms", "UTC")), characters (Int32), mentions_stop (Boolean); sorted by
        sent_at, message_id.

    Raises
    ------
    SettingsError
        See `demo_history`.

    Examples
    --------
    >>> import optkit
    >>> messages = optkit.demo_messages(recipients=1_000)
    >>> messages["campaign"].n_unique()
    14
    """
    simulation, _ = _simulated(recipients, days, seed)
    return messages_of(simulation, to_ms(RECORD_START), Rng(seed + 2_000_003))


def demo_audience(*, recipients: int = 20_000, days: int = 365, seed: int = 0) -> pl.DataFrame:
    """Return how many people each sender of the made-up account reached.

    Parameters
    ----------
    recipients, days, seed : int
        See `demo_history`.

    Returns
    -------
    polars.DataFrame
        One row per sender: from_phone (String), recipients (Int64), sorted by from_phone. These are the first two
        columns of ``optkit.audience(optkit.demo_messages())``.

    Raises
    ------
    SettingsError
        See `demo_history`.

    Examples
    --------
    >>> import optkit
    >>> optkit.demo_audience().columns
    ['from_phone', 'recipients']
    """
    return (
        demo_messages(recipients=recipients, days=days, seed=seed)
        .filter(pl.col("delivery_status").is_in(schema.REACHED))
        .group_by("from_phone")
        .agg(recipients=pl.col("to_phone").n_unique().cast(pl.Int64))
        .sort("from_phone")
    )


def _simulated(recipients: int, days: int, seed: int) -> tuple[Simulation, int]:
    """Return the simulation, and its beginning in epoch ms."""
    recipients = whole_number(recipients, "recipients", least=1, most=_MOST_RECIPIENTS)
    days = whole_number(days, "days", least=1, most=_MOST_DAYS)
    seed = whole_number(seed, "seed", least=0)
    start = to_ms(CLOCK - timedelta(days=days))
    return simulate(recipients, start, to_ms(CLOCK), seed), start


def _events(simulation: Simulation, rng: Rng) -> tuple[Ints, Ints, Bools]:
    """Return each event's pair, epoch ms and whether it is an opt-out, including repeats and ties, in no order."""
    pair, ms, out = (np.concatenate(column) for column in zip(*simulation.events, strict=True))
    happened = ms < to_ms(CLOCK) - _REPEAT_WITHIN
    pair, ms, out = pair[happened], ms[happened], out[happened]
    again = np.flatnonzero(rng(len(pair)) < _REPEATS)
    later = ms[again] + 4 * SECOND + (rng(len(again)) * (_REPEAT_WITHIN - 4 * SECOND)).astype(np.int64)
    tied = np.flatnonzero(out & (rng(len(pair)) < _TIES))
    return (
        np.concatenate((pair, pair[again], pair[tied])),
        np.concatenate((ms, later, ms[tied])),
        np.concatenate((out, out[again], ~out[tied])),
    )


def _settled(pair: Ints, ms: Ints, out: Bools, start: int) -> tuple[Ints, Ints, Bools, Bools]:
    """Return each event once, sorted by pair and time, and whether its pair is opted out in the end."""
    width = 2 * (to_ms(CLOCK) - start)
    event = np.sort(pair * width + event_order(ms - start, out))  # one integer per event: one fast sort
    event = event[np.diff(event, prepend=-1) > 0]
    pair, ms, out = event // width, start + event % width // 2, event % 2 == 1
    last = np.flatnonzero(np.diff(pair, append=-1))
    return pair, ms, out, np.repeat(out[last], np.diff(last, prepend=-1))


def _status(out: str) -> pl.Expr:
    return pl.when(out).then(pl.lit(OPT_OUT)).otherwise(pl.lit(OPT_IN)).cast(STATUS)
