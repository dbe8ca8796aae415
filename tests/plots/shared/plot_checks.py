"""Checks of every picture: no text is cut off or covered."""

from itertools import combinations
from typing import Any

from matplotlib.colors import to_hex
from matplotlib.text import Text


def texts_of(ax: Any) -> list[Text]:
    """The texts in the picture: titles, labels, annotations, legends, and the ticks within the limits."""
    found: list[Text] = []
    for axes in ax.figure.axes:
        found += [axes.title, axes._left_title, axes._right_title, *axes.texts]
        if axes.get_legend():
            found += axes.get_legend().get_texts()
        if not axes.axison:
            continue
        for axis in (axes.xaxis, axes.yaxis):
            found += [axis.label, axis.get_offset_text()]
            found += [label for tick in axis._update_ticks() for label in (tick.label1, tick.label2)]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def check_page(ax: Any) -> None:
    """Check that no text is beyond the figure's edge or over another one, and that the background is white."""
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    texts = texts_of(ax)
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    for name, box in boxes:
        within = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert within, f"{name!r} is cut off"
    upright = [box for box, text in zip(boxes, texts, strict=True) if text.get_rotation() in {0, 90}]
    for (one, a), (other, b) in combinations(upright, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width <= 1 or height <= 1, f"{one!r} covers {other!r}"
    assert to_hex(figure.get_facecolor()) == "#ffffff"


def written(ax: Any) -> list[str]:
    return [text.get_text() for text in texts_of(ax)]
