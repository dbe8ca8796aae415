"""Everything that happened to one number."""

from datetime import datetime, timedelta
from typing import Final

import polars as pl
from matplotlib import dates
from matplotlib.axes import Axes

from optkit.formatting import plural
from optkit.messages import REACHED
from optkit.plots import axes, style
from optkit.plots.style import BACK, OUT, QUIET

_NO_SENDER: Final = "no sender"


@style.styled
def timeline(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    until: datetime | None = None,
) -> Axes:
    """Draw the events of one number: one row per sender, thick while opted out, with messages as ticks below.

    Parameters
    ----------
    table : any frame
        The result of `optkit.timeline`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "opted out" and "opted in": in this order, or by name.
    until : datetime, optional
        The end of the last state. Default: a little after the last event.

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
    >>> number = optkit.suppression_list(history)["to_phone"][0]
    >>> ax = optkit.plots.timeline(optkit.timeline(history, number), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "timeline", "from_phone", "created_at", "status", "state_after", "note")
    messages = table.clear()
    if "kind" in table.columns:
        is_message = pl.col("kind").cast(pl.String) == "message"
        messages, table = table.filter(is_message), table.filter(~is_message)
    everything = pl.concat([table, messages])
    senders = everything["from_phone"].fill_null(_NO_SENDER).unique().sort().to_list()
    ax = axes.get_axes(ax, height=1.6 + 0.55 * max(len(senders), 2))
    if everything.is_empty():
        return axes.show_message(ax, "this number never opted out or in")
    moments_of_all = everything["created_at"].sort()
    first, last = moments_of_all[0], moments_of_all[-1]
    margin = max((last - first) * 0.04, timedelta(hours=1))
    ground = style.background()
    end = max(until or last, last + margin)
    out_color, in_color = style.series_colors(colors, {"opted out": OUT, "opted in": BACK})
    for lane, sender in enumerate(senders):
        events = table.filter(pl.col("from_phone") == sender).select(
            "created_at", "status", "state_after", "note"
        )
        moments = [*events["created_at"], end]
        for (when, status, after, note), following in zip(events.rows(), moments[1:], strict=True):
            is_out = after == "opt-out"
            state_color, width = (out_color, 9) if is_out else (in_color, 2.5)
            ax.hlines(lane, when, following, color=state_color, linewidth=width, zorder=1)
            color = out_color if status == "opt-out" else in_color
            marker = "v" if status == "opt-out" else "^"
            changed = note not in {"repeat", "duplicate", "tie"}
            face, edge = (color, ground) if changed else (ground, color)
            beside = lane + (-0.17 if status == "opt-out" else 0.17)
            ax.plot([when], [beside], marker, markersize=9, mfc=face, mec=edge, zorder=3)
        ax.hlines(lane, first - margin, moments[0], color=QUIET, linewidth=1, linestyle=":", zorder=1)
        if not messages.is_empty():
            _draw_messages(ax, lane, messages.filter(pl.col("from_phone").fill_null(_NO_SENDER) == sender))
    axes.row_axes(ax, senders)
    ax.set_xlim(*dates.date2num([first - margin, end]))
    axes.date_axis(ax)
    ticks = "\nticks: messages, short where not delivered" if messages.height else ""
    ax.set_xlabel(
        f"UTC; ▼ opt-out, ▲ opt-in, hollow: changed nothing; thick: opted out, thin: opted in{ticks}"
    )
    sent = f", {plural(messages.height, 'message')}" if messages.height else ""
    ax.set_title(f"{plural(table.height, 'event')}{sent} of one number, {plural(len(senders), 'sender')}")
    return axes.set_title(ax, title)


def _draw_messages(ax: Axes, lane: int, messages: pl.DataFrame) -> None:
    """Draw a sender's messages as ticks below its state: long if they may have been read, short if not."""
    read = pl.col("delivery_status").cast(pl.String).is_in(REACHED)
    for rows, length in ((messages.filter(read), 0.22), (messages.filter(~read), 0.1)):
        ax.vlines(rows["created_at"], lane + 0.28, lane + 0.28 + length, color=style.ink(), linewidth=1.2)
