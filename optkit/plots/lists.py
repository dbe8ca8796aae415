"""Who must not be messaged: the list, what changed on it, what it does to a contact file."""

from typing import Final

import numpy as np
import polars as pl
from matplotlib import dates
from matplotlib.axes import Axes

from optkit.formatting import plural
from optkit.plots import axes
from optkit.plots.axes import BACK, OUT


@axes.styled
def status_at(table: pl.DataFrame, *, ax: Axes | None = None, rows: int = 15) -> Axes:
    """Draw how many are opted out, and opted in again, of each sender.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.status_at` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    rows : int
        Of how many senders, those with the most people.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.status_at`.
    """
    axes.need(table, "status_at", "to_phone", "status", "since")
    sender = pl.col("from_phone") if "from_phone" in table.columns else pl.lit("all senders")
    out = pl.col("status").cast(pl.String) == "opt-out"
    counts = table.group_by(sender.alias("sender")).agg(
        out=out.sum(), opted_in=(~out).sum(), everyone=pl.len()
    )
    top = counts.sort("everyone", "sender", descending=[True, False]).head(rows)
    ax = axes.place(ax, height=1.6 + 0.34 * max(top.height, 2))
    if top.is_empty():
        return axes.nothing(ax, "no events, so everybody is opted in")
    places = range(top.height)
    ax.barh(places, top["out"], color=OUT, height=0.7)
    ax.barh(places, top["opted_in"], left=top["out"], color=BACK, height=0.7)
    for place, (out_count, in_count, everyone) in enumerate(top.select("out", "opted_in", "everyone").rows()):
        text = f"{out_count:,} out, {in_count:,} in"
        ax.annotate(text, (everyone, place), xytext=(6, 0), textcoords="offset points", va="center")
    axes.row_axes(ax, top["sender"].to_list())
    ax.set_xlim(0, axes.highest(top["everyone"]) * 1.25 or 1)
    axes.count_axis(ax.xaxis)
    ax.set_xlabel("people who ever opted out or in (dark: now opted out; light: now opted in)")
    most = f": the {rows} senders with most people" if counts.height > rows else ""
    ax.set_title(f"Where everybody stands who ever said a word{most}")
    return ax


@axes.styled
def suppression_list(table: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw since when those have been opted out who are on the list.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.suppression_list` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.suppression_list`.
    """
    axes.need(table, "suppression_list", "to_phone", "opted_out_at")
    ax = axes.place(ax, height=3.6)
    if table.is_empty():
        return axes.nothing(ax, "nobody is opted out")
    month = pl.col("opted_out_at").dt.truncate("1mo").dt.date()
    counts = table.group_by(month=month).len().sort("month")
    starts = dates.date2num(counts["month"].to_list())
    ends = dates.date2num(counts["month"].dt.offset_by("1mo").to_list())
    ax.bar(starts, counts["len"], (ends - starts) * 0.88, align="edge", color=OUT)
    ax.set_ylim(0, axes.highest(counts["len"]) * 1.1)
    axes.count_axis(ax.yaxis)
    axes.date_axis(ax)
    ax.set_ylabel("on the list")
    ax.set_xlabel("month in which they opted out (UTC)")
    ax.set_title(f"Since when the {table.height:,} on the list have been opted out")
    return ax


@axes.styled
def suppression_diff(table: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what changed on the list, by the day on which it changed.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.suppression_diff` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.suppression_diff`.
    """
    axes.need(table, "suppression_diff", "to_phone", "change", "at")
    ax = axes.place(ax, height=3.6)
    if table.is_empty():
        return axes.nothing(ax, "the list did not change")
    change = pl.col("change").cast(pl.String)
    daily = (
        table.group_by(day=pl.col("at").dt.date())
        .agg(added=(change == "added").sum(), removed=(change == "removed").sum())
        .sort("day")
    )
    days = dates.date2num(daily["day"].to_list())
    added, removed = (daily[column].cast(pl.Int64).to_numpy() for column in ("added", "removed"))
    ax.bar(days, added, width=0.8, align="edge", color=OUT)
    ax.bar(days, -removed, width=0.8, align="edge", color=BACK)
    ax.axhline(0, color="#888888", linewidth=0.8)
    room = max(added.max(), removed.max(), 1) * 0.12
    ax.set_ylim(-removed.max() - room, added.max() + room)
    ax.set_xlim(days[0] - 0.5, days[-1] + 1.5)
    axes.count_axis(ax.yaxis)
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    axes.date_axis(ax)
    ax.set_ylabel("added up, removed down")
    ax.set_xlabel("day of the change (UTC)")
    ax.set_title("What changed on the list")
    labels = [(added.max() * 0.5, f"{added.sum():,} added", OUT)]
    labels += [(-removed.max() * 0.5, f"{removed.sum():,} removed", BACK)]
    axes.end_labels(ax, labels)
    return ax


_KEPT: Final = "may be messaged"


@axes.styled
def scrub(tables: tuple[pl.DataFrame, pl.DataFrame], *, ax: Axes | None = None) -> Axes:
    """Draw how many contacts may be messaged, and why the others may not.

    Parameters
    ----------
    tables : tuple of polars.DataFrame
        What `optkit.scrub` returned: the contacts to keep, and the suppressed ones with their reason.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The tables are no result of `optkit.scrub`.
    """
    keep, suppressed = tables
    axes.need(suppressed, "scrub", "reason")
    reasons = suppressed.group_by(pl.col("reason").cast(pl.String)).len()
    reasons = reasons.sort("len", "reason", descending=[True, False])
    counts = [(_KEPT, keep.height), *reasons.rows()]
    total = keep.height + suppressed.height
    ax = axes.place(ax, height=1.3 + 0.4 * len(counts))
    if not total:
        return axes.nothing(ax, "no contacts")
    sizes = np.array([count for _, count in counts])
    ax.barh(range(len(counts)), sizes, color=[BACK] + [OUT] * (len(counts) - 1), height=0.7)
    for place, size in enumerate(sizes.tolist()):
        text = f"{size:,} ({size / total:.1%})"
        ax.annotate(text, (size, place), xytext=(6, 0), textcoords="offset points", va="center")
    axes.row_axes(ax, [reason for reason, _ in counts])
    ax.set_xlim(0, sizes.max() * 1.2)
    axes.count_axis(ax.xaxis)
    ax.set_xlabel("contacts")
    ax.set_title(f"What became of {plural(total, 'contact')}")
    return ax
