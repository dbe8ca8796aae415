"""How the emulator may read the vendor's document, and what may go wrong on the way."""

import random
from collections import Counter
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final, Literal, get_args

import polars as pl

from optkit.errors import SettingsError
from optkit.history import SCHEMA

CreatedAt = Literal["ms", "s", "s float", "us", "ms text", "s text", "s float text", "us text", "iso"]
Order = Literal["newest first", "oldest first", "shuffled"]
Bounds = Literal["inclusive", "exclusive", "start inclusive", "end inclusive"]
Totals = Literal["true", "missing", "as in the sample", "too low", "too high"]
Paths = Literal["both", "with .json", "without .json"]
Damage = Literal["null", "missing", "unknown"]
RetryAfter = Literal["seconds", "date", "unreadable", "missing"]


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What the vendor's document leaves open, settled one way.

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
        vendor's 9 entries on 5 pages of 1 do; ``"too low"`` and ``"too high"``: consistent, and false.
    per_page : int or None
        So many entries a page, whatever was asked for.
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
            "paths": Paths,
        }
        for name, known in choices.items():
            _one_of(name, getattr(self, name), get_args(known))
        _one_of("damage", self.damage, (None, *get_args(Damage)))
        _one_of("damaged_field", self.damaged_field, tuple(SCHEMA))
        for name in ("per_page", "stuck_page", "damaged_every"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise SettingsError(f"{name} must be at least 1")
        if not 0 <= self.late_share <= 1:
            raise SettingsError("late_share must be from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What goes wrong.

    How often is one number: below 1 the share of requests that are hit, drawn by `seed`; from 1 on, every
    n-th request; 0 never. Each fault counts the requests that no fault before it (in the order below) has
    hit, so that two of them never hide each other.

    Parameters
    ----------
    latency, latency_per_page : float
        Seconds before each answer; and so many more for each page before the one that is asked for.
    redirect_to : str or None
        An origin that every request is sent on to (302).
    rate_limit : float or None
        Requests a second; the rest are 429.
    retry_after, retry_after_form : int, str
        Seconds that a 429 asks to wait, and how it says so: ``"seconds"``, ``"date"`` (HTTP date),
        ``"unreadable"`` or ``"missing"``.
    revoked_after : int or None
        The token is refused (401) after so many requests.
    forbidden, errors : float
        How often a request is answered with 403; with `error_status`.
    error_status : int
        The status of `errors`, 5xx.
    resets, hangs : float
        How often the connection is reset, or nothing happens any more, before the answer begins.
    html, cut_json, bad_gzip : float
        How often the answer is an HTML page with status 200; JSON that ends half-way; not the gzip it says.
    truncated, resets_in_body, hangs_in_body : float
        How often half the promised body comes, and then the connection is closed, reset, or silent.
    drips : float
        How often the body comes a byte at a time, `drip_pause` seconds apart.
    hang_seconds, drip_pause : float
        A hang ends after this by closing the connection; pause between two bytes of a drip.
    seed : int
        Two emulators with the same seed and the same requests in the same order fail alike.
    """

    latency: float = 0.0
    latency_per_page: float = 0.0
    redirect_to: str | None = None
    rate_limit: float | None = None
    retry_after: int = 1
    retry_after_form: RetryAfter = "seconds"
    revoked_after: int | None = None
    forbidden: float = 0.0
    errors: float = 0.0
    error_status: int = 503
    resets: float = 0.0
    hangs: float = 0.0
    html: float = 0.0
    cut_json: float = 0.0
    bad_gzip: float = 0.0
    truncated: float = 0.0
    resets_in_body: float = 0.0
    hangs_in_body: float = 0.0
    drips: float = 0.0
    hang_seconds: float = 3600.0
    drip_pause: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("retry_after_form", self.retry_after_form, get_args(RetryAfter))
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and value < 0:
                raise SettingsError(f"{field.name} must not be below zero")


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


#: The faults that spoil an answer on its way, in the order in which they are tried.
DELIVERY: Final = (
    "resets",
    "hangs",
    "html",
    "cut_json",
    "bad_gzip",
    "truncated",
    "resets_in_body",
    "hangs_in_body",
    "drips",
)


class Dice:
    """Decides which requests are hit; the same seed and the same questions give the same answers."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: Counter[str] = Counter()

    def hit(self, fault: str, how_often: float) -> bool:
        """Return whether this request is hit by `fault`."""
        if not how_often:
            return False
        self._asked[fault] += 1
        asked = self._asked[fault]
        if how_often >= 1:
            return asked % int(how_often) == 0
        # seeded by the question, not drawn from a stream: other faults' questions do not shift the answer
        return random.Random(f"{self._seed} {fault} {asked}").random() < how_often  # noqa: S311 - no secret


def _one_of(name: str, value: Any, known: tuple[Any, ...]) -> None:
    if value not in known:
        raise SettingsError(f"{name} must be one of {', '.join(repr(choice) for choice in known)}")
