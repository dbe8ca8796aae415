"""At which hours of the week people opt out or in, and how long finished opt-outs lasted."""

from typing import Final, Literal

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from optkit.formatting import plural
from optkit.plots import axes, style
from optkit.plots.style import BACK, OUT
from optkit.times import DAY, SECOND

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

#: The shortest spell that is drawn, in days; shorter ones are drawn as this long.
_SHORTEST: Final = SECOND / DAY


@style.styled
def transitions(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    kind: Literal["opt-out", "re-opt-in"] = "opt-out",
    time_zone: str = "UTC",
) -> Axes:
    """Draw at which hours of the week people opt out, or opt in again.

    Parameters
    ----------
    table : any frame
        The result of `optkit.transitions`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        The hours are drawn in shades of the first of them.
    kind : {"opt-out", "re-opt-in"}
        The kind of transition to count.
    time_zone : str
        IANA name of the time zone of the weekdays and hours.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError, SettingsError
        See `churn`.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> ax = optkit.plots.transitions(optkit.transitions(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "transitions", "created_at", "kind")
    axes.validate_kind(kind, "opt-out", "re-opt-in")
    ax = axes.get_axes(ax, height=3.6)
    local = pl.col("created_at").dt.convert_time_zone(time_zone)
    hours = (
        table.filter(pl.col("kind").cast(pl.String) == kind)
        .group_by(day=local.dt.weekday() - 1, hour=local.dt.hour())
        .len()
    )
    if hours.is_empty():
        return axes.show_message(ax, f"no {kind} to draw")
    draw_hours(ax, hours, f"{kind}s, all weeks together", colors)
    ax.set_xlabel(f"hour of the day ({time_zone})")
    ax.set_title(f"{kind.capitalize()}s by weekday and hour; the busiest hour is written in")
    return axes.set_title(ax, title)


def draw_hours(ax: Axes, hours: pl.DataFrame, what: str, colors: style.Colors | None) -> None:
    """Draw a heat map of the week from the columns day (0: Monday), hour and len."""
    counts = np.zeros((7, 24), dtype=int)
    counts[hours["day"].to_numpy(), hours["hour"].to_numpy()] = hours["len"].to_numpy()
    image = ax.imshow(counts, aspect="auto", cmap=style.color_map(colors), vmin=0)
    axes.heat_axes(ax, 7, 24)
    ax.set_yticks(range(7), WEEKDAYS)
    ax.set_xticks(range(0, 24, 3), [f"{hour:02}:00" for hour in range(0, 24, 3)])
    day, hour = np.unravel_index(counts.argmax(), counts.shape)
    most = f"{counts.max():,}"
    ax.text(float(hour), float(day), most, ha="center", va="center", color=style.background(), fontsize=8)
    axes.color_bar(ax, image, what)


@style.styled
def spells(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    quick: float = 10 / 1440,
) -> Axes:
    """Draw how long finished opt-outs lasted, on a logarithmic axis that shows quick reversals.

    Parameters
    ----------
    table : any frame
        The result of `optkit.spells`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "quick reversals" and "other returns": in this order, or by name.
    quick : float
        A return within this time, in days, is a quick reversal. Default: 10 minutes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError, SettingsError
        See `churn`.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> ax = optkit.plots.spells(optkit.spells(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "spells", "days", "returned")
    ax = axes.get_axes(ax)
    back = table.filter("returned")["days"].to_numpy()
    if not back.size:
        return axes.show_message(ax, "nobody came back")
    shown = np.clip(back, _SHORTEST, None)
    low, high = np.log10(_SHORTEST / quick), np.log10(max(shown.max(), quick * 10) / quick)
    edges = quick * 10 ** (np.arange(np.floor(low * 6), np.floor(high * 6) + 2) / 6)
    counts, _ = np.histogram(shown, edges)
    fast = edges[:-1] < quick * 0.99
    quick_color, color = style.series_colors(colors, {"quick reversals": OUT, "other returns": BACK})
    widths, shades = np.diff(edges), [quick_color if is_fast else color for is_fast in fast]
    ground = style.background()
    ax.bar(edges[:-1], counts, widths, align="edge", color=shades, edgecolor=ground, linewidth=0.6)
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    axes.duration_axis(ax.xaxis, edges[0], edges[-1])
    ax.set_ylim(0, counts.max() * 1.15)
    axes.count_axis(ax.yaxis)
    few = int((back <= quick).sum())
    ax.axvline(quick, color=style.ink(), linewidth=0.8, linestyle=":")
    note = f"quick reversals:\n{few:,} ({few / back.size:.1%})"
    text = ax.text(quick * 0.9, 0.97, note, transform=ax.get_xaxis_transform(), ha="right", va="top")
    text.set_color(style.readable(quick_color))
    still = table.height - back.size
    ax.set_xlabel(
        f"time from opt-out to return (logarithmic); {plural(still, 'opt-out')} still open not shown"
    )
    ax.set_ylabel("returns")
    ax.set_title(f"How long {plural(back.size, 'finished opt-out')} lasted")
    return axes.set_title(ax, title)
