"""How many contacts may be messaged, and why the others may not."""

from typing import Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from optkit.formatting import plural
from optkit.plots import axes, style
from optkit.plots.style import BACK, OUT

_KEPT: Final = "may be messaged"


@style.styled
def scrub(
    tables: tuple[pl.DataFrame, pl.DataFrame],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw how many contacts may be messaged, and why the others may not.

    Parameters
    ----------
    tables : tuple of any frames
        The result of `optkit.scrub`: the contacts to keep, and the suppressed ones with their reason.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "may be messaged" and "suppressed": in this order, or by name.

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
    >>> ax = optkit.plots.scrub(optkit.scrub(["+12125550100"], history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    keep, suppressed = tables
    axes.require_columns(suppressed, "scrub", "reason")
    reasons = suppressed.group_by(pl.col("reason").cast(pl.String)).len()
    reasons = reasons.sort("len", "reason", descending=[True, False])
    counts = [(_KEPT, keep.height), *reasons.rows()]
    total = keep.height + suppressed.height
    ax = axes.get_axes(ax, height=1.3 + 0.4 * len(counts))
    if not total:
        return axes.show_message(ax, "no contacts")
    sizes = np.array([count for _, count in counts])
    kept, suppressed_color = style.series_colors(colors, {_KEPT: BACK, "suppressed": OUT})
    shades = [kept] + [suppressed_color] * (len(counts) - 1)
    bars = ax.barh(range(len(counts)), sizes, color=shades, height=0.7)
    ax.bar_label(bars, [f"{size:,} ({size / total:.1%})" for size in sizes], padding=6)
    axes.row_axes(ax, [reason for reason, _ in counts])
    ax.set_xlim(0, sizes.max() * 1.2)
    axes.count_axis(ax.xaxis)
    ax.set_xlabel("contacts")
    ax.set_title(f"Result of scrubbing {plural(total, 'contact')}")
    return axes.set_title(ax, title)
