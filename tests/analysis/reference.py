"""A slow and obvious reference: each result follows its definition and reads all events again."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from histories import Event, moment

DAY = 86_400_000


def pair_state(events: Iterable[Event], sender: str, recipient: str, at: int) -> str:
    """The status of a pair's last event; of opposite ones in one millisecond the opt-out; opted in before the first."""
    seen = [e for e in events if (e.from_phone, e.to_phone) == (sender, recipient) and e.at <= at]
    last = max((e.at for e in seen), default=None)
    return "opt-out" if ("opt-out", last) in {(e.status, e.at) for e in seen} else "opt-in"


def out_of(events: Iterable[Event], recipient: str, at: int) -> set[str]:
    """The senders that a recipient is opted out of."""
    senders = {e.from_phone for e in events if e.to_phone == recipient}
    return {sender for sender in senders if pair_state(events, sender, recipient, at) == "opt-out"}


def unit_summary(events: Iterable[Event], scope: str) -> set[tuple[str | None, str]]:
    """The units with states: (sender, recipient), or (None, recipient) in recipient scope."""
    return {(e.from_phone if scope == "pair" else None, e.to_phone) for e in events}


def state(events: Iterable[Event], unit: tuple[str | None, str], at: int) -> str:
    sender, recipient = unit
    if sender is None:
        return "opt-out" if out_of(events, recipient, at) else "opt-in"
    return pair_state(events, sender, recipient, at)


def cut(events: Iterable[Event], until: int | None) -> list[Event]:
    return [e for e in events if until is None or e.at <= until]


def times(events: Iterable[Event], unit: tuple[str | None, str]) -> list[int]:
    """The times of a unit's events."""
    sender, recipient = unit
    return sorted({e.at for e in events if e.to_phone == recipient and sender in {None, e.from_phone}})


def unit_transitions(events: Iterable[Event], unit: tuple[str | None, str]) -> list[tuple[int, str, str]]:
    """(at, kind, sender of the event) of one unit, in order of time."""
    found = []
    for at in times(events, unit):
        before, after = state(events, unit, at - 1), state(events, unit, at)
        if before != after:
            was, now = out_of(events, unit[1], at - 1), out_of(events, unit[1], at)
            moved = now - was if after == "opt-out" else was - now
            kind = "opt-out" if after == "opt-out" else "re-opt-in"
            found.append((at, kind, unit[0] or min(moved)))
    return found


def ends(events: Iterable[Event], since: int | None, until: int | None) -> tuple[int, int]:
    """The stretch that is counted: as given, otherwise from the first event to the last."""
    ats = [e.at for e in events] or [0]
    begin = min(ats) if since is None else since
    return begin, max(*ats, begin if since is not None else ats[0]) if until is None else until


def transitions(
    events: Iterable[Event], scope: str = "pair", until: int | None = None, since: int | None = None
) -> list[tuple[str, str, int, str]]:
    """(from_phone, to_phone, at, kind), sorted by time, from_phone, to_phone."""
    events = cut(events, until)
    rows = [
        (sender, unit[1], at, kind)
        for unit in unit_summary(events, scope)
        for at, kind, sender in unit_transitions(events, unit)
        if since is None or at >= since
    ]
    return sorted(rows, key=lambda row: (row[2], row[0], row[1]))


def spells(
    events: Iterable[Event], scope: str = "pair", until: int | None = None, since: int | None = None
) -> list[tuple[str, str, int, int, int | None, float, bool]]:
    """(from_phone, to_phone, spell, opted_out_at, returned_at, days, returned), sorted by the first three."""
    events = cut(events, until)
    begin, end = ends(events, since, until)
    rows = []
    for unit in unit_summary(events, scope):
        moves = unit_transitions(events, unit)
        for number, (out, back) in enumerate(zip(moves[::2], [*moves[1::2], None], strict=False), 1):
            returned = back[0] if back else None
            days = ((end if returned is None else returned) - out[0]) / DAY
            if out[0] >= begin:
                rows.append((out[2], unit[1], number, out[0], returned, days, returned is not None))
    return sorted(rows, key=lambda row: row[:3])


def status_at(
    events: Iterable[Event], at: int, scope: str = "pair"
) -> list[tuple[str | None, str, str, int]]:
    """(from_phone or None, to_phone, status, since), sorted."""
    events = cut(events, at)
    rows = []
    for unit in unit_summary(events, scope):
        moves = unit_transitions(events, unit)
        since = moves[-1][0] if moves else times(events, unit)[0]
        rows.append((*unit, state(events, unit, at), since))
    return sorted(rows, key=lambda row: (row[0] or "", row[1]))


def suppression_list(
    events: Iterable[Event], at: int, scope: str = "pair"
) -> list[tuple[str | None, str, int, int]]:
    """(from_phone or None, to_phone, opted_out_at, opt_outs), sorted."""
    counts = {
        unit: sum(kind == "opt-out" for _, kind, _ in unit_transitions(cut(events, at), unit))
        for unit in unit_summary(events, scope)
    }
    return [
        (sender, recipient, since, counts[sender, recipient])
        for sender, recipient, status, since in status_at(events, at, scope)
        if status == "opt-out"
    ]


def suppression_diff(
    events: Iterable[Event], before: int, after: int, scope: str = "pair"
) -> list[tuple[str | None, str, str, int, str]]:
    """(from_phone or None, to_phone, change, at, status), sorted."""
    rows = []
    for unit in unit_summary(cut(events, after), scope):
        was, now = state(events, unit, before), state(events, unit, after)
        if was != now:
            at = unit_transitions(cut(events, after), unit)[-1][0]
            rows.append((*unit, "added" if now == "opt-out" else "removed", at, now))
    return sorted(rows, key=lambda row: (row[0] or "", row[1]))


def period_of(at: int, every: str, time_zone: str) -> date:
    """The first local day of an instant's period."""
    day = moment(at).astimezone(ZoneInfo(time_zone)).date()
    return {
        "1d": day,
        "1w": day - timedelta(days=day.weekday()),
        "1mo": day.replace(day=1),
        "1q": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "1y": day.replace(month=1, day=1),
    }[every]


def periods(first: int, last: int, every: str, time_zone: str) -> list[tuple[date, int, int]]:
    """(first local day, begin, end) of the periods from the one with `first` to the one with `last`.

    For time zones whose clocks do not change at midnight.
    """
    low, high = period_of(first, every, time_zone), period_of(last, every, time_zone)
    days = [low + timedelta(days=n) for n in range((high - low).days + 400)]
    starts = sorted({day for day in days if period_of(_midnight(day, time_zone), every, time_zone) == day})
    return [
        (start, _midnight(start, time_zone), _midnight(following, time_zone))
        for start, following in pairwise(starts)
        if start <= high
    ]


def _midnight(day: date, time_zone: str) -> int:
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone))
    return round(local.timestamp() * 1000)


def churn(
    events: Iterable[Event],
    every: str,
    time_zone: str,
    *,
    scope: str = "pair",
    since: int | None = None,
    until: int | None = None,
) -> list[tuple[date, int, int, int, int, int, bool]]:
    """(period, opt_outs, re_opt_ins, opted_out_start, opted_out_end, population, complete)."""
    events = cut(events, until)
    if not events and since is None:
        return []
    first, last = ends(events, since, until)
    everybody = unit_summary(events, scope)
    moves = transitions(events, scope)
    rows: list[tuple[date, int, int, int, int, int, bool]] = []
    for start, begin, end in periods(first, last, every, time_zone):
        low, high = max(begin, first), min(end - 1, last)
        kinds = [kind for _, _, at, kind in moves if low <= at <= high]
        if rows and begin == last and not kinds:
            break
        before = sum(state(events, unit, low - 1) == "opt-out" for unit in everybody)
        after = sum(state(events, unit, high) == "opt-out" for unit in everybody)
        complete = first <= begin and end - 1 <= last
        outs, ins = kinds.count("opt-out"), kinds.count("re-opt-in")
        rows.append((start, outs, ins, before, after, len(everybody), complete))
    return rows
