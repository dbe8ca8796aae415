"""The outreach insights endpoint: the messages of an account."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Final

import polars as pl

from optkit.emulator.message_filters import FILTERS, apply_filters
from optkit.emulator.message_rows import Messages
from optkit.emulator.message_snapshot import MessageBook, MessageSnapshot
from optkit.emulator.paging import PagedResource
from optkit.emulator.parameters import Params, read_time
from optkit.emulator.rows import Index, Snapshot
from optkit.emulator.variants import ApiVariant, Arrivals
from optkit.emulator.visibility import Visibility
from optkit.times import DAY, months_before

_DEFAULT_SPAN: Final = 3 * DAY
_HORIZON_MONTHS: Final = 6


class Insights(PagedResource):
    """The endpoint of one account."""

    path: ClassVar = "/api/v2/campaigns/insights"
    filters: ClassVar = frozenset({*FILTERS, *(f"{name}[]" for name in FILTERS)})

    def __init__(
        self,
        messages: pl.DataFrame,
        now: Callable[[], datetime],
        variant: ApiVariant,
        arrivals: Arrivals | None,
    ) -> None:
        book = MessageBook(variant)
        visibility = Visibility(
            MessageSnapshot(Messages.empty(), book),
            book.rows,
            messages,
            now=now,
            variant=variant,
            arrivals=arrivals,
        )
        super().__init__(visibility, now, variant)

    def select(self, snapshot: Snapshot[Any], params: Params, now: int) -> range | Index:
        """Return the places of the requested entries, oldest first.

        A start before the horizon of six months is moved up to it without an error. Without a start, it is three days
        before the end.
        """
        assert isinstance(snapshot, MessageSnapshot)
        unit = self.variant.insights_unit
        end = read_time(params, "end_time", seconds=unit == "s")
        start = read_time(params, "start_time", seconds=unit != "ms")
        if start is None:
            start = (now if end is None else end) - _DEFAULT_SPAN
        first, last = self.bounds(max(start, months_before(now, _HORIZON_MONTHS)), end, now)
        return apply_filters(snapshot, snapshot.between(first, last), params, now)
