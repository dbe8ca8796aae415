"""Consent over time: churn, spikes, the hours in which people leave."""

from typing import Literal

import numpy as np
import polars as pl
from matplotlib import dates, patheffects, ticker
from matplotlib.axes import Axes

from optkit.plots import axes
from optkit.plots.axes import BACK, INK, OUT, QUIET

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@axes.styled
def churn(
    table: pl.DataFrame, *, ax: Axes | None = None, kind: Literal["movement", "rate", "size"] = "movement"
) -> Axes:
    """Draw how consent moves, period by period.

    Periods that the history does not cover whole are drawn hollow. Of a table with groups, "movement" and
    "size" draw the sum, "rate" a line for each of the six groups with the most opt-outs.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.churn` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    kind : {"movement", "rate", "size"}
        Opt-outs up, re-opt-ins down and the net line; or the churn rate; or how many are opted out at the
        end of each period.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.churn`.
    """
    axes.need(table, "churn", "period", "opt_outs", "re_opt_ins", "opted_out_end", "churn_rate", "complete")
    ax = axes.place(ax)
    if table.is_empty():
        return axes.nothing(ax, "no events, so no periods to draw")
    if kind == "rate":
        return _churn_rate(table, ax)
    counts = pl.col("opt_outs", "re_opt_ins", "opted_out_end").sum()
    summed = table.group_by("period").agg(counts, pl.col("complete").all()).sort("period")
    return _churn_size(summed, ax) if kind == "size" else _churn_movement(summed, ax)


def _churn_movement(table: pl.DataFrame, ax: Axes) -> Axes:
    starts = table["period"].to_list()
    widths = axes.period_widths(starts)
    word = axes.period_word(starts)
    left = dates.date2num(starts)
    outs, backs = table["opt_outs"].to_numpy(), table["re_opt_ins"].to_numpy()
    for heights, color in ((outs, OUT), (-backs, BACK)):
        bars = ax.bar(left + widths * 0.1, heights, widths * 0.8, align="edge", color=color, edgecolor=color)
        for bar, complete in zip(bars, table["complete"], strict=True):
            if not complete:
                bar.set(facecolor="white", hatch="////")
    middles = left + widths / 2
    halo = [patheffects.withStroke(linewidth=4, foreground="white")]
    ax.plot(middles, outs - backs, "o-", color=INK, markersize=3.5, mfc="white", path_effects=halo)
    ax.axhline(0, color="#888888", linewidth=0.8)
    ax.set_xlim(left[0] - widths[0] * 0.2, left[-1] + widths[-1] * 1.2)
    ax.set_ylim(*_with_room(min(-backs.max(), 0), outs.max()))
    axes.count_axis(ax.yaxis)
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    ax.set_ylabel("opt-outs up, re-opt-ins down")
    ax.set_title(f"Opt-outs and re-opt-ins, by {word}")
    axes.end_labels(
        ax,
        [(outs[-1], "opt-outs", OUT), (-backs[-1], "re-opt-ins", BACK), (outs[-1] - backs[-1], "net", INK)],
    )
    return _period_axis(ax, table, word)


def _churn_size(table: pl.DataFrame, ax: Axes) -> Axes:
    starts = table["period"].to_list()
    ends = dates.date2num(starts) + axes.period_widths(starts)
    sizes = table["opted_out_end"].to_numpy()
    ax.fill_between(ends, sizes, color=OUT, alpha=0.15, linewidth=0)
    ax.plot(ends, sizes, color=OUT)
    ax.set_ylim(*_with_room(0, sizes.max()))
    axes.count_axis(ax.yaxis)
    ax.set_ylabel("opted out at the period's end")
    ax.set_title("Opted out at the end of each " + axes.period_word(starts))
    axes.end_labels(ax, [(sizes[-1], f"{sizes[-1]:,}", OUT)])
    axes.date_axis(ax)
    return ax


def _churn_rate(table: pl.DataFrame, ax: Axes) -> Axes:
    names, label = axes.labels_of(table, "period")
    table = table.with_columns(label)
    ranking = (
        table.group_by("label")
        .agg(pl.col("opt_outs").sum())
        .sort("opt_outs", "label", descending=[True, False])
    )
    labels = []
    for number, name in enumerate(ranking["label"]):
        named = number < len(axes.GROUPS)
        color = axes.PALE if not named else axes.GROUPS[number] if names else OUT
        layer, mark = (3, axes.MARKS[number]) if named else (1, "")
        group = table.filter(pl.col("label") == name)
        starts = group["period"].to_list()
        middles = dates.date2num(starts) + axes.period_widths(starts) / 2
        rates = group["churn_rate"].fill_null(float("nan")).to_numpy()
        whole = group["complete"].to_numpy()
        ax.plot(middles, rates, color=color, zorder=layer)
        ax.plot(
            middles[whole], rates[whole], marker=mark, color=color, markersize=4, linestyle="", zorder=layer
        )
        ax.plot(
            middles[~whole],
            rates[~whole],
            marker=mark,
            color=color,
            markersize=4.5,
            mfc="white",
            linestyle="",
            zorder=layer,
        )
        known = rates[~np.isnan(rates)]
        if named and known.size:
            labels.append((float(known[-1]), name if names else "churn rate", color))
    ax.set_ylim(0, axes.highest(table["churn_rate"]) * 1.15 or 1.0)
    axes.percent_axis(ax.yaxis)
    word = axes.period_word(table["period"].unique().sort().to_list())
    of = "audience" if table["denominator"][0] == "audience" else "pairs seen in the history"
    ax.set_ylabel(f"opt-outs, % of those opted in\nas the {word} began ({of})")
    ax.set_title(f"Churn rate, by {word}")
    axes.end_labels(ax, labels)
    return _period_axis(ax, table, word)


def _period_axis(ax: Axes, table: pl.DataFrame, word: str) -> Axes:
    axes.date_axis(ax)
    hollow = "; hollow: not covered whole" if not table["complete"].all() else ""
    monday = ", from Monday" if word == "week" else ""
    ax.set_xlabel(f"{word}{monday}{hollow}")
    return ax


def _with_room(low: float, high: float) -> tuple[float, float]:
    room = (high - low) * 0.07 or 1.0
    return (low - room if low < 0 else 0.0), high + room


@axes.styled
def spikes(table: pl.DataFrame, *, ax: Axes | None = None, labelled: int = 5) -> Axes:
    """Draw the control chart of opt-outs: what came, what was to be expected, what stands out.

    Of a table with groups, each group has a lane with a mark for each of its spikes.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.spikes` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    labelled : int
        How many of the largest spikes have their date written next to them.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.spikes`.
    """
    axes.need(table, "spikes", "period", "opt_outs", "expected", "low", "high", "spike")
    if table.columns[0] != "period":
        return _spike_lanes(table, ax)
    ax = axes.place(ax)
    if table.is_empty():
        return axes.nothing(ax, "no events, so no periods to draw")
    starts = table["period"].to_list()
    word = axes.period_word(starts)
    when = dates.date2num(starts)
    ax.fill_between(when, table["low"], table["high"], step="mid", color=QUIET, alpha=0.3, linewidth=0)
    ax.plot(when, table["expected"], color="#666666", linewidth=1.2, linestyle="--", drawstyle="steps-mid")
    ax.plot(when, table["opt_outs"], color=BACK, linewidth=1, marker=".", markersize=4)
    spiked = table.filter("spike").sort("opt_outs", descending=True)
    ax.plot(dates.date2num(spiked["period"].to_list()), spiked["opt_outs"], "D", color=OUT, markersize=6)
    ax.set_ylim(*_with_room(0, max(axes.highest(table["opt_outs"]), axes.highest(table["high"]))))
    ax.margins(x=0.02)
    _spike_dates(ax, spiked.head(labelled))
    axes.count_axis(ax.yaxis)
    ax.set_ylabel(f"opt-outs in a {word}")
    ax.set_title(f"Opt-outs by {word}, against what was to be expected")
    last = table.tail(1)
    axes.end_labels(ax, [(last["high"][0], "limits", QUIET), (last["expected"][0], "expected", "#666666")])
    axes.date_axis(ax)
    return ax


def _spike_dates(ax: Axes, spiked: pl.DataFrame) -> None:
    """Write dates next to spikes, the largest first; one that would cover another is left out."""
    written: list[tuple[float, float]] = []
    for period, count in spiked.select("period", "opt_outs").rows():
        when = float(dates.date2num(period))
        x, y = ax.transAxes.inverted().transform(ax.transData.transform((when, count)))
        if any(abs(x - other_x) < 0.2 and abs(y - other_y) < 0.06 for other_x, other_y in written):  # noqa: PLR2004 - a label's size
            continue
        written.append((x, y))
        side = 1 if x < 0.8 else -1  # noqa: PLR2004 - a label's width from the edge
        ax.annotate(
            f"{period:%a} {period.day} {period:%b}: {count:,}",
            (when, count),
            xytext=(8 * side, 0),
            textcoords="offset points",
            va="center",
            ha="left" if side > 0 else "right",
            color=axes.readable(OUT),
        )


def _spike_lanes(table: pl.DataFrame, ax: Axes | None) -> Axes:
    names, label = axes.labels_of(table, "period")
    table = table.with_columns(label)
    ranking = table.group_by("label").agg(pl.col("spike").sum(), pl.col("opt_outs").sum())
    lanes = ranking.sort("spike", "opt_outs", "label", descending=[True, True, False])["label"].to_list()
    ax = axes.place(ax, height=1.5 + 0.32 * max(len(lanes), 2))
    if table.is_empty():
        return axes.nothing(ax, "no events, so no periods to draw")
    found = table.filter("spike")
    excess = found["opt_outs"] - found["expected"]
    ax.scatter(
        dates.date2num(found["period"].to_list()),
        [lanes.index(lane) for lane in found["label"]],
        s=(30 + 250 * excess / (axes.highest(excess) or 1)).to_list(),
        color=OUT,
        alpha=0.75,
        linewidths=0,
    )
    starts = table["period"].unique().sort().to_list()
    ax.set_xlim(*dates.date2num([starts[0], starts[-1]]) + np.array([-1.0, 1.0]))
    axes.row_axes(ax, lanes)
    axes.date_axis(ax)
    ax.set_title(f"Spikes of opt-outs, by {axes.spoken(names)} (area: opt-outs above expectation)")
    return ax


@axes.styled
def transitions(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    kind: Literal["opt-out", "re-opt-in"] = "opt-out",
    time_zone: str = "UTC",
) -> Axes:
    """Draw in which hours of the week people leave, or come back.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.transitions` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    kind : {"opt-out", "re-opt-in"}
        Which transitions are counted.
    time_zone : str
        IANA name of the zone whose weekdays and hours these are.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.transitions`.
    """
    axes.need(table, "transitions", "created_at", "kind")
    ax = axes.place(ax, height=3.6)
    local = pl.col("created_at").dt.convert_time_zone(time_zone)
    hours = (
        table.filter(pl.col("kind").cast(pl.String) == kind)
        .group_by(day=local.dt.weekday() - 1, hour=local.dt.hour())
        .len()
    )
    if hours.is_empty():
        return axes.nothing(ax, f"no {kind} to draw")
    counts = np.zeros((7, 24), dtype=int)
    counts[hours["day"].to_numpy(), hours["hour"].to_numpy()] = hours["len"].to_numpy()
    image = ax.imshow(counts, aspect="auto", cmap="Blues", vmin=0)
    axes.heat_axes(ax, 7, 24)
    ax.set_yticks(range(7), WEEKDAYS)
    ax.set_xticks(range(0, 24, 3), [f"{hour:02}:00" for hour in range(0, 24, 3)])
    day, hour = np.unravel_index(counts.argmax(), counts.shape)
    dark = INK if counts.max() == 0 else "white"
    ax.text(float(hour), float(day), f"{counts.max():,}", ha="center", va="center", color=dark, fontsize=8)
    bar = ax.figure.colorbar(image, ax=ax, pad=0.01, format=ticker.StrMethodFormatter("{x:,.0f}"))
    bar.outline.set_visible(False)
    bar.set_label(f"{kind}s, all weeks together")
    ax.set_xlabel(f"hour of the day ({time_zone})")
    ax.set_title(f"{kind.capitalize()}s by weekday and hour; the busiest hour is written in")
    return ax
