"""Which campaigns drive people away."""

from typing import Final, Literal

import polars as pl
from matplotlib.axes import Axes

from optkit.formatting import shorten
from optkit.plots import axes, style, texts
from optkit.plots.rates import COLORS, draw_points

_LETTERS: Final = 34


@style.styled
def campaign_rates(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    kind: Literal["ranked", "funnel"] = "ranked",
    rows: int = 20,
) -> Axes:
    """Draw which campaigns drive people away, beyond the opt-outs expected without a message.

    Parameters
    ----------
    table : any frame
        The result of `optkit.campaign_rates`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "high", "low" and "usual" campaigns: in this order, or by name.
    kind : {"ranked", "funnel"}
        "ranked": the excess of opt-outs per 1,000 exposures with its interval, the largest on top. "funnel": the rate
        with its interval against the number of exposures.
    rows : int
        How many groups a ranked list shows: those with the largest excess.

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
    >>> ax = optkit.plots.campaign_rates(optkit.campaign_rates(history, messages), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(
        table, "campaign_rates", "messages", "exposures", "opt_outs", "rate", "low", "high", "excess", "excess_low",
        "excess_high", "signal",
    )  # fmt: skip
    axes.validate_kind(kind, "ranked", "funnel")
    names, label = texts.labels_of(table, "messages")
    if "campaign" in names:  # the name says more than the number
        label = pl.coalesce("campaign", label).alias("label")
        names = [name for name in names if name != "campaign_id"]
    known = table.with_columns(label).filter(pl.col("exposures") > 0)
    if known.is_empty():
        return axes.show_message(axes.get_axes(ax), "no message reached anybody who was opted in")
    shades = dict(zip(COLORS, style.series_colors(colors, COLORS), strict=True))
    what = texts.describe_groups(names)
    draw = _funnel if kind == "funnel" else _ranked
    return axes.set_title(draw(known, ax, what, shades, rows), title)


def _ranked(table: pl.DataFrame, ax: Axes | None, what: str, shades: dict[str, str], rows: int) -> Axes:
    per_thousand = pl.col("excess", "excess_low", "excess_high") * 1000 / pl.col("exposures")
    shown = table.with_columns(per_thousand).drop_nulls("excess")
    shown = shown.sort("excess", "label", descending=[True, False]).head(rows)
    ax = axes.get_axes(ax, height=1.7 + 0.33 * max(shown.height, 2))
    if shown.is_empty():
        return axes.show_message(ax, "no time outside of messages, so no background to compare with")
    places = range(shown.height)
    colors = [shades[signal] for signal in shown["signal"]]
    ax.axvline(0, color=style.REFERENCE, linewidth=1, linestyle="--", zorder=1)
    ax.hlines(places, shown["excess_low"], shown["excess_high"], color=style.PALE, linewidth=6, zorder=1)
    ax.scatter(shown["excess"], places, s=52, color=colors, zorder=3)
    labels = shown.select("label", "exposures").rows()
    axes.row_axes(ax, [f"{shorten(name, _LETTERS)} ({exposures:,})" for name, exposures in labels])
    low, high = float(shown["excess_low"].to_numpy().min()), axes.highest(shown["excess_high"])
    ax.set_xlim(min(0.0, low) - high * 0.02, min(high, 3 * axes.highest(shown["excess"])) * 1.05 or 1.0)
    notes = [f"{opt_outs:,} · {signal}" for opt_outs, signal in shown.select("opt_outs", "signal").rows()]
    texts.row_notes(ax, notes, colors)
    ax.set_xlabel(
        "opt-outs beyond the background, per 1,000 exposures (in brackets)\n"
        "bar: interval; right: opt-outs, and whether the rate is unusual among these"
    )
    most = f": the {rows} highest of {table.height:,}" if table.height > rows else ""
    ax.set_title(f"What each {what} costs{most}")
    return ax


def _funnel(table: pl.DataFrame, ax: Axes | None, what: str, shades: dict[str, str], rows: int) -> Axes:
    del rows  # a funnel shows all
    ax = axes.get_axes(ax)
    overall = int(table["opt_outs"].sum()) / int(table["exposures"].sum())
    left, right = table["exposures"].to_numpy().min() * 0.7, axes.highest(table["exposures"]) * 1.4
    ax.axhline(overall, color=style.REFERENCE, linewidth=1, linestyle="--", zorder=1)
    ax.vlines(table["exposures"], table["low"], table["high"], color=style.PALE, linewidth=5, zorder=1)
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    ax.set_ylim(0, min(axes.highest(table["high"]), 2.5 * axes.highest(table["rate"])) * 1.08 or 1.0)
    name = pl.col("label").str.slice(0, _LETTERS)
    draw_points(ax, table.select("rate", "signal", n="exposures", label=name), shades)
    axes.logarithmic_count_axis(ax.xaxis, left, right)
    axes.percent_axis(ax.yaxis)
    ax.set_xlabel("exposures (logarithmic); grey: interval")
    ax.set_ylabel("opted out after it, % of exposures")
    ax.set_title(f"Opt-out rate by {what}")
    texts.end_labels(ax, [(overall, f"overall\n{overall:.2%}", style.REFERENCE)])
    return ax
