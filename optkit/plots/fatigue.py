"""Whether each further message costs more."""

import polars as pl
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.style import BACK, OUT


@style.styled
def fatigue(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw the opt-out rate by the number of recent messages: as counted, and standardised, with the gap shaded.

    The gap is the part of the difference that is not due to recent messages, but to who gets them: other senders'
    recipients, and people who had more or fewer messages in all. If the table has groups, the one with the most
    exposures is drawn.

    Parameters
    ----------
    table : any frame
        The result of `optkit.fatigue`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "adjusted" and "as counted": in this order, or by name.

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
    >>> ax = optkit.plots.fatigue(optkit.fatigue(history, messages), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(
        table, "fatigue", "exposures_recent", "exposures", "opt_outs", "rate", "low", "high", "adjusted_rate"
    )
    ax = axes.get_axes(ax)
    if table.is_empty():
        return axes.show_message(ax, "no message after the burn-in reached anybody who was opted in")
    names, label = texts.labels_of(table, "exposures_recent")
    table = table.with_columns(label)
    largest = table.group_by("label").agg(pl.col("exposures").sum()).sort("exposures", "label").row(-1)[0]
    table = table.filter(pl.col("label") == largest).sort("exposures_recent")
    adjusted_color, naive_color = style.series_colors(colors, {"adjusted": OUT, "as counted": BACK})
    recent = table["exposures_recent"].to_numpy()
    naive, adjusted = table["rate"].to_numpy(), table["adjusted_rate"].to_numpy()
    ax.fill_between(recent, table["low"], table["high"], color=naive_color, alpha=0.2, linewidth=0)
    ax.fill_between(recent, naive, adjusted, color="#888888", alpha=0.25, linewidth=0)
    ax.plot(recent, naive, "s--", color=naive_color)
    ax.plot(recent, adjusted, "o-", color=adjusted_color)
    ax.set_xlim(recent[0] - 0.3, recent[-1] + 0.3)
    top = max(axes.highest(table["rate"]), axes.highest(table["adjusted_rate"])) * 1.6
    ax.set_ylim(0, min(max(axes.highest(table["high"]), top / 1.6 * 1.1), top) or 1.0)
    more = [f"{value}{' and more' if value == 10 else ''}" for value in recent]  # noqa: PLR2004 - the table's last row
    counts = [f"{text}\n{count:,}" for text, count in zip(more, table["exposures"], strict=True)]
    ax.set_xticks(recent, counts)
    axes.percent_axis(ax.yaxis)
    ax.set_xlabel("messages in the last days (7 by default), this one included; below: exposures")
    ax.set_ylabel("opted out after it, % of exposures")
    whose = f" ({largest})" if names else ""
    ax.set_title(f"What one more message costs{whose}")
    gap = "grey: explained by the sender and\nby the number of messages since\nthe first, not by the recent ones"
    labels = [
        (float(adjusted[-1]), f"standardised\n{adjusted[-1]:.2%}", adjusted_color),
        (float(naive[-1]), f"as counted\n{naive[-1]:.2%}", naive_color),
        (0.0, gap, style.REFERENCE),
    ]
    texts.end_labels(ax, labels)
    return axes.set_title(ax, title)
