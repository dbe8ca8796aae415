"""Opt-outs per period and their expectation, and which periods stand out."""

import numpy as np
import polars as pl
from matplotlib import dates
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.marks import Marks, draw_marks
from optkit.plots.style import BACK, OUT, QUIET


@style.styled
def spikes(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    marks: Marks | None = None,
    labelled: int = 5,
) -> Axes:
    """Draw the control chart of opt-outs: the number per period, the expectation with its limits, and the spikes.

    If the table has groups, each group has a row with one marker per spike.

    Parameters
    ----------
    table : any frame
        The result of `optkit.spikes`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "opt-outs" and "spikes": in this order, or by name.
    marks : mapping or frame, optional
        See `churn`.
    labelled : int
        How many of the largest spikes to label with their date.

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
    >>> ax = optkit.plots.spikes(optkit.spikes(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "spikes", "period", "opt_outs", "expected", "low", "high", "spike")
    if table.columns[0] != "period":
        ax = _spike_lanes(table, ax, colors)
        draw_marks(ax, marks)
        return axes.set_title(ax, title)
    ax = axes.get_axes(ax)
    if table.is_empty():
        return axes.show_message(ax, "no events, so no periods to draw")
    starts = table["period"].to_list()
    word = axes.period_word(starts)
    when = dates.date2num(starts)
    ax.fill_between(when, table["low"], table["high"], step="mid", color=QUIET, alpha=0.3, linewidth=0)
    ax.plot(
        when, table["expected"], color=style.REFERENCE, linewidth=1.2, linestyle="--", drawstyle="steps-mid"
    )
    usual_color, spike_color = style.series_colors(colors, {"opt-outs": BACK, "spikes": OUT})
    ax.plot(when, table["opt_outs"], color=usual_color, linewidth=1, marker=".", markersize=4)
    spiked = table.filter("spike").sort("opt_outs", descending=True)
    ax.plot(
        dates.date2num(spiked["period"].to_list()), spiked["opt_outs"], "D", color=spike_color, markersize=6
    )
    ax.set_ylim(*axes.with_margin(0, max(axes.highest(table["opt_outs"]), axes.highest(table["high"]))))
    ax.margins(x=0.02)
    draw_marks(ax, marks)
    _spike_dates(ax, spiked.head(labelled), spike_color)
    axes.count_axis(ax.yaxis)
    ax.set_ylabel(f"opt-outs in a {word}")
    ax.set_title(f"Opt-outs by {word}, and what was expected")
    last = table.tail(1)
    texts.end_labels(
        ax, [(last["high"][0], "limits", QUIET), (last["expected"][0], "expected", style.REFERENCE)]
    )
    axes.date_axis(ax)
    return axes.set_title(ax, title)


def _spike_dates(ax: Axes, spiked: pl.DataFrame, color: str) -> None:
    """Write dates and numbers beside spikes, the largest first."""
    points = (
        (float(dates.date2num(period)), count, f"{period:%a} {period.day} {period:%b}: {count:,}")
        for period, count in spiked.select("period", "opt_outs").rows()
    )
    texts.point_labels(ax, points, color)


def _spike_lanes(table: pl.DataFrame, ax: Axes | None, colors: style.Colors | None) -> Axes:
    names, label = texts.labels_of(table, "period")
    table = table.with_columns(label)
    ranking = table.group_by("label").agg(pl.col("spike").sum(), pl.col("opt_outs").sum())
    lanes = ranking.sort("spike", "opt_outs", "label", descending=[True, True, False])["label"].to_list()
    ax = axes.get_axes(ax, height=1.5 + 0.32 * max(len(lanes), 2))
    if table.is_empty():
        return axes.show_message(ax, "no events, so no periods to draw")
    found = table.filter("spike")
    _, color = style.series_colors(colors, {"opt-outs": BACK, "spikes": OUT})
    excess = found["opt_outs"] - found["expected"]
    ax.scatter(
        dates.date2num(found["period"].to_list()),
        [lanes.index(lane) for lane in found["label"]],
        s=(30 + 250 * excess / (axes.highest(excess) or 1)).to_list(),
        color=color,
        alpha=0.75,
        linewidths=0,
    )
    starts = table["period"].unique().sort().to_list()
    ax.set_xlim(*dates.date2num([starts[0], starts[-1]]) + np.array([-1.0, 1.0]))
    axes.row_axes(ax, lanes)
    axes.date_axis(ax)
    ax.set_title(f"Spikes of opt-outs, by {texts.describe_groups(names)} (area: opt-outs above expectation)")
    return ax
