"""What happens in the made-up account, as a history; and its audience."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from optkit.demo.draws import Bools, Draws, Floats, Ints
from optkit.demo.people import COUNTRIES, SENDERS, WENT_WRONG, Pairs, habit, pairs_of
from optkit.errors import SettingsError
from optkit.history import OPT_IN, OPT_OUT, ORDER, SCHEMA, STATUS

#: The made-up account's clock stands still here; all its events lie before.
CLOCK: Final = datetime(2026, 7, 1, tzinfo=UTC)

#: About how many events there are for each recipient: for a history of so many rows, divide by this.
EVENTS_PER_RECIPIENT: Final = 1.7

_SECOND: Final = 1000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_CLOCK_MS: Final = round(CLOCK.timestamp()) * _SECOND

_ORPHANS: Final = 0.035  # of pairs begin with an opt-in
_REPEATS: Final = 0.05  # of events are said twice
_TIES: Final = 0.0008  # of events have their opposite in the same millisecond

#: Weight of each local hour: people act by day and in the evening, a few at night.
_HOURS: Final = (2, 1, 1, 1, 1, 2, 6, 14, 28, 44, 52, 54, 50, 46, 46, 48, 52, 58, 62, 56, 42, 26, 12, 5)
#: Eighths of the distribution of delays: until somebody comes back, and until they leave again.
_RETURN_AFTER: Final = tuple(
    hours * _HOUR for hours in (2, 14, 48, 120, 240, 24 * 18, 24 * 34, 24 * 75, 24 * 220)
)
_RELAPSE_AFTER: Final = tuple(
    hours * _HOUR for hours in (6, 40, 120, 240, 24 * 18, 24 * 32, 24 * 60, 24 * 120, 24 * 280)
)


def _day_weights(code: int, days: int) -> Floats:
    """Return the weight of each day for a sender's first events: growth, weekends, campaigns, the bad day."""
    sender = SENDERS[code]
    day = np.arange(days)
    weekday = (_CLOCK_MS // _DAY - days + day + 3) % 7  # 0 is Monday; 1970-01-01 was a Thursday
    weights = (1 + 0.4 * day / days) * np.where(weekday >= 5, sender.weekend, 1.0)  # noqa: PLR2004 - Saturday
    since = (day + 3 * code) % sender.campaign
    weights *= np.where(since == 0, sender.boost, np.where(since == 1, (1 + sender.boost) / 2, 1.0))
    if code == WENT_WRONG:
        weights[days * 5 // 8] = 24
    return weights


def _first_events(pairs: Pairs, days: int, draw: Draws) -> Ints:
    """Return when each pair's first event is, in ms before or after the clock's local midnight."""
    start = _CLOCK_MS - days * _DAY
    ms = np.empty(len(pairs.sender), np.int64)
    for code in range(len(SENDERS)):
        those = np.flatnonzero(pairs.sender == code)
        day, _ = draw.choose(_day_weights(code, days), len(those))
        hour, within = draw.choose(_HOURS, len(those))
        zone = np.asarray([country.hours for country in COUNTRIES])[pairs.country[those]]
        ms[those] = day * _DAY + (hour - zone) * _HOUR + (within * _HOUR).astype(np.int64)
    return start + ms % (days * _DAY)  # what a time zone pushes over one end comes in at the other


def _events(pairs: Pairs, days: int, draw: Draws) -> tuple[Ints, Ints, Bools]:
    """Return of each event its pair, its ms, and whether it is an opt-out; in no order."""
    pair, ms = np.arange(len(pairs.sender)), _first_events(pairs, days, draw)
    out = draw(len(pair)) >= _ORPHANS
    rounds = []
    while len(pair):
        rounds.append((pair, ms, out))
        sender = pairs.sender[pair]
        chance = np.where(out, habit("returning")[sender], habit("relapsing")[sender])
        goes_on = draw(len(pair)) < chance
        quick = out & (draw(len(pair)) < habit("quick")[sender])
        ms = ms + _delays(out, quick, draw)
        goes_on &= ms < _CLOCK_MS
        pair, ms, out = pair[goes_on], ms[goes_on], ~out[goes_on]
    pair, ms, out = (np.concatenate(column) for column in zip(*rounds, strict=True))
    again = np.flatnonzero(draw(len(pair)) < _REPEATS)
    later = ms[again] + 4 * _SECOND + (draw(len(again)) * 90 * _SECOND).astype(np.int64)
    again, later = again[later < _CLOCK_MS], later[later < _CLOCK_MS]
    tied = np.flatnonzero(draw(len(pair)) < _TIES)
    return (
        np.concatenate((pair, pair[again], pair[tied])),
        np.concatenate((ms, later, ms[tied])),
        np.concatenate((out, out[again], ~out[tied])),
    )


def _delays(out: Bools, quick: Bools, draw: Draws) -> Ints:
    """Return how long after an event the pair's next one comes, in ms."""
    count = len(out)
    slow = np.where(out, draw.delays(_RETURN_AFTER, count), draw.delays(_RELAPSE_AFTER, count))
    # from a day on it is at about the same hour, as people's days have their order
    spread = (draw(count) - 0.5) * (5 * _HOUR)
    whole = slow.astype(np.int64)
    slow = np.where(whole >= _DAY, whole // _DAY * _DAY + spread.astype(np.int64), whole)
    minutes = _MINUTE // 2 + (draw(count) * 8 * _MINUTE).astype(np.int64)
    return np.where(quick, minutes, slow)


def demo_history(*, recipients: int = 20_000, days: int = 365, seed: int = 0) -> pl.DataFrame:
    """Return the made-up account's history.

    Nine senders, from a short code with half of all recipients to a small one that people want to be rid of;
    six countries; working days, campaigns, evenings; one campaign that went wrong; people who typed CANCEL
    and meant an appointment, and are back within minutes; relapses, repeats, opposite events in the same
    millisecond, and pairs whose history begins with an opt-in. No exact duplicates: the API may have them,
    a loaded history does not.

    Parameters
    ----------
    recipients : int
        How many recipients are in it; about 1.7 events each.
    days : int
        How many days it reaches back from `CLOCK`, 2026-07-01 00:00 UTC.
    seed : int
        The same seed gives the same frame everywhere.

    Returns
    -------
    polars.DataFrame
        A history: to_phone and from_phone (String), created_at (Datetime("ms", "UTC")), status and
        current_status (Enum), sorted by created_at, from_phone, to_phone, status.

    Raises
    ------
    SettingsError
        `recipients` or `days` is below 1.

    Examples
    --------
    >>> history = optkit.demo_history(recipients=1_000)
    >>> history["to_phone"].n_unique()
    1000
    >>> history.equals(optkit.demo_history(recipients=1_000))
    True
    """
    if days < 1:
        raise SettingsError("days must be a whole number from 1")
    pairs = pairs_of(recipients, seed)
    pair, ms, out, now_out = _settled(*_events(pairs, days, Draws(seed + 1_000_003)), days)
    names = pl.Series([sender.name for sender in SENDERS])
    return (
        pl.DataFrame(
            {"number": pairs.numbers[pairs.recipient[pair]], "ms": ms, "out": out, "now_out": now_out}
        )
        .select(
            to_phone="+" + pl.col("number").cast(pl.String),
            from_phone=names.gather(pairs.sender[pair]),
            created_at=pl.from_epoch("ms", time_unit="ms").dt.replace_time_zone("UTC"),
            status=_status("out"),
            current_status=_status("now_out"),
        )
        .cast(SCHEMA)
        .sort(ORDER)
    )


def _settled(pair: Ints, ms: Ints, out: Bools, days: int) -> tuple[Ints, Ints, Bools, Bools]:
    """Return the events once each, by pair and time, and whether their pair is opted out in the end."""
    start, width = _CLOCK_MS - days * _DAY, 2 * days * _DAY
    event = np.sort(pair * width + (ms - start) * 2 + out)  # one integer an event: one fast sort
    event = event[np.diff(event, prepend=-1) > 0]
    pair, ms, out = event // width, start + event % width // 2, event % 2 == 1
    last = np.flatnonzero(np.diff(pair, append=-1))
    return pair, ms, out, np.repeat(out[last], np.diff(last, prepend=-1))


def _status(out: str) -> pl.Expr:
    return pl.when(out).then(pl.lit(OPT_OUT)).otherwise(pl.lit(OPT_IN)).cast(STATUS)


def demo_audience(
    *,
    recipients: int = 20_000,
    days: int = 365,  # noqa: ARG001 - taken as `demo_history` takes it: one set of arguments for both
    seed: int = 0,
) -> pl.DataFrame:
    """Return how many recipients each sender of the made-up account messaged.

    Parameters
    ----------
    recipients, days, seed : int
        As given to `demo_history`; how long the history is does not change who was messaged.

    Returns
    -------
    polars.DataFrame
        A row a sender: from_phone (String), recipients (Int64); sorted by from_phone.

    Raises
    ------
    SettingsError
        `recipients` is below 1.

    Examples
    --------
    >>> optkit.demo_audience().columns
    ['from_phone', 'recipients']
    """
    pairs = pairs_of(recipients, seed)
    acting = np.bincount(pairs.sender, minlength=len(SENDERS))
    seen = np.flatnonzero(acting)
    return pl.DataFrame(
        {
            "from_phone": [SENDERS[code].name for code in seen],
            "recipients": (acting[seen] / habit("acting")[seen]).astype(np.int64),
        }
    ).sort("from_phone")
