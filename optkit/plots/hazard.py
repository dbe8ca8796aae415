"""How long after a message people opt out."""

import numpy as np
import polars as pl
from matplotlib import ticker
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.attribution import WINDOWS
from optkit.plots.style import OUT, REFERENCE


@style.styled
def opt_out_hazard(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw the hazard of opting out by hours since the last message, and shade the part above the background.

    Both axes are logarithmic, because the hazard may fall by a factor of a hundred within days. Dotted lines mark the
    windows in which products attribute opt-outs: 3, 4, 24 and 72 hours. If the table has groups, the three with the
    most opt-outs are drawn, without a background.

    Parameters
    ----------
    table : any frame
        The result of `optkit.opt_out_hazard`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "hazard", or of the groups: in this order, or by name.

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
    >>> ax = optkit.plots.opt_out_hazard(optkit.opt_out_hazard(history, messages), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(
        table, "opt_out_hazard", "from_hours", "to_hours", "opt_outs", "hazard", "low", "high", "background"
    )
    ax = axes.get_axes(ax)
    if not table["opt_outs"].sum():
        return axes.show_message(ax, "nobody opted out after a message")
    names, label = texts.labels_of(table, "from_hours")
    table = table.with_columns(label)
    groups = texts.groups_by_size(table, pl.col("opt_outs").sum())
    shades = style.group_colors(colors, groups) if names else style.series_colors(colors, {"hazard": OUT})
    ends = table["to_hours"].drop_nulls().to_numpy()
    first = ends.min(initial=24.0) / 4
    last = max(axes.highest(table["from_hours"]) * 1.6, ends.max(initial=first * 4))
    shown = pl.concat([table["hazard"], table["background"]]).drop_nulls().to_numpy()
    bottom = float(shown[shown > 0].min()) / 3
    for group, color in list(zip(groups, shades, strict=True))[:3]:
        rows = table.filter(pl.col("label") == group).sort("from_hours")
        edges = np.append(rows["from_hours"].to_numpy().clip(first), last)
        hazard, low, high = (
            rows[name].fill_null(0.0).to_numpy().clip(bottom) for name in ("hazard", "low", "high")
        )
        ax.stairs(hazard, edges, color=color, linewidth=2, label=group)
        middles = np.sqrt(edges[:-1] * edges[1:])
        ax.vlines(middles, low, high, color=color, linewidth=5, alpha=0.25)
        if not names:
            _draw_excess(ax, rows, edges, hazard, color)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(first, last)
    ax.set_ylim(bottom, axes.highest(table["high"]) * 1.8)
    ticks = [tick for tick in (0.25, 1, 3, 6, 12, 24, 72, 168, 720, 2160) if first <= tick <= last]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.xaxis.set_minor_locator(ticker.NullLocator())
    ax.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    for window in WINDOWS:
        ax.axvline(window, color=style.ink(), linewidth=0.7, linestyle=":", zorder=1)
    ax.set_xlabel("hours since the last message (logarithmic); dotted: windows of 3, 4, 24 and 72 hours")
    ax.set_ylabel("opt-outs per 1,000 person-days")
    ax.set_title("How long after a message people opt out")
    if names:
        ax.legend(loc="upper right", frameon=False)
    return axes.set_title(ax, title)


def _draw_excess(ax: Axes, rows: pl.DataFrame, edges: np.ndarray, hazard: np.ndarray, color: str) -> None:
    """Draw the background as a line, and shade the part of the hazard above it."""
    background = rows["background"][0]
    if not background:
        return
    over = np.append(np.maximum(hazard, background), max(hazard[-1], background))
    ax.fill_between(edges, background, over, step="post", color=color, alpha=0.12, linewidth=0)
    ax.axhline(background, color=REFERENCE, linewidth=1, linestyle="--")
    ax.annotate(
        f"background: {background:.2g}", (0.01, background), xycoords=ax.get_yaxis_transform(), xytext=(0, 3),
        textcoords="offset points", color=REFERENCE, va="bottom",
    )  # fmt: skip
