"""The extract itself: what is loaded, whether to trust it, and all that one number did."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from matplotlib import colors, dates, ticker
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from optkit.formatting import percent, plural
from optkit.plots import axes
from optkit.plots.axes import BACK, INK, OUT, QUIET


@axes.styled
def coverage(table: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the calendar of what is in the cache: a row a month, a cell a day (UTC).

    The darker a day, the more events a day its window holds. Days of windows that may still change are
    framed; days that are missing between the first and the last window are hatched.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.coverage` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.coverage`.
    """
    axes.need(table, "coverage", "window_start", "window_end", "rows", "final")
    if table.is_empty():
        return axes.nothing(axes.place(ax), "nothing is loaded yet")
    days = _days(table)
    months = days["day"].dt.truncate("1mo").unique().sort().to_list()
    ax = axes.place(ax, height=1.4 + 0.26 * max(len(months), 3))
    row_of = {month: row for row, month in enumerate(months)}
    rates = np.full((len(months), 31), np.nan)
    for day, rate, final in days.select("day", "rate", "final").rows():
        row, column = row_of[day.replace(day=1)], day.day - 1
        if rate is None:
            ax.add_patch(_cell(row, column, facecolor="white", edgecolor=OUT, hatch="////", linewidth=0))
        else:
            rates[row, column] = rate
            if not final:
                ax.add_patch(_cell(row, column, fill=False, edgecolor=INK, linewidth=1))
    most = max(np.nanmax(rates), 1.0)
    norm = colors.PowerNorm(0.5, vmin=-0.12 * most, vmax=most)
    image = ax.imshow(rates, aspect="auto", cmap="Blues", norm=norm)
    axes.heat_axes(ax, len(months), 31)
    ax.set_yticks(range(len(months)), [f"{month:%Y-%m}" for month in months])
    ax.set_xticks([0, 4, 9, 14, 19, 24, 29], ["1", "5", "10", "15", "20", "25", "30"])
    bar = ax.figure.colorbar(image, ax=ax, pad=0.01, format=ticker.StrMethodFormatter("{x:,.0f}"))
    bar.ax.set_ylim(0, most)
    bar.outline.set_visible(False)
    bar.set_label("events a day, by window")
    missing, open_days = days["rate"].null_count(), int((~days["final"]).sum())
    framed = "; framed: may still change" if open_days else ""
    hatched = f"; hatched: {plural(missing, 'day')} missing" if missing else "; no day is missing"
    ax.set_xlabel(f"day of the month (UTC){framed}{hatched}")
    ax.set_title(f"What is loaded: {plural(int(table['rows'].sum()), 'event')}")
    return ax


def _days(table: pl.DataFrame) -> pl.DataFrame:
    """Return a row a day from the first window to the last: day, rate (null: missing), final."""
    length = (pl.col("window_end") - pl.col("window_start")).dt.total_milliseconds() / 86_400_000
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


@axes.styled
def quality(table: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the certificate: each check, whether it is passed, and how many rows it concerns.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.quality` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.quality`.
    """
    axes.need(table, "quality", "check", "rows", "share", "ok")
    ax = axes.place(ax, height=1.4 + 0.32 * max(table.height, 2))
    if table.is_empty():
        return axes.nothing(ax, "no checks")
    shares = table["share"].fill_null(0.0)
    good = [bool(ok) for ok in table["ok"]]
    ax.barh(range(table.height), shares, height=0.6, color=[QUIET if ok else OUT for ok in good])
    axes.row_axes(
        ax, [f"{check}  {'✓' if ok else '✗'}" for check, ok in zip(table["check"], good, strict=True)]
    )
    ax.set_xlim(0, max(axes.highest(shares) * 1.3, 0.001))
    axes.percent_axis(ax.xaxis)
    for place, (rows, share) in enumerate(table.select("rows", "share").rows()):
        text = f"{rows or 0:,} ({percent(share)})"
        ax.annotate(text, (share or 0.0, place), xytext=(6, 0), textcoords="offset points", va="center")
    ax.set_xlabel("rows concerned, % of all")
    ax.set_title(f"{plural(good.count(False), 'check')} of {len(good)} to look at")
    return ax


@axes.styled
def timeline(table: pl.DataFrame, *, ax: Axes | None = None, until: datetime | None = None) -> Axes:
    """Draw all that one number did: a lane a sender, red while opted out.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.timeline` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    until : datetime, optional
        Until when the last state is drawn; a little after the last event by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError
        The table is no result of `optkit.timeline`.
    """
    axes.need(table, "timeline", "from_phone", "created_at", "status", "state_after", "note")
    senders = table["from_phone"].unique().sort().to_list()
    ax = axes.place(ax, height=1.6 + 0.55 * max(len(senders), 2))
    if table.is_empty():
        return axes.nothing(ax, "this number never opted out or in")
    first, last = table["created_at"][0], table["created_at"][-1]
    margin = max((last - first) * 0.04, timedelta(hours=1))
    end = max(until or last, last + margin)
    for lane, sender in enumerate(senders):
        events = table.filter(pl.col("from_phone") == sender).select(
            "created_at", "status", "state_after", "note"
        )
        moments = [*events["created_at"], end]
        for (when, status, after, note), following in zip(events.rows(), moments[1:], strict=True):
            is_out = after == "opt-out"
            ax.hlines(
                lane, when, following, color=OUT if is_out else BACK, linewidth=9 if is_out else 2.5, zorder=1
            )
            color = OUT if status == "opt-out" else BACK
            marker = "v" if status == "opt-out" else "^"
            face = "white" if note in {"repeat", "duplicate", "tie"} else color
            beside = lane + (-0.17 if status == "opt-out" else 0.17)
            edge = color if face == "white" else "white"
            ax.plot([when], [beside], marker, markersize=9, mfc=face, mec=edge, zorder=3)
        ax.hlines(lane, first - margin, moments[0], color=QUIET, linewidth=1, linestyle=":", zorder=1)
    axes.row_axes(ax, senders)
    ax.set_xlim(*dates.date2num([first - margin, end]))
    axes.date_axis(ax)
    ax.set_xlabel("UTC; ▼ opt-out, ▲ opt-in, hollow: changed nothing; thick: opted out, thin: opted in")
    ax.set_title(f"{plural(table.height, 'event')} of one number, {plural(len(senders), 'sender')}")
    return ax
