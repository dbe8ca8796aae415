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
InsightsUnit = Literal["ms", "s", "start s, end ms"]
PhoneForm = Literal["e164", "digits", "punctuated", "mixed"]

#: Fields of entries that can be damaged.
_FIELDS = (
    *SCHEMA,
    *("id", "recipient_uuid", "delivery_status", "content", "language", "execution", "delivery_channel"),
    *("response_set", "error", "error_code", "user", "campaign"),
)


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
        The share of entries, from 0 to 1, that `late_by` holds for; which ones depends on the entry itself.
    message_created_at : str
        `created_at` of messages; the vendor's sample has whole seconds.
    insights_unit : str
        Unit of the times by which messages are asked for: ``"ms"``, ``"s"`` or ``"start s, end ms"``.
    phone_form : str
        How phone numbers of messages are written: ``"e164"`` (+15550100555), ``"digits"`` (15550100555),
        ``"punctuated"`` (+1(555) 010-0555; numbers of other countries as digits), or ``"mixed"``: all three, also for
        one person.
    capitalized : bool
        Statuses of messages are "Delivered" instead of "delivered".
    settle_after : timedelta
        A message is "sent" for so long after its `created_at`; "delivered" or "undelivered" only then.
    settle_when_shown : bool
        A message is "sent" until a page has shown it: whoever reads that page again finds another status.
    other_channels : float
        So many entries of voice calls and of Teams are among the messages, as a share of these.
    ignores_channel : bool
        `delivery_channel` has no effect.
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
    message_created_at: CreatedAt = "s"
    insights_unit: InsightsUnit = "ms"
    phone_form: PhoneForm = "e164"
    capitalized: bool = False
    settle_after: timedelta = timedelta()
    settle_when_shown: bool = False
    other_channels: float = 0.0
    ignores_channel: bool = False

    def __post_init__(self) -> None:
        choices: dict[str, Any] = {
            "created_at": CreatedAt,
            "order": Order,
            "bounds": Bounds,
            "totals": Totals,
            "time_token": TimeToken,
            "paths": Paths,
            "message_created_at": CreatedAt,
            "insights_unit": InsightsUnit,
            "phone_form": PhoneForm,
        }
        for name, known in choices.items():
            validate_choice(name, getattr(self, name), get_args(known))
        validate_choice("damage", self.damage, (None, *get_args(Damage)))
        validate_choice("damaged_field", self.damaged_field, _FIELDS)
        for name in ("per_page", "stuck_page", "damaged_every"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise SettingsError(f"{name} must be at least 1")
        for name in ("late_share", "other_channels"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"{name} must be from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Events or messages that arrive one by one while pages are read.

    Parameters
    ----------
    rows : polars.DataFrame
        The events or messages, in the order in which they arrive; their time says where among the others they
        appear.
    per_request, per_second : float
        How many arrive with each request for a page, and with each second since the start.
    """

    rows: pl.DataFrame
    per_request: float = 0.0
    per_second: float = 0.0
