"""Slow and obvious: answers about messages from their definitions, looking at everything again for each question."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import reference
from histories import Event
from made_messages import Message

from optkit.phones import e164

DAY = 86_400_000
REACHED = ("sent", "delivered")


def spelled(phone: str) -> str:
    """The one form in which phones are compared."""
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
            and m.delivery_status in REACHED
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
) -> Account:
    """Return what an analysis looks at."""
    events = [e._replace(to_phone=spelled(e.to_phone), from_phone=spelled(e.from_phone)) for e in events]
    events = [e for e in events if until is None or e.at <= until]
    sent = [
        m._replace(to_phone=spelled(m.to_phone), from_phone=m.from_phone and spelled(m.from_phone))
        for m in messages
        if (since is None or m.at >= since) and (until is None or m.at <= until)
    ]
    begin = since if since is not None else min((m.at for m in sent), default=None)
    end = until if until is not None else max([*(e.at for e in events), *(m.at for m in sent)], default=0)
    return Account(events, sent, scope, begin, end)


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
    for sender in {m.from_phone and spelled(m.from_phone) for m in messages}:
        mine = [m for m in messages if (m.from_phone and spelled(m.from_phone)) == sender]
        statuses = [m.delivery_status for m in mine]
        reached = {spelled(m.to_phone) for m in mine if m.delivery_status in REACHED}
        counts = [statuses.count(status) for status in ("delivered", "undelivered", "failed", "skipped")]
        times = [m.at for m in mine]
        rows.append((sender, len(reached), len(mine), *counts, min(times), max(times)))
    return sorted(rows, key=lambda row: (row[0] is None, row[0]))
