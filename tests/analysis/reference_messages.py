"""A slow and obvious reference for messages: each result follows its definition and reads everything again."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import reference
from histories import Event, moment
from made_messages import Message

from optkit.phones import e164

DAY = 86_400_000
REACHED = ("sent", "delivered")


def spelled(phone: str) -> str:
    """The canonical form of a phone."""
    phone = phone.strip()
    if len(phone) == 11 and phone.isdigit() and phone[0] == "1" and phone[1] not in "01":
        return "+" + phone
    return e164(phone) or phone


class Account(NamedTuple):
    """A history and messages with phones in one form, cut to the record."""

    events: list[Event]
    messages: list[Message]
    scope: str
    since: int | None
    until: int
    statuses: Collection[str]

    def unit(self, to_phone: str, from_phone: str | None) -> tuple[str | None, str]:
        return (from_phone if self.scope == "pair" else None, to_phone)

    def has_unit(self, message: Message) -> bool:
        return self.scope == "recipient" or message.from_phone is not None

    def is_out(self, message: Message) -> bool:
        """The last event before the message's instant was an opt-out."""
        unit = self.unit(message.to_phone, message.from_phone)
        return reference.state(self.events, unit, message.at - 1) == "opt-out"

    def exposures(self, unit: tuple[str | None, str]) -> list[Message]:
        """A unit's messages that may have been read while opted in, in order."""
        mine = [
            m
            for m in self.messages
            if self.has_unit(m)
            and self.unit(m.to_phone, m.from_phone) == unit
            and m.delivery_status in self.statuses
            and not self.is_out(m)
        ]
        return sorted(mine, key=lambda m: (m.at, m.message_id))

    def opt_outs(self) -> list[tuple[str, str, int]]:
        """(from_phone, to_phone, at) of all opt-outs."""
        moves = reference.transitions(self.events, self.scope)
        return [(sender, recipient, at) for sender, recipient, at, kind in moves if kind == "opt-out"]

    def last_exposure(self, sender: str, recipient: str, at: int) -> Message | None:
        """The last exposure at or before an opt-out."""
        before = [m for m in self.exposures(self.unit(recipient, sender)) if m.at <= at]
        return before[-1] if before else None


def account(
    events: Iterable[Event],
    messages: Iterable[Message],
    scope: str = "pair",
    since: int | None = None,
    until: int | None = None,
    *,
    statuses: Collection[str] = REACHED,
) -> Account:
    """Return the data that an analysis reads."""
    events = [e._replace(to_phone=spelled(e.to_phone), from_phone=spelled(e.from_phone)) for e in events]
    events = [e for e in events if until is None or e.at <= until]
    sent = [
        m._replace(to_phone=spelled(m.to_phone), from_phone=m.from_phone and spelled(m.from_phone))
        for m in messages
        if (since is None or m.at >= since) and (until is None or m.at <= until)
    ]
    begin = since if since is not None else min((m.at for m in sent), default=None)
    end = until if until is not None else max([*(e.at for e in events), *(m.at for m in sent)], default=0)
    return Account(events, sent, scope, begin, end, statuses)


def attribution(it: Account, window: int, begin: int | None) -> list[tuple[Any, ...]]:
    """(from_phone, to_phone, at, source, message_id, campaign_id, campaign, sent at, ms, 7d, 30d), sorted."""
    rows: list[tuple[Any, ...]] = []
    for sender, recipient, at in it.opt_outs():
        if begin is not None and at < begin:
            continue
        last = it.last_exposure(sender, recipient, at)
        if last is not None:
            source = "message" if at - last.at <= window else "earlier"
        else:
            source = "none" if it.since is not None and at - window >= it.since else "unknown"
        seen = [m.at for m in it.exposures(it.unit(recipient, sender)) if m.at <= at]
        recent = [sum(sent > at - days * DAY for sent in seen) for days in (7, 30)]
        of_message = (
            (None, None, None, None, None)
            if last is None
            else (last.message_id, last.campaign_id, last.campaign, last.at, at - last.at)
        )
        rows.append((sender, recipient, at, source, *of_message, *recent))
    return sorted(rows, key=lambda row: (row[2], row[0], row[1]))


def audience(messages: list[Message]) -> list[tuple[Any, ...]]:
    """(from_phone, recipients, messages, delivered, undelivered, failed, skipped, first, last) by sender."""
    rows: list[tuple[Any, ...]] = []
    for sender in {spelled(m.from_phone) for m in messages if m.from_phone is not None}:
        mine = [m for m in messages if (m.from_phone and spelled(m.from_phone)) == sender]
        statuses = [m.delivery_status for m in mine]
        reached = {spelled(m.to_phone) for m in mine if m.delivery_status in REACHED}
        counts = [statuses.count(status) for status in ("delivered", "undelivered", "failed", "skipped")]
        times = [m.at for m in mine]
        rows.append((sender, len(reached), len(mine), *counts, min(times), max(times)))
    return sorted(rows)


class Stretch(NamedTuple):
    """Time opted in after an exposure, in ms since it."""

    exposure: Message
    begin: int
    end: int
    opt_out: bool
    returned: bool


def stretches(it: Account, unit: tuple[str | None, str]) -> list[Stretch]:
    """Go through a unit's events and messages; a message precedes an event of the same millisecond."""
    exposures = it.exposures(unit)
    moves = reference.unit_transitions(it.events, unit)
    points = [(m.at, 0, m.message_id, "exposure") for m in exposures]
    points += [(at, 1, 0, kind) for at, kind, _ in moves]
    by_id = {m.message_id: m for m in exposures}
    found: list[Stretch] = []
    last: Message | None = None
    open_since: tuple[int, bool] | None = None

    def close(at: int, *, opt_out: bool) -> None:
        if open_since is not None and last is not None:
            begin, returned = open_since
            found.append(Stretch(last, begin - last.at, at - last.at, opt_out, returned))

    for at, _, number, kind in sorted(points):
        if kind == "exposure":
            close(at, opt_out=False)
            last, open_since = by_id[number], (at, False)
        elif kind == "opt-out":
            close(at, opt_out=True)
            open_since = None
        else:
            open_since = (at, True)
    close(it.until, opt_out=False)
    return found


def all_stretches(it: Account) -> list[tuple[str | None, Stretch]]:
    """(sender, stretch) of all pairs."""
    units = {it.unit(m.to_phone, m.from_phone) for m in it.messages if it.has_unit(m)}
    return [(unit[0], stretch) for unit in units for stretch in stretches(it, unit)]


def campaign_rates(it: Account, window: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """(campaign_id, campaign): (messages, exposures, recipients, opt_outs, expected)."""
    everything = all_stretches(it)
    covered = {
        stretch.exposure: (0 if stretch.returned else min(stretch.end, window))
        for _, stretch in everything
        if not stretch.returned
    }
    uncovered: dict[str | None, int] = {}
    for sender, stretch in everything:
        length = stretch.end - stretch.begin - (0 if stretch.returned else covered[stretch.exposure])
        uncovered[sender] = uncovered.get(sender, 0) + length
    last = [(sender, at, it.last_exposure(sender, to, at)) for sender, to, at in it.opt_outs()]
    earlier = [sender for sender, at, m in last if m is not None and at - m.at > window]
    soon = [m for _, at, m in last if m is not None and at - m.at <= window]
    rows = {}
    for group in {(m.campaign_id, m.campaign) for m in it.messages}:
        mine = [m for m in covered if (m.campaign_id, m.campaign) == group]
        expected: float | None = 0.0
        for m in mine:
            if covered[m] and not uncovered[m.from_phone]:
                expected = None
        if expected is not None:
            expected = sum(
                covered[m] * earlier.count(str(m.from_phone)) / uncovered[m.from_phone]
                for m in mine
                if covered[m]
            )
        rows[group] = (
            sum((m.campaign_id, m.campaign) == group for m in it.messages),
            len(mine),
            len({m.to_phone for m in mine}),
            sum((m.campaign_id, m.campaign) == group for m in soon),
            expected,
        )
    return rows


def hazard(it: Account, edges: list[float]) -> list[tuple[int, int]]:
    """(person-milliseconds, opt-outs) in each stretch of hours."""
    rows = []
    for low, high in pairwise([*(int(edge * 3_600_000) for edge in edges), 10**15]):
        found = [stretch for _, stretch in all_stretches(it)]
        time = sum(max(0, min(s.end, high) - max(s.begin, low)) for s in found)
        rows.append((time, sum(s.opt_out and low <= s.end < high for s in found)))
    return rows


def fatigue(it: Account, recent: int, burn_in: int, window: int) -> dict[int, tuple[int, int, float]]:
    """exposures_recent: (exposures, opt_outs, adjusted rate)."""
    rows: list[tuple[int, tuple[Any, int], int]] = []
    for unit in {it.unit(m.to_phone, m.from_phone) for m in it.messages if it.has_unit(m)}:
        exposures = it.exposures(unit)
        opt_outs = [at for sender, to, at in it.opt_outs() if (sender, to) == unit]
        for place, m in enumerate(exposures):
            if it.since is None or m.at < it.since + burn_in:
                continue
            number = sum(other.at > m.at - recent for other in exposures[: place + 1])
            following = exposures[place + 1].at if place + 1 < len(exposures) else 10**15
            left = sum(m.at <= at < following and at - m.at <= window for at in opt_outs)
            stratum = (unit[0], sum(place + 1 >= begin for begin in (1, 2, 4, 8)))
            rows.append((min(number, 10), stratum, left))
    table = {}
    for value in {row[0] for row in rows}:
        mine = [row for row in rows if row[0] == value]
        weights, total = 0.0, 0.0
        for stratum in {row[1] for row in mine}:
            weight = sum(row[1] == stratum for row in rows)
            cell = [row[2] for row in mine if row[1] == stratum]
            weights, total = weights + weight, total + weight * sum(cell) / len(cell)
        table[value] = (len(mine), sum(row[2] for row in mine), total / weights)
    return table


def known_since(it: Account) -> dict[tuple[str | None, str], int]:
    """When each unit was first reached by a message or had its first event."""
    known: dict[tuple[str | None, str], int] = {}
    seen = [(it.unit(e.to_phone, e.from_phone), e.at) for e in it.events]
    seen += [
        (it.unit(m.to_phone, m.from_phone), m.at)
        for m in it.messages
        if it.has_unit(m) and m.delivery_status in it.statuses
    ]
    for unit, at in seen:
        known[unit] = min(known.get(unit, at), at)
    return known


def list_growth(
    it: Account, since: int, every: str, time_zone: str
) -> list[tuple[date, int, int, int, int, int, bool]]:
    """(period, list_start, joined, re_opt_ins, opt_outs, list_end, complete)."""
    known = known_since(it)
    moves = reference.transitions(it.events, it.scope)

    def on_list(at: int) -> int:
        return sum(
            begin <= at and reference.state(it.events, unit, at) == "opt-in" for unit, begin in known.items()
        )

    rows: list[tuple[date, int, int, int, int, int, bool]] = []
    for start, begin, end in reference.periods(since, it.until, every, time_zone):
        low, high = max(begin, since), min(end - 1, it.until)
        kinds = [kind for _, _, at, kind in moves if low <= at <= high]
        joined = sum(low <= at <= high for at in known.values())
        if rows and begin == it.until and not kinds and not joined:
            break
        complete = since <= begin and end - 1 <= it.until
        flows = joined, kinds.count("re-opt-in"), kinds.count("opt-out")
        rows.append((start, on_list(low - 1), *flows, on_list(high), complete))
    return rows


def leaks(it: Account, time_zone: str, holidays: list[date], limit: int) -> list[tuple[Any, ...]]:
    """(from, to, opted out at, id, at, business days, reached, blocked, confirmation, overdue), by time and id."""
    rows: list[tuple[Any, ...]] = []
    for m in it.messages:
        if not it.has_unit(m) or not it.is_out(m):
            continue
        unit = it.unit(m.to_phone, m.from_phone)
        opt_out = max(
            at
            for at, kind, _ in reference.unit_transitions(it.events, unit)
            if kind == "opt-out" and at < m.at
        )
        between = [
            other
            for other in it.messages
            if it.has_unit(other)
            and it.unit(other.to_phone, other.from_phone) == unit
            and opt_out < other.at
            and (other.at, other.message_id) < (m.at, m.message_id)
        ]
        day, last = (moment(at).astimezone(ZoneInfo(time_zone)).date() for at in (opt_out, m.at))
        days = int(np.busday_count(day + timedelta(days=1), last + timedelta(days=1), holidays=holidays))
        reached = m.delivery_status in it.statuses
        confirmation = m.at - opt_out <= 300_000 and not between
        overdue = reached and not confirmation and days > limit
        blocked = m.failure == "unsubscribed"
        row = (m.from_phone, m.to_phone, opt_out, m.message_id, m.at)
        rows.append((*row, days, reached, blocked, confirmation, overdue))
    return sorted(rows, key=lambda row: (row[4], row[3]))


def first_leaks(it: Account, kind: str) -> list[tuple[int, bool]]:
    """(ms to the first leak or the end of the spell, whether there was a leak) of each opt-out in the record."""
    found = []
    for sender, to, at in it.opt_outs():
        if it.since is None or at < it.since:
            continue
        unit = it.unit(to, sender)
        moves = [when for when, _, _ in reference.unit_transitions(it.events, unit) if when > at]
        end = min(moves, default=it.until)
        sent = [
            m.at
            for m in it.messages
            if it.has_unit(m)
            and it.unit(m.to_phone, m.from_phone) == unit
            and at < m.at <= end
            and (kind == "attempted" or m.delivery_status in it.statuses)
        ]
        found.append((min(sent, default=end) - at, bool(sent)))
    return found
