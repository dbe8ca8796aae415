"""Opt-outs and re-opt-ins per period, the churn rate, and how many are opted out."""

from typing import Final, Literal, TypeAlias

import numpy as np
import polars as pl
from matplotlib import dates, patheffects
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.marks import Marks, draw_marks
from optkit.plots.style import BACK, OUT

#: Labels beside the lines, as `texts.end_labels` takes them.
_Labels: TypeAlias = list[tuple[float, str, str]]

_SERIES: Final[dict[str, int | str]] = {"opt-outs": OUT, "re-opt-ins": BACK}


@style.styled
def churn(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    marks: Marks | None = None,
    kind: Literal["movement", "rate", "size"] = "movement",
) -> Axes:
    """Draw opt-outs and re-opt-ins per period, the churn rate, or how many are opted out.

    Incomplete periods are drawn hollow. If the table has groups, "movement" and "size" draw their sum, and the title
    says so; "rate" names the six groups with the most opt-outs and those that have a colour in `colors`, and draws the
    others in grey. Without an audience there is no churn rate, and "rate" draws the number of opt-outs.

    Parameters
    ----------
    table : any frame
        The result of `optkit.churn`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    title : str, optional
        Replaces the picture's own title.
    colors : sequence or mapping of str, optional
        Of "opt-outs" and "re-opt-ins", or of the groups of a rate, the one with the most opt-outs first: in this
        order, or by name. Further colours in a sequence are not used, so one palette serves many pictures. A name that
        the picture does not have is an error; of a rate's groups, the table must have at least one.
    marks : mapping or frame, optional
        Dates with labels, such as ``{"2026-05-01": "new wording"}``: each is drawn as a line with its label. A
        note counts marks outside the picture's dates, and those for whose label there is no space.
    kind : {"movement", "rate", "size"}
        "movement": opt-outs up and re-opt-ins down, with the net as a line. "rate": the churn rate. "size": how many
        are opted out at the end of each period.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is not a result of the function of the same name.
    SettingsError
        `colors`, `marks` or `kind` cannot be used.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> ax = optkit.plots.churn(optkit.churn(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(
        table, "churn", "period", "opt_outs", "re_opt_ins", "opted_out_end", "churn_rate", "complete"
    )
    axes.validate_kind(kind, "movement", "rate", "size")
    ax = axes.get_axes(ax)
    if table.is_empty():
        return axes.show_message(ax, "no events, so no periods to draw")
    if kind == "rate":
        labels = _churn_rate(table, ax, colors)
    else:
        counts = pl.col("opt_outs", "re_opt_ins", "opted_out_end").sum()
        summed = table.group_by("period").agg(counts, pl.col("complete").all()).sort("period")
        names, _ = texts.labels_of(table, "period")
        draw = _churn_size if kind == "size" else _churn_movement
        labels = draw(summed, ax, colors, texts.note_sum(table, names))
    draw_marks(ax, marks)
    texts.end_labels(ax, labels)  # after the marks, which change the axis
    return axes.set_title(ax, title)


def _churn_movement(table: pl.DataFrame, ax: Axes, colors: style.Colors | None, whose: str) -> _Labels:
    starts = table["period"].to_list()
    word = axes.period_word(starts)
    outs, backs = table["opt_outs"].to_numpy(), table["re_opt_ins"].to_numpy()
    out_color, back_color = style.series_colors(colors, _SERIES)
    ground, ink = style.background(), style.ink()
    for heights, color in ((outs, out_color), (-backs, back_color)):
        axes.period_bars(ax, table, heights, color)
    middles = dates.date2num(starts) + axes.period_widths(starts) / 2
    halo = [patheffects.withStroke(linewidth=4, foreground=ground)]
    ax.plot(middles, outs - backs, "o-", color=ink, markersize=3.5, mfc=ground, path_effects=halo)
    ax.set_ylim(*axes.with_margin(min(-backs.max(), 0), outs.max()))
    axes.two_sided_axis(ax)
    ax.set_ylabel("opt-outs up, re-opt-ins down")
    ax.set_title(f"Opt-outs and re-opt-ins, by {word}{whose}")
    _period_axis(ax, table, word)
    return [
        (outs[-1], "opt-outs", out_color),
        (-backs[-1], "re-opt-ins", back_color),
        (outs[-1] - backs[-1], "net", ink),
    ]


def _churn_size(table: pl.DataFrame, ax: Axes, colors: style.Colors | None, whose: str) -> _Labels:
    color, _ = style.series_colors(colors, _SERIES)
    starts = table["period"].to_list()
    ends = dates.date2num(starts) + axes.period_widths(starts)
    sizes = table["opted_out_end"].to_numpy()
    ax.fill_between(ends, sizes, color=color, alpha=0.15, linewidth=0)
    ax.plot(ends, sizes, color=color)
    ax.set_ylim(*axes.with_margin(0, sizes.max()))
    axes.count_axis(ax.yaxis)
    ax.set_ylabel("opted out at the period's end")
    ax.set_title(f"Opted out at the end of each {axes.period_word(starts)}{whose}")
    axes.date_axis(ax)
    return [(sizes[-1], f"{sizes[-1]:,}", color)]


def _churn_rate(table: pl.DataFrame, ax: Axes, colors: style.Colors | None) -> _Labels:
    names, label = texts.labels_of(table, "period")
    table = table.with_columns(label)
    groups = texts.groups_by_size(table, pl.col("opt_outs").sum())
    shades = style.group_colors(colors, groups) if names else style.series_colors(colors, _SERIES)[:1]
    rated = table["churn_rate"].count() > 0
    value = "churn_rate" if rated else "opt_outs"
    labels: _Labels = []
    for number, (name, color) in enumerate(zip(groups, shades, strict=True)):
        named = color != style.PALE
        layer, mark = (3, style.MARKS[number % style.GROUPS]) if named else (1, "")
        group = table.filter(pl.col("label") == name)
        starts = group["period"].to_list()
        middles = dates.date2num(starts) + axes.period_widths(starts) / 2
        rates = group[value].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        whole = group["complete"].to_numpy()
        ax.plot(middles, rates, color=color, zorder=layer)
        for some, size, face in ((whole, 4.0, color), (~whole, 4.5, style.background())):
            ax.plot(
                middles[some], rates[some], color=color, marker=mark, markersize=size, mfc=face,
                linestyle="", zorder=layer,
            )  # fmt: skip
        known = rates[~np.isnan(rates)]
        if named and known.size:
            labels.append((float(known[-1]), name if names else "churn rate" if rated else "opt-outs", color))
    ax.set_ylim(0, axes.highest(table[value]) * 1.15 or 1.0)
    word = axes.period_word(table["period"].unique().sort().to_list())
    if rated:
        axes.percent_axis(ax.yaxis)
        ax.set_ylabel(f"opt-outs, % of those messaged\nand opted in as the {word} began")
        ax.set_title(f"Churn rate, by {word}")
    else:
        axes.count_axis(ax.yaxis)
        ax.set_ylabel("opt-outs (no audience is known, so no rate)")
        ax.set_title(f"Opt-outs, by {word}")
    _period_axis(ax, table, word)
    return labels


def _period_axis(ax: Axes, table: pl.DataFrame, word: str) -> None:
    axes.date_axis(ax)
    hollow = "; hollow: incomplete" if not table["complete"].all() else ""
    monday = ", from Monday" if word == "week" else ""
    ax.set_xlabel(f"{word}{monday}{hollow}")
