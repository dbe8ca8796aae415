"""How the emulated API may deviate from the vendor's document, or fill the gaps in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import polars as pl

from optkit.emulator.choices import validate_choice
from optkit.errors import SettingsError
from optkit.history import SCHEMA

CreatedAt = Literal["ms", "s", "s float", "us", "ms text", "s text", "s float text", "us text", "iso"]
Order = Literal["newest first", "oldest first", "shuffled"]
Bounds = Literal["inclusive", "exclusive", "start inclusive", "end inclusive"]
Totals = Literal["true", "missing", "as in the sample", "too low", "too high", "15,000"]
TimeToken = Literal["true", "missing", "as in the sample", "ten days ahead", "in the year 5000"]
Paths = Literal["both", "with .json", "without .json"]
Damage = Literal["null", "missing", "unknown"]


@dataclass(frozen=True, kw_only=True)
class ApiVariant:
    """What the vendor's document leaves open, decided one way.

    Parameters
    ----------
    created_at : str
        ``"ms"``, ``"s"`` (cut to whole seconds), ``"s float"`` and ``"us"`` are JSON numbers since the Unix
        epoch; with ``" text"`` behind they are strings of digits; ``"iso"`` is ISO 8601 with an offset.
    order : str
        ``"newest first"``, ``"oldest first"``, or ``"shuffled"``: without a pattern, but the same each time.
    bounds : str
        Whether events at exactly `start_time` and `end_time` are in: ``"inclusive"``, ``"exclusive"``,
        ``"start inclusive"`` or ``"end inclusive"``.
    totals : str
        ``"true"``; ``"missing"``; ``"as in the sample"``: total_pages contradicts total_entries as the
        vendor's 9 entries on 5 pages of 1 do; ``"too low"`` and ``"too high"``: consistent, and false; ``"15,000"``:
        always so many entries, and no total_pages.
    time_token : str
        ``"true"``: the server's time, which the header Date always has; ``"missing"``; ``"as in the sample"``: always
        the vendor's sample value, in 2023; ``"ten days ahead"``; ``"in the year 5000"``.
    per_page : int or None
        So many entries a page, whatever was asked for.
    withheld : (datetime, datetime) or None
        Entries created in [start, end), aware, are counted in the totals and never sent.
    ignores_filters : bool
        Phones and statuses that are asked for have no effect.
    stuck_page : int or None
        Pages after this one answer with this one's entries.
    paths : str
        Which of the two documented paths is there; the other one is a 404.
    gzip : bool
        Compress the answers for clients that accept it.
    extra_fields : bool
        Entries and pages have fields that no document knows.
    damage : str or None
        Every `damaged_every`-th entry has `damaged_field` ``"null"``, ``"missing"``, or with an ``"unknown"``
        value.
    damaged_field, damaged_every : str, int
        See `damage`.
    late_by : timedelta
        An event becomes visible so long after its `created_at`.
    late_share : float
        The share of events, from 0 to 1, that `late_by` holds for; which ones is up to the event itself.
    """

    created_at: CreatedAt = "ms"
    order: Order = "newest first"
    bounds: Bounds = "inclusive"
    totals: Totals = "true"
    time_token: TimeToken = "true"  # noqa: S105 - a time, not a secret
    withheld: tuple[datetime, datetime] | None = None
    ignores_filters: bool = False
    per_page: int | None = None
    stuck_page: int | None = None
    paths: Paths = "both"
    gzip: bool = False
    extra_fields: bool = False
    damage: Damage | None = None
    damaged_field: str = "status"
    damaged_every: int = 1
    late_by: timedelta = timedelta()
    late_share: float = 1.0

    def __post_init__(self) -> None:
        choices: dict[str, Any] = {
            "created_at": CreatedAt,
            "order": Order,
            "bounds": Bounds,
            "totals": Totals,
            "time_token": TimeToken,
            "paths": Paths,
        }
        for name, known in choices.items():
            validate_choice(name, getattr(self, name), get_args(known))
        validate_choice("damage", self.damage, (None, *get_args(Damage)))
        validate_choice("damaged_field", self.damaged_field, tuple(SCHEMA))
        for name in ("per_page", "stuck_page", "damaged_every"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise SettingsError(f"{name} must be at least 1")
        if not 0 <= self.late_share <= 1:
            raise SettingsError("late_share must be from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Events that arrive one by one while pages are read.

    Parameters
    ----------
    rows : polars.DataFrame
        The events, in the order in which they arrive; their `created_at` says where among the others they
        appear.
    per_request, per_second : float
        How many arrive with each request for a page, and with each second since the start.
    """

    rows: pl.DataFrame
    per_request: float = 0.0
    per_second: float = 0.0
