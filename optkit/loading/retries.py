"""How often a failed request is repeated, and after what pause."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from optkit.errors import OptkitError

#: Requests for one page, not counting those after which the server asked for a pause.
ATTEMPTS: Final = 6
#: Seconds: the longest pause after the first failure, doubled by each further one, and the longest of all.
BASE: Final = 0.5
CAP: Final = 20.0
#: Seconds that the server may make one page wait by Retry-After; beyond that the user decides.
PATIENCE: Final = 120.0


class TransientError(Exception):
    """A request failed, and a retry may cure it."""

    def __init__(
        self, error: OptkitError, *, was_refused: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__()
        self.error = error  # to raise if no retry cures it
        self.was_refused = was_refused  # the server is asked for too much: fewer requests may be in flight
        self.retry_after = retry_after  # seconds that the server asks to wait


def jittered_pause(failures: int, chance: float) -> float:
    """Return the seconds to wait after a number of failures ("full jitter"); `chance` is in [0, 1)."""
    return chance * min(CAP, BASE * 2.0 ** (failures - 1))


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read a Retry-After header, in seconds or as an HTTP date; None if there is none that can be read."""
    if value is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # not a date, or no day of any calendar
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
