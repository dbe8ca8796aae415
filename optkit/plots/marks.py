"""Marks on a time axis: campaigns, changes and other dates that the caller gives."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeAlias

import polars as pl
from matplotlib import dates
from matplotlib.axes import Axes

from optkit.errors import SettingsError
from optkit.formatting import shorten
from optkit.plots import style
from optkit.times import Moment, instant

#: Dates with labels: a mapping, or a frame whose first column of dates or times has labels in its first text column.
Marks: TypeAlias = Mapping[Moment, str] | Any

#: The space for the labels above the data, as a share of the height of the axes.
_LABEL_HEIGHT: Final = 0.35
#: The space for one label, as a share of the width of the axes; a mark closer to the labelled one before has no label.
_LABEL_WIDTH: Final = 0.022
_LETTERS: Final = 20


def draw_marks(ax: Axes, marks: Marks | None) -> None:
    """Draw a line with a label at each date within the limits of the time axis.

    Raises
    ------
    SettingsError
        `marks` are not dates with labels.
    """
    if marks is None:
        return
    first, last = ax.get_xlim()
    shown = [(when, label) for when, label in _read(marks) if first <= when <= last]
    if not shown:
        return
    low, high = ax.get_ylim()
    ax.set_ylim(low, low + (high - low) / (1 - _LABEL_HEIGHT))
    labelled = -float("inf")
    for when, label in sorted(shown):
        ax.axvline(when, color=style.ink(), linewidth=0.8, linestyle=":", zorder=1)
        if when - labelled < _LABEL_WIDTH * (last - first):
            continue
        labelled = when
        ax.annotate(
            shorten(label, _LETTERS),
            (when, 1),
            xycoords=ax.get_xaxis_transform(),
            xytext=(-2, -2),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="top",
            fontsize=8,
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
