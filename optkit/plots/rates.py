"""Which groups' opt-out rates differ by more than groups usually do."""

from typing import Final, Literal

import polars as pl
from matplotlib.axes import Axes

from optkit.plots import axes, style, texts
from optkit.plots.style import BACK, OUT, QUIET

#: Colour and marker of each signal.
COLORS: Final[dict[str, int | str]] = {"high": OUT, "low": BACK, "usual": QUIET}
_MARKERS: Final = {"high": "^", "low": "v", "usual": "o"}

#: The denominator without an audience, of which the shares are not opt-out rates.
_SEEN: Final = "its recipients seen in the history"


@style.styled
def opt_out_rates(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    kind: Literal["funnel", "dumbbell"] = "funnel",
    rows: int = 20,
) -> Axes:
    """Draw which senders' opt-out rates differ by more than senders usually do.

    Parameters
    ----------
    table : any frame
        The result of `optkit.opt_out_rates`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        Of "high", "low" and "usual" rates: in this order, or by name.
    kind : {"funnel", "dumbbell"}
        "funnel": the rate against n, each with the limits of its row, if there are any. "dumbbell": one row per sender
        with the rate as counted, its interval and the shrunken rate.
    rows : int
        How many senders a dumbbell shows: those with the largest n.

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
    >>> ax = optkit.plots.opt_out_rates(optkit.opt_out_rates(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(
        table, "opt_out_rates", "recipients", "ever_opted_out", "n", "rate", "low", "high", "shrunk_rate",
        "limit_low", "limit_high", "signal",
    )  # fmt: skip
    axes.validate_kind(kind, "funnel", "dumbbell")
    names, label = texts.labels_of(table, "recipients")
    what = texts.describe_groups(names)
    known = table.with_columns(label).filter(pl.col("n") > 0)
    if known.is_empty():
        return axes.show_message(axes.get_axes(ax), "no opt-outs, so no rates to compare")
    of = "its audience" if known["denominator"][0] == "audience" else _SEEN
    shades = dict(zip(COLORS, style.series_colors(colors, COLORS), strict=True))
    if kind == "funnel":
        return axes.set_title(_funnel(known, ax, what, of, shades), title)
    return axes.set_title(_dumbbell(known, ax, what, of, rows=rows, shades=shades), title)


def _funnel(table: pl.DataFrame, ax: Axes | None, what: str, of: str, shades: dict[str, str]) -> Axes:
    ax = axes.get_axes(ax)
    overall = _overall(table)
    left, right = table["n"].to_numpy().min() * 0.7, axes.highest(table["n"]) * 1.4
    judged = table.filter(pl.col("limit_low").is_not_null())
    ax.vlines(judged["n"], judged["limit_low"], judged["limit_high"], color=style.PALE, linewidth=9, zorder=1)
    ax.axhline(overall, color=style.REFERENCE, linewidth=1, linestyle="--", zorder=2)
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    # the limits of a small sender may be far above all rates
    limit = min(axes.highest(judged["limit_high"]), 2.5 * axes.highest(table["rate"]))
    ax.set_ylim(0, max(axes.highest(table["rate"]), limit, min(overall * 2, 1.0)) * 1.12 or 1.0)
    draw_points(ax, table, shades)
    axes.logarithmic_count_axis(ax.xaxis, left, right)
    axes.percent_axis(ax.yaxis)
    ax.set_xlabel(f"n: {of} (logarithmic)")
    ax.set_ylabel("ever opted out, % of n")
    grey = "; grey: limits of each, 99.8%" if judged.height else ""
    ax.set_title(f"{_measure(of)} by {what}{grey}")
    texts.end_labels(ax, [(overall, f"overall\n{overall:.1%}", style.REFERENCE)])
    return ax


def _measure(of: str) -> str:
    return "Share who ever opted out" if of == _SEEN else "Opt-out rate"


def _overall(table: pl.DataFrame) -> float:
    return int(table["ever_opted_out"].sum()) / int(table["n"].sum())


def draw_points(ax: Axes, table: pl.DataFrame, shades: dict[str, str]) -> None:
    """Draw rates against n by their signal; those that are not usual with their label, the largest n first."""
    for signal, color in shades.items():
        some = table.filter(pl.col("signal").cast(pl.String).fill_null("usual") == signal)
        ax.scatter(
            some["n"], some["rate"], color=color, marker=_MARKERS[signal], s=70,
            edgecolors=style.background(), zorder=3,
        )  # fmt: skip
        if signal != "usual":
            points = some.sort("n", descending=True).select("n", "rate", "label").rows()
            texts.point_labels(ax, points, color)


def _dumbbell(
    table: pl.DataFrame, ax: Axes | None, what: str, of: str, *, rows: int, shades: dict[str, str]
) -> Axes:
    shown = table.sort("n", "label", descending=[True, False]).head(rows)
    shown = shown.sort("shrunk_rate", "label", descending=[True, False])
    ax = axes.get_axes(ax, height=1.7 + 0.33 * max(shown.height, 2))
    places = range(shown.height)
    overall = _overall(table)
    ax.axvline(overall, color=style.REFERENCE, linewidth=1, linestyle="--", zorder=1)
    ax.hlines(places, shown["low"], shown["high"], color=style.PALE, linewidth=6, zorder=1)
    ax.hlines(places, shown["rate"], shown["shrunk_rate"], color=style.REFERENCE, linewidth=1, zorder=2)
    ax.scatter(shown["rate"], places, s=42, facecolors=style.background(), edgecolors=style.ink(), zorder=3)
    signals = shown["signal"].cast(pl.String).to_list()
    colors = [shades[signal or "usual"] for signal in signals]
    ax.scatter(shown["shrunk_rate"], places, s=52, color=colors, zorder=4)
    axes.row_axes(ax, [f"{name} ({n:,})" for name, n in shown.select("label", "n").rows()])
    right = min(1.0, axes.highest(shown["high"])) * 1.03 or 1.0
    left = float(shown["low"].to_numpy().min())
    # if all rates are high, an axis from 0 would squeeze them together
    ax.set_xlim(left - (right - left) * 0.08 if left > right / 2 else 0, right)
    axes.percent_axis(ax.xaxis)
    texts.row_notes(ax, [signal or "" for signal in signals], colors)
    ax.set_xlabel(
        f"ever opted out, % of {of} (in brackets)\n"
        f"hollow: as counted; bar: its interval; full: shrunken; dashed: overall, {overall:.1%}"
    )
    most = f": the {rows} largest of {table.height:,}" if table.height > rows else ""
    ax.set_title(f"{_measure(of)} by {what}, as counted and shrunken{most}")
    return ax
