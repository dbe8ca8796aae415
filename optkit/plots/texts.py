"""The texts of pictures: what groups are called, and labels next to the points and lines that they name."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from optkit.plots import style


def labels_of(table: pl.DataFrame, first_value: str) -> tuple[list[str], pl.Expr]:
    """Return the grouping columns (those before `first_value`), and the expression of a row's ``label``."""
    names = table.columns[: table.columns.index(first_value)]
    parts = [pl.col(name).cast(pl.String).fill_null("unknown") for name in names]
    return names, (pl.concat_str(parts, separator=" · ") if parts else pl.lit("all")).alias("label")


def describe_groups(names: list[str]) -> str:
    """Return what a row with these grouping columns is called: ``"sender"``, ``"sender and country"``."""
    return (
        " and ".join("sender" if name == "from_phone" else name.replace("_", " ") for name in names) or "all"
    )


def note_sum(table: pl.DataFrame, names: list[str]) -> str:
    """Return what a title says if the picture adds the table's groups up: ``": all senders together"``."""
    if not names or table.select(names).n_unique() == 1:
        return ""
    return f": all {'senders' if names == ['from_phone'] else 'groups'} together"


def groups_by_size(table: pl.DataFrame, size: pl.Expr) -> list[str]:
    """Return the labels of a table's groups, the largest first; `size` aggregates the rows of a group."""
    sizes = table.group_by("label").agg(size.alias("size"))
    return sizes.sort("size", "label", descending=[True, False])["label"].to_list()


def row_notes(ax: Axes, notes: Sequence[str], colors: Sequence[str | None]) -> None:
    """Write a note on the right of each row, readable in its colour; None: in the colour of text."""
    for row, (note, color) in enumerate(zip(notes, colors, strict=True)):
        shade = style.ink() if color is None else style.readable(color)
        ax.text(1.01, row, note, transform=ax.get_yaxis_transform(), va="center", color=shade)


def line_label(ax: Axes, x: float, text: str) -> None:
    """Write a text along a vertical line, on its left, from the top of the picture down."""
    ax.annotate(
        text, (x, 1), xycoords=ax.get_xaxis_transform(), xytext=(-2, -2), textcoords="offset points",
        rotation=90, ha="right", va="top", fontsize=8,
    )  # fmt: skip


def end_labels(ax: Axes, labels: Iterable[tuple[float, str, str]]) -> None:
    """Label lines that end at the right edge: (y in data units, text, colour). Overlapping labels are moved apart."""
    x = 1.015
    low, high = ax.get_ylim()
    inches = ax.bbox.height / ax.figure.dpi
    gap = (high - low) * 0.2 / inches
    ordered = sorted(labels, key=lambda label: label[0])
    heights = np.array([label[0] for label in ordered], dtype=float)
    for index in range(1, len(heights)):
        lines = 1 + ordered[index - 1][1].count("\n")
        heights[index] = max(heights[index], heights[index - 1] + gap * lines)
    beside = ax.get_yaxis_transform()
    for height, (end, text, color) in zip(heights, ordered, strict=True):
        ax.text(x, height, text, transform=beside, va="center", color=style.readable(color), clip_on=False)
        if abs(height - end) > gap / 2:
            ax.annotate(
                "",
                (1.0, end),
                (x, height),
                xycoords=beside,
                annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 0},
            )


def point_labels(ax: Axes, points: Iterable[tuple[float, float, str]], color: str) -> None:
    """Write texts beside points (x and y in data units, text), over the lines and markers that they meet.

    A text that would cover an earlier one is left out.
    """
    written: list[tuple[float, float]] = []
    for point_x, point_y, text in points:
        x, y = ax.transAxes.inverted().transform(ax.transData.transform((point_x, point_y)))
        if any(abs(x - other_x) < 0.2 and abs(y - other_y) < 0.06 for other_x, other_y in written):  # noqa: PLR2004 - a label's size
            continue
        written.append((x, y))
        side = 1 if x < 0.75 else -1  # noqa: PLR2004 - a label fits on the right
        ax.annotate(
            text,
            (point_x, point_y),
            xytext=(8 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            color=style.readable(color),
            bbox={"facecolor": style.background(), "edgecolor": "none", "alpha": 0.85, "pad": 1},
            zorder=4,
        )


def cell_texts(ax: Axes, image: AxesImage, values: np.ndarray, form: str, *, size: float = 8.5) -> None:
    """Write the known values into the cells of a heat map, in white if the cell is dark."""
    for (row, column), value in np.ndenumerate(np.nan_to_num(np.asarray(image.get_array()))):
        shade = image.cmap(image.norm(value))[:3]
        dark = np.dot(shade, style.LUMINANCE) < 0.58  # noqa: PLR2004 - by eye
        known = values[row, column]
        text = "" if np.isnan(known) else form.format(known)
        ax.text(
            column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else "#222222"
        )
