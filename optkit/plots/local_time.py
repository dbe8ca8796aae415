"""At which hours of the week, in their local time, the recipients acted."""

import polars as pl
from matplotlib.axes import Axes

from optkit.formatting import percent, plural
from optkit.plots import axes, style
from optkit.plots.transitions import draw_hours


@style.styled
def with_local_time(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw how many events or messages are in each hour of the week, in the recipients' local time.

    Parameters
    ----------
    table : any frame
        The result of `optkit.with_local_time`, filtered to the rows to count, such as opt-outs.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        The hours are drawn in shades of the first of them.

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
    >>> import polars as pl
    >>> opt_outs = optkit.demo_history(recipients=500).filter(pl.col("status") == "opt-out")
    >>> ax = optkit.plots.with_local_time(optkit.with_local_time(opt_outs))
    >>> ax.get_title()
    "Opt-outs by the recipients' weekday and hour; the busiest hour is written in"
    """
    axes.require_columns(table, "with_local_time", "local_time", "ambiguous")
    ax = axes.get_axes(ax, height=3.6)
    local = pl.col("local_time")
    hours = table.drop_nulls("local_time").group_by(day=local.dt.weekday() - 1, hour=local.dt.hour()).len()
    if hours.is_empty():
        return axes.show_message(ax, "no local time is known")
    word = _word(table)
    draw_hours(ax, hours, f"{word}s, all weeks together", colors)
    ambiguous = int(table["ambiguous"].sum())
    unknown = table["local_time"].null_count()
    doubts = [f"{percent(ambiguous / table.height)} may be in another time zone"] if ambiguous else []
    doubts += [f"{percent(unknown / table.height)} without a time zone are left out"] if unknown else []
    of_all = f"\nof {plural(table.height, word)} {', '.join(doubts)}" if doubts else ""
    ax.set_xlabel(f"hour of the recipient's day{of_all}")
    ax.set_title(f"{word.capitalize()}s by the recipients' weekday and hour; the busiest hour is written in")
    return axes.set_title(ax, title)


def _word(table: pl.DataFrame) -> str:
    """Return what a row is, as far as the table says it: opt-out, opt-in, re-opt-in, event, message or row."""
    for column in ("kind", "status"):
        if column in table.columns:
            words = table[column].cast(pl.String).unique().to_list()
            return words[0] if len(words) == 1 else "event"
    return "message" if "delivery_status" in table.columns else "row"
