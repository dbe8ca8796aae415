"""What was to be expected of each period, and how far chance goes: a control chart of counts."""

import math
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


class Chart(NamedTuple):
    """One value per period: its expectation, the limits of chance, and whether its total is not above them."""

    expected: Array
    low: Array
    high: Array
    usual: Bools


def weekdays(weekday: Slots) -> Slots:
    """Return which share of the level each day has (0 to 6), or zeros where there are too few weeks to tell."""
    return weekday - 1 if len(weekday) >= 7 * _WEEKS else np.zeros(len(weekday), np.int64)


def chart(totals: Array, exposure: Array, slots: Slots, tail: float) -> Chart:
    """Chart totals against their expectation, which is made of the usual among them.

    The expectation of a period is a line through the periods around it (at both ends of the chart: those on
    one side), times its slot's share. It is made without the periods above their limits, and repeated until it
    settles.

    Parameters
    ----------
    totals : array
        Events in each period.
    exposure : array
        What the events are proportional to, above 0; all 1 where that is not known.
    slots : array
        0, 1, …: periods with one share of the level, such as a weekday.
    tail : float
        Chance that a usual period lies above its upper limit, and below its lower limit.
    """
    if not len(totals):
        return Chart(totals, totals, totals, totals > 0)
    usual = np.ones(len(totals), dtype=np.bool_)
    found = _limits(totals, exposure, slots, usual, tail)
    if len(totals) < _FEW:
        return found._replace(usual=usual)
    # Begin without the highest tenth of those with any, so that no spike can hide in limits that it widens.
    height = (totals - found.expected) / np.sqrt(found.expected)
    busy = int((totals > 0).sum())
    dropped = math.ceil(busy / 10) if busy > 1 else 0
    usual[np.argsort(-height, kind="stable")[:dropped]] = False
    for _ in range(_ROUNDS):
        found = _limits(totals, exposure, slots, usual, tail)
        if (found.usual == usual).all():
            break
        usual = found.usual
    return found


def _limits(totals: Array, exposure: Array, slots: Slots, usual: Bools, tail: float) -> Chart:
    """Return expectation and limits from the usual periods, and which periods are usual by them."""
    weight = usual.astype(np.float64)
    base = max(float((weight * totals).sum()), 0.5) / float((weight * exposure).sum())
    # Half an event more for each estimate keeps empty weekdays and quiet months from expecting nothing.
    seen, held = (np.bincount(slots, weight * values)[slots] for values in (totals, exposure))
    share = (seen + 0.5) / (held * base + 0.5) if slots.any() else np.ones(len(totals))
    level, near = _local_level(weight * totals, weight * exposure * share, base)
    expected = level * exposure * share
    freedom = max(1.0, usual.sum() - (slots.max() + 1) - len(totals) / _REACH)
    residuals = (totals - expected) ** 2 / expected
    dispersion = max(1.0, float(residuals[usual].sum()) / freedom)
    # A new count varies about its expectation, and the expectation about the truth.
    ratio = dispersion * (1 + expected / near + expected / (seen + 0.5))
    low, high = count_limits(expected, ratio, 1 - 2 * tail, least=_LEAST - 1)
    return Chart(expected, low, high, totals <= high)


def _local_level(totals: Array, exposure: Array, base: float) -> tuple[Array, Array]:
    """Return each period's level by a line through those around it, and how many events it rests on.

    The line is fitted by least squares with weights for counts. Its slope is drawn towards 0 by a prior of
    `_GROWTH` per period, so that few events do not tilt it.
    """
    place = np.arange(len(totals)) - len(totals) / 2
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
    summed = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    upper = np.minimum(place + _REACH + 1, len(values))
    around: Array = summed[upper] - summed[np.maximum(place - _REACH, 0)]
    return around
