"""Opt-ins and opt-outs: the events of a history."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Final, Literal

import msgspec
import polars as pl

from optkit.datasets.endpoint import Endpoint
from optkit.datasets.timestamps import read_timestamps
from optkit.errors import ResponseError
from optkit.history import ORDER, SCHEMA, STATUS
from optkit.times import WEEK

_Status = Literal["opt-in", "opt-out"]


class Event(msgspec.Struct, gc=False, frozen=True):
    """One event as the API sends it; fields that are not documented are ignored."""

    to_phone: str
    from_phone: str
    created_at: int | float | str
    status: _Status
    current_status: _Status


def _to_columns(events: Sequence[Event]) -> pl.DataFrame:
    """Return events as a frame with a history's columns."""
    frame = pl.DataFrame(
        {
            "to_phone": pl.Series([event.to_phone for event in events], dtype=pl.String).str.strip_chars(),
            "from_phone": pl.Series(
                [event.from_phone for event in events], dtype=pl.String
            ).str.strip_chars(),
            "created_at": read_timestamps([event.created_at for event in events], "created_at"),
            "status": pl.Series([event.status for event in events], dtype=STATUS),
            "current_status": pl.Series([event.current_status for event in events], dtype=STATUS),
        }
    )
    for phone in ("to_phone", "from_phone"):
        if (frame[phone] == "").any():
            raise ResponseError(f"the field '{phone}' of an entry is empty")
    return frame


OPT_STATUS: Final = Endpoint(
    # the document's heading has the first, its snippets the second
    paths=("/api/v2/sms/opt-status.json", "/api/v2/sms/opt-status"),
    record=Event,
    record_key=attrgetter("to_phone", "from_phone", "created_at", "status"),
    to_columns=_to_columns,
    schema=SCHEMA,
    time="created_at",
    order=ORDER,
    key=ORDER,
    private=("to_phone", "from_phone"),
    window=WEEK,
)
