"""How long after a message opt-outs came."""

from typing import Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from optkit.formatting import percent, plural
from optkit.plots import axes, style, texts
from optkit.plots.style import OUT, QUIET

#: Windows that products use, in hours: Iterable, Braze, Klaviyo as modelled by Fivetran; and this package's default.
WINDOWS: Final = (3, 4, 24, 72)


@style.styled
def attribution(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw the time from the last message to each opt-out on a logarithmic axis, and how many follow no message.

    Parameters
    ----------
    table : any frame
        The result of `optkit.attribution`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "message" and "earlier": in this order, or by name.

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
    >>> account = {"recipients": 1000, "days": 365}
    >>> history, messages = optkit.demo_history(**account), optkit.demo_messages(**account)
    >>> ax = optkit.plots.attribution(optkit.attribution(history, messages), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "attribution", "source", "hours", "opted_out_at")
    ax = axes.get_axes(ax)
    if table.is_empty():
        return axes.show_message(ax, "nobody opted out")
    source = pl.col("source").cast(pl.String)
    series: dict[str, int | str] = {"message": OUT, "earlier": QUIET}
    shades = style.series_colors(colors, series)
    hours = {name: table.filter(source == name)["hours"].to_numpy().clip(1 / 60) for name in series}
    longest = max((float(values.max()) for values in hours.values() if len(values)), default=72.0)
    edges = np.geomspace(1 / 60, max(longest, 72.0) * 1.01, 40)
    heights = np.array([np.histogram(values, edges)[0] for values in hours.values()])
    below = heights.cumsum(axis=0) - heights
    widths, ground = np.diff(edges), style.background()
    for counts, bottom, color in zip(heights, below, shades, strict=True):
        ax.bar(edges[:-1], counts, widths, bottom, align="edge", color=color, edgecolor=ground)
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    axes.duration_axis(ax.xaxis, edges[0] * 0.99, edges[-1], day=24)
    ax.set_ylim(0, heights.sum(axis=0).max() * 1.18 or 1.0)
    for window in WINDOWS:
        ax.axvline(window, color=style.ink(), linewidth=0.7, linestyle=":", zorder=1)
        texts.line_label(ax, window, f"{window} h")
    axes.count_axis(ax.yaxis)
    without = table.filter(~source.is_in(list(series))).height
    few = plural(without, "opt-out")
    ax.set_xlabel(f"since the last message that may have been read; {few} had none in the record")
    ax.set_ylabel("opt-outs")
    share = len(hours["message"]) / table.height
    ax.set_title(f"{percent(share)} of {plural(table.height, 'opt-out')} follow a message")
    return axes.set_title(ax, title)
