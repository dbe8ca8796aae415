"""The axes of all pictures, and their ticks."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, cast

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib import dates, ticker
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colorbar import Colorbar
from matplotlib.image import AxesImage

from optkit.errors import HistoryError, SettingsError
from optkit.plots import style
from optkit.plots.names import MESSAGE
from optkit.times import DAY, HOUR, MINUTE, SECOND

#: Ticks of a logarithmic axis of durations, in days.
_DURATIONS: Final = {
    "1 s": SECOND / DAY,
    "10 s": 10 * SECOND / DAY,
    "1 min": MINUTE / DAY,
    "10 min": 10 * MINUTE / DAY,
    "1 h": HOUR / DAY,
    "6 h": 6 * HOUR / DAY,
    "1 day": 1.0,
    "7 days": 7.0,
    "30 days": 30.0,
    "1 year": 365.0,
}


def get_axes(ax: Axes | None, *, height: float = 4.5) -> Axes:
    """Return `ax`, or new axes as wide as a notebook and `height` inches high."""
    if ax is None:
        return plt.subplots(figsize=(9, height))[1]
    figure = ax.get_figure(root=True)
    if figure is not None and figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")  # leaves space for labels beside the axes
    return ax


def set_title(ax: Axes, title: str | None) -> Axes:
    """Replace a picture's title by the caller's, if there is one."""
    if title is not None:
        ax.set_title(title)
    return ax


def validate_kind(kind: str, *kinds: str) -> None:
    """Check that there is a picture of this kind.

    Raises
    ------
    SettingsError
        The kind is unknown.
    """
    if kind not in kinds:
        raise SettingsError(f"kind must be one of {', '.join(map(repr, kinds))}, not {kind!r}")


def require_columns(table: pl.DataFrame, function: str, *columns: str) -> None:
    """Check that the table has the columns that `function` returns.

    Raises
    ------
    HistoryError
        A column is missing.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise HistoryError(
            f"plots.{function} takes the result of optkit.{function}; this table has no column {missing[0]!r}"
        )


def show_message(ax: Axes, why: str) -> Axes:
    """Write the reason why there is nothing to draw in place of the picture."""
    ax.set_axis_off()
    ax.text(
        0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes, color=style.REFERENCE, gid=MESSAGE
    )
    return ax


def highest(column: pl.Series) -> float:
    """Return the largest number of a column; 0 if it has none."""
    values = column.drop_nulls().drop_nans() if column.dtype.is_float() else column.drop_nulls()
    return float(values.to_numpy().max(initial=0.0))


def count_axis(axis: Axis) -> None:
    """Show whole numbers with thousands separators."""
    axis.set_major_locator(ticker.MaxNLocator(nbins=7, integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))


def two_sided_axis(ax: Axes) -> None:
    """Draw a line at zero and show whole numbers without their sign, for bars that go up and down."""
    ax.axhline(0, color="#888888", linewidth=0.8)
    count_axis(ax.yaxis)
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")


def logarithmic_count_axis(axis: Axis, low: float, high: float) -> None:
    """Show whole numbers on a logarithmic axis; a short one has more ticks."""
    if high < 1000 * low:
        axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def duration_axis(axis: Axis, low: float, high: float, *, day: float = 1.0) -> None:
    """Show durations in words on a logarithmic axis on which `day` is one day."""
    ticks = {name: days * day for name, days in _DURATIONS.items() if low <= days * day <= high}
    axis.set_ticks(list(ticks.values()), labels=list(ticks))
    axis.set_minor_locator(ticker.NullLocator())


def percent_axis(axis: Axis) -> None:
    """Show per cent, with as many decimals as the ticks need."""
    axis.set_major_locator(ticker.MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(lambda value, _: f"{100 * value:.4g}%")


def date_axis(ax: Axes) -> None:
    """Show a few short dates, with the year below the first date and below the first of each later year."""
    ax.xaxis.set_major_locator(dates.AutoDateLocator(minticks=3, maxticks=9))
    ax.xaxis.set_major_formatter(_DateFormatter("%Y-%m-%d %H:%M"))  # type: ignore[no-untyped-call]


class _DateFormatter(dates.DateFormatter):
    """Labels of dates that are right where they stand.

    Matplotlib's ConciseDateFormatter writes the year and month of the last tick below the axis, though the others may
    be of another month, or the last one outside the picture.
    """

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return a label for each tick: what differs between ticks, and below it the year or day where it begins."""
        left, right = sorted(cast("Axis", self.axis).get_view_interval())
        moments = [dates.num2date(value) for value in values]
        short, below = _date_formats(moments)
        labels, written = [], ""
        for value, moment in zip(values, moments, strict=True):
            first, second = (_format_date(moment, form) for form in (short, below))
            labels.append(f"{first}\n{second}" if second != written and left <= value <= right else first)
            written = second if left <= value <= right else written
        return labels


def _date_formats(moments: Sequence[datetime]) -> tuple[str, str]:
    """Return the formats of a tick's two lines, the coarsest in which all ticks can be told apart."""
    if any((moment.hour, moment.minute, moment.second) != (0, 0, 0) for moment in moments):
        return "%H:%M", "%d %b %Y"
    if any(moment.day != 1 for moment in moments):
        return "%d %b", "%Y"
    return ("%Y", "") if all(moment.month == 1 for moment in moments) else ("%b", "%Y")


def _format_date(moment: datetime, form: str) -> str:
    text = moment.strftime(form)
    return text.removeprefix("0") if form.startswith("%d") else text


def period_widths(starts: Sequence[date | datetime]) -> np.ndarray:
    """Return the length of each period in days; the last one is assumed to be as long as the one before."""
    if len(starts) < 2:  # noqa: PLR2004 - one start has no distance
        return np.full(len(starts), 7.0)
    steps = np.diff(dates.date2num(list(starts)))
    return np.append(steps, steps[-1])


def period_word(starts: Sequence[date | datetime]) -> str:
    """Return the word for the periods: hour, day, week, month, quarter, year, or period."""
    if len(starts) < 2:  # noqa: PLR2004 - one start has no distance
        return "period"
    days = float(np.median(np.diff(dates.date2num(list(starts)))))
    words = {"hour": (0.04, 0.05), "day": (0.9, 1.1), "week": (7, 7), "month": (28, 31)}
    words |= {"quarter": (90, 92), "year": (365, 366)}
    return next((word for word, (low, high) in words.items() if low <= days <= high), "period")


def period_bars(
    ax: Axes, periods: pl.DataFrame, heights: np.ndarray, color: str, bottom: npt.ArrayLike = 0
) -> None:
    """Draw one bar per period, hollow if the period is not complete; `periods` has period and complete."""
    starts = periods["period"].to_list()
    left, widths = dates.date2num(starts), period_widths(starts)
    bars = ax.bar(
        left + widths * 0.1, heights, widths * 0.8, bottom, align="edge", color=color, edgecolor=color
    )
    for bar, complete in zip(bars, periods["complete"], strict=True):
        if not complete:
            bar.set(facecolor=style.background(), hatch="////")
    ax.set_xlim(left[0] - widths[0] * 0.2, left[-1] + widths[-1] * 1.2)


def with_margin(low: float, high: float) -> tuple[float, float]:
    """Return the limits of an axis with some space above, and below if there are values below zero."""
    margin = (high - low) * 0.07 or 1.0
    return (low - margin if low < 0 else 0.0), high + margin


def heat_axes(ax: Axes, rows: int, columns: int) -> None:
    """Separate the cells of a heat map by thin lines in the background colour."""
    ax.grid(visible=False)
    ax.set_xticks(np.arange(columns - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(rows - 1) + 0.5, minor=True)
    ax.grid(visible=True, which="minor", axis="both", color=style.background(), linewidth=1)
    ax.set_axisbelow(False)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)


def color_bar(ax: Axes, image: AxesImage, label: str) -> Colorbar:
    """Draw the scale of a heat map of whole numbers."""
    bar = ax.figure.colorbar(image, ax=ax, pad=0.01, format=ticker.StrMethodFormatter("{x:,.0f}"))
    bar.outline.set_visible(False)
    bar.set_label(label)
    return bar


def row_axes(ax: Axes, labels: Sequence[str]) -> None:
    """Give each label a row, the first one on top, with grid lines for the values."""
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.spines["left"].set_visible(False)
