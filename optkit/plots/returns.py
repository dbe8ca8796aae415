"""How many come back, and when: the return curve, and returns by sender."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.style import BACK


@style.styled
def return_curve(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    days: float | None = None,
) -> Axes:
    """Draw the share that has come back by each day with its interval, and the numbers at risk below the axis.

    If the table has groups, the three with the most opt-outs are drawn.

    Parameters
    ----------
    table : any frame
        The result of `optkit.return_curve`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "re-opt-ins", or of the groups: in their order, or by name.
    days : float, optional
        The end of the axis. Default: the last duration, at most 90 days.

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
    >>> ax = optkit.plots.return_curve(optkit.return_curve(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "return_curve", "days", "at_risk", "returned", "still_out", "low", "high")
    ax = axes.get_axes(ax)
    if table.is_empty():
        return axes.show_message(ax, "nobody opted out, so nobody can come back")
    names, label = texts.labels_of(table, "days")
    table = table.with_columns(label)
    groups = texts.groups_by_size(table, pl.col("at_risk").max())
    end = days or min(90.0, axes.highest(table["days"])) or 1.0
    ticks = [0]
    for tick in (1, 7, 14, 30, 60, 90, 180, 365, 730, 1460, 2920):
        if ticks[-1] + end * 0.09 <= tick <= end:
            ticks.append(tick)
    below = [f"{tick:,}" for tick in ticks]
    labels, top = [], 0.0
    shades = (
        style.group_colors(colors, groups) if names else style.series_colors(colors, {"re-opt-ins": BACK})
    )
    for group, color in list(zip(groups, shades, strict=True))[:3]:
        curve = table.filter((pl.col("label") == group) & (pl.col("days") <= end))
        when = np.concatenate([[0.0], curve["days"], [end]])
        back, low, high = (_returned(curve[column]) for column in ("still_out", "high", "low"))
        ax.fill_between(when, low, high, step="post", color=color, alpha=0.2, linewidth=0)
        ax.step(when, back, where="post", color=color)
        top = max(top, float(high.max()))
        labels.append(
            (float(back[-1]), f"{group}\n{back[-1]:.1%}" if names else f"{back[-1]:.1%} back", color)
        )
        below = [f"{text}\n{_at_risk(table, group, tick):,}" for text, tick in zip(below, ticks, strict=True)]
    ax.set_xlim(0, end)
    ax.set_ylim(0, top * 1.1 or 1.0)
    ax.set_xticks(ticks, below)
    axes.percent_axis(ax.yaxis)
    rows = "\n".join(groups[:3]) if names else "still out"
    ax.annotate(
        "days\n" + rows, (0, 0), xycoords="axes fraction", xytext=(-26, -6.5), textcoords="offset points",
        ha="right", va="top", color=plt.rcParams["xtick.labelcolor"],
    )  # fmt: skip
    ax.set_xlabel("days since the opt-out; below: opt-outs still out and observed (at risk)")
    ax.set_ylabel("came back, % of opt-outs")
    ax.set_title("How many come back, and when")
    texts.end_labels(ax, labels)
    return axes.set_title(ax, title)


def _returned(still_out: pl.Series) -> np.ndarray:
    share = 1 - still_out.fill_null(strategy="forward").fill_null(1.0).to_numpy()
    return np.concatenate([[0.0], share, share[-1:] if len(share) else [0.0]])


def _at_risk(table: pl.DataFrame, group: str, day: float) -> int:
    later = table.filter((pl.col("label") == group) & (pl.col("days") >= day))
    return int(axes.highest(later["at_risk"]))


@style.styled
def cycles(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    rows: int = 15,
) -> Axes:
    """Draw for each sender the share of opt-outs that were followed by a return within each horizon.

    Parameters
    ----------
    table : any frame
        The result of `optkit.cycles`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        The horizons are drawn in shades of the first of them.
    rows : int
        How many senders to draw: those with the most opt-outs.

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
    >>> ax = optkit.plots.cycles(optkit.cycles(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "cycles", "spells", "cycles", "relapse_90d")
    horizons = [column for column in table.columns if column.startswith("win_back_")]
    names, label = texts.labels_of(table, "spells")
    top = table.with_columns(label).sort("spells", "label", descending=[True, False]).head(rows)
    ax = axes.get_axes(ax, height=1.7 + 0.36 * max(top.height, 2))
    if top.is_empty() or not horizons:
        return axes.show_message(ax, "nobody opted out, so nobody can come back")
    shades = style.color_map(colors or style.series_colors(None, {"re-opt-ins": BACK}))(
        np.linspace(0.3, 1, len(horizons))
    )
    places = np.arange(top.height)
    reach = top.select(pl.max_horizontal(horizons)).to_series().fill_null(0.0)
    ax.hlines(places, 0, reach, color=style.PALE, linewidth=3, zorder=1)
    for column, shade in zip(horizons, shades, strict=True):
        values = top[column].fill_null(float("nan"))
        ax.scatter(values, places, s=55, color=[shade], edgecolors=style.ink(), linewidths=0.6, zorder=3)
    axes.row_axes(ax, [f"{name} ({count:,})" for name, count in top.select("label", "spells").rows()])
    ax.set_xlim(0, axes.highest(reach) * 1.08 or 1.0)
    axes.percent_axis(ax.xaxis)
    for place, rate in top.select("relapse_90d").with_row_index().drop_nulls().rows():
        text = f"{rate:.1%} left again\nwithin 90 days of it"
        ax.text(1.02, place, text, transform=ax.get_yaxis_transform(), va="center", size="small")
    days = ", ".join(column.removeprefix("win_back_").removesuffix("d") for column in horizons)
    ax.set_xlabel(f"came back within {days} days (light to dark), % of opt-outs; in brackets: opt-outs")
    ax.set_title(
        f"Who comes back, by {texts.describe_groups(names)}"
        + (f": the {rows} with most opt-outs" if table.height > rows else "")
    )
    return axes.set_title(ax, title)
