"""Messages to people who had opted out."""

from typing import Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from optkit.formatting import plural
from optkit.plots import axes, style, texts
from optkit.plots.style import BACK, OUT, QUIET

#: In days: the five minutes of a confirmation, ten business days (usually two weeks), Florida's fifteen days.
_LIMITS: Final = {5 / 1440: "5 minutes", 14.0: "10 business days", 15.0: "15 days"}

_SERIES: Final[dict[str, int | str]] = {"overdue": OUT, "reached": BACK, "not delivered": QUIET}


@style.styled
def leaks(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw each message to somebody who had opted out: when it was sent, and how long after the opt-out.

    The time after the opt-out is on a logarithmic axis.

    Parameters
    ----------
    table : any frame
        The result of `optkit.leaks`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "overdue", "reached" and "not delivered": in this order, or by name.

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
    >>> ax = optkit.plots.leaks(optkit.leaks(history, messages), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "leaks", "sent_at", "hours", "reached", "blocked", "confirmation", "overdue")
    ax = axes.get_axes(ax)
    if table.is_empty():
        return axes.show_message(ax, "no message to anybody who had opted out")
    kinds = {
        "overdue": pl.col("overdue"),
        "reached": pl.col("reached") & ~pl.col("overdue"),
        "not delivered": ~pl.col("reached"),
    }
    labels = []
    for (name, rows), color, marker in zip(
        kinds.items(), style.series_colors(colors, _SERIES), "^ov", strict=True
    ):
        some = table.filter(rows)
        ax.scatter(
            some["sent_at"].dt.replace_time_zone(None).to_numpy(), some["hours"].to_numpy().clip(1 / 60) / 24,
            color=color, marker=marker, s=34, edgecolors=style.background(), linewidths=0.5, zorder=3,
            label=f"{name}: {some.height:,}",
        )  # fmt: skip
        labels.append(f"{some.height:,} {name}")
    ax.set_yscale("log")
    longest = axes.highest(table["hours"]) / 24
    shortest = min(5 / 1440, max(float(table["hours"].to_numpy().min()), 1 / 60) / 24)
    ax.set_ylim(shortest / 1.5, max(longest, 20.0) * 1.8)
    axes.duration_axis(ax.yaxis, *ax.get_ylim())
    _draw_limits(ax, horizontal=True)
    axes.date_axis(ax)
    ax.set_ylabel("after the opt-out (logarithmic)")
    ax.set_xlabel("sent")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3, frameon=False)
    confirming = int(table["confirmation"].sum())
    ax.set_title(
        f"{plural(table.height, 'message')} to people who had opted out"
        + (f", {confirming:,} of them confirmations" if confirming else "")
    )
    return axes.set_title(ax, title)


@style.styled
def leak_curve(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
) -> Axes:
    """Draw the share of opt-outs followed by a message, attempted or delivered, on a logarithmic axis of time.

    If the table has groups, the one with the most opt-outs is drawn.

    Parameters
    ----------
    table : any frame
        The result of `optkit.leak_curve`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "reached" and "attempted": in this order, or by name.

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
    >>> ax = optkit.plots.leak_curve(optkit.leak_curve(history, messages), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "leak_curve", "kind", "days", "at_risk", "events", "share", "low", "high")
    ax = axes.get_axes(ax)
    if table.is_empty():
        return axes.show_message(ax, "nobody opted out within the record")
    names, label = texts.labels_of(table, "kind")
    table = table.with_columns(label)
    sizes = table.group_by("label").agg(pl.col("at_risk").max())
    largest = sizes.sort("at_risk", "label").row(-1)[0]
    table = table.filter(pl.col("label") == largest)
    end = max(axes.highest(table["days"]), 20.0)
    first = 1 / 1440
    labels, top = [], 0.0
    series: dict[str, int | str] = {"reached": OUT, "attempted": QUIET}
    for kind, color in zip(series, style.series_colors(colors, series), strict=True):
        curve = table.filter(pl.col("kind").cast(pl.String) == kind).sort("days")
        if curve.is_empty():
            continue
        when = np.concatenate([[first], curve["days"].to_numpy().clip(first), [end]])
        share, low, high = (
            np.concatenate([[0.0], curve[name], curve[name].tail(1)]) for name in ("share", "low", "high")
        )
        ax.fill_between(when, low, high, step="post", color=color, alpha=0.2, linewidth=0)
        ax.step(when, share, where="post", color=color)
        top = max(top, min(float(high.max()), 2 * float(share.max()) or float(high.max())))
        labels.append((float(share[-1]), f"{kind}\n{share[-1]:.2%}", color))
    ax.set_xscale("log")
    ax.set_xlim(first, end)
    ax.set_ylim(0, top * 1.25 or 1.0)
    axes.duration_axis(ax.xaxis, first, end)
    _draw_limits(ax, horizontal=False)
    axes.percent_axis(ax.yaxis)
    opt_outs = int(axes.highest(table["at_risk"]))
    ax.set_xlabel("since the opt-out (logarithmic), while still opted out")
    ax.set_ylabel("had a message, % of opt-outs")
    whose = f" ({largest})" if names else ""
    ax.set_title(f"Messages after {plural(opt_outs, 'opt-out')}{whose}")
    texts.end_labels(ax, labels)
    return axes.set_title(ax, title)


def _draw_limits(ax: Axes, *, horizontal: bool) -> None:
    """Draw lines at the limits that laws set."""
    low, high = ax.get_ylim() if horizontal else ax.get_xlim()
    shown = [(days, label) for days, label in _LIMITS.items() if low < days < high]
    for days, label in shown:
        # The two longest limits are close together: one label is before its line, the other after it.
        sign = 1 if label == "15 days" else -1
        if horizontal:
            ax.axhline(days, color=style.ink(), linewidth=0.7, linestyle=":", zorder=1)
            ax.annotate(
                label, (0.005, days), xycoords=ax.get_yaxis_transform(), xytext=(0, 2 * sign),
                textcoords="offset points", va="bottom" if sign > 0 else "top", fontsize=8,
            )  # fmt: skip
        else:
            ax.axvline(days, color=style.ink(), linewidth=0.7, linestyle=":", zorder=1)
            ax.annotate(
                label, (days, 0.99), xycoords=ax.get_xaxis_transform(), xytext=(2 * sign, 0),
                textcoords="offset points", ha="left" if sign > 0 else "right", va="top", rotation=90, fontsize=8,
            )  # fmt: skip
