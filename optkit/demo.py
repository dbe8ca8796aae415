"""The made-up account: its history, its audience, and the moment at which its clock stands still.

Nobody's number is in it. Recipients and senders have numbers that the regulators keep for fiction: +1 NXX
555 0100 to 0199, Ofcom's and BNetzA's drama numbers, ACMA's and ARCEP's ranges for films. Where these run
out (about 45,000 recipients) further ones get +1 numbers whose exchange code begins with 0 or 1, which the
North American plan never assigns: not valid, so without a country. Short codes that begin with 1 are not
assigned either.

Everything is drawn from the bits of PCG64, by additions, multiplications, comparisons and look-ups only: so
the same seed gives the same frame with any version of numpy and polars, on any machine.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.errors import SettingsError
from optkit.history import OPT_IN, OPT_OUT, ORDER, SCHEMA, STATUS

#: The made-up account's clock stands still here; all its events lie before.
CLOCK: Final = datetime(2026, 7, 1, tzinfo=UTC)

#: About how many events there are for each recipient: for a history of so many rows, divide by this.
EVENTS_PER_RECIPIENT: Final = 1.7

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_SECOND: Final = 1000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_CLOCK_MS: Final = round(CLOCK.timestamp()) * _SECOND

_US_AREAS: Final = """
201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251
252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318
319 320 321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413
414 415 417 419 423 425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513
515 516 517 518 520 530 540 541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607
608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 701 702
703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772
773 774 775 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845
847 848 850 856 857 858 859 860 862 863 864 865 870 878 901 903 904 906 908 909 910 912 913 914 915 916 917
918 919 920 925 928 931 936 937 940 941 947 949 951 952 954 956 970 971 972 973 978 979 980 985 989
"""
_CA_AREAS: Final = (
    "204 226 250 289 306 403 416 418 438 450 506 514 519 604 613 647 705 709 778 780 807 819 867"
)
_GB_LANDLINES: Final = """
2079460000 1134960000 1144960000 1164960000 1174960000 1184960000 1214960000 1314960000
1414960000 1514960000 1614960000 1914980000 2896496000 2920180000
"""


@dataclass(frozen=True)
class _Country:
    """Where recipients live: share, hours from UTC, number blocks (first, size), shares of its senders."""

    share: float
    hours: int
    blocks: tuple[tuple[int, int], ...]
    senders: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class _Sender:
    """A sender's habits: how many of its audience ever act, and what they do then."""

    name: str
    acting: float  # share of its audience that is in the history
    returning: float  # of opt-outs that come back
    quick: float  # of returns that come within minutes
    relapsing: float  # of returns that opt out again
    weekend: float  # weight of a Saturday or Sunday against a weekday
    campaign: int  # days between its campaigns
    boost: float  # weight of a campaign's day


def _nanp(areas: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(f"1{area}5550100"), 100) for area in areas.split())


_SENDERS: Final = (
    _Sender("18181", 0.041, 0.22, 0.08, 0.40, 0.60, 14, 3.0),  # short code: the shop's marketing
    _Sender("+18335550142", 0.029, 0.55, 0.62, 0.30, 0.15, 7, 1.2),  # appointments: CANCEL means the visit
    _Sender("NORTHWIND", 0.016, 0.16, 0.05, 0.30, 0.80, 28, 2.2),  # alphanumeric: delivery notices abroad
    _Sender("+447700900142", 0.024, 0.27, 0.10, 0.42, 0.50, 21, 2.6),
    _Sender("+19025550107", 0.022, 0.30, 0.12, 0.35, 0.55, 14, 2.0),
    _Sender("+61491570156", 0.019, 0.30, 0.15, 0.24, 0.70, 28, 2.4),
    _Sender("+33639980142", 0.034, 0.19, 0.06, 0.45, 0.40, 21, 2.8),
    _Sender("+4917139200042", 0.012, 0.10, 0.05, 0.20, 0.35, 28, 1.8),
    _Sender("+19075550107", 0.096, 0.06, 0.04, 0.45, 0.90, 10, 3.4),  # small, and people want out
)
_WENT_WRONG: Final = 0  # the short code, on one day
_COUNTRIES: Final = (
    _Country(0.62, -6, _nanp(_US_AREAS), ((0, 0.62), (1, 0.27), (8, 0.04), (2, 0.07))),
    _Country(0.08, -5, _nanp(_CA_AREAS), ((4, 0.66), (1, 0.24), (0, 0.10))),
    _Country(
        0.12,
        0,
        (*((int(f"44{first}"), 1000) for first in _GB_LANDLINES.split()), (447700900200, 800)),
        ((3, 0.68), (2, 0.32)),
    ),
    _Country(0.08, 10, tuple((int(f"61{area}55500000"), 10_000) for area in "2378"), ((5, 0.80), (2, 0.20))),
    _Country(
        0.06,
        1,
        tuple((first, 10_000) for first in (33199000000, 33261910000, 33353010000, 33465710000, 33536490000)),
        ((6, 0.70), (2, 0.30)),
    ),
    _Country(
        0.04,
        1,
        ((493023125000, 1000), (496990009000, 1000), (494066969000, 1000), (498999998000, 1000)),
        ((7, 0.75), (2, 0.25)),
    ),
)
_SECOND_SENDER: Final = 0.24  # of recipients act towards two senders
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


class _Draws:
    """Uniform numbers in [0, 1), from bits alone: numpy's distributions may change between versions."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def __call__(self, count: int) -> Floats:
        return (self._bits.random_raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def choose(self, weights: npt.ArrayLike, count: int) -> tuple[Ints, Floats]:
        """Return places drawn by `weights`, and how far into its place each draw fell, in [0, 1)."""
        edges = np.concatenate(([0.0], np.cumsum(np.asarray(weights, dtype=np.float64))))
        drawn = self(count) * edges[-1]
        place = np.minimum(np.searchsorted(edges, drawn, "right"), len(edges) - 1) - 1
        return place, (drawn - edges[place]) / (edges[place + 1] - edges[place])

    def delays(self, quantiles: tuple[int, ...], count: int) -> Floats:
        """Return delays whose evenly spaced quantiles are given."""
        table = np.asarray(quantiles, dtype=np.float64)
        drawn = self(count) * (len(table) - 1)
        place = drawn.astype(np.int64)
        return table[place] + (drawn - place) * (table[place + 1] - table[place])


@dataclass(frozen=True)
class _Pairs:
    """Who acts towards whom: the recipients' numbers, and of each pair its recipient, sender and country."""

    numbers: Ints
    recipient: Ints
    sender: Ints
    country: Ints


def _pairs(recipients: int, seed: int) -> _Pairs:
    if recipients < 1:
        raise SettingsError("recipients must be a whole number from 1")
    draw = _Draws(seed)
    country, _ = draw.choose([country.share for country in _COUNTRIES], recipients)
    numbers, senders = np.empty(recipients, np.int64), np.empty(recipients, np.int64)
    spilled = 0
    for code, here in enumerate(_COUNTRIES):
        people = np.flatnonzero(country == code)
        numbers[people], overflow = _numbers(here.blocks, len(people), spilled)
        spilled += overflow
        place, _ = draw.choose([share for _, share in here.senders], len(people))
        senders[people] = np.asarray([sender for sender, _ in here.senders])[place]
    twice = np.flatnonzero(draw(recipients) < _SECOND_SENDER)
    second = np.empty(len(twice), np.int64)
    for code, here in enumerate(_COUNTRIES):
        those = np.flatnonzero(country[twice] == code)
        others = np.asarray([sender for sender, _ in here.senders])
        place, _ = draw.choose(np.ones(len(others)), len(those))
        second[those] = others[place]
    differs = second != senders[twice]
    recipient = np.concatenate((np.arange(recipients), twice[differs]))
    return _Pairs(numbers, recipient, np.concatenate((senders, second[differs])), country[recipient])


def _numbers(blocks: tuple[tuple[int, int], ...], count: int, spilled: int) -> tuple[Ints, int]:
    """Return different numbers from the blocks, and how many had to come from the numbers nobody can have."""
    firsts, sizes = np.asarray(blocks, dtype=np.int64).T
    ends = np.cumsum(sizes)
    inside = min(count, int(ends[-1]))
    place = np.arange(inside) * 7919 % ends[-1]  # a prime that divides no capacity: each place once, no order
    block = np.searchsorted(ends, place, "right")
    known = firsts[block] + place - (ends - sizes)[block]
    spill = np.arange(spilled, spilled + count - inside)
    areas = np.asarray(_US_AREAS.split(), dtype=np.int64)
    area, line = areas[spill % len(areas)], spill // len(areas)
    return np.concatenate((known, (1000 + area) * 10_000_000 + line)), count - inside


def _day_weights(code: int, days: int) -> Floats:
    """Return the weight of each day for a sender's first events: growth, weekends, campaigns, the bad day."""
    sender = _SENDERS[code]
    day = np.arange(days)
    weekday = (_CLOCK_MS // _DAY - days + day + 3) % 7  # 0 is Monday; 1970-01-01 was a Thursday
    weights = (1 + 0.4 * day / days) * np.where(weekday >= 5, sender.weekend, 1.0)  # noqa: PLR2004 - Saturday
    since = (day + 3 * code) % sender.campaign
    weights *= np.where(since == 0, sender.boost, np.where(since == 1, (1 + sender.boost) / 2, 1.0))
    if code == _WENT_WRONG:
        weights[days * 5 // 8] = 24
    return weights


def _first_events(pairs: _Pairs, days: int, draw: _Draws) -> Ints:
    """Return when each pair's first event is, in ms before or after the clock's local midnight."""
    start = _CLOCK_MS - days * _DAY
    ms = np.empty(len(pairs.sender), np.int64)
    for code in range(len(_SENDERS)):
        those = np.flatnonzero(pairs.sender == code)
        day, _ = draw.choose(_day_weights(code, days), len(those))
        hour, within = draw.choose(_HOURS, len(those))
        zone = np.asarray([country.hours for country in _COUNTRIES])[pairs.country[those]]
        ms[those] = day * _DAY + (hour - zone) * _HOUR + (within * _HOUR).astype(np.int64)
    return start + ms % (days * _DAY)  # what a time zone pushes over one end comes in at the other


def _events(pairs: _Pairs, days: int, draw: _Draws) -> tuple[Ints, Ints, Bools]:
    """Return of each event its pair, its ms, and whether it is an opt-out; in no order."""
    pair, ms = np.arange(len(pairs.sender)), _first_events(pairs, days, draw)
    out = draw(len(pair)) >= _ORPHANS
    rounds = []
    while len(pair):
        rounds.append((pair, ms, out))
        sender = pairs.sender[pair]
        chance = np.where(out, _habit("returning")[sender], _habit("relapsing")[sender])
        goes_on = draw(len(pair)) < chance
        quick = out & (draw(len(pair)) < _habit("quick")[sender])
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


def _habit(name: str) -> Floats:
    return np.asarray([getattr(sender, name) for sender in _SENDERS], dtype=np.float64)


def _delays(out: Bools, quick: Bools, draw: _Draws) -> Ints:
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
    pairs = _pairs(recipients, seed)
    pair, ms, out, now_out = _settled(*_events(pairs, days, _Draws(seed + 1_000_003)), days)
    names = pl.Series([sender.name for sender in _SENDERS])
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
    event = np.unique(pair * width + (ms - start) * 2 + out)  # one integer an event: one fast sort
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
    pairs = _pairs(recipients, seed)
    acting = np.bincount(pairs.sender, minlength=len(_SENDERS))
    seen = np.flatnonzero(acting)
    return pl.DataFrame(
        {
            "from_phone": [_SENDERS[code].name for code in seen],
            "recipients": (acting[seen] / _habit("acting")[seen]).astype(np.int64),
        }
    ).sort("from_phone")
