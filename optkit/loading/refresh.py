"""Bring the cache up to what is asked for: plan, fetch, commit."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import polars as pl

from optkit.config import Settings
from optkit.datasets.endpoint import Endpoint
from optkit.errors import (
    CacheError,
    LoadInterrupted,
    MissingWindowsError,
    ResponseError,
    SettingsError,
    TransportError,
)
from optkit.interrupts import make_waits_interruptible
from optkit.loading.account import Account
from optkit.loading.cache import Cache, CachedWindows
from optkit.loading.clocks import TOLERANCE, now_of, warn_of_step_back
from optkit.loading.commit import Committer
from optkit.loading.plan import LoadRequest, Plan
from optkit.loading.progress import Progress
from optkit.loading.windows import Window, format_instant, gaps, join_windows, name_windows
from optkit.times import from_ms
from optkit.warn import warn

if TYPE_CHECKING:
    from optkit.loading.pages import Page
    from optkit.loading.session import ApiSession


def refresh_cache(
    request: LoadRequest, endpoint: Endpoint, settings: Settings, *, verify: bool, progress: bool | None
) -> pl.LazyFrame:
    """Fetch what is missing for a request, and return its rows; the errors are those of `optkit.load`.

    With `verify`, all files are verified now, and those that are corrupt are fetched again. Otherwise files are
    verified as they are read: perhaps only a few of them, and later.
    """
    account = Account(settings)
    account.forget_other_demo()
    cache = Cache(account.folder, endpoint)
    cached = _usable(request, account, cache, verify=verify)
    if request.refresh == "never":
        return _answer_from_cache(request, cache, cached)
    for path, problem in cached.corrupt.items():
        _warn(f"the cached window {path.name} {problem}; if it is needed, it is fetched again")
    # where the cache was read later than now, this machine's clock is behind: only the server knows the time
    now = now_of(settings)
    now = cached.last_read + 1 if cached.last_read > now + TOLERANCE else now
    plan = Plan(request, endpoint, cached.windows, now)
    latest = cached.latest
    if not plan.is_fulfilled or not account.is_confirmed:
        if settings.token is None and not account.is_demo:
            raise _no_token(cached)
        with interruptible(), account.connect(endpoint) as session:
            account.confirm()
            cache.remove_leftovers()
            _prepare(plan, session, cached)
            # where all is fetched again, what was cached says nothing about what comes
            kept = CachedWindows([], {}) if request.refresh == "force" else cached
            committer = Committer(account, cache, kept, begin=plan.begin, time_unit=session.time_unit)
            _fetch_and_commit(plan, session, committer, Progress(wanted=progress))
        _warn(committer.warning, session.clock.warning, warn_of_step_back(session.clock.now, kept.last_read))
        # not up to what is cached now: another process may have cleared that, and then it is missing
        latest = max(latest, committer.latest)
        cached = _usable(request, account, cache, verify=verify)
    asked = request.resolve(cache.open_start(cached), latest)
    if asked is None:
        raise CacheError("the cache was cleared while it was read; load again")
    if missing := gaps(asked, cached.windows):
        raise CacheError(f"window {missing[0]} was removed from the cache while it was read; load again")
    return _rows(asked, cache, cached)


def _rows(asked: Window, cache: Cache, cached: CachedWindows) -> pl.LazyFrame:
    """Return the rows in an interval; nothing is read yet."""
    touched = [info for info in cached.windows if info.window.overlaps(asked)]
    rows = cache.scan(touched)
    if all(asked.start <= info.window.start and info.window.end <= asked.end for info in touched):
        return rows  # without a filter, rows can be counted without reading them
    time = pl.col(cache.endpoint.time)
    return rows.filter(time.is_between(from_ms(asked.start), from_ms(asked.end), closed="left"))


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C into `LoadInterrupted`."""
    make_waits_interruptible()
    try:
        yield
    except KeyboardInterrupt:
        raise LoadInterrupted(
            "stopped; the windows that were complete are cached, and the next load goes on from there"
        ) from None


def _usable(request: LoadRequest, account: Account, cache: Cache, *, verify: bool) -> CachedWindows:
    """Return what is cached; see `refresh_cache` for `verify`."""
    cached = cache.list_windows(account.identity)
    if not verify:
        return cached
    touched = [info for info in cached.windows if request.touches(info)]
    return cached.without(cache.find_corrupt(touched))


def _prepare(plan: Plan, session: "ApiSession", cached: CachedWindows) -> None:
    """Ask the server what the plan and the session have to know before windows are fetched.

    Raises
    ------
    MissingWindowsError
        The API does not answer any more for windows that are not cached.
    """
    from optkit.loading import explore  # what asks the server is imported only where it is asked

    months = session.endpoint.horizon_months
    if months is not None or plan.starts_later:
        plan.now = explore.ask_clock(session, plan.now)
    lost = join_windows(plan.lost())
    if lost:
        raise MissingWindowsError(
            f"the server answers for the last {months} months only: {name_windows(lost)} cannot be had any more; load "
            f"with a start of {format_instant(lost[-1].end)} or later"
        )
    explore.find_time_unit(session, plan.windows(), {info.time_unit for info in cached.windows})
    if plan.needs_beginning:
        plan.begin_at(explore.find_beginning(session, plan.now))
    elif plan.may_be_shortened:
        # a long stretch of time may be too much for the server; its windows are not
        with suppress(TransportError, ResponseError):
            plan.begin_at(explore.find_beginning(session, plan.now))


def _fetch_and_commit(plan: Plan, session: "ApiSession", committer: Committer, bar: Progress) -> None:
    """Fetch windows and commit each as soon as it is complete."""
    from optkit.loading.fetch import fetch_windows

    def on_page(page: "Page") -> None:
        bar.add_rows(len(page.entries), plan.count)

    try:
        # closed, so that the workers stop at once where a commit fails
        found = fetch_windows(lambda: plan.next_window(session.clock.now), session, on_page=on_page)
        with closing(found):
            for window, rows in found:
                committer.take(window, rows)
                bar.finish_window()
        committer.finish()
    finally:
        bar.close()


def _warn(*texts: str) -> None:
    """Issue warnings; an empty text is skipped."""
    for text in filter(None, texts):
        warn(text)


def _answer_from_cache(request: LoadRequest, cache: Cache, cached: CachedWindows) -> pl.LazyFrame:
    """Answer without asking the server, or say what is missing."""
    asked = request.resolve(cache.open_start(cached), cached.latest if request.end is None else request.end)
    missing = [] if asked is None else gaps(asked, cached.windows)
    if missing:
        problem = f"the cache does not hold {name_windows(missing)}"
    elif not cached.windows:
        problem = "nothing is cached"
    elif asked is None:
        problem = "the cache does not know where the account begins, and no start is given"
    elif request.start is not None and not asked.length:
        problem = f"the cache ends at {format_instant(cached.latest)}, and the start is not before that"
    else:
        return _rows(asked, cache, cached)
    names = ", ".join(path.name for path in cached.corrupt)
    corrupt = f" (corrupt: {names})" if names else ""
    raise MissingWindowsError(f"{problem}{corrupt}; load with refresh='auto'")


def _no_token(cached: CachedWindows) -> SettingsError:
    if cached.windows:
        return SettingsError(
            "there is no token to fetch what is missing or not final; set OPTKIT_TOKEN, or read the cache as it is "
            "with refresh='never'"
        )
    return SettingsError(
        "there is no token and nothing is cached; set OPTKIT_TOKEN (or optkit.configure(token=…)), or try the made-up "
        "account: optkit.load(account='demo')"
    )
