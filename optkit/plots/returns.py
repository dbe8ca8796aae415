"""Coming back: the return curve, how long people stay out, cycles by sender, cohorts."""

from typing import Final

import numpy as np
import polars as pl
from matplotlib import colors
from matplotlib.axes import Axes

from optkit.formatting import plural
from optkit.plots import axes
from optkit.plots.axes import BACK, INK

_DAY: Final = 86_400.0

#: Ticks of a logarithmic axis of durations, in days.
_DURATIONS: Final = {
    "1 s": 1 / _DAY,
    "10 s": 10 / _DAY,
    "1 min": 60 / _DAY,
    "10 min": 600 / _DAY,
    "1 h": 3_600 / _DAY,
    "6 h": 0.25,
    "1 day": 1.0,
    "7 days": 7.0,
    "30 days": 30.0,
    "1 year": 365.0,
}


@axes.styled
def return_curve(table: pl.DataFrame, *, ax: Axes | None = None, days: float | None = None) -> Axes:
    """Draw how many have come back by when, with its interval and the numbers at risk below the axis.

    Of a table with groups, the three with the most opt-outs are drawn.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.return_curve` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    days : float, optional
        Where the axis ends; by default at the last duration, or at 90 days if that is sooner.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.return_curve`.
    """
    axes.need(table, "return_curve", "days", "at_risk", "returned", "still_out", "low", "high")
    ax = axes.place(ax)
    if table.is_empty():
        return axes.nothing(ax, "nobody opted out, so nobody can come back")
    names, label = axes.labels_of(table, "days")
    table = table.with_columns(label)
    sizes = (
        table.group_by("label")
        .agg(pl.col("at_risk").max())
        .sort("at_risk", "label", descending=[True, False])
    )
    groups = sizes["label"].head(3).to_list()
    end = days or min(90.0, axes.highest(table["days"])) or 1.0
    ticks = [0]
    for tick in (1, 7, 14, 30, 60, 90, 180, 365, 730, 1460, 2920):
        if ticks[-1] + end * 0.09 <= tick <= end:
            ticks.append(tick)
    below = [f"{tick:,}" for tick in ticks]
    labels, top = [], 0.0
    for group, color in zip(groups, axes.GROUPS if names else (BACK,), strict=False):
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
    rows = "\n".join(groups) if names else "still out"
    ax.annotate(
        "days\n" + rows,
        (0, 0),
        xytext=(-26, -6.5),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        color="#444444",
    )
    ax.set_xlabel("days since the opt-out; below: opt-outs still out and observed (at risk)")
    ax.set_ylabel("came back, % of opt-outs")
    ax.set_title("How many come back, and when")
    axes.end_labels(ax, labels)
    return ax


def _returned(still_out: pl.Series) -> np.ndarray:
    share = 1 - still_out.fill_null(strategy="forward").fill_null(1.0).to_numpy()
    return np.concatenate([[0.0], share, share[-1:] if len(share) else [0.0]])


def _at_risk(table: pl.DataFrame, group: str, day: float) -> int:
    later = table.filter((pl.col("label") == group) & (pl.col("days") >= day))
    return int(axes.highest(later["at_risk"]))


@axes.styled
def spells(table: pl.DataFrame, *, ax: Axes | None = None, quick: float = 10 / 1440) -> Axes:
    """Draw how long finished opt-outs lasted, on a logarithmic axis that shows quick reversals.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.spells` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    quick : float
        Days; who came back within is counted as a quick reversal (10 minutes by default).

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.spells`.
    """
    axes.need(table, "spells", "days", "returned")
    ax = axes.place(ax)
    back = table.filter("returned")["days"].to_numpy()
    if not back.size:
        return axes.nothing(ax, "nobody came back")
    shown = np.clip(back, 1 / _DAY, None)
    low, high = np.log10(1 / _DAY / quick), np.log10(max(shown.max(), quick * 10) / quick)
    edges = quick * 10 ** (np.arange(np.floor(low * 6), np.floor(high * 6) + 2) / 6)
    counts, _ = np.histogram(shown, edges)
    fast = edges[:-1] < quick * 0.99
    ax.bar(
        edges[:-1],
        counts,
        np.diff(edges),
        align="edge",
        color=[axes.OUT if is_fast else BACK for is_fast in fast],
        edgecolor="white",
        linewidth=0.6,
    )
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    ticks = {name: days for name, days in _DURATIONS.items() if edges[0] <= days <= edges[-1]}
    ax.set_xticks(list(ticks.values()), list(ticks))
    ax.minorticks_off()
    ax.set_ylim(0, counts.max() * 1.15)
    axes.count_axis(ax.yaxis)
    few = int((back <= quick).sum())
    ax.axvline(quick, color=INK, linewidth=0.8, linestyle=":")
    note = f"quick reversals:\n{few:,} ({few / back.size:.1%})"
    ax.text(quick * 0.9, 0.97, note, transform=ax.get_xaxis_transform(), ha="right", va="top", color=axes.OUT)
    still = table.height - back.size
    ax.set_xlabel(
        f"time from opt-out to return (logarithmic); {plural(still, 'opt-out')} still open not shown"
    )
    ax.set_ylabel("returns")
    ax.set_title(f"How long {plural(back.size, 'finished opt-out')} lasted")
    return ax


@axes.styled
def cycles(table: pl.DataFrame, *, ax: Axes | None = None, rows: int = 15) -> Axes:
    """Draw, sender by sender, which share of opt-outs has come back within each horizon.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.cycles` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    rows : int
        Of how many senders, those with the most opt-outs.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.cycles`.
    """
    axes.need(table, "cycles", "spells", "cycles", "relapse_rate")
    horizons = [column for column in table.columns if column.startswith("win_back_")]
    names, label = axes.labels_of(table, "spells")
    top = table.with_columns(label).sort("spells", "label", descending=[True, False]).head(rows)
    ax = axes.place(ax, height=1.7 + 0.36 * max(top.height, 2))
    if top.is_empty() or not horizons:
        return axes.nothing(ax, "nobody opted out, so nobody can come back")
    shades = colors.LinearSegmentedColormap.from_list("", ["#b8dcf5", BACK, "#12395c"])(
        np.linspace(0, 1, len(horizons))
    )
    places = np.arange(top.height)
    reach = top.select(pl.max_horizontal(horizons)).to_series().fill_null(0.0)
    ax.hlines(places, 0, reach, color=axes.PALE, linewidth=3, zorder=1)
    for column, shade in zip(horizons, shades, strict=True):
        values = top[column].fill_null(float("nan"))
        ax.scatter(values, places, s=55, color=[shade], edgecolors=INK, linewidths=0.6, zorder=3)
    axes.row_axes(ax, [f"{name} ({count:,})" for name, count in top.select("label", "spells").rows()])
    ax.set_xlim(0, axes.highest(reach) * 1.08 or 1.0)
    axes.percent_axis(ax.xaxis)
    for place, rate in top.select("relapse_rate").with_row_index().drop_nulls().rows():
        ax.text(1.02, place, f"{rate:.1%} left again", transform=ax.get_yaxis_transform(), va="center")
    days = ", ".join(column.removeprefix("win_back_").removesuffix("d") for column in horizons)
    ax.set_xlabel(f"came back within {days} days (light to dark), % of opt-outs; in brackets: opt-outs")
    ax.set_title(
        f"Who comes back, by {axes.spoken(names)}"
        + (f": the {rows} with most opt-outs" if table.height > rows else "")
    )
    return ax


@axes.styled
def cohorts(table: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the triangle of cohorts: which share of those who left together has ever come back, by age.

    Cells that the history does not cover whole are grey.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.cohorts` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.cohorts`.
    """
    axes.need(table, "cohorts", "cohort", "age", "size", "share", "mature")
    starts = table.select("cohort", "size").unique("cohort").sort("cohort")
    ax = axes.place(ax, height=1.5 + 0.32 * max(starts.height, 3))
    if table.is_empty():
        return axes.nothing(ax, "nobody opted out, so there are no cohorts")
    ages = int(axes.highest(table["age"])) + 1
    row_of = {cohort: row for row, cohort in enumerate(starts["cohort"])}
    shares, young = np.full((2, len(row_of), ages), np.nan)
    for cohort, age, share, mature in table.select("cohort", "age", "share", "mature").rows():
        (shares if mature else young)[row_of[cohort], age] = np.nan if share is None else share
    limit = max(axes.highest(table["share"]), 0.01)
    ax.imshow(np.where(np.isnan(young), np.nan, 0.25), aspect="auto", cmap="Greys", vmin=0, vmax=1)
    image = ax.imshow(shares, aspect="auto", cmap="Blues", vmin=0, vmax=limit * 1.1)
    axes.heat_axes(ax, len(row_of), ages)
    both = np.where(np.isnan(shares), young, shares)
    if ages <= 20:  # noqa: PLR2004 - more do not leave room for a number in each cell
        texts = [["" if np.isnan(share) else f"{100 * share:.1f}" for share in row] for row in both]
        axes.cell_texts(ax, image, texts, size=8.5 if ages <= 14 else 7)  # noqa: PLR2004 - the same
    word = axes.period_word(starts["cohort"].to_list())
    form = "%Y-%m" if word in {"month", "quarter"} else "%Y" if word == "year" else "%Y-%m-%d"
    ax.set_yticks(range(len(row_of)), [f"{start.strftime(form)} ({size:,})" for start, size in starts.rows()])
    step = max(1, ages // 15)
    ax.set_xticks(range(0, ages, step))
    ax.set_ylabel(f"{word} of leaving (people)")
    ax.set_xlabel(f"age in whole calendar {word}s; grey: not over yet")
    ax.set_title(f"Ever came back, % of those who first opted out in the same {word}")
    return ax
