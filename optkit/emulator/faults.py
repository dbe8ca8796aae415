"""Faults that the emulator injects, and which requests they hit."""

import random
from collections import Counter
from dataclasses import dataclass, fields
from typing import Final, Literal, get_args

from optkit.arguments import choice
from optkit.errors import SettingsError

RetryAfter = Literal["seconds", "date", "unreadable", "missing"]
WhenFull = Literal["wait", "refuse"]


@dataclass(frozen=True, kw_only=True)
class Faults:
    """The faults to inject.

    How often a fault hits is one number: below 1, the share of requests, drawn by `seed`; from 1 on, every n-th
    request; 0, never. Each fault counts the requests that no fault before it (in the order below) has hit, so that
    no fault hides another one.

    Parameters
    ----------
    latency, latency_per_page : float
        Seconds before each response, and additional seconds per page before the requested one.
    capacity : int or None
        Number of requests that are served at the same time; None for no limit.
    when_full : str
        What happens to requests beyond `capacity`: ``"wait"`` in a queue, first come, first served, or
        ``"refuse"`` with 429 at once.
    redirect_to : str or None
        An origin to which every request is redirected (302).
    rate_limit : float or None
        Requests per second; the rest get 429.
    retry_after, retry_after_form : int, str
        Seconds to wait that a 429 asks for, and the form in which it does: ``"seconds"``, ``"date"`` (HTTP date),
        ``"unreadable"`` or ``"missing"``.
    revoked_after : int or None
        Number of requests after which the token is refused (401).
    forbidden, errors : float
        How often the response is 403, or has `error_status`.
    error_status : int
        The status of `errors`, 5xx.
    resets, hangs : float
        How often the connection is reset, or stays open without a response.
    html, cut_json, bad_gzip : float
        How often the response is an HTML page with status 200, JSON that ends half-way, or not the gzip that its
        header promises.
    empties : float
        How often the response has no entries, although its totals count them.
    truncated, resets_in_body, hangs_in_body : float
        How often only half of the body is sent, and then the connection is closed, reset, or stays open.
    drips : float
        How often the body is sent byte by byte, `drip_pause` seconds apart.
    hang_seconds, drip_pause : float
        Seconds after which a connection that stays open is reset; seconds between two bytes.
    seed : int
        With the same seed, the same requests in the same order have the same faults.
    """

    latency: float = 0.0
    latency_per_page: float = 0.0
    capacity: int | None = None
    when_full: WhenFull = "wait"
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
    empties: float = 0.0
    truncated: float = 0.0
    resets_in_body: float = 0.0
    hangs_in_body: float = 0.0
    drips: float = 0.0
    hang_seconds: float = 3600.0
    drip_pause: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        choice(self.retry_after_form, "retry_after_form", get_args(RetryAfter))
        choice(self.when_full, "when_full", get_args(WhenFull))
        if self.capacity is not None and self.capacity < 1:
            raise SettingsError("capacity must be at least 1")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and value < 0:
                raise SettingsError(f"{field.name} must not be below zero")


#: The faults that damage a response while it is sent, in the order in which they are tried.
DELIVERY_FAULTS: Final = (
    "resets",
    "hangs",
    "html",
    "cut_json",
    "bad_gzip",
    "empties",
    "truncated",
    "resets_in_body",
    "hangs_in_body",
    "drips",
)


class FaultSampler:
    """Decides which requests are hit; the same seed and the same requests give the same faults."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counts: Counter[str] = Counter()

    def hit(self, fault: str, how_often: float) -> bool:
        """Return whether this request is hit by `fault`."""
        if not how_often:
            return False
        self._counts[fault] += 1
        count = self._counts[fault]
        if how_often >= 1:
            return count % int(how_often) == 0
        # one seed per fault and request instead of one stream: no fault changes which requests another one hits
        return random.Random(f"{self._seed} {fault} {count}").random() < how_often  # noqa: S311 - no secret
