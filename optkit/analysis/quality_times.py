"""Checks of the times of events, which show rows that are missing or doubled, and times that were cut."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from optkit.analysis.quality_check import Check
from optkit.engine import control_chart
from optkit.engine.aggregate import PartialSum, Totals, partial_sum
from optkit.engine.states import Partition
from optkit.engine.statistics import Array
from optkit.formatting import plural
from optkit.times import DAY, HOUR, SECOND, from_ms

#: A silence is reported if its probability is below this.
_RARE: Final = 0.001

#: A silence is not reported on weekdays that are silent in more than this share of the other weeks.
_SELDOM: Final = 0.05

_POISSON: Final = 1e-6  # less overdispersion than this counts as none

#: Silences of more days than a long weekend are compared with the account's other silences.
_WEEKEND: Final = 4
_TIMES: Final = 5  # how many times longer than nine tenths of the others an unusual silence is
_ACTIVE: Final = 20  # with fewer days with events it is not known how long an account is usually silent

#: With fewer events, whole seconds are not judged.
_ENOUGH: Final = 100

#: An hour is doubled if this many of its events, and at least this share of them, occur twice.
_DOUBLED: Final = 5
_DOUBLED_SHARE: Final = 0.2


def sums_of_times(partition: Partition) -> dict[str, PartialSum]:
    """Count the sums that `checks_of_times` needs."""
    at = pl.col("at")
    unit = pl.struct("sender", "recipient", "out")
    gap = at - at.shift(1)
    same = unit == unit.shift(1)
    near = same & (gap > 0) & ((gap < SECOND) | ((gap % HOUR == 0) & (gap < DAY)))
    events = partition.events.with_columns(
        hour=at // HOUR, near=near, late=same & (gap > DAY), whole=at % SECOND == 0
    )
    return {
        "hours": partial_sum(events, ["hour"], events=pl.len(), near=pl.col("near").sum()),
        "times": partial_sum(
            events, [], late=pl.col("late").sum(), whole=pl.col("whole").sum(), rows=pl.len()
        ),
    }


def checks_of_times(totals: Totals) -> list[Check]:
    """Return the checks of silent days, doubled and missing events, and the resolution of times."""
    late, whole, rows = totals["times"].select("late", "whole", "rows").row(0)
    return [
        _near_duplicates(totals["hours"]),
        Check(
            "late repeats", late, rows, 0.002,
            "the same status again more than a day later: a change in between may be missing, or people repeat it",
        ),
        Check(
            "whole seconds", whole, rows, 0.05 if rows >= _ENOUGH else 1.0,
            "events at a whole second: if most are, times were cut, or the service does not record milliseconds; the "
            "order of events within a second is then unknown",
        ),
        _silent_days(totals),
    ]  # fmt: skip


def _near_duplicates(hours: pl.DataFrame) -> Check:
    doubled = hours.filter(
        pl.col("near") >= _DOUBLED, pl.col("near") >= _DOUBLED_SHARE * pl.col("events")
    ).sort("near", "hour", descending=[True, False])
    meaning = "the same event again within a second, or exactly whole hours later: was it read or sent twice?"
    if doubled.height:
        meaning += (
            f" Most are in the hour that begins at {from_ms(doubled['hour'][0] * HOUR):%Y-%m-%d %H:%M} UTC"
        )
    fine = 0.0 if doubled.height else 0.001
    return Check("near duplicates", int(hours["near"].sum()), int(hours["events"].sum()), fine, meaning)


def _silent_days(totals: Totals) -> Check:
    """Return the days without any event in silences that are too long to be chance."""
    name = "silent days"
    meaning = "whole days without any event although some were expected: is a window missing?"
    if totals.first is None or totals.until is None:
        return Check(name, 0, 0, 0.0, meaning)
    days = totals["hours"].group_by(day=pl.col("hour") * HOUR // DAY).agg(pl.col("events").sum()).sort("day")
    first = days["day"][0]
    end = max(days["day"][-1] + 1, (totals.until + 1) // DAY)  # a day that is not over yet is not silent
    counts = np.zeros(end - first, np.int64)
    counts[days["day"].to_numpy() - first] = days["events"].to_numpy()
    silences = odd_silences(counts, (first + 3) % 7)  # 1970 began on a Thursday
    if silences:
        length, start = max(silences)
        meaning += (
            f" The longest begins on {from_ms((first + start) * DAY):%Y-%m-%d}: {plural(length, 'day')}"
        )
    return Check(name, sum(length for length, _ in silences), len(counts), 0.0, meaning)


def odd_silences(counts: npt.NDArray[np.int64], weekday: int) -> list[tuple[int, int]]:
    """Return the runs of empty days that are too long to be chance: length, and place of the first day.

    A run is reported if the probability of no event is below 1 in 1000, by the expectation of `optkit.spikes` or a
    quiet day of the same weekday, whichever is less, and some of its weekdays are seldom empty; or if it is longer than
    a long weekend and five times as long as nine tenths of the account's other silences.

    Parameters
    ----------
    counts : array
        Events of each day.
    weekday : int
        Of the first day, 0 for Monday.
    """
    empty = counts == 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], empty, [False]])))
    starts, ends = edges[::2], edges[1::2]
    lengths = ends - starts
    if not len(starts):
        return []
    days = (weekday + np.arange(len(counts))) % 7
    slots = control_chart.rhythm(days, len(days))
    chart = control_chart.chart(counts.astype(np.float64), np.ones(len(counts)), slots, _RARE / len(counts))
    expected = np.minimum(chart.expected, _quiet_days(counts, slots)[slots])
    ratio = _spread_below(counts, expected)
    found = []
    for run, (start, end) in enumerate(zip(starts, ends, strict=True)):
        inside = np.arange(len(counts))
        here = (inside >= start) & (inside < end)
        seldom = _share_empty(slots, empty, ~here)[slots[here]].min() <= _SELDOM
        unlikely = len(counts) * _chance_of_none(float(expected[here].sum()), ratio) < _RARE
        others = np.delete(lengths, run)
        usual = float(np.quantile(others, 0.9)) if len(others) else 0.0
        long = lengths[run] > max(_WEEKEND, _TIMES * usual) and (~empty).sum() >= _ACTIVE
        if (seldom and unlikely) or long:
            found.append((int(lengths[run]), int(start)))
    return found


def _share_empty(slots: control_chart.Slots, empty: control_chart.Bools, where: control_chart.Bools) -> Array:
    """Return the share of empty days in each slot."""
    size = int(slots.max()) + 1
    return np.bincount(slots, empty & where, size) / np.maximum(1, np.bincount(slots, where, size))


def _quiet_days(counts: npt.NDArray[np.int64], slots: control_chart.Slots) -> Array:
    """Return the events of a quiet day of each slot: a quantile, so that a fortnightly campaign does not raise it."""
    return np.array([np.quantile(counts[slots == slot], 0.25) for slot in range(int(slots.max()) + 1)])


def _spread_below(counts: npt.NDArray[np.int64], expected: Array) -> float:
    """Return the variance of days with few events, as a multiple of the expected count; busy days are campaigns."""
    few = (counts > 0) & (counts < expected)
    return max(1.0, float(np.mean((counts - expected)[few] ** 2 / expected[few]))) if few.any() else 1.0


def _chance_of_none(mean: float, ratio: float) -> float:
    """Return the probability that a negative binomial count is 0."""
    more = ratio - 1
    return float(np.exp(-mean * (np.log1p(more) / more if more > _POISSON else 1.0)))
