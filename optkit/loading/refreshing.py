"""Bring the cache up to what is asked for: plan, fetch, commit."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from optkit.config import DEMO, Settings
from optkit.errors import CacheError, MissingWindowsError, SettingsError
from optkit.history import ORDER
from optkit.loading import files, progress
from optkit.loading.cache import Cache, Owner, week_named
from optkit.loading.clocks import TOLERANCE, warn_of_step_back
from optkit.loading.files import Entry, Writer
from optkit.loading.pages import Counts, Reading, read_window
from optkit.loading.parts import PageRequest, Part
from optkit.loading.server import Server, connect, local_clock
from optkit.loading.windows import Cached, Window, begin_of, gaps, is_final, text, wanted
from optkit.times import DAY
from optkit.version import __version__

Refresh = Literal["auto", "never", "force"]

#: From so many uncached weeks on, asking where the account begins is the shorter way.
_MANY_WEEKS: Final = 26
#: So many rows tell one account from another.
_EVIDENCE: Final = 20
#: So many gaps are named in a message.
_NAMED: Final = 5


@dataclass(frozen=True)
class Wish:
    """What a caller asked for; an open end is None.

    Attributes
    ----------
    start, end : int or None
        Epoch milliseconds.
    force : bool
        Fetch what is cached, too.
    """

    start: int | None
    end: int | None
    force: bool

    def settle(self, begin: int | None, now: int) -> Window | None:
        """Return the interval meant, None where only the server knows where the account begins."""
        start = begin if self.start is None else self.start
        if start is None:
            return None
        end = now if self.end is None else min(self.end, now)
        return Window(min(start, end), end)

    def plan(self, begin: int | None, entries: dict[int, Entry], now: int) -> list[Window] | None:
        """Return the weeks to fetch, None where only the server knows."""
        asked = self.settle(begin, now)
        known = {start: entry.cached for start, entry in entries.items()}
        return None if asked is None else wanted(asked, known, now, force=self.force)


def refresh_cache(
    start: int | None, end: int | None, *, settings: Settings, refresh: Refresh, show: bool | None
) -> tuple[Window, list[Entry]]:
    """Fetch what is missing for [start, end).

    Returns
    -------
    asked : Window
        The interval with its open ends settled.
    entries : list of Entry
        Cached windows that hold all of it.

    Raises
    ------
    OptkitError
        As `load`.
    """
    if refresh not in get_args(Refresh):
        raise SettingsError(f"refresh is one of {', '.join(map(repr, get_args(Refresh)))}")
    if start is not None and end is not None and start >= end:
        raise SettingsError(f"start must lie before end; [{text(start)}, {text(end)}) is empty")
    cache = Cache(settings.cache_dir / settings.account)
    owner = cache.owner()
    if owner is not None and owner.server != _server_name(settings):
        _leave(owner, cache, settings)
        owner = None
    entries, damaged = cache.survey()
    if refresh == "never":
        return _read_only(start, end, entries, damaged)
    _warn_of(damaged)
    now = local_clock(settings)
    wish = Wish(start, end, force=refresh == "force")
    begin = begin_of(_cached(entries))
    asked = wish.settle(begin, now)
    known = settings.token is None or (owner is not None and owner.has(settings.token))
    weeks = wish.plan(begin, entries, now)
    # where the cache was read later than now, this machine's clock is behind: only the server knows the time
    if asked is None or weeks or not known or _last_read(entries) > now + TOLERANCE:
        if settings.token is None and settings.account != DEMO:
            raise _no_token(entries)
        with connect(settings, _early(weeks, begin, now, settings.workers)) as server:
            _admit(cache, owner, entries=entries, settings=settings, server=server)
            asked = _fetch(wish, cache=cache, entries=entries, settings=settings, server=server, show=show)
        entries, _ = cache.survey()
    missing = gaps(asked, _cached(entries))
    if missing:
        raise CacheError(f"window {missing[0]} went out of the cache while it was read; load again")
    return asked, list(entries.values())


def _read_only(
    start: int | None, end: int | None, entries: dict[int, Entry], damaged: dict[Path, str]
) -> tuple[Window, list[Entry]]:
    claims = _cached(entries)
    latest = max((claim.window.end for claim in claims), default=0)
    first = begin_of(claims) if start is None else start
    if first is None:
        raise MissingWindowsError(
            "the cache does not know where the account begins; load with refresh='auto', or name a start"
            if entries
            else "nothing is cached; load with refresh='auto'"
        )
    asked = Window(first, max(first, latest if end is None else end))
    missing = [str(gap) for gap in gaps(asked, claims)]
    if missing:
        more = len(missing) - _NAMED
        named = ", ".join(missing[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        harm = f" (damaged: {', '.join(path.name for path in damaged)})" if damaged else ""
        raise MissingWindowsError(f"the cache does not hold {named}{harm}; load with refresh='auto'")
    return asked, list(entries.values())


def _cached(entries: dict[int, Entry]) -> list[Cached]:
    return [entry.cached for entry in entries.values()]


def _last_read(entries: dict[int, Entry]) -> int:
    return max((entry.cached.fetched_at for entry in entries.values()), default=0)


def _keep_later_time(server: Server, read_at: int) -> None:
    """Let no cached event be cut off because the server's clock was set back."""
    warning = warn_of_step_back(server.now, read_at)
    if warning:
        warnings.warn(warning, stacklevel=6)
    server.now = max(server.now, read_at)


def _ask_where_it_begins(weeks: list[Window], begin: int | None) -> bool:
    return begin is None and len(weeks) > _MANY_WEEKS


def _early(weeks: list[Window] | None, begin: int | None, now: int, workers: int) -> list[PageRequest]:
    """Return the first pages of weeks that are over, by any clock that is less than a day wrong."""
    if weeks is None or _ask_where_it_begins(weeks, begin):
        return []
    # one worker less: one request is for the clock
    return [Part(week).ask(1) for week in weeks[: workers - 1] if week.end < now - DAY]


def _fetch(
    wish: Wish,
    *,
    cache: Cache,
    entries: dict[int, Entry],
    settings: Settings,
    server: Server,
    show: bool | None,
) -> Window:
    begin = begin_of(_cached(entries))
    if not wish.force:
        _keep_later_time(server, _last_read(entries))
    weeks = wish.plan(begin, entries, server.now)
    if weeks is None or _ask_where_it_begins(weeks, begin):
        first = server.begin()
        begin = first.start
        rest = wish.plan(begin, entries, server.now) or []
        # the first week is read even if it is cached: its file must say that nothing lies before it
        weeks = [first, *(week for week in rest if week > first)]
    _read_weeks(weeks, begin, cache=cache, settings=settings, server=server, show=show)
    asked = wish.settle(begin, server.now)
    assert asked is not None
    return asked


def _read_weeks(
    weeks: list[Window],
    begin: int | None,
    cache: Cache,
    settings: Settings,
    server: Server,
    *,
    show: bool | None,
) -> None:
    writers: dict[Window, Writer] = {}
    bar = progress.make(wanted=show)

    def claim(week: Window) -> Window:
        return Window(week.start, max(week.start, min(week.end, server.now)))

    def readings() -> Iterator[tuple[Window, Reading]]:
        for week in weeks:
            writers[week] = cache.new(week)
            yield week, read_window(claim(week), writers[week].write)

    def commit(week: Window, counts: Counts) -> None:
        final = is_final(week, server.clock.cautious, settings.look_back)
        cached = Cached(claim(week), server.now, final=final, begins=week.start == begin)
        writers[week].commit(cached, rows=counts.rows, duplicates=counts.duplicates, pages=counts.pages)
        del writers[week]
        bar.finish_window()

    bar.begin(len(weeks))
    try:
        server.read(readings(), on_page=lambda page: bar.add_rows(len(page.entries)), on_done=commit)
    finally:
        bar.close()
        for writer in writers.values():
            writer.discard()


def _server_name(settings: Settings) -> str:
    # the made-up account may be another one in another version
    return f"made up by optkit {__version__}" if settings.account == DEMO else settings.base_url


def _leave(owner: Owner, cache: Cache, settings: Settings) -> None:
    """Refuse a folder that another server filled; only of the made-up account nothing is lost."""
    if settings.account != DEMO:
        raise CacheError(
            f"the cache of account '{settings.account}' was filled from {owner.server}, not {settings.base_url}; "
            "give the other one a name of its own (OPTKIT_ACCOUNT), or forget this one with optkit clear"
        )
    cache.clear()


def _admit(
    cache: Cache, owner: Owner | None, *, entries: dict[int, Entry], settings: Settings, server: Server
) -> None:
    """Make sure that this token reads the account that the folder holds: two histories must never mix."""
    token = settings.token or DEMO
    name = _server_name(settings)
    if owner is None and not entries:
        mine = Owner.of(name, token)
        cache.set_owner(mine, first=True)
        owner = cache.owner()
        if owner == mine:  # to compute the hash again would take longer than a request
            return
    if owner is not None and owner.server == name and owner.has(token):
        return
    windows = [entry for entry in entries.values() if entry.cached.final and entry.rows]
    best = min(windows, key=lambda entry: (entry.rows < _EVIDENCE, abs(entry.rows - _EVIDENCE)), default=None)
    if best is None:
        raise CacheError(
            f"the cache of account '{settings.account}' was filled with another token, and holds no final window to "
            "tell whether it is the same account; give this one a name of its own (OPTKIT_ACCOUNT), or forget that "
            "one with optkit clear"
        )
    events = server.read_one(best.cached.window)
    if not events.select(ORDER).equals(files.scan([best]).select(ORDER).collect()):
        raise CacheError(
            f"this token reads another account than the one cached as '{settings.account}': window "
            f"{best.cached.window} differs; give it a name of its own (OPTKIT_ACCOUNT), or forget the cached one with "
            "optkit clear"
        )
    cache.set_owner(Owner.of(name, token), first=False)


def _warn_of(damaged: dict[Path, str]) -> None:
    for path, what in damaged.items():
        if week_named(path) is not None:
            warnings.warn(
                f"the cached window {path.name} {what}; if it is needed, it is fetched anew", stacklevel=5
            )


def _no_token(entries: dict[int, Entry]) -> SettingsError:
    if entries:
        return SettingsError(
            "there is no token to fetch what is missing or not final; set OPTKIT_TOKEN, or read the cache as it is "
            "with refresh='never'"
        )
    return SettingsError(
        "there is no token and nothing is cached; set OPTKIT_TOKEN (or optkit.configure(token=…)), or try the made-up "
        "account: optkit.load(account='demo')"
    )
