"""What is asked of a server before windows are fetched: the time, the unit of time, where the account begins."""

from collections.abc import Collection, Sequence

from optkit.datasets.endpoint import Endpoint, TimeUnit
from optkit.loading.pages import PageRequest
from optkit.loading.session import ApiSession
from optkit.loading.windows import Window, grid_window, join_windows
from optkit.times import SECOND, WEEK


def ask_clock(session: ApiSession, now: int) -> int:
    """Return the server's time, by the smallest request there is; `now` is the time as far as it is known."""
    return session.get(PageRequest(now - SECOND, now, page=1, per_page=1)).clock.now


def find_time_unit(
    session: ApiSession, endpoint: Endpoint, windows: Sequence[Window], known: Collection[str | None]
) -> TimeUnit | None:
    """Return the unit in which the API reads the bounds of a request.

    It is the one with which an answer has an entry within the bounds: read in another unit, bounds lie far in the
    future or in 1970. Where no week has an entry in any unit, there is none, and every answer would be empty: None.

    Parameters
    ----------
    session, endpoint
        Who is asked, and which units there may be.
    windows : sequence of Window
        What is going to be fetched, in order; asked for in stretches of a week at most, the latest first.
    known : collection of str or None
        Names of units that were found out before.
    """
    for unit in endpoint.time_units:
        if unit.name in known:
            return unit
    for stretch in reversed(join_windows(windows, most=WEEK)):
        for unit in endpoint.time_units:
            session.time_unit = unit
            request = PageRequest(stretch.start, stretch.end, page=1, per_page=1)
            entries = session.get(request).entries
            if entries:
                times = endpoint.to_columns(entries)[endpoint.time].to_physical()
                # seconds are cut or rounded
                if times.is_between(stretch.start - SECOND, stretch.end + SECOND).all():
                    return unit
    return None


def find_beginning(session: ApiSession, length: int, now: int) -> int:
    """Return the start of the window of the account's first record; of the present one, where it has none.

    It asks whether a stretch of time holds anything, and halves it; emptiness alone counts, no order and no total. For
    a record at the very start of a window it may name the window before.
    """
    first, last = grid_window(0, length).start, grid_window(now, length).start
    while first < last:
        middle = first + (last - first) // length // 2 * length
        page = session.get(PageRequest(first, middle + length, page=1, per_page=1))
        last = min(last, grid_window(page.clock.now, length).start)
        if page.entries:
            last = min(last, middle)
        else:
            first = middle + length
    return min(first, last)
