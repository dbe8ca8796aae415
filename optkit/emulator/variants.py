"""How the emulated API may deviate from the vendor's document, or fill the gaps in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import polars as pl

from optkit.arguments import choice
from optkit.errors import SettingsError
from optkit.history import SCHEMA

CreatedAt = Literal["ms", "s", "s float", "us", "ms text", "s text", "s float text", "us text", "iso"]
Order = Literal["newest first", "oldest first", "shuffled"]
Bounds = Literal["inclusive", "exclusive", "start inclusive", "end inclusive"]
TotalsVariant = Literal["true", "missing", "as in the sample", "too low", "too high", "15,000"]
TimeToken = Literal["true", "missing", "as in the sample", "ten days ahead", "in the year 5000"]
Paths = Literal["both", "with .json", "without .json"]
Damage = Literal["null", "missing", "unknown"]
InsightsUnit = Literal["ms", "s", "start s, end ms"]
PhoneForm = Literal["e164", "digits", "punctuated", "mixed"]

#: Fields of entries that can be damaged.
_FIELDS = (
    *SCHEMA,
    "id",
    "recipient_uuid",
    "delivery_status",
    "content",
    "language",
    "execution",
    "delivery_channel",
    "response_set",
    "error",
    "error_code",
    "user",
    "campaign",
)


@dataclass(frozen=True, kw_only=True)
class ApiVariant:
    """How the API behaves where the vendor's documents say nothing, contradict themselves, or are not followed.

    Parameters
    ----------
    created_at : str
        ``"ms"``, ``"s"`` (cut to whole seconds), ``"s float"`` and ``"us"`` are JSON numbers since the Unix
        epoch; with ``" text"`` at the end they are strings of digits; ``"iso"`` is ISO 8601 with an offset.
    order : str
        ``"newest first"``, ``"oldest first"``, or ``"shuffled"``: in no order, but the same one each time.
    bounds : str
        Whether entries at exactly `start_time` and `end_time` are included: ``"inclusive"``, ``"exclusive"``,
        ``"start inclusive"`` or ``"end inclusive"``.
    totals : str
        ``"true"``; ``"missing"``; ``"as in the sample"``: total_pages contradicts total_entries as the
        vendor's 9 entries on 5 pages of 1 do; ``"too low"`` and ``"too high"``: wrong, but consistent with each other;
        ``"15,000"``: always this number of entries, and no total_pages.
    time_token : str
        ``"true"``: the server's time, as in the header Date; ``"missing"``; ``"as in the sample"``: always
        the vendor's sample value, in 2023; ``"ten days ahead"``; ``"in the year 5000"``.
    per_page : int or None
        Number of entries per page, regardless of the client's request.
    withheld : (datetime, datetime) or None
        Entries created in [start, end), aware datetimes, are counted in the totals but never sent.
    ignores_filters : bool
        Filters other than by time have no effect.
    stuck_page : int or None
        All pages after this one have the entries of this one.
    paths : str
        Which of the two documented paths exists; the other one is a 404.
    gzip : bool
        Responses are compressed for clients that accept it.
    extra_fields : bool
        Entries and pages have fields that are not documented.
    damage : str or None
        In every `damaged_every`-th entry, `damaged_field` is ``"null"``, ``"missing"``, or has an ``"unknown"``
        value.
    damaged_field, damaged_every : str, int
        See `damage`.
    late_by : timedelta
        How long after its `created_at` an entry becomes visible.
    late_share : float
        Share of the entries, from 0 to 1, that are late; it is the same ones each time.
    message_created_at : str
        The form of `created_at` of messages, with the choices of `created_at`.
    insights_unit : str
        Unit of `start_time` and `end_time` of messages: ``"ms"``, ``"s"`` or ``"start s, end ms"``.
    phone_form : str
        How phone numbers of messages are written: ``"e164"`` (+15550100555), ``"digits"`` (15550100555),
        ``"punctuated"`` (+1(555) 010-0555; numbers of other countries as digits), or ``"mixed"``: all three, even for
        one recipient.
    capitalized : bool
        Statuses of messages begin with a capital: "Delivered".
    settle_after : timedelta
        How long after its `created_at` a message is "sent", before it becomes "delivered" or "undelivered".
    settle_when_shown : bool
        A message is "sent" on the first page that shows it, and "delivered" or "undelivered" from then on.
    other_channels : float
        Number of entries of voice calls and Teams that are mixed with the messages, as a share of these.
    ignores_channel : bool
        `delivery_channel` has no effect.
    """

    created_at: CreatedAt = "ms"
    order: Order = "newest first"
    bounds: Bounds = "inclusive"
    totals: TotalsVariant = "true"
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
            "totals": TotalsVariant,
            "time_token": TimeToken,
            "paths": Paths,
            "message_created_at": CreatedAt,
            "insights_unit": InsightsUnit,
            "phone_form": PhoneForm,
        }
        for name, known in choices.items():
            choice(getattr(self, name), name, get_args(known))
        if self.damage is not None:
            choice(self.damage, "damage", get_args(Damage))
        choice(self.damaged_field, "damaged_field", _FIELDS)
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
        The events or messages, in the order in which they arrive. Their times decide where among the others they
        appear.
    per_request, per_second : float
        How many arrive with each request for a page, and in each second since the start.
    """

    rows: pl.DataFrame
    per_request: float = 0.0
    per_second: float = 0.0
