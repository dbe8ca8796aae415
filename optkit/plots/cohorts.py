"""The share of each cohort that has come back, by age."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts


@style.styled
def cohorts(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw the share of each cohort that has come back, by age.

    Cells of periods that have not ended are grey.

    Parameters
    ----------
    table : any frame
        The result of `optkit.cohorts`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        The cells are drawn in shades of the first of them.

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
    >>> ax = optkit.plots.cohorts(optkit.cohorts(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "cohorts", "cohort", "age", "size", "share", "mature")
    starts = table.select("cohort", "size").unique("cohort").sort("cohort")
    ax = axes.get_axes(ax, height=1.5 + 0.32 * max(starts.height, 3))
    if table.is_empty():
        return axes.show_message(ax, "nobody opted out, so there are no cohorts")
    ages = int(axes.highest(table["age"])) + 1
    row_of = {cohort: row for row, cohort in enumerate(starts["cohort"])}
    shares, young = np.full((2, len(row_of), ages), np.nan)
    for cohort, age, share, mature in table.select("cohort", "age", "share", "mature").rows():
        (shares if mature else young)[row_of[cohort], age] = np.nan if share is None else share
    limit = max(axes.highest(table["share"]), 0.01)
    ax.imshow(np.where(np.isnan(young), np.nan, 0.25), aspect="auto", cmap="Greys", vmin=0, vmax=1)
    image = ax.imshow(shares, aspect="auto", cmap=style.color_map(colors), vmin=0, vmax=limit * 1.1)
    axes.heat_axes(ax, len(row_of), ages)
    both = np.where(np.isnan(shares), young, shares)
    if ages <= 20:  # noqa: PLR2004 - with more, numbers do not fit into the cells
        texts.cell_texts(ax, image, 100 * both, "{:.1f}", size=8.5 if ages <= 14 else 7)  # noqa: PLR2004 - the same
    word = axes.period_word(starts["cohort"].to_list())
    form = "%Y-%m" if word in {"month", "quarter"} else "%Y" if word == "year" else "%Y-%m-%d"
    ax.set_yticks(range(len(row_of)), [f"{start.strftime(form)} ({size:,})" for start, size in starts.rows()])
    step = max(1, ages // 15)
    ax.set_xticks(range(0, ages, step))
    ax.set_ylabel(f"{word} of leaving (people)")
    grey = "" if np.isnan(young).all() else "; grey: not over yet"
    ax.set_xlabel(f"age in whole calendar {word}s{grey}")
    ax.set_title(f"Ever came back, % of those who first opted out in the same {word}")
    return axes.set_title(ax, title)
