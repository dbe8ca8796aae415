"""How many people each sender reached."""

import polars as pl
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.style import BACK


@style.styled
def audience(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    rows: int = 20,
) -> Axes:
    """Draw how many recipients each sender reached, and with how many messages.

    Parameters
    ----------
    table : any frame
        The result of `optkit.audience`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "recipients": in this order, or by name.
    rows : int
        How many groups to draw: those with the most recipients.

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
    >>> messages = optkit.demo_messages(recipients=1000)
    >>> ax = optkit.plots.audience(optkit.audience(messages), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "audience", "recipients", "messages")
    names, label = texts.labels_of(table, "recipients")
    shown = table.with_columns(label).sort("recipients", "label", descending=[True, False]).head(rows)
    ax = axes.get_axes(ax, height=1.6 + 0.33 * max(shown.height, 2))
    if shown.is_empty():
        return axes.show_message(ax, "no messages, so no audience")
    (color,) = style.series_colors(colors, {"recipients": BACK})
    places = range(shown.height)
    ax.barh(places, shown["recipients"], height=0.7, color=color)
    axes.row_axes(ax, shown["label"].to_list())
    ax.set_xlim(0, axes.highest(shown["recipients"]) * 1.03 or 1.0)
    axes.count_axis(ax.xaxis)
    for place, (recipients, messages) in enumerate(shown.select("recipients", "messages").rows()):
        each = f" ({messages / recipients:.1f} each)" if recipients else ""
        ax.text(1.01, place, f"{messages:,} messages{each}", transform=ax.get_yaxis_transform(), va="center")
    ax.set_xlabel("recipients reached")
    most = f": the {rows} largest of {table.height:,}" if table.height > rows else ""
    ax.set_title(f"Who was messaged, by {texts.describe_groups(names)}{most}")
    return axes.set_title(ax, title)
