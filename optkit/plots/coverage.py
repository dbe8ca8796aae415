"""Which days are cached."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle

from optkit.formatting import plural
from optkit.plots import axes, style
from optkit.plots.style import OUT
from optkit.times import DAY


@style.styled
def coverage(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw a calendar of the cached windows: one row per month, one cell per day (UTC).

    The darker a day, the more events per day its window has. Days of windows that may still change are framed; missing
    days between the first and the last window are hatched.

    Parameters
    ----------
    table : any frame
        The result of `optkit.coverage`.
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
    >>> ax = optkit.plots.coverage(optkit.coverage(account="an-account-without-cache"))
    >>> ax.texts[0].get_text()
    'nothing is loaded yet'
    """
    axes.require_columns(table, "coverage", "window_start", "window_end", "rows", "final")
    if table.is_empty():
        return axes.show_message(axes.get_axes(ax), "nothing is loaded yet")
    days = _days(table)
    ground, (missing_color,) = style.background(), style.series_colors(None, {"missing": OUT})
    months = days["day"].dt.truncate("1mo").unique().sort().to_list()
    ax = axes.get_axes(ax, height=1.4 + 0.26 * max(len(months), 3))
    row_of = {month: row for row, month in enumerate(months)}
    rates = np.full((len(months), 31), np.nan)
    for day, rate, final in days.select("day", "rate", "final").rows():
        row, column = row_of[day.replace(day=1)], day.day - 1
        if rate is None:
            ax.add_patch(
                _cell(row, column, facecolor=ground, edgecolor=missing_color, hatch="////", linewidth=0)
            )
        else:
            rates[row, column] = rate
            if not final:
                ax.add_patch(_cell(row, column, fill=False, edgecolor=style.ink(), linewidth=1))
    most = max(np.nanmax(rates), 1.0)
    norm = PowerNorm(0.5, vmin=-0.12 * most, vmax=most)
    image = ax.imshow(rates, aspect="auto", cmap=style.color_map(colors), norm=norm)
    axes.heat_axes(ax, len(months), 31)
    ax.set_yticks(range(len(months)), [f"{month:%Y-%m}" for month in months])
    ax.set_xticks([0, 4, 9, 14, 19, 24, 29], ["1", "5", "10", "15", "20", "25", "30"])
    axes.color_bar(ax, image, "mean events per day").ax.set_ylim(0, most)
    missing, open_days = days["rate"].null_count(), int((~days["final"]).sum())
    framed = "; framed: may still change" if open_days else ""
    hatched = f"; hatched: {plural(missing, 'day')} missing" if missing else "; no day is missing"
    ax.set_xlabel(f"day of the month (UTC){framed}{hatched}")
    ax.set_title(f"What is loaded: {plural(int(table['rows'].sum()), 'event')}")
    return axes.set_title(ax, title)


def _days(table: pl.DataFrame) -> pl.DataFrame:
    """Return one row per day from the first window to the last: day, rate (null: missing), final."""
    length = (pl.col("window_end") - pl.col("window_start")).dt.total_milliseconds() / DAY
    last = (pl.col("window_end") - pl.duration(milliseconds=1)).dt.date()
    covered = (
        table.with_columns(rate=pl.col("rows") / length)
        .with_columns(day=pl.date_ranges(pl.col("window_start").dt.date(), last))
        .explode("day")
        .group_by("day")
        .agg(pl.col("rate").mean(), pl.col("final").all())
    )
    whole = pl.date_range(covered["day"].min(), covered["day"].max(), eager=True)  # type: ignore[arg-type]  # dates
    everyday = pl.DataFrame({"day": whole}).join(covered, on="day", how="left", maintain_order="left")
    return everyday.with_columns(pl.col("final").fill_null(value=True))


def _cell(row: int, column: int, **look: object) -> Rectangle:
    return Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, zorder=3, **look)  # type: ignore[arg-type]
