"""What is in the cache: coverage, verify, clear."""

from typing import TYPE_CHECKING

import polars as pl

from optkit.arguments import choice
from optkit.config import Settings, resolve
from optkit.datasets import DATASETS
from optkit.datasets.endpoint import Endpoint
from optkit.errors import SettingsError
from optkit.formatting import plural
from optkit.loading.cache import Cache, CachedWindows
from optkit.loading.clocks import now_of
from optkit.loading.identity import AccountIdentity
from optkit.loading.windows import Window
from optkit.times import INSTANT, Moment, from_ms, instant, to_ms
from optkit.warn import warn

if TYPE_CHECKING:
    from datetime import datetime


def _endpoint(dataset: str) -> Endpoint:
    return DATASETS[choice(dataset, "dataset", list(DATASETS))]


def _list(settings: Settings, dataset: str) -> tuple[Cache, CachedWindows]:
    """Return a dataset's cache, and what is in it."""
    cache = Cache(settings.account_folder, _endpoint(dataset))
    return cache, cache.list_windows(AccountIdentity.read(settings.account_folder))


def coverage(account: str | None = None, dataset: str = "events") -> pl.DataFrame:
    """Return what the cache holds, window by window.

    Parameters
    ----------
    account : str, optional
        Which account. Default: the setting.
    dataset : {"events", "messages"}
        Of which dataset.

    Returns
    -------
    polars.DataFrame
        One row per window, by time: window_start, window_end (Datetime, ms, UTC; [start, end)), rows (Int64, events or
        messages), duplicates (Int64, exact duplicates that were dropped), pages (Int64, that it took to read), final
        (Boolean: it will not change any more), fetched_at (Datetime, ms, UTC, by the server's clock). Of messages
        also dropped (Int64, entries of other channels or without a phone) and expired (Boolean: older than what the
        vendor answers for, so it cannot be fetched again). Corrupt windows are not in it; see `verify`.

    Raises
    ------
    SettingsError
        There is no such dataset.

    Examples
    --------
    >>> import optkit
    >>> optkit.coverage("an-account-without-cache").height
    0
    """
    settings = resolve(account=account)
    cache, cached = _list(settings, dataset)
    infos = cached.windows
    table = pl.DataFrame(
        [
            pl.Series("window_start", [info.window.start for info in infos], INSTANT),
            pl.Series("window_end", [info.window.end for info in infos], INSTANT),
            pl.Series("rows", [info.rows for info in infos], pl.Int64),
            pl.Series("duplicates", [info.duplicates for info in infos], pl.Int64),
            pl.Series("pages", [info.pages for info in infos], pl.Int64),
            pl.Series("final", [info.final for info in infos], pl.Boolean),
            pl.Series("fetched_at", [info.fetched_at for info in infos], INSTANT),
            pl.Series("dropped", [info.dropped for info in infos], pl.Int64),
        ]
    )
    horizon = cache.endpoint.horizon(now_of(settings))
    if horizon is None:
        return table.drop("dropped")
    return table.with_columns(expired=pl.col("window_start") < from_ms(horizon))


def verify(account: str | None = None, dataset: str = "events") -> pl.DataFrame:
    """Read every file of the cache and check it against its checksum.

    Parameters
    ----------
    account : str, optional
        Which account. Default: the setting.
    dataset : {"events", "messages"}
        Of which dataset.

    Returns
    -------
    polars.DataFrame
        One row per file: file (String), window_start (Datetime, ms, UTC; null where it cannot be told), ok (Boolean),
        problem (String: what is wrong with it; empty if nothing is). What is not ok is fetched again by the next
        load that needs it, and never read.

    Raises
    ------
    SettingsError
        There is no such dataset.

    Examples
    --------
    >>> import optkit
    >>> optkit.verify("an-account-without-cache").height
    0
    """
    cache, cached = _list(resolve(account=account), dataset)
    cached = cached.without(cache.find_corrupt(cached.windows, again=True))
    foreign = dict.fromkeys(
        set(cache.paths()) - cache.named().keys(), "has not the name of a window, and is left alone"
    )
    checked: list[tuple[str, datetime | None, bool, str]] = [
        (info.path.name, from_ms(info.window.start), True, "") for info in cached.windows
    ]
    checked += [(path.name, None, False, problem) for path, problem in (cached.corrupt | foreign).items()]
    schema = pl.Schema(
        {"file": pl.String(), "window_start": INSTANT, "ok": pl.Boolean(), "problem": pl.String()}
    )
    return pl.DataFrame(checked, schema=schema, orient="row").sort("file")


def clear(
    start: Moment | None = None,
    end: Moment | None = None,
    account: str | None = None,
    dataset: str = "events",
    *,
    expired: bool = False,
) -> int:
    """Forget cached windows; the next load fetches them again.

    Parameters
    ----------
    start, end : str, date or datetime, optional
        Forget the windows that [start, end) overlaps. Without both: all windows; with the last one of an account, also
        which server and token filled it.
    account : str, optional
        Which account. Default: the setting.
    dataset : {"events", "messages"}
        Of which dataset.
    expired : bool
        Also forget windows that cannot be fetched again, because the vendor does not answer that far back.

    Returns
    -------
    int
        How many windows were forgotten.

    Raises
    ------
    SettingsError
        start is not before end, or there is no such dataset.

    Warns
    -----
    UserWarning
        Windows that cannot be fetched again were kept.

    Examples
    --------
    >>> import optkit
    >>> optkit.clear(account="an-account-without-cache")
    0
    """
    settings = resolve(account=account)
    folder = settings.account_folder
    cache = Cache(folder, _endpoint(dataset))
    first = to_ms(instant(start, "start")) if start is not None else 0
    last = to_ms(instant(end, "end")) if end is not None else 2**62
    if first >= last:
        raise SettingsError("start must be before end")
    now = now_of(settings)
    asked = Window(first, last)
    touched = {path: window for path, window in cache.named().items() if window.overlaps(asked)}
    forgotten = [
        path
        for path, window in touched.items()
        if expired or not cache.endpoint.is_expired(window.start, now)
    ]
    kept = len(touched) - len(forgotten)
    if kept:
        warn(
            f"{plural(kept, 'window')} cannot be fetched again and stay; to forget them, say expired=True "
            "(--expired)"
        )
    cache.remove(forgotten)
    if not any(Cache(folder, endpoint).named() for endpoint in DATASETS.values()):
        AccountIdentity.forget(folder)
    return len(forgotten)
