"""Load and scan messages: what users call."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from optkit.config import resolve
from optkit.datasets.messages import MESSAGES
from optkit.errors import SettingsError
from optkit.formatting import join_names
from optkit.loading.filters import OneOrMany, given, has_sender, load_request, recipients, senders, words
from optkit.loading.plan import Refresh
from optkit.loading.refresh import refresh_cache
from optkit.messages import DELIVERY_STATUS
from optkit.times import Moment
from optkit.warn import warn


def load_messages(
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    to_phone: OneOrMany = None,
    from_phone: OneOrMany = None,
    campaign_id: int | Iterable[int] | None = None,
    delivery_status: OneOrMany = None,
    account: str | None = None,
    refresh: Refresh = "auto",
    region: str | None = None,
    progress: bool | None = None,
) -> pl.DataFrame:
    """Return the campaign messages of an account: complete, or an error.

    What is not cached, or not final, is fetched first, day by day, and stays in the cache. The vendor answers for the
    last six months only; older messages stay in the cache. Names, mail addresses, birth dates and texts are never kept.

    Parameters
    ----------
    start, end : str, date or datetime, optional
        The half-open interval [start, end), as in `load`. Without start: from the earliest cached message or six
        months ago, whichever is earlier.
    to_phone, from_phone : str or list of str, optional
        Only messages to these recipients, from these senders; read as people write them and found in any form in
        which the API writes them. A sender or campaign that no message has gives a warning that names those there are.
    campaign_id : int or list of int, optional
        Only messages of these campaigns.
    delivery_status : str or list of str, optional
        Only messages with these statuses, such as "delivered".
    account, refresh, region, progress
        See `load`.

    Returns
    -------
    polars.DataFrame
        Messages: message_id (Int64), to_phone, from_phone (String), sent_at (Datetime, ms, UTC), delivery_status,
        failure (Enum), campaign_id, execution_id, response_set_id (Int64), campaign, language (String), executed_at
        (Datetime, ms, UTC), characters (Int32), mentions_stop (Boolean); one row per message_id, sorted by sent_at,
        message_id. SMS only.

    Raises
    ------
    MissingWindowsError
        `start` is before all cached messages and before those that the vendor still returns; the message names them.
    OptkitError
        See `load`.

    Examples
    --------
    >>> import optkit
    >>> messages = optkit.load_messages("2026-06-01", "2026-06-03", account="demo")
    >>> messages.columns[:4]
    ['message_id', 'to_phone', 'from_phone', 'sent_at']
    """
    filters = _read_filters(to_phone, from_phone, campaign_id, delivery_status, region)
    return _scan(filters, start, end, account, refresh, progress=progress, verify=True).collect()


def scan_messages(
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    to_phone: OneOrMany = None,
    from_phone: OneOrMany = None,
    campaign_id: int | Iterable[int] | None = None,
    delivery_status: OneOrMany = None,
    account: str | None = None,
    refresh: Refresh = "auto",
    region: str | None = None,
    progress: bool | None = None,
) -> pl.LazyFrame:
    """Return the same as `load_messages`, lazily: the cache is refreshed now, and read when the frame is collected.

    Filters reach the files, as in `scan`; to count all messages reads none of them.

    Parameters
    ----------
    start, end, to_phone, from_phone, campaign_id, delivery_status, account, refresh, region, progress
        See `load_messages`.

    Returns
    -------
    polars.LazyFrame
        The frame that `load_messages` returns. Collecting it raises `CacheError` where a window was cleared meanwhile,
        or its file is corrupt.

    Raises
    ------
    OptkitError
        See `load_messages`.

    Examples
    --------
    >>> import optkit
    >>> import polars as pl
    >>> lazy = optkit.scan_messages("2026-06-01", "2026-06-03", account="demo", delivery_status="delivered")
    >>> lazy.select(pl.len()).collect().item() > 0
    True
    """
    filters = _read_filters(to_phone, from_phone, campaign_id, delivery_status, region)
    return _scan(filters, start, end, account, refresh, progress=progress, verify=False)


def _read_filters(
    to_phone: OneOrMany,
    from_phone: OneOrMany,
    campaign_id: int | Iterable[int] | None,
    delivery_status: OneOrMany,
    region: str | None,
) -> dict[str, list[Any]]:
    return given(
        to_phone=recipients(to_phone, region),
        from_phone=senders(from_phone, region),
        campaign_id=_ids(campaign_id),
        delivery_status=words(delivery_status, "delivery_status", DELIVERY_STATUS.categories),
    )


def _scan(
    filters: dict[str, list[Any]],
    start: Moment | None,
    end: Moment | None,
    account: str | None,
    refresh: Refresh,
    *,
    progress: bool | None,
    verify: bool,
) -> pl.LazyFrame:
    """Return what `load_messages` and `scan_messages` return; see `refresh_cache` for `verify`."""
    settings = resolve(account=account)
    request = load_request(start, end, refresh, settings)
    messages = refresh_cache(request, MESSAGES, settings, verify=verify, progress=progress)
    matches = {name: pl.col(name).is_in(values) for name, values in filters.items()}
    if "to_phone" in filters:
        matches["to_phone"] = _has_recipient(filters["to_phone"])
    if "from_phone" in filters:
        matches["from_phone"] = has_sender(filters["from_phone"], messages, "message")
    if "campaign_id" in filters:
        _warn_of_unknown_campaigns(filters["campaign_id"], messages)
    return messages.filter(*matches.values())


def _ids(value: int | Iterable[int] | None) -> list[int] | None:
    if value is None:
        return None
    ids = list(value) if isinstance(value, Iterable) else [value]
    if not all(type(item) is int for item in ids):
        raise SettingsError("campaign_id takes a whole number or a list of them")
    return ids


def _warn_of_unknown_campaigns(wanted: list[int], messages: pl.LazyFrame) -> None:
    """Warn about campaigns that no message has; only their column is read."""
    campaign = pl.col("campaign_id")
    known = messages.select(campaign.drop_nulls().unique()).collect(engine="streaming")["campaign_id"]
    unknown = [str(number) for number in dict.fromkeys(wanted) if number not in set(known)]
    if unknown:
        warn(
            f"no message has the campaign_id {join_names(unknown)}; "
            f"the messages' campaigns are {join_names([str(number) for number in known.sort()], 20)}"
        )


def _has_recipient(numbers: list[str]) -> pl.Expr:
    """Return whether a message went to one of the numbers in E.164, ignoring how the message writes it."""
    written = pl.col("to_phone").str.replace_all(r"[^0-9]", "")
    return written.is_in([number.removeprefix("+") for number in numbers])
