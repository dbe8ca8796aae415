"""How the list grows and shrinks."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib import dates
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.marks import Marks, draw_marks
from optkit.plots.style import BACK, OUT, QUIET

_FLOWS: Final[dict[str, int | str]] = {"opt-outs": OUT, "re-opt-ins": BACK, "joined": QUIET}


@style.styled
def list_growth(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    marks: Marks | None = None,
) -> Axes:
    """Draw how many join and come back (up) and leave (down) per period, and the size of the list as a line.

    The line has its own axis on the right. If the first period begins with the record, everybody who was messaged
    earlier joins in it: a bar that is much taller than the others is cut. If the table has groups, their sum is
    drawn, and the title says so.

    Parameters
    ----------
    table : any frame
        The result of `optkit.list_growth`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "opt-outs", "re-opt-ins" and "joined": in this order, or by name.
    marks : mapping or frame, optional
        See `churn`.

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
        table, "list_growth", "period", "list_start", "joined", "re_opt_ins", "opt_outs", "list_end", "complete"
    )  # fmt: skip
    ax = axes.get_axes(ax)
    if table.is_empty():
        return axes.show_message(ax, "no messages, so no list")
    counts = pl.col("joined", "re_opt_ins", "opt_outs", "list_end").sum()
    summed = table.group_by("period").agg(counts, pl.col("complete").all()).sort("period")
    shades = dict(zip(_FLOWS, style.series_colors(colors, _FLOWS), strict=True))
    starts = summed["period"].to_list()
    widths, left = axes.period_widths(starts), dates.date2num(starts)
    joined, back, out = (summed[name].to_numpy() for name in ("joined", "re_opt_ins", "opt_outs"))
    for heights, bottom, name in ((back, 0, "re-opt-ins"), (joined, back, "joined"), (-out, 0, "opt-outs")):
        axes.period_bars(ax, summed, heights, shades[name], bottom)
    ups = joined + back
    top = min(ups.max(), max(5 * np.median(ups), 1.5 * out.max()))
    ax.set_ylim(*axes.with_margin(-max(out.max(), top * 0.15), top))
    axes.two_sided_axis(ax)
    word = axes.period_word(starts)
    ax.set_ylabel("joined and re-opt-ins up, opt-outs down")
    height = np.ptp(ax.get_ylim())
    draw_marks(ax, marks)
    with_marks = float(np.ptp(ax.get_ylim()) / height)
    for place in np.flatnonzero(ups > ax.get_ylim()[1]):
        at = (left[place] + widths[place] / 2, ax.get_ylim()[1])
        ax.text(*at, f"{ups[place]:,}", ha="center", va="bottom", fontsize=8, rotation=45)
    axes.date_axis(ax)
    ax.set_xlabel(f"{word}s{'' if summed['complete'].all() else '; hatched: not complete'}")
    names, _ = texts.labels_of(table, "period")
    whose = texts.note_sum(table, names)
    ax.set_title(f"The list, by {word}, {summed['list_end'][-1]:,} at the end{whose}", pad=30)
    _draw_size(ax, left + widths, summed["list_end"], with_marks)
    handles = [ax.bar(left[:1], [0], color=color, label=name) for name, color in reversed(shades.items())]
    ax.legend(handles=handles, loc="upper center", ncols=3, frameon=False, bbox_to_anchor=(0.5, -0.18))
    return axes.set_title(ax, title)


def _draw_size(ax: Axes, when: npt.ArrayLike, size: pl.Series, with_marks: float) -> None:
    """Draw the size of the list as a line, on its own axis that begins at 0 and is as much higher as marks make it."""
    right = ax.twinx()
    right.plot(when, size, "o-", color=style.ink(), markersize=3.5, mfc=style.background())
    right.set_ylim(0, axes.highest(size) * 1.15 * with_marks or 1.0)
    right.grid(visible=False)
    right.tick_params(axis="x", labelbottom=False)  # the bars have the same labels
    axes.count_axis(right.yaxis)
    right.set_ylabel("on the list at the end (line)")
