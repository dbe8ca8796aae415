"""What all pictures share: the style, axes and their ticks, labels next to what they name."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from importlib import resources
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar, cast

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib import colormaps, dates, rc_params_from_file, rcParamsDefault, ticker
from matplotlib import colors as mpl_colors
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.image import AxesImage

from optkit.engine import frames
from optkit.errors import HistoryError, OptkitError, SettingsError
from optkit.plots.names import MESSAGE, clean_names

#: Colours by the name of a series, or in the order of the series.
Colors: TypeAlias = Mapping[str, str] | Sequence[str]

#: Positions in the colour cycle. Each has one meaning in all pictures: opting out, and coming back.
OUT: Final = 0
BACK: Final = 1

#: Greys of what is not in the cycle: limits and other references; further groups and backgrounds of rows.
QUIET: Final = "#94a4a2"
PALE: Final = "#dfe4e4"

#: How many groups have a colour and a name. Further groups are drawn in grey.
GROUPS: Final = 6

#: Markers of the same groups, to tell them apart in a print in grey.
MARKS: Final = ("o", "s", "^", "D", "v", "P")

#: What drawing raises where a column holds what no analysis returns.
_UNDRAWABLE: Final = (TypeError, ValueError, LookupError, AttributeError, pl.exceptions.PolarsError)

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Table = TypeVar("_Table")


def styled(
    draw: Callable[Concatenate[_Table, _Arguments], _Result],
) -> Callable[Concatenate[Any, _Arguments], _Result]:
    """Decorate a drawing function: read any frame, use optkit's style inside and restore the caller's afterwards.

    What the caller has changed from matplotlib's defaults goes before optkit's style. Titles are where the caller's
    `Axes.set_title` will put its own, which then replaces ours.
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
    """Return a table of the caller's as polars; of several tables each."""
    if isinstance(table, tuple):
        return tuple(_read(part) for part in table)
    if isinstance(table, pl.DataFrame):
        return table
    if isinstance(table, pl.DataFrame):
        return table
    read = frames.lazy(table, "table").collect()
    # a history without rows loses the types of its columns, a table has to keep them
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
        The caller's, by the name of a series or in their order. Others come from the colour cycle.
    series : mapping of str to int or str
        Names of the series, each with its position in the colour cycle or a colour of its own.

    Raises
    ------
    SettingsError
        Something is not a colour.
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
    """Return the colours of a heat map: the style's, or shades of the first of the caller's."""
    if not colors:
        return colormaps[plt.rcParams["image.cmap"]]
    (color,) = series_colors(list(colors.values()) if isinstance(colors, Mapping) else colors, {"": 0})
    return mpl_colors.LinearSegmentedColormap.from_list("", [background(), color])


def background() -> str:
    """Return the colour that pictures are drawn on."""
    return mpl_colors.to_hex(plt.rcParams["axes.facecolor"])


def ink() -> str:
    """Return the colour of text and of lines that stand for no group."""
    return mpl_colors.to_hex(plt.rcParams["text.color"])


def get_axes(ax: Axes | None, *, height: float = 4.5) -> Axes:
    """Return `ax`, or new axes as wide as a notebook and `height` inches high."""
    if ax is None:
        return plt.subplots(figsize=(9, height))[1]
    figure = ax.get_figure(root=True)
    if figure is not None and figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")  # fits the labels beside the axes
    return ax


def set_title(ax: Axes, title: str | None) -> Axes:
    """Replace the title of a picture by the caller's, if there is one."""
    if title is not None:
        ax.set_title(title)
    return ax


def validate_kind(kind: str, *kinds: str) -> None:
    """Check that there is a picture of this kind.

    Raises
    ------
    SettingsError
        There is not.
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
    """Write why there is nothing to draw where the picture would be."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes, color="#666666", gid=MESSAGE)
    return ax


def highest(column: pl.Series) -> float:
    """Return the largest number of a column; 0 where there is none."""
    values = column.drop_nulls().drop_nans() if column.dtype.is_float() else column.drop_nulls()
    return float(values.to_numpy().max(initial=0.0))


def labels_of(table: pl.DataFrame, first_value: str) -> tuple[list[str], pl.Expr]:
    """Return the grouping columns, those before `first_value`, and the expression of a row's ``label``."""
    names = table.columns[: table.columns.index(first_value)]
    parts = [pl.col(name).cast(pl.String).fill_null("unknown") for name in names]
    return names, (pl.concat_str(parts, separator=" · ") if parts else pl.lit("all")).alias("label")


def describe_groups(names: list[str]) -> str:
    """Return what to call one row of a table with these grouping columns: ``"sender"``, ``"sender and country"``."""
    return (
        " and ".join("sender" if name == "from_phone" else name.replace("_", " ") for name in names) or "all"
    )


def count_axis(axis: Axis) -> None:
    """Show whole numbers with thousands separators."""
    axis.set_major_locator(ticker.MaxNLocator(nbins=7, integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))


def percent_axis(axis: Axis) -> None:
    """Show per cent, with as many decimals as the ticks need."""
    axis.set_major_locator(ticker.MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(lambda value, _: f"{100 * value:.4g}%")


def date_axis(ax: Axes) -> None:
    """Show few and short dates, with the year written once."""
    locator = dates.AutoDateLocator(minticks=3, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def period_widths(starts: Sequence[date | datetime]) -> np.ndarray:
    """Return how long each period lasts, in days; the last one as long as the one before it."""
    if len(starts) < 2:  # noqa: PLR2004 - one start has no distance
        return np.full(len(starts), 7.0)
    steps = np.diff(dates.date2num(list(starts)))
    return np.append(steps, steps[-1])


def period_word(starts: Sequence[date | datetime]) -> str:
    """Return what the periods are called: hour, day, week, month, quarter, year, or period."""
    if len(starts) < 2:  # noqa: PLR2004 - one start has no distance
        return "period"
    days = float(np.median(np.diff(dates.date2num(list(starts)))))
    words = {"hour": (0.04, 0.05), "day": (0.9, 1.1), "week": (7, 7), "month": (28, 31)}
    words |= {"quarter": (90, 92), "year": (365, 366)}
    return next((word for word, (low, high) in words.items() if low <= days <= high), "period")


def with_margin(low: float, high: float) -> tuple[float, float]:
    """Return the limits of an axis with some space above, and below if there is anything below zero."""
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


def end_labels(ax: Axes, labels: Iterable[tuple[float, str, str]], *, x: float = 1.015) -> None:
    """Label lines that end at the right edge: (y in data units, text, colour). Labels that overlap are moved apart."""
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


def cell_texts(ax: Axes, image: AxesImage, texts: Sequence[Sequence[str]], *, size: float = 8.5) -> None:
    """Write a text into each cell of a heat map, in white where the cell is dark."""
    for (row, column), value in np.ndenumerate(np.nan_to_num(np.asarray(image.get_array()))):
        shade = image.cmap(image.norm(value))[:3]
        dark = np.dot(shade, _LUMINANCE) < 0.58  # noqa: PLR2004 - by eye
        text = texts[row][column]
        ax.text(
            column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else "#222222"
        )


def heat_axes(ax: Axes, rows: int, columns: int) -> None:
    """Separate the cells of a heat map by thin lines of the background's colour."""
    ax.grid(visible=False)
    ax.set_xticks(np.arange(columns - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(rows - 1) + 0.5, minor=True)
    ax.grid(visible=True, which="minor", axis="both", color=background(), linewidth=1)
    ax.set_axisbelow(False)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)


def row_axes(ax: Axes, labels: Sequence[str]) -> None:
    """Give each label a row, the first on top, with grid lines across the values."""
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
    ax.spines["left"].set_visible(False)
