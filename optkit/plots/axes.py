"""What all pictures share: the style, axes and their ticks, labels next to the points and lines that they name."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from importlib import resources
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar, cast

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib import colormaps, dates, rc_params_from_file, rcParamsDefault, ticker
from matplotlib import colors as mpl_colors
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.image import AxesImage

from optkit.engine import frames
from optkit.errors import HistoryError, OptkitError, SettingsError
from optkit.plots.names import MESSAGE, clean_names
from optkit.times import DAY, HOUR, MINUTE, SECOND

#: Colours by the name of a series, or in the order of the series.
Colors: TypeAlias = Mapping[str, str] | Sequence[str]

#: Positions in the colour cycle. Each has one meaning in all pictures: opting out, and coming back.
OUT: Final = 0
BACK: Final = 1

#: Greys outside the cycle: limits and usual values; further groups and backgrounds of rows; reference lines and notes.
QUIET: Final = "#94a4a2"
PALE: Final = "#dfe4e4"
REFERENCE: Final = "#666666"

#: How many groups have a colour and a name. Further groups are drawn in grey.
GROUPS: Final = 6

#: Markers of these groups, which distinguish them in a black-and-white print.
MARKS: Final = ("o", "s", "^", "D", "v", "P")

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

#: Errors of drawing a table with values that no analysis returns.
_UNDRAWABLE: Final = (TypeError, ValueError, LookupError, AttributeError, pl.exceptions.PolarsError)

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Table = TypeVar("_Table")


def styled(
    draw: Callable[Concatenate[_Table, _Arguments], _Result],
) -> Callable[Concatenate[Any, _Arguments], _Result]:
    """Decorate a drawing function: it takes any frame, and draws in optkit's style.

    Settings that the caller has changed from matplotlib's defaults take precedence over optkit's style. The title is
    where the caller's `Axes.set_title` puts a title, so that a later call replaces it.
    """

    @functools.wraps(draw)
    def draw_styled(table: Any, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        ours, current, default = _style(), cast("Any", plt.rcParams), cast("Any", rcParamsDefault)
        changed = {name: current[name] for name in ours if current[name] != default[name]}
        location = {"axes.titlelocation": current["axes.titlelocation"]}
        ax: Any = kwargs.get("ax")
        callers = set(ax.texts) if isinstance(ax, Axes) else set()
        with plt.rc_context(ours | changed | location):
            try:
                result = draw(_read(table), *args, **kwargs)
            except OptkitError:
                raise
            except _UNDRAWABLE as error:
                name = draw.__name__
                raise HistoryError(
                    f"plots.{name} cannot draw this: it takes the result of optkit.{name}, and arguments as documented"
                ) from error
            if isinstance(result, Axes):
                clean_names(result, callers)
            return result

    return cast("Callable[Concatenate[Any, _Arguments], _Result]", draw_styled)


def _read(table: Any) -> Any:
    """Return the caller's table, or each of a tuple of tables, as polars."""
    if isinstance(table, tuple):
        return tuple(_read(part) for part in table)
    if isinstance(table, pl.DataFrame):
        return table
    read = frames.lazy(table, "table").collect()
    # `frames.lazy` drops types of columns without rows, which a table needs
    return pl.DataFrame(table) if read.is_empty() and not isinstance(table, pl.LazyFrame) else read


@functools.cache
def _style() -> Any:
    """Return optkit's matplotlib settings."""
    with resources.as_file(resources.files("optkit") / "optkit.mplstyle") as path:
        return dict(cast("Any", rc_params_from_file(path, use_default_template=False)))


def series_colors(colors: Colors | None, series: Mapping[str, int | str]) -> list[str]:
    """Return a colour for each series.

    Parameters
    ----------
    colors : mapping or sequence of str, optional
        The caller's colours, by name of a series or in their order. Other series get their default.
    series : mapping of str to int or str
        Names of the series, each with its default: a position in the colour cycle, or a colour.

    Raises
    ------
    SettingsError
        An entry of `colors` is not a colour.
    """
    given = [colors] if isinstance(colors, str) else colors
    if not isinstance(given, Mapping):
        given = dict(zip(series, given or (), strict=False))
    wrong = [color for color in given.values() if not mpl_colors.is_color_like(color)]
    if wrong:
        raise SettingsError(
            f"colors has {wrong[0]!r}, which is not a colour of matplotlib, such as '#bd1f01'"
        )
    cycle = plt.rcParams["axes.prop_cycle"].by_key().get("color", ["black"])
    defaults = {
        name: default if isinstance(default, str) else cycle[default % len(cycle)]
        for name, default in series.items()
    }
    return [mpl_colors.to_hex(given.get(name, default)) for name, default in defaults.items()]


def group_colors(colors: Colors | None, groups: Sequence[str]) -> list[str]:
    """Return a colour for each of the first groups, and grey for the others."""
    named = series_colors(colors, {name: place for place, name in enumerate(groups[:GROUPS])})
    return named + [PALE] * (len(groups) - GROUPS)


def color_map(colors: Colors | None) -> mpl_colors.Colormap:
    """Return the colours of a heat map: the style's, or shades of the caller's first colour."""
    if not colors:
        return colormaps[plt.rcParams["image.cmap"]]
    (color,) = series_colors(list(colors.values()) if isinstance(colors, Mapping) else colors, {"": 0})
    return mpl_colors.LinearSegmentedColormap.from_list("", [background(), color])


def background() -> str:
    """Return the background colour of pictures."""
    return mpl_colors.to_hex(plt.rcParams["axes.facecolor"])


def ink() -> str:
    """Return the colour of text, and of lines that do not belong to a group."""
    return mpl_colors.to_hex(plt.rcParams["text.color"])


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
    ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes, color=REFERENCE, gid=MESSAGE)
    return ax


def highest(column: pl.Series) -> float:
    """Return the largest number of a column; 0 if it has none."""
    values = column.drop_nulls().drop_nans() if column.dtype.is_float() else column.drop_nulls()
    return float(values.to_numpy().max(initial=0.0))


def labels_of(table: pl.DataFrame, first_value: str) -> tuple[list[str], pl.Expr]:
    """Return the grouping columns (those before `first_value`), and the expression of a row's ``label``."""
    names = table.columns[: table.columns.index(first_value)]
    parts = [pl.col(name).cast(pl.String).fill_null("unknown") for name in names]
    return names, (pl.concat_str(parts, separator=" · ") if parts else pl.lit("all")).alias("label")


def describe_groups(names: list[str]) -> str:
    """Return what a row with these grouping columns is called: ``"sender"``, ``"sender and country"``."""
    return (
        " and ".join("sender" if name == "from_phone" else name.replace("_", " ") for name in names) or "all"
    )


def count_axis(axis: Axis) -> None:
    """Show whole numbers with thousands separators."""
    axis.set_major_locator(ticker.MaxNLocator(nbins=7, integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))


def two_sided_axis(axis: Axis) -> None:
    """Show whole numbers without their sign, for bars that go up and down."""
    count_axis(axis)
    axis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")


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
    """Show a few short dates, with the year written once."""
    locator = dates.AutoDateLocator(minticks=3, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


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
            bar.set(facecolor=background(), hatch="////")
    ax.set_xlim(left[0] - widths[0] * 0.2, left[-1] + widths[-1] * 1.2)


def with_margin(low: float, high: float) -> tuple[float, float]:
    """Return the limits of an axis with some space above, and below if there are values below zero."""
    margin = (high - low) * 0.07 or 1.0
    return (low - margin if low < 0 else 0.0), high + margin


_LUMINANCE: Final = (0.2126, 0.7152, 0.0722)


def readable(color: str) -> tuple[float, float, float]:
    """Return the colour, darker or lighter until text in it is readable on the background."""
    rgb = np.array(mpl_colors.to_rgb(color))
    if np.dot(mpl_colors.to_rgb(background()), _LUMINANCE) > 0.5:  # noqa: PLR2004 - a light background
        while rgb @ _LUMINANCE > 0.4:  # noqa: PLR2004 - about 4.5 : 1 on white
            rgb *= 0.9
    else:
        while rgb @ _LUMINANCE < 0.5:  # noqa: PLR2004 - about 5 : 1 on black
            rgb = 1 - (1 - rgb) * 0.9
    return tuple(rgb)


def end_labels(ax: Axes, labels: Iterable[tuple[float, str, str]]) -> None:
    """Label lines that end at the right edge: (y in data units, text, colour). Overlapping labels are moved apart."""
    x = 1.015
    low, high = ax.get_ylim()
    inches = ax.bbox.height / ax.figure.dpi
    gap = (high - low) * 0.2 / inches
    ordered = sorted(labels, key=lambda label: label[0])
    heights = np.array([label[0] for label in ordered], dtype=float)
    for index in range(1, len(heights)):
        lines = 1 + ordered[index - 1][1].count("\n")
        heights[index] = max(heights[index], heights[index - 1] + gap * lines)
    beside = ax.get_yaxis_transform()
    for height, (end, text, color) in zip(heights, ordered, strict=True):
        ax.text(x, height, text, transform=beside, va="center", color=readable(color), clip_on=False)
        if abs(height - end) > gap / 2:
            ax.annotate(
                "",
                (1.0, end),
                (x, height),
                xycoords=beside,
                annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 0},
            )


def point_labels(ax: Axes, points: Iterable[tuple[float, float, str]], color: str) -> None:
    """Write texts beside points (x and y in data units, text); a text that would cover an earlier one is left out."""
    written: list[tuple[float, float]] = []
    for point_x, point_y, text in points:
        x, y = ax.transAxes.inverted().transform(ax.transData.transform((point_x, point_y)))
        if any(abs(x - other_x) < 0.2 and abs(y - other_y) < 0.06 for other_x, other_y in written):  # noqa: PLR2004 - a label's size
            continue
        written.append((x, y))
        side = 1 if x < 0.75 else -1  # noqa: PLR2004 - a label fits on the right
        ax.annotate(
            text,
            (point_x, point_y),
            xytext=(8 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            color=readable(color),
        )


def cell_texts(ax: Axes, image: AxesImage, texts: Sequence[Sequence[str]], *, size: float = 8.5) -> None:
    """Write a text into each cell of a heat map, in white if the cell is dark."""
    for (row, column), value in np.ndenumerate(np.nan_to_num(np.asarray(image.get_array()))):
        shade = image.cmap(image.norm(value))[:3]
        dark = np.dot(shade, _LUMINANCE) < 0.58  # noqa: PLR2004 - by eye
        text = texts[row][column]
        ax.text(
            column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else "#222222"
        )


def heat_axes(ax: Axes, rows: int, columns: int) -> None:
    """Separate the cells of a heat map by thin lines in the background colour."""
    ax.grid(visible=False)
    ax.set_xticks(np.arange(columns - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(rows - 1) + 0.5, minor=True)
    ax.grid(visible=True, which="minor", axis="both", color=background(), linewidth=1)
    ax.set_axisbelow(False)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)


def row_axes(ax: Axes, labels: Sequence[str]) -> None:
    """Give each label a row, the first one on top, with grid lines for the values."""
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.spines["left"].set_visible(False)
