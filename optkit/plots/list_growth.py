"""How the list grows and shrinks."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib import dates
from matplotlib.axes import Axes

from optkit.plots import axes
from optkit.plots.axes import BACK, OUT, QUIET
from optkit.plots.marks import Marks, draw_marks

_FLOWS: Final[dict[str, int | str]] = {"opt-outs": OUT, "re-opt-ins": BACK, "joined": QUIET}


@axes.styled
def list_growth(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: axes.Colors | None = None,
    marks: Marks | None = None,
) -> Axes:
    """Draw who joins and comes back (up) and who leaves (down) per period, and the list as a line.

    The line has an axis of its own on the right. Where the first period is the begin of the record, everybody who was
    messaged before joins in it: it is drawn only as far as the others reach. If the table has groups, their sum is
    drawn.

    Parameters
    ----------
    table : any frame
        The result of `optkit.list_growth`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "opt-outs", "re-opt-ins" and "joined": in this order, or by name.
    marks : mapping or frame, optional
        Dates with labels, such as ``{"2026-05-01": "new wording"}``: each is a line with its label.

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
    >>> ax = optkit.plots.list_growth(optkit.list_growth(history, messages), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(
        table,
        "list_growth",
        "period",
        "list_start",
        "joined",
        "re_opt_ins",
        "opt_outs",
        "list_end",
        "complete",
    )
    ax = axes.get_axes(ax)
    if table.is_empty():
        return axes.show_message(ax, "no messages, so no list")
    counts = pl.col("joined", "re_opt_ins", "opt_outs", "list_end").sum()
    summed = table.group_by("period").agg(counts, pl.col("complete").all()).sort("period")
    shades = dict(zip(_FLOWS, axes.series_colors(colors, _FLOWS), strict=True))
    starts = summed["period"].to_list()
    widths, left = axes.period_widths(starts), dates.date2num(starts)
    joined, back, out = (summed[name].to_numpy() for name in ("joined", "re_opt_ins", "opt_outs"))
    for heights, bottom, name in ((back, 0, "re-opt-ins"), (joined, back, "joined"), (-out, 0, "opt-outs")):
        bars = ax.bar(
            left + widths * 0.1,
            heights,
            widths * 0.8,
            bottom,
            align="edge",
            color=shades[name],
            edgecolor=shades[name],
        )
        for bar, complete in zip(bars, summed["complete"], strict=True):
            if not complete:
                bar.set(facecolor=axes.background(), hatch="////")
    ax.axhline(0, color="#888888", linewidth=0.8)
    ax.set_xlim(left[0] - widths[0] * 0.2, left[-1] + widths[-1] * 1.2)
    ups = joined + back
    top = min(ups.max(), max(5 * np.median(ups), 1.5 * out.max()))
    ax.set_ylim(*axes.with_margin(-max(out.max(), top * 0.15), top))
    axes.count_axis(ax.yaxis)
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    word = axes.period_word(starts)
    ax.set_ylabel("joined and re-opt-ins up, opt-outs down")
    for place in np.flatnonzero(ups > ax.get_ylim()[1]):
        at = (left[place] + widths[place] / 2, ax.get_ylim()[1])
        ax.text(*at, f"{ups[place]:,}", ha="center", va="bottom", fontsize=8, rotation=45)
    draw_marks(ax, marks)
    axes.date_axis(ax)
    ax.set_xlabel(f"{word}s{'' if summed['complete'].all() else '; hatched: not complete'}")
    ax.set_title(f"The list, by {word}: {summed['list_end'][-1]:,} at the end", pad=30)
    _draw_size(ax, left + widths, summed["list_end"])
    handles = [ax.bar(left[:1], [0], color=color, label=name) for name, color in reversed(shades.items())]
    ax.legend(handles=handles, loc="upper center", ncols=3, frameon=False, bbox_to_anchor=(0.5, -0.12))
    return axes.set_title(ax, title)


def _draw_size(ax: Axes, when: npt.ArrayLike, size: pl.Series) -> None:
    """Draw the list as a line on an axis of its own, from 0 on."""
    right = ax.twinx()
    right.plot(when, size, "o-", color=axes.ink(), markersize=3.5, mfc=axes.background())
    right.set_ylim(0, axes.highest(size) * 1.15 or 1.0)
    right.grid(visible=False)
    right.tick_params(axis="x", labelbottom=False)  # they are those of the bars
    axes.count_axis(right.yaxis)
    right.set_ylabel("on the list at the end (line)")
