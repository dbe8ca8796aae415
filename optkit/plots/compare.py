"""By how much opt-outs rose or fell after a change."""

import polars as pl
from matplotlib import ticker
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.style import BACK, OUT, QUIET


@style.styled
def compare(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    rows: int = 20,
) -> Axes:
    """Draw each group's ratio after : before with its interval, on a logarithmic axis.

    Parameters
    ----------
    table : any frame
        The result of `optkit.compare`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "more", "fewer" and "none seen": in this order, or by name.
    rows : int
        How many groups to draw: those with the most opt-outs.

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
    >>> table = optkit.compare(optkit.demo_history(recipients=2000), "2026-05-01", by="from_phone")
    >>> ax = optkit.plots.compare(table, title="New wording")
    >>> ax.get_title()
    'New wording'
    """
    axes.require_columns(
        table, "compare", "opt_outs_before", "opt_outs_after", "ratio", "low", "high", "signal"
    )
    names, label = texts.labels_of(table, "opt_outs_before")
    counts = pl.col("opt_outs_before"), pl.col("opt_outs_after")
    known = table.with_columns(label, n=counts[0] + counts[1]).filter(pl.col("ratio") > 0)
    shown = known.sort("n", "label", descending=[True, False]).head(rows)
    ax = axes.get_axes(ax, height=1.7 + 0.33 * max(shown.height, 2))
    if shown.is_empty():
        return axes.show_message(ax, "no opt-outs on both sides to compare")
    series: dict[str, int | str] = {"more": OUT, "fewer": BACK, "none seen": QUIET}
    shades = dict(zip(series, style.series_colors(colors, series), strict=True))
    ax.axvline(1, color=style.REFERENCE, linewidth=1, linestyle="--", zorder=1)
    left, right = 0.8, 1.25
    for place, (ratio, low, high, signal) in enumerate(shown.select("ratio", "low", "high", "signal").rows()):
        color = shades.get(signal, style.PALE)
        if low is not None:
            # an end that is 0 or unknown is drawn outside the picture
            ax.hlines(place, low or 1e-9, high or 1e9, color=color, linewidth=2, zorder=2)
        ax.scatter(ratio, place, s=52, color=color, edgecolors=style.background(), zorder=3)
        ends = [end for end in (ratio, low, high) if end]
        left, right = min(left, max(min(ends), ratio / 8)), max(right, min(max(ends), ratio * 8))
    ax.set_xscale("log")
    ax.set_xlim(left / 1.1, right * 1.1)
    ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5) if right / left < 50 else (1,)))  # noqa: PLR2004 - labels do not touch
    ax.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())
    labels = shown.select("label", "opt_outs_before", "opt_outs_after").rows()
    signals = shown["signal"].to_list()
    notes = [signal or "too little to say" for signal in signals]
    texts.row_notes(ax, notes, [shades.get(signal) for signal in signals])
    axes.row_axes(
        ax, [f"{name} ({before:,} \N{RIGHTWARDS ARROW} {after:,})" for name, before, after in labels]
    )
    unit = "per message" if "messages_before" in table.columns else "per day"
    missing = table.height - known.height
    left_out = (
        f"\n{missing:,} without opt-outs on one side {'is' if missing == 1 else 'are'} left out"
        if missing
        else ""
    )
    ax.set_xlabel(
        f"opt-outs {unit}, after : before (logarithmic); bar: interval; in brackets: opt-outs{left_out}"
    )
    most = f": the {rows} with most" if known.height > rows else ""
    by = f", by {texts.describe_groups(names)}" if names else ""
    ax.set_title(f"Opt-outs after the change{by}{most}")
    return axes.set_title(ax, title)
