"""The style of all pictures: their settings and colours."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import resources
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar, cast

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib import colormaps, rc_params_from_file, rcParamsDefault
from matplotlib import colors as mpl_colors
from matplotlib.axes import Axes

from optkit.engine import frames
from optkit.errors import HistoryError, OptkitError, SettingsError
from optkit.formatting import join_names
from optkit.plots.names import clean_names

#: Colours by the name of a series, or in the order of the series; further ones in a sequence are not used.
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
        try:
            read = _read(table)
            with plt.rc_context(ours | changed | location):
                result = draw(read, *args, **kwargs)
                if isinstance(result, Axes):
                    clean_names(result, callers)
                return result
        except OptkitError:
            raise
        except _UNDRAWABLE as error:
            name = draw.__name__
            raise HistoryError(
                f"plots.{name} cannot draw this: it takes the result of optkit.{name}, and arguments as documented"
            ) from error

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
        Names of all series that this picture may have, each with its default: a position in the colour cycle, or a
        colour.

    Raises
    ------
    SettingsError
        An entry of `colors` is not a colour, or its name is not one of the series.
    """
    given = _colors_by_name(colors, list(series))
    unknown = [name for name in given if name not in series]
    if unknown:
        raise _unknown_series(unknown[0], series)
    return _with_defaults(given, series)


def group_colors(colors: Colors | None, groups: Sequence[str]) -> list[str]:
    """Return a colour for each group: the caller's, the cycle's for the first groups, and grey for the others.

    A mapping may have groups that this table does not have, so that one mapping serves many pictures, but it must have
    one of its groups.

    Raises
    ------
    SettingsError
        An entry of `colors` is not a colour, or none of its names is a group.
    """
    given = _colors_by_name(colors, groups)
    if given and not given.keys() & set(groups):
        raise _unknown_series(next(iter(given)), groups)
    return _with_defaults(
        given, {name: place if place < GROUPS else PALE for place, name in enumerate(groups)}
    )


def _colors_by_name(colors: Colors | None, names: Sequence[str]) -> Mapping[str, str]:
    """Return the caller's colours by name; a sequence may have more colours than there are names."""
    given = [colors] if isinstance(colors, str) else colors or ()
    for color in given.values() if isinstance(given, Mapping) else given:
        if not mpl_colors.is_color_like(color):
            raise SettingsError(
                f"colors has {color!r}, which is not a colour of matplotlib, such as '#bd1f01'"
            )
    return given if isinstance(given, Mapping) else dict(zip(names, given, strict=False))


def _unknown_series(name: str, series: Collection[str]) -> SettingsError:
    known = join_names([repr(each) for each in series], most=12)
    return SettingsError(f"colors has a colour for {name!r}, which is not in this picture; it has {known}")


def _with_defaults(given: Mapping[str, str], series: Mapping[str, int | str]) -> list[str]:
    """Return the colour of each series: the caller's or its default, a position in the colour cycle or a colour."""
    cycle = plt.rcParams["axes.prop_cycle"].by_key().get("color", ["black"])
    defaults = {
        name: default if isinstance(default, str) else cycle[default % len(cycle)]
        for name, default in series.items()
    }
    return [mpl_colors.to_hex(given.get(name, default)) for name, default in defaults.items()]


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


LUMINANCE: Final = (0.2126, 0.7152, 0.0722)


def readable(color: str) -> tuple[float, float, float]:
    """Return the colour, darker or lighter until text in it is readable on the background."""
    rgb = np.array(mpl_colors.to_rgb(color))
    if np.dot(mpl_colors.to_rgb(background()), LUMINANCE) > 0.5:  # noqa: PLR2004 - a light background
        while rgb @ LUMINANCE > 0.4:  # noqa: PLR2004 - about 4.5 : 1 on white
            rgb *= 0.9
    else:
        while rgb @ LUMINANCE < 0.5:  # noqa: PLR2004 - about 5 : 1 on black
            rgb = 1 - (1 - rgb) * 0.9
    return tuple(rgb)
