"""The opt-status endpoint: the events of an account, page by page."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Final

import numpy as np

from optkit.emulator.events import Snapshot, as_index
from optkit.emulator.parameters import Query, select
from optkit.emulator.variants import ApiVariant
from optkit.times import DAY, SECOND, to_ms

_PATHS: Final = {
    "with .json": ("/api/v2/sms/opt-status.json",),
    "without .json": ("/api/v2/sms/opt-status",),
    "both": ("/api/v2/sms/opt-status.json", "/api/v2/sms/opt-status"),
}
_FILTERS: Final = frozenset({"to_phone", "from_phone", "status", "current_status"})
_SAMPLE_TIME_TOKEN: Final = 1675410047.186922
_YEAR_5000: Final = 95_617_584_000.0
_EXTRA: Final = '"server":{"version":null},'


class OptStatus:
    """The endpoint of one account.

    Parameters
    ----------
    visible : callable
        Returns the snapshot to answer from; called once for each page.
    now : callable
        Returns the server's time.
    variant : ApiVariant
        How the API deviates from its document.
    """

    def __init__(
        self, visible: Callable[[], Snapshot], now: Callable[[], datetime], variant: ApiVariant
    ) -> None:
        self.paths = _PATHS[variant.paths]
        self._visible = visible
        self._now = now
        self._variant = variant

    def page(self, params: dict[str, str]) -> bytes:
        """Return the page that `params` ask for, as JSON."""
        if self._variant.ignores_filters:
            params = {name: value for name, value in params.items() if name not in _FILTERS}
        query = Query.of(params)
        now = self._now().timestamp()
        snapshot = self._visible()
        places = select(snapshot, query, math.floor(now * 1000), self._variant.bounds)
        if self._variant.order == "newest first":
            places = places[::-1]
        elif self._variant.order == "shuffled":
            places = as_index(places)
            places = places[np.argsort(snapshot.events.take(places).scramble(seed=1), kind="stable")]
        per_page = self._variant.per_page or query.per_page
        totals = self._totals(len(places), per_page)
        if self._variant.withheld:
            start, end = (to_ms(at) for at in self._variant.withheld)
            places = as_index(places)
            created_at = snapshot.events.take(places).key >> 1
            places = places[(created_at < start) | (end <= created_at)]
        page = min(query.page, self._variant.stuck_page or query.page)
        shown = places[(page - 1) * per_page : page * per_page]
        head = (
            f'{{"current_page":{query.page},"per_page":{per_page},{totals}'
            f'{self._time_token(now)}{_EXTRA if self._variant.extra_fields else ""}"entries":['
        )
        return b"".join((head.encode(), snapshot.entries(shown), b"]}"))

    def _time_token(self, now: float) -> str:
        values = {
            "missing": None,
            "true": now,
            "as in the sample": _SAMPLE_TIME_TOKEN,
            "ten days ahead": now + 10 * DAY / SECOND,
            "in the year 5000": _YEAR_5000,
        }
        value = values[self._variant.time_token]
        return "" if value is None else f'"time_token":{value:.6f},'

    def _totals(self, entries: int, per_page: int) -> str:
        totals = self._variant.totals
        if totals == "missing":
            return ""
        if totals == "15,000":
            return '"total_entries":15000,'
        if totals == "too low":
            entries //= 2
        elif totals == "too high":
            entries = entries * 2 + 1
        pages = -(-entries // per_page)
        if totals == "as in the sample":
            pages = (pages + 1) // 2  # 9 entries, 1 per page: 5 pages
        return f'"total_entries":{entries},"total_pages":{pages},'
