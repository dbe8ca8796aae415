"""What was to be expected of each period, and how far chance goes: a control chart of counts."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from optkit.engine.statistics import Array, count_limits

Bools = npt.NDArray[np.bool_]
Slots = npt.NDArray[np.integer[Any]]

#: The level of a period is that of so many periods on either side: eight weeks of days, a year of weeks.
_REACH: Final = 28

#: How much a level usually grows or shrinks from one period to the next; more has to be seen in many counts.
_GROWTH: Final = 0.01

#: Weekdays get a rhythm of their own from so many weeks on.
_WEEKS: Final = 4

#: With fewer periods none can be told from the others.
_FEW: Final = 10

#: Fewer events in a period are never more than expected: one or two always come together somewhere.
_LEAST: Final = 3

_ROUNDS: Final = 20

#: So many periods are charted in one step: few enough for the processor's cache, whatever the number of charts.
_CELLS: Final = 2**17


class Chart(NamedTuple):
    """One value per period: its expectation, the limits of chance, and whether its total is not above them.

    The limits are NaN, and the period is usual, where nothing could happen (exposure 0).
    """

    expected: Array
    low: Array
    high: Array
    usual: Bools


class _Periods(NamedTuple):
    """Several charts, one per row: the periods with exposure first, in their order; behind them exposure is 0."""

    totals: Array
    exposure: Array
    slots: Slots
    tail: Array

    def rows(self, rows: npt.NDArray[np.intp]) -> "_Periods":
        return _Periods(self.totals[rows], self.exposure[rows], self.slots[rows], self.tail[rows])


def rhythm(weekday: Slots, periods: npt.ArrayLike) -> Slots:
    """Return which share of the level each day has (0 to 6), or zeros where there are too few weeks to tell."""
    return np.where(np.asarray(periods) >= 7 * _WEEKS, weekday, 0)


def chart(totals: Array, exposure: Array, slots: Slots, tail: float) -> Chart:
    """Chart one series of totals: see `charts`."""
    one = charts(totals[np.newaxis], exposure[np.newaxis], slots[np.newaxis], np.array([[tail]]))
    return Chart(*(values[0] for values in one))


def charts(totals: npt.NDArray[Any], exposure: npt.NDArray[Any], slots: Slots, tail: Array) -> Chart:
    """Chart totals against their expectation, which is made of the usual among them; one chart per row.

    The expectation of a period is a line through the periods around it (at both ends of the chart: those on
    one side), times its slot's share. It is made without the periods above their limits, and repeated until it
    settles.

    Parameters
    ----------
    totals : array of shape (charts, periods)
        Events in each period.
    exposure : array of the same shape
        What the events are proportional to; all 1 where that is not known. A period with 0 is left out, as if the
        periods before and after it were neighbors.
    slots : array of the same shape
        0, 1, … 6: periods with one share of the level, such as a weekday.
    tail : array of shape (charts, 1)
        Chance that a usual period lies above its upper limit, and below its lower limit.
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
    """Return the charts after as many rounds as they need."""
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
    """Return the highest tenth of those with any: without them at first, no spike hides in limits that it widens."""
    some = periods.totals > 0
    height = np.where(some, (periods.totals - expected) / np.sqrt(np.where(some, expected, 1.0)), -np.inf)
    busy = some.sum(axis=1, keepdims=True)
    first = np.arange(some.shape[1]) < np.where(busy > 1, -(-busy // 10), 0)
    highest = np.empty_like(some)
    np.put_along_axis(highest, np.argsort(-height, axis=1, kind="stable"), first, axis=1)
    return highest


def _limits(periods: _Periods, usual: Bools) -> Chart:
    """Return expectation and limits from the usual periods, and which periods are usual by them."""
    totals, exposure, slots, tail = periods
    weight = usual.astype(np.float64)
    number = (exposure > 0).sum(axis=1, keepdims=True)
    size = (weight * exposure).sum(axis=1, keepdims=True)
    base = np.maximum((weight * totals).sum(axis=1, keepdims=True), 0.5) / np.where(size > 0, size, 1.0)
    # Half an event more for each estimate keeps empty weekdays and quiet months from expecting nothing.
    seen, held = (_slot_sums(slots, weight * values) for values in (totals, exposure))
    last = slots.max(axis=1, keepdims=True, initial=0)
    share = np.where(last > 0, (seen + 0.5) / (held * base + 0.5), 1.0)
    level, near = _local_level(weight * totals, weight * exposure * share, base, number)
    expected = level * exposure * share
    freedom = np.maximum(1.0, usual.sum(axis=1, keepdims=True) - (last + 1) - number / _REACH)
    residuals = weight * (totals - expected) ** 2 / np.where(usual, expected, 1.0)
    dispersion = np.maximum(1.0, residuals.sum(axis=1, keepdims=True) / freedom)
    # A new count varies about its expectation, and the expectation about the truth.
    ratio = dispersion * (1 + expected / near + expected / (seen + 0.5))
    low, high = count_limits(expected, ratio, 1 - 2 * tail, least=_LEAST - 1)
    return Chart(expected, low, high, totals <= high)


def _slot_sums(slots: Slots, values: Array) -> Array:
    """Return for each period the sum of its slot in its row."""
    index = slots + 7 * np.arange(len(slots))[:, np.newaxis]
    sums: Array = np.bincount(index.ravel(), values.ravel(), 7 * len(slots))[index]
    return sums


def _local_level(totals: Array, exposure: Array, base: Array, number: Slots) -> tuple[Array, Array]:
    """Return each period's level by a line through those around it, and how many events it rests on.

    The line is fitted by least squares with weights for counts. Its slope is drawn towards 0 by a prior of
    `_GROWTH` per period, so that few events do not tilt it.
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
