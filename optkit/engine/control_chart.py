"""A control chart of counts: the expectation of each period, and the limits of chance."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from optkit.engine.statistics import Array, count_limits

Bools = npt.NDArray[np.bool_]
Slots = npt.NDArray[np.integer[Any]]

#: A period's level is estimated from so many periods on either side: eight weeks of days, a year of weeks.
_REACH: Final = 28

#: Usual growth of a level from one period to the next; only many counts are evidence of more.
_GROWTH: Final = 0.01

#: Least number of weeks from which each weekday's share is estimated.
_WEEKS: Final = 4

#: With fewer periods, no period is judged.
_FEW: Final = 10

#: With fewer events, a period is never a spike: one or two coincide somewhere by chance.
_LEAST: Final = 3

_ROUNDS: Final = 20

#: How many periods are charted in one step: few enough for the processor's cache.
_CELLS: Final = 2**17


class Chart(NamedTuple):
    """One value per period: its expectation, the limits of chance, and whether the total does not exceed them.

    Where the exposure is 0, the limits are NaN and the period is usual.
    """

    expected: Array
    low: Array
    high: Array
    usual: Bools


class _Periods(NamedTuple):
    """Several charts, one per row: first the periods with exposure, in their order, then those without."""

    totals: Array
    exposure: Array
    slots: Slots
    tail: Array

    def rows(self, rows: npt.NDArray[np.intp]) -> "_Periods":
        return _Periods(self.totals[rows], self.exposure[rows], self.slots[rows], self.tail[rows])


def rhythm(weekday: Slots, periods: npt.ArrayLike) -> Slots:
    """Return the slot of each day: its weekday (0 to 6), or 0 for all if there are too few weeks."""
    return np.where(np.asarray(periods) >= 7 * _WEEKS, weekday, 0)


def chart(totals: Array, exposure: Array, slots: Slots, tail: float) -> Chart:
    """Chart one series of totals: see `charts`."""
    one = charts(totals[np.newaxis], exposure[np.newaxis], slots[np.newaxis], np.array([[tail]]))
    return Chart(*(values[0] for values in one))


def charts(totals: npt.NDArray[Any], exposure: npt.NDArray[Any], slots: Slots, tail: Array) -> Chart:
    """Chart totals against their expectation, which is estimated from the usual periods; one chart per row.

    The expectation of a period is a line fitted to the periods around it (at both ends of the chart: on one side),
    times the share of its slot. Periods above their limits are left out and the estimate is repeated until it no longer
    changes.

    Parameters
    ----------
    totals : array of shape (charts, periods)
        Events in each period.
    exposure : array of the same shape
        The number that events are proportional to; all 1 if it is not known. A period with 0 is left out, as if the
        periods before and after it were adjacent.
    slots : array of the same shape
        0, 1, … 6: periods with one share of the level, such as a weekday.
    tail : array of shape (charts, 1)
        Probability that a usual period is above its upper limit, and that it is below its lower limit.
    """
    number, width = totals.shape
    expected, low, high = np.full((3, number, width), np.nan)
    whole = Chart(expected, low, high, np.ones((number, width), np.bool_))
    together = max(1, _CELLS // max(1, width))
    for first in range(0, number, together):
        rows = slice(first, first + together)
        order = np.argsort(exposure[rows] <= 0, axis=1, kind="stable")
        periods = _Periods(
            np.take_along_axis(np.where(exposure[rows] > 0, totals[rows], 0.0), order, axis=1),
            np.take_along_axis(exposure[rows], order, axis=1),
            np.take_along_axis(slots[rows], order, axis=1),
            tail[rows],
        )
        for values, found in zip(whole, _settle(periods), strict=True):
            np.put_along_axis(values[rows], order, found, axis=1)
    for limits in whole[:3]:
        limits[exposure <= 0] = np.nan
    return whole


def _settle(periods: _Periods) -> Chart:
    """Return the charts after as many rounds as they need to converge."""
    held = periods.exposure > 0
    found = _limits(periods, held)._replace(usual=np.ones_like(held))
    rows = np.flatnonzero((held.sum(axis=1) >= _FEW) & (periods.totals.max(axis=1, initial=0) >= _LEAST))
    periods, held = periods.rows(rows), held[rows]
    usual = held & ~_highest_tenth(periods, found.expected[rows])
    for _ in range(_ROUNDS):
        if not len(rows):
            break
        part = _limits(periods, usual)
        for values, better in zip(found, part, strict=True):
            values[rows] = better
        going_on = np.flatnonzero(((part.usual & held) != usual).any(axis=1))
        rows, periods, held = rows[going_on], periods.rows(going_on), held[going_on]
        usual = part.usual[going_on] & held
    return found


def _highest_tenth(periods: _Periods, expected: Array) -> Bools:
    """Return the highest tenth of the periods with events: the first round leaves them out, as possible spikes."""
    some = periods.totals > 0
    height = np.where(some, (periods.totals - expected) / np.sqrt(np.where(some, expected, 1.0)), -np.inf)
    busy = some.sum(axis=1, keepdims=True)
    first = np.arange(some.shape[1]) < np.where(busy > 1, -(-busy // 10), 0)
    highest = np.empty_like(some)
    np.put_along_axis(highest, np.argsort(-height, axis=1, kind="stable"), first, axis=1)
    return highest


def _limits(periods: _Periods, usual: Bools) -> Chart:
    """Return the expectation and limits estimated from the usual periods, and which periods these limits call usual."""
    totals, exposure, slots, tail = periods
    weight = usual.astype(np.float64)
    number = (exposure > 0).sum(axis=1, keepdims=True)
    size = (weight * exposure).sum(axis=1, keepdims=True)
    base = np.maximum((weight * totals).sum(axis=1, keepdims=True), 0.5) / np.where(size > 0, size, 1.0)
    # Half an event is added to each estimate, so that empty weekdays and quiet months do not expect exactly zero.
    seen, held = (_slot_sums(slots, weight * values) for values in (totals, exposure))
    last = slots.max(axis=1, keepdims=True, initial=0)
    share = np.where(last > 0, (seen + 0.5) / (held * base + 0.5), 1.0)
    level, near = _local_level(weight * totals, weight * exposure * share, base, number)
    expected = level * exposure * share
    freedom = np.maximum(1.0, usual.sum(axis=1, keepdims=True) - (last + 1) - number / _REACH)
    residuals = weight * (totals - expected) ** 2 / np.where(usual, expected, 1.0)
    dispersion = np.maximum(1.0, residuals.sum(axis=1, keepdims=True) / freedom)
    # A new count varies around its expectation, and the expectation around the true value.
    ratio = dispersion * (1 + expected / near + expected / (seen + 0.5))
    low, high = count_limits(expected, ratio, 1 - 2 * tail, least=_LEAST - 1)
    return Chart(expected, low, high, totals <= high)


def _slot_sums(slots: Slots, values: Array) -> Array:
    """Return for each period the sum of its slot in its row."""
    index = slots + 7 * np.arange(len(slots))[:, np.newaxis]
    sums: Array = np.bincount(index.ravel(), values.ravel(), 7 * len(slots))[index]
    return sums


def _local_level(totals: Array, exposure: Array, base: Array, number: Slots) -> tuple[Array, Array]:
    """Return each period's level from a line fitted to those around it, and the number of events behind it.

    The line is fitted by least squares with weights for counts. A prior of `_GROWTH` per period shrinks its slope
    towards 0, so that few events do not tilt it.
    """
    place = np.arange(totals.shape[1]) - number / 2
    moments = [_around(place**power * exposure) for power in (0, 1, 2)]
    size = moments[0] + 0.5 / base
    first = moments[1] - place * moments[0]
    second = moments[2] - 2 * place * moments[1] + place**2 * moments[0] + 1 / (_GROWTH**2 * base)
    events = _around(totals)
    tilt = _around(place * totals) - place * events
    effective = size - first**2 / second
    level = np.maximum((events + 0.5 - tilt * first / second) / effective, 0.5 / size)
    return level, level * effective


def _around(values: Array) -> Array:
    """Sum over each period and the 28 on either side of it."""
    summed = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, out=summed[:, 1:])
    place = np.arange(values.shape[1])
    upper = np.minimum(place + _REACH + 1, values.shape[1])
    around: Array = summed[:, upper] - summed[:, np.maximum(place - _REACH, 0)]
    return around
