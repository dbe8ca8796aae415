"""What both endpoints do alike: pages, their order, their totals, and the envelope around the entries."""

import json
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl

from optkit.emulator.parameters import Params, read_page
from optkit.emulator.rows import Index, Snapshot, as_index
from optkit.emulator.variants import ApiVariant
from optkit.emulator.visibility import Visibility
from optkit.times import DAY, SECOND, to_ms

_SAMPLE_TIME_TOKEN: Final = 1675410047.186922
_YEAR_5000: Final = 95_617_584_000.0
_EXTRA: Final = '"server":{"version":null},'


class PagedResource:
    """An endpoint of one account.

    Parameters
    ----------
    visibility : Visibility
        Its entries.
    now : callable
        Returns the server's time.
    variant : ApiVariant
        How the API deviates from its document.

    Attributes
    ----------
    paths : tuple of str
        Where it is served.
    """

    #: The path without ".json".
    path: ClassVar[str]
    #: Parameters that filter, other than by time.
    filters: ClassVar[frozenset[str]]

    def __init__(self, visibility: Visibility[Any], now: Callable[[], datetime], variant: ApiVariant) -> None:
        with_json, without = f"{self.path}.json", self.path
        served = {"with .json": (with_json,), "without .json": (without,), "both": (with_json, without)}
        self.paths = served[variant.paths]
        self.variant = variant
        self._visibility = visibility
        self._now = now

    def add(self, frame: pl.DataFrame) -> None:
        """Make more entries visible from now on."""
        self._visibility.add(frame)

    def select(self, snapshot: Snapshot[Any], params: Params, now: int) -> range | Index:
        """Return the places of the requested entries, oldest first; `now` is in epoch ms."""
        raise NotImplementedError

    def bounds(self, start: int | None, end: int | None, now: int) -> tuple[int | None, int]:
        """Return the first and the last time, in epoch ms, of the entries from `start` to `end`."""
        exclusive_start = self.variant.bounds in {"exclusive", "end inclusive"}
        exclusive_end = self.variant.bounds in {"exclusive", "start inclusive"}
        first = None if start is None else start + exclusive_start
        return first, now if end is None else end - exclusive_end

    def page(self, params: Params) -> bytes:
        """Return the requested page as JSON."""
        if self.variant.ignores_filters:
            params = {name: value for name, value in params.items() if name not in self.filters}
        number, per_page = read_page(params)
        per_page = self.variant.per_page or per_page
        now = self._now().timestamp()
        snapshot = self._visibility.page()
        places = self._ordered(snapshot, self.select(snapshot, params, math.floor(now * SECOND)))
        totals = self._totals(len(places), per_page)
        if self.variant.withheld:
            start, end = (to_ms(at) for at in self.variant.withheld)
            places = as_index(places)
            created_at = snapshot.rows.ms()[places]
            places = places[(created_at < start) | (end <= created_at)]
        first = (min(number, self.variant.stuck_page or number) - 1) * per_page
        shown = as_index(places[first : first + per_page])
        head = (
            f'{{"current_page":{number},"per_page":{per_page},{totals}'
            f'{self._time_token(now)}{_EXTRA if self.variant.extra_fields else ""}"entries":['
        )
        entries = snapshot.entries(shown, math.floor(now * SECOND))
        if self.variant.extra_fields or self.variant.damage:
            entries = self._undocumented(entries, shown)
        return b"".join((head.encode(), entries, b"]}"))

    def _ordered(self, snapshot: Snapshot[Any], places: range | Index) -> range | Index:
        if self.variant.order == "newest first":
            return places[::-1]
        if self.variant.order == "shuffled":
            index = as_index(places)
            return index[np.argsort(snapshot.rows.take(index).scramble(seed=1), kind="stable")]
        return places

    def _time_token(self, now: float) -> str:
        values = {
            "missing": None,
            "true": now,
            "as in the sample": _SAMPLE_TIME_TOKEN,
            "ten days ahead": now + 10 * DAY / SECOND,
            "in the year 5000": _YEAR_5000,
        }
        value = values[self.variant.time_token]
        return "" if value is None else f'"time_token":{value:.6f},'

    def _totals(self, entries: int, per_page: int) -> str:
        totals = self.variant.totals
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

    def _undocumented(self, page: bytes, places: Index) -> bytes:
        """Return the entries with fields that no document describes, or without some that it does."""
        variant, entries = self.variant, json.loads(b"[%b]" % page)
        for entry, place in zip(entries, places.tolist(), strict=True):
            if variant.extra_fields:
                entry["carrier"] = {"id": 7, "tags": ["a", "b"]}
            if variant.damage and place % variant.damaged_every == 0 and variant.damaged_field in entry:
                entry[variant.damaged_field] = None if variant.damage == "null" else "perhaps"
                if variant.damage == "missing":
                    del entry[variant.damaged_field]
        return json.dumps(entries)[1:-1].encode()
