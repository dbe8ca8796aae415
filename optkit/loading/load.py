"""Load, scan, fetch: what users call."""

from itertools import product
from typing import Final

import polars as pl

from optkit.config import resolve
from optkit.datasets.opt_status import OPT_STATUS
from optkit.errors import DriftError, ResponseError
from optkit.history import ORDER, SCHEMA, STATUS, last_status
from optkit.loading.account import Account
from optkit.loading.clocks import now_of
from optkit.loading.filters import OneOrMany, given, has_sender, load_request, recipients, senders, words
from optkit.loading.plan import Refresh
from optkit.loading.refresh import interruptible, refresh_cache
from optkit.phones import spellings
from optkit.times import DAY, Moment

_PHONES: Final = ("to_phone", "from_phone")


def load(
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    to_phone: OneOrMany = None,
    from_phone: OneOrMany = None,
    status: OneOrMany = None,
    current_status: OneOrMany = None,
    account: str | None = None,
    refresh: Refresh = "auto",
    reported: bool = False,
    region: str | None = None,
    progress: bool | None = None,
) -> pl.DataFrame:
    """Return the history of an account: complete, or an error.

    What is not cached, or not final, is fetched first, in whole weeks, and stays in the cache.

    Parameters
    ----------
    start, end : str, date or datetime, optional
        The half-open interval [start, end): ISO text (UTC unless it names an offset or, after the time, a time zone:
        ``"2026-06-29 09:00 Europe/Berlin"``), a span back from now (``"30d"``, ``"12w"``), a date (midnight UTC), or
        an aware datetime. Without start: from the account's first event on. Without end: to now, by the server's
        clock; with ``refresh="never"``, to where the cache ends. An end in the future means now.
    to_phone, from_phone, status, current_status : str or list of str, optional
        Only events of these recipients, senders, statuses; applied after `current_status` was derived from all of
        the pair's events. Phone numbers are read as people write them: "+1 (212) 555-0100", "0012125550100".
    account : str, optional
        Which account; ``"demo"`` is the made-up one. Default: the setting.
    refresh : {"auto", "never", "force"}
        ``"auto"`` fetches windows that are missing or not final, ``"never"`` reads the cache only, ``"force"`` fetches
        everything again.
    reported : bool
        Add the column reported_current_status: what the API gave when the window was read, stale by now.
    region : str, optional
        ISO code of the country of phone numbers without a country code, such as "US".
    progress : bool, optional
        Whether to show a progress bar; by default in terminals and interactive notebooks.

    Returns
    -------
    polars.DataFrame
        A history: to_phone (String), from_phone (String), created_at (Datetime, ms, UTC), status (Enum),
        current_status (Enum: the pair's last status in [start, end)), sorted by created_at, from_phone, to_phone,
        status. Exact duplicates are dropped; `coverage` counts them.

    Raises
    ------
    SettingsError
        An argument cannot be used, or there is neither a token nor a cache.
    MissingWindowsError
        ``refresh="never"`` and the cache has gaps; they are named.
    AuthenticationError, RateLimitError, TransportError, ResponseError, DriftError
        The fetch failed; the windows that were complete stay cached.
    LoadInterrupted
        Ctrl-C; the windows that were complete stay cached.
    CacheError
        The cache belongs to another account, or cannot be written.

    Notes
    -----
    `start` cuts states: what a pair did before it is not in the frame, so somebody who comes back in June from an
    opt-out in May looks like an opt-in that nothing preceded. To look at a stretch of time, load everything and give
    the analyses `since`.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.load("2026-05-04", "2026-05-11", account="demo")
    >>> history.columns
    ['to_phone', 'from_phone', 'created_at', 'status', 'current_status']
    """
    filters = _read_filters(to_phone, from_phone, status, current_status, region)
    events = _scan(filters, start, end, account, refresh, reported=reported, progress=progress, verify=True)
    return events.collect()


def scan(
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    to_phone: OneOrMany = None,
    from_phone: OneOrMany = None,
    status: OneOrMany = None,
    current_status: OneOrMany = None,
    account: str | None = None,
    refresh: Refresh = "auto",
    reported: bool = False,
    region: str | None = None,
    progress: bool | None = None,
) -> pl.LazyFrame:
    """Return the same as `load`, lazily: the cache is refreshed now, and read when the frame is collected.

    Filters on time and phones reach the files, so that what is not wanted is not read. A file is verified as its rows
    are read, where `load` verifies all files before.

    Parameters
    ----------
    start, end, to_phone, from_phone, status, current_status, account, refresh, reported, region, progress
        See `load`.

    Returns
    -------
    polars.LazyFrame
        The frame that `load` returns. Collecting it raises `CacheError` where a window was cleared meanwhile, or its
        file is corrupt.

    Raises
    ------
    OptkitError
        See `load`.

    Examples
    --------
    >>> import optkit
    >>> import polars as pl
    >>> lazy = optkit.scan("2026-05-04", "2026-05-11", account="demo", status="opt-out")
    >>> lazy.select(pl.len()).collect().item() > 0
    True
    """
    filters = _read_filters(to_phone, from_phone, status, current_status, region)
    return _scan(filters, start, end, account, refresh, reported=reported, progress=progress, verify=False)


def _read_filters(
    to_phone: OneOrMany,
    from_phone: OneOrMany,
    status: OneOrMany,
    current_status: OneOrMany,
    region: str | None,
) -> dict[str, list[str]]:
    return given(
        to_phone=recipients(to_phone, region),
        from_phone=senders(from_phone, region),
        status=words(status, "status", STATUS.categories),
        current_status=words(current_status, "current_status", STATUS.categories),
    )


def _scan(
    filters: dict[str, list[str]],
    start: Moment | None,
    end: Moment | None,
    account: str | None,
    refresh: Refresh,
    *,
    reported: bool,
    progress: bool | None,
    verify: bool,
) -> pl.LazyFrame:
    """Return what `load` and `scan` return; see `refresh_cache` for `verify`."""
    settings = resolve(account=account)
    request = load_request(start, end, refresh, settings)
    events = refresh_cache(request, OPT_STATUS, settings, verify=verify, progress=progress)
    matches = {name: _matches(name, values) for name, values in filters.items()}
    if "from_phone" in filters:
        matches["from_phone"] = has_sender(filters["from_phone"], events, "event")
    # phones first, so that the filter reaches the files; statuses last, because all of a pair's events make its status
    events = events.filter(*(matches[name] for name in matches if name in _PHONES))
    if reported:
        events = events.with_columns(reported_current_status=pl.col("current_status"))
    events = events.with_columns(current_status=last_status())
    return events.filter(*(matches[name] for name in matches if name not in _PHONES))


def _matches(name: str, values: list[str]) -> pl.Expr:
    """Return whether an event has one of the values in a column: of a phone, in any of its spellings."""
    if name in _PHONES:
        values = [spelling for value in values for spelling in spellings(value)]
    return pl.col(name).is_in(values)


def fetch(
    *,
    to_phone: OneOrMany = None,
    from_phone: OneOrMany = None,
    status: OneOrMany = None,
    current_status: OneOrMany = None,
    start: Moment | None = None,
    end: Moment | None = None,
    region: str | None = None,
    account: str | None = None,
) -> pl.DataFrame:
    """Return what the server says now, past the cache: "what is this number's status?".

    The server filters, and nothing is cached; use it for a few numbers.

    Parameters
    ----------
    to_phone, from_phone, status, current_status, start, end, region, account
        See `load`, but `start` defaults to the beginning of time.

    Returns
    -------
    polars.DataFrame
        A history, but `current_status` is what the API gives.

    Raises
    ------
    OptkitError
        See `load`.

    Examples
    --------
    >>> import optkit
    >>> optkit.fetch(to_phone="+12125550100", account="demo").columns
    ['to_phone', 'from_phone', 'created_at', 'status', 'current_status']
    """
    filters = _read_filters(to_phone, from_phone, status, current_status, region)
    settings = resolve(account=account)
    asked = load_request("1970-01-01" if start is None else start, end, "auto", settings)
    parts = [SCHEMA.to_frame()]
    with interruptible(), Account(settings).connect(OPT_STATUS) as session:
        from optkit.loading.fetch import fetch_window

        # a day later than now by this machine's clock: the server's may be ahead
        window = asked.resolve(None, now_of(settings) + DAY)
        assert window is not None
        for values in product(*filters.values()) if window.length else ():
            wanted = dict(zip(filters, values, strict=True))
            answer = fetch_window(window, session, wanted)
            if answer.totals_contradict:
                raise DriftError(
                    "the server counts another number of events than it sends; ask again, or use optkit.load, which "
                    "compares windows"
                )
            _reject_others(answer.frame, wanted)
            parts.append(answer.frame)
    return pl.concat(parts).unique(ORDER, keep="first", maintain_order=True).sort(ORDER)


def _reject_others(events: pl.DataFrame, filters: dict[str, str]) -> None:
    """Reject an answer to which the server did not apply the filters."""
    # current_status is not checked: the document does not say whether it is the recipient's or the pair's
    for name in filters.keys() - {"current_status"}:
        if not events.select(_matches(name, [filters[name]]).all()).item():
            raise ResponseError(
                f"the server sends events with another {name} than it was asked for, so it does not filter as "
                f"documented; use optkit.load({name}=…), which filters on this machine"
            )
