"""What is asked of a server before windows are fetched: the time, the unit of time, where the account begins."""

from collections.abc import Collection, Sequence
from itertools import product

from optkit.loading.pages import PageRequest
from optkit.loading.session import ApiSession
from optkit.loading.windows import Window, grid_window, join_windows
from optkit.times import SECOND, WEEK


def ask_clock(session: ApiSession, now: int) -> int:
    """Return the server's time, by the smallest request there is; `now` is the time as far as it is known."""
    return session.get(PageRequest(now - SECOND, now, page=1, per_page=1)).clock.now


def find_time_unit(session: ApiSession, windows: Sequence[Window], known: Collection[str | None]) -> None:
    """Set the session's time unit, unless it is known: the unit in which the API reads the bounds of a request.

    It is a unit whose name is known from earlier loads. Otherwise it is the one with which an answer has an entry
    within the bounds: read in another unit, bounds lie far in the future or in 1970. It asks for the windows that are
    going to be fetched, in stretches of a week at most, the latest first. Where no week has an entry in any unit, every
    answer would be empty, and the unit stays unknown.
    """
    if session.time_unit is not None:
        return
    units = session.endpoint.time_units
    session.time_unit = next((unit for unit in units if unit.name in known), None)
    if session.time_unit is not None:
        return
    for stretch, unit in product(reversed(join_windows(windows, most=WEEK)), units):
        session.time_unit = unit
        if _has_entries(session, stretch):
            return
    session.time_unit = None


def _has_entries(session: ApiSession, stretch: Window) -> bool:
    """Return whether the API has entries in a stretch of time, and none that lie elsewhere."""
    entries = session.get(PageRequest(stretch.start, stretch.end, page=1, per_page=1)).entries
    if not entries:
        return False
    times = session.endpoint.to_columns(entries)[session.endpoint.time].to_physical()
    # seconds are cut or rounded
    return bool(times.is_between(stretch.start - SECOND, stretch.end + SECOND).all())


def find_beginning(session: ApiSession, now: int) -> int:
    """Return the start of the window of the account's first record; of the present one, where it has none.

    It asks whether a stretch of time has any entries, and halves it; it relies on neither their order nor their total.
    For a record at the very start of a window, it may return the window before.
    """
    length = session.endpoint.window
    first, last = grid_window(0, length).start, grid_window(now, length).start
    while first < last:
        middle = grid_window((first + last) // 2, length)
        # the grid begins before 1970, which a server may not accept
        page = session.get(PageRequest(max(0, first), middle.end, page=1, per_page=1))
        # `now` may be later than the server's clock
        last = min(last, grid_window(page.clock.now, length).start)
        if page.entries:
            last = min(last, middle.start)
        else:
            first = middle.end
    return min(first, last)
