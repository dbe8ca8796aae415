"""Marks on a time axis: campaigns, changes and other dates that the caller gives."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl
from matplotlib import dates
from matplotlib.axes import Axes

from optkit.errors import SettingsError
from optkit.formatting import plural, shorten
from optkit.plots import style, texts
from optkit.plots.names import MESSAGE
from optkit.times import Moment, instant

#: Dates with labels: a mapping, or a frame whose first column of dates or times has labels in its first text column.
Marks: TypeAlias = Mapping[Moment, str] | Any

#: The space for the labels above the data, as a share of the height of the axes; and for the bend of their lines.
_LABEL_HEIGHT: Final = 0.35
_BEND: Final = 0.05
#: The space for one label, as a share of the width of the axes.
_LABEL_WIDTH: Final = 0.022
_LETTERS: Final = 20


def draw_marks(ax: Axes, marks: Marks | None) -> None:
    """Draw a line with a label at each date within the limits of the time axis.

    Lines of crowded labels bend, so that the labels are side by side. A note above the picture counts the labels for
    which there is no space, and the marks outside the axis.

    Raises
    ------
    SettingsError
        `marks` are not dates with labels.
    """
    if marks is None:
        return
    first, last = ax.get_xlim()
    given = _read(marks)
    shown = sorted((when, label) for when, label in given if first <= when <= last)
    most = int((1 - _LABEL_WIDTH) / _LABEL_WIDTH)
    if shown:
        low, high = ax.get_ylim()
        ax.set_ylim(low, low + (high - low) / (1 - _LABEL_HEIGHT))
        ax.set_xlim(first, last)
    labelled = shown[:: math.ceil(len(shown) / most)] if shown else []
    whens = np.array([when for when, _ in labelled])
    places = first + (last - first) * _spread((whens - first) / (last - first))
    foot = 1 - _LABEL_HEIGHT
    for (when, label), place in zip(labelled, places, strict=True):
        # a line ends at its label, which may have moved
        _draw_line(ax, [when, when, place, place], [0, foot, foot + _BEND, 1])
        texts.line_label(ax, place, shorten(label, _LETTERS))
    for when in sorted({when for when, _ in shown} - set(whens)):
        _draw_line(ax, [when, when], [0, foot])
    _note_missing(
        ax, outside=len(given) - len(shown), unlabelled=len(shown) - len(labelled), shown=len(shown)
    )


def _spread(places: np.ndarray) -> np.ndarray:
    """Move sorted places, as shares of the width, apart until each has space for its label on its left."""
    steps = np.arange(len(places)) * _LABEL_WIDTH
    right: np.ndarray = np.maximum.accumulate(np.maximum(places, _LABEL_WIDTH) - steps) + steps
    # labels that were moved beyond the right end move back, and move those on their left
    np.minimum(right, 1 - steps[::-1], out=right)
    return right


def _draw_line(ax: Axes, whens: list[float], heights: list[float]) -> None:
    shares_of_height = ax.get_xaxis_transform()
    ax.plot(whens, heights, ":", color=style.ink(), linewidth=0.8, zorder=1, transform=shares_of_height)


def _note_missing(ax: Axes, *, outside: int, unlabelled: int, shown: int) -> None:
    """Write above the picture how many marks or labels it does not have."""
    notes = [f"{unlabelled:,} of {shown:,} marks have no label"] if unlabelled else []
    notes += [f"{plural(outside, 'mark')} outside these dates"] if outside else []
    if notes:
        ax.annotate(
            "; ".join(notes),
            (1, 1),
            xycoords="axes fraction",
            xytext=(0, 1),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=7.5,
            color=style.REFERENCE,
            gid=MESSAGE,
        )


def _read(marks: Marks) -> list[tuple[float, str]]:
    """Return where on the axis each mark is, with its label."""
    if isinstance(marks, Mapping):
        return [(_place(when), str(label)) for when, label in marks.items()]
    try:
        frame = pl.DataFrame(marks)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        frame = pl.DataFrame()
    times = [name for name, dtype in frame.schema.items() if dtype.is_temporal()]
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String and name not in times]
    if not times and len(texts) > 1:
        times, texts = texts[:1], texts[1:]
    if not times or not texts:
        raise SettingsError(
            "marks must be a dict of dates and labels, or a frame with a column of dates and one of texts"
        )
    rows = frame.select(times[0], texts[0]).drop_nulls(times[0]).rows()
    return [(_place(when), label or "") for when, label in rows]


def _place(when: Any) -> float:
    if isinstance(when, str):
        when = instant(when, "marks")
    if not isinstance(when, date):
        raise SettingsError(f"marks must be dates, or text such as '2026-05-01', not {type(when).__name__}")
    return float(dates.date2num(when))
