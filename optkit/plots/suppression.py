"""Who must not be messaged: numbers by sender, times of opting out, and changes of the list."""

from typing import Final

import polars as pl
from matplotlib import dates
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.style import BACK, OUT

_STATES: Final[dict[str, int | str]] = {"opted out": OUT, "opted in": BACK}


@style.styled
def status_at(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    rows: int = 15,
) -> Axes:
    """Draw how many people are opted out of each sender, and how many are opted in again.

    Parameters
    ----------
    table : any frame
        The result of `optkit.status_at`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "opted out" and "opted in": in this order, or by name.
    rows : int
        How many senders to draw: those with the most people.

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
    >>> ax = optkit.plots.status_at(optkit.status_at(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "status_at", "to_phone", "status", "since")
    sender = pl.col("from_phone") if "from_phone" in table.columns else pl.lit("all senders")
    out = pl.col("status").cast(pl.String) == "opt-out"
    counts = table.group_by(sender.alias("sender")).agg(
        out=out.sum(), opted_in=(~out).sum(), everyone=pl.len()
    )
    top = counts.sort("everyone", "sender", descending=[True, False]).head(rows)
    ax = axes.get_axes(ax, height=1.6 + 0.34 * max(top.height, 2))
    if top.is_empty():
        return axes.show_message(ax, "no events, so everybody is opted in")
    places = range(top.height)
    out_color, in_color = style.series_colors(colors, _STATES)
    ax.barh(places, top["out"], color=out_color, height=0.7)
    bars = ax.barh(places, top["opted_in"], left=top["out"], color=in_color, height=0.7)
    both = top.select("out", "opted_in").rows()
    ax.bar_label(bars, [f"{out_count:,} out, {in_count:,} in" for out_count, in_count in both], padding=6)
    axes.row_axes(ax, top["sender"].to_list())
    ax.set_xlim(0, axes.highest(top["everyone"]) * 1.25 or 1)
    axes.count_axis(ax.xaxis)
    ax.set_xlabel("people who ever opted out or in (dark: now opted out; light: now opted in)")
    most = f": the {rows} senders with most people" if counts.height > rows else ""
    ax.set_title(f"Status of all who ever opted out or in{most}")
    return axes.set_title(ax, title)


@style.styled
def suppression_list(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw in which months the people on the list opted out.

    Parameters
    ----------
    table : any frame
        The result of `optkit.suppression_list`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "opted out": the first of a sequence, or by name. A mapping for `status_at` is accepted.

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
    >>> ax = optkit.plots.suppression_list(optkit.suppression_list(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "suppression_list", "to_phone", "opted_out_at")
    ax = axes.get_axes(ax, height=3.6)
    if table.is_empty():
        return axes.show_message(ax, "nobody is opted out")
    color, _ = style.series_colors(colors, _STATES)
    month = pl.col("opted_out_at").dt.truncate("1mo").dt.date()
    counts = table.group_by(month=month).len().sort("month")
    starts = dates.date2num(counts["month"].to_list())
    ends = dates.date2num(counts["month"].dt.offset_by("1mo").to_list())
    ax.bar(starts, counts["len"], (ends - starts) * 0.88, align="edge", color=color)
    ax.set_ylim(0, axes.highest(counts["len"]) * 1.1)
    axes.count_axis(ax.yaxis)
    axes.date_axis(ax)
    ax.set_ylabel("on the list")
    ax.set_xlabel("month in which they opted out (UTC)")
    ax.set_title(f"Since when the {table.height:,} on the list have been opted out")
    return axes.set_title(ax, title)


@style.styled
def suppression_diff(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw how many were added to the list and removed from it, by day.

    Parameters
    ----------
    table : any frame
        The result of `optkit.suppression_diff`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "added" and "removed": in this order, or by name.

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
    >>> ax = optkit.plots.suppression_diff(
    ...     optkit.suppression_diff(history, "2026-06-01", "2026-07-01"), title="For a slide"
    ... )
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "suppression_diff", "to_phone", "change", "at")
    ax = axes.get_axes(ax, height=3.6)
    if table.is_empty():
        return axes.show_message(ax, "the list did not change")
    change = pl.col("change").cast(pl.String)
    daily = (
        table.group_by(day=pl.col("at").dt.date())
        .agg(added=(change == "added").sum(), removed=(change == "removed").sum())
        .sort("day")
    )
    days = dates.date2num(daily["day"].to_list())
    added, removed = (daily[column].cast(pl.Int64).to_numpy() for column in ("added", "removed"))
    added_color, removed_color = style.series_colors(colors, {"added": OUT, "removed": BACK})
    ax.bar(days, added, width=0.8, align="edge", color=added_color)
    ax.bar(days, -removed, width=0.8, align="edge", color=removed_color)
    margin = max(added.max(), removed.max(), 1) * 0.12
    ax.set_ylim(-removed.max() - margin, added.max() + margin)
    ax.set_xlim(days[0] - 0.5, days[-1] + 1.5)
    axes.two_sided_axis(ax)
    axes.date_axis(ax)
    ax.set_ylabel("added up, removed down")
    ax.set_xlabel("day of the change (UTC)")
    ax.set_title("What changed on the list")
    labels = [(added.max() * 0.5, f"{added.sum():,} added", added_color)]
    labels += [(-removed.max() * 0.5, f"{removed.sum():,} removed", removed_color)]
    texts.end_labels(ax, labels)
    return axes.set_title(ax, title)
