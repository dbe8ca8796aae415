"""The checks of a history: which passed, and how many rows each concerns."""

import polars as pl
from matplotlib.axes import Axes

from optkit.formatting import percent, plural
from optkit.plots import axes, style
from optkit.plots.style import OUT, QUIET


@style.styled
def quality(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw each check, whether it passed, and how many rows it concerns.

    Parameters
    ----------
    table : any frame
        The result of `optkit.quality`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "failed" and "passed" checks: in this order, or by name.

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
    >>> ax = optkit.plots.quality(optkit.quality(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "quality", "check", "rows", "share", "ok")
    ax = axes.get_axes(ax, height=1.4 + 0.32 * max(table.height, 2))
    if table.is_empty():
        return axes.show_message(ax, "no checks")
    shares = table["share"].fill_null(0.0)
    good = [bool(ok) for ok in table["ok"]]
    failed, passed = style.series_colors(colors, {"failed": OUT, "passed": QUIET})
    bars = ax.barh(range(table.height), shares, height=0.6, color=[passed if ok else failed for ok in good])
    concerned = table.select("rows", "share").rows()
    ax.bar_label(bars, [f"{rows or 0:,} ({percent(share)})" for rows, share in concerned], padding=6)
    axes.row_axes(
        ax, [f"{check}  {'✓' if ok else '✗'}" for check, ok in zip(table["check"], good, strict=True)]
    )
    ax.set_xlim(0, max(axes.highest(shares) * 1.3, 0.001))
    axes.percent_axis(ax.xaxis)
    ax.set_xlabel("rows concerned, % of all")
    ax.set_title(f"{plural(good.count(False), 'check')} of {len(good)} to look at")
    return axes.set_title(ax, title)
