"""What is in the cache: coverage, verify, clear."""

from typing import TYPE_CHECKING

import polars as pl

from optkit.config import resolve
from optkit.datasets.opt_status import OPT_STATUS
from optkit.errors import SettingsError
from optkit.loading.cache import Cache
from optkit.loading.identity import AccountIdentity
from optkit.loading.windows import Window
from optkit.times import INSTANT, Moment, from_ms, instant, to_ms

if TYPE_CHECKING:
    from datetime import datetime


def _cache(account: str | None) -> tuple[Cache, str | None]:
    """Return an account's cache, and the identity that its files must have been written for."""
    settings = resolve(account=account)
    folder = settings.cache_dir / settings.account
    identity = AccountIdentity.read(folder)
    return Cache(folder, OPT_STATUS), identity.salt if identity else None


def coverage(account: str | None = None) -> pl.DataFrame:
    """Return what the cache holds, window by window.

    Parameters
    ----------
    account : str, optional
        Which account. Default: the setting.

    Returns
    -------
    polars.DataFrame
        A row a window, by time: window_start, window_end (Datetime, ms, UTC; [start, end)), rows (Int64, events),
        duplicates (Int64, exact duplicates that were dropped), pages (Int64, that it took to read), final (Boolean:
        it will not change any more), fetched_at (Datetime, ms, UTC, by the server's clock). Damaged windows are not
        in it; see `verify`.

    Examples
    --------
    >>> import optkit
    >>> optkit.coverage("an-account-without-cache").height
    0
    """
    cache, identity = _cache(account)
    windows, _ = cache.list_windows(identity)
    rows = [
        (
            from_ms(window.info.window.start),
            from_ms(window.info.window.end),
            window.rows,
            window.duplicates,
            window.pages,
            window.info.final,
            from_ms(window.info.fetched_at),
        )
        for _, window in sorted(windows.items())
    ]
    schema = pl.Schema(
        {
            "window_start": INSTANT,
            "window_end": INSTANT,
            "rows": pl.Int64(),
            "duplicates": pl.Int64(),
            "pages": pl.Int64(),
            "final": pl.Boolean(),
            "fetched_at": INSTANT,
        }
    )
    return pl.DataFrame(rows, schema=schema, orient="row")


def verify(account: str | None = None) -> pl.DataFrame:
    """Read every file of the cache and check it against its checksum.

    Parameters
    ----------
    account : str, optional
        Which account. Default: the setting.

    Returns
    -------
    polars.DataFrame
        A row a file: file (String), window_start (Datetime, ms, UTC; null where nobody can tell), ok (Boolean),
        problem (String: what is wrong with it; empty if nothing is). What is not ok is fetched anew by the next
        load that needs it, and never read.

    Examples
    --------
    >>> import optkit
    >>> optkit.verify("an-account-without-cache").height
    0
    """
    cache, identity = _cache(account)
    windows, corrupt = cache.list_windows(identity)
    corrupt |= cache.find_corrupt(windows.values(), again=True)
    rows: list[tuple[str, datetime | None, bool, str]] = [
        (window.path.name, from_ms(start), True, "")
        for start, window in windows.items()
        if window.path not in corrupt
    ]
    rows += [(path.name, None, False, problem) for path, problem in corrupt.items()]
    schema = pl.Schema(
        {"file": pl.String(), "window_start": INSTANT, "ok": pl.Boolean(), "problem": pl.String()}
    )
    return pl.DataFrame(rows, schema=schema, orient="row").sort("file")


def clear(
    start: Moment | None = None,
    end: Moment | None = None,
    account: str | None = None,
) -> int:
    """Forget cached windows; the next load fetches them anew.

    Parameters
    ----------
    start, end : str, date or datetime, optional
        Forget the windows that [start, end) touches. Without both: the whole account, and with it which server and
        token filled it.
    account : str, optional
        Which account. Default: the setting.

    Returns
    -------
    int
        How many windows were forgotten.

    Raises
    ------
    SettingsError
        start does not lie before end.

    Examples
    --------
    >>> import optkit
    >>> optkit.clear(account="an-account-without-cache")
    0
    """
    settings = resolve(account=account)
    folder = settings.cache_dir / settings.account
    cache = Cache(folder, OPT_STATUS)
    if start is None and end is None:
        count = cache.clear()
        AccountIdentity.forget(folder)
        return count
    first = to_ms(instant(start, "start")) if start is not None else 0
    last = to_ms(instant(end, "end")) if end is not None else 2**62
    if first >= last:
        raise SettingsError("start must lie before end")
    return cache.clear(Window(first, last))
