"""Names in pictures, whatever they are: long, with dollar signs, control characters or letters that no font has."""

import functools
from collections.abc import Collection
from typing import Final

from matplotlib import font_manager, ticker
from matplotlib.axes import Axes
from matplotlib.text import Text

from optkit.formatting import shorten

#: The mark of a sentence of our own, which may be longer than a name.
MESSAGE: Final = "message"

#: The longest line of a label of an axis, and of a text in or beside the picture, that leaves space for the picture.
_LABEL: Final = 32
_TEXT: Final = 34
_NO_GLYPH: Final = "\N{WHITE SQUARE}"


def clean_names(ax: Axes, kept: Collection[Text]) -> None:
    """Make all labels of a picture readable, except titles and axis labels, which have no names.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        What was drawn on.
    kept : collection of matplotlib.text.Text
        The caller's own texts, which stay as they are.
    """
    for text in ax.texts:
        if text not in kept and text.get_gid() != MESSAGE:
            text.set_text(clean(text.get_text(), _TEXT, _fonts(text)))
    for axis in (ax.xaxis, ax.yaxis):
        if not isinstance(axis.get_major_locator(), ticker.FixedLocator):
            continue
        labels = axis.get_ticklabels()
        cleaned = [clean(label.get_text(), _LABEL, _fonts(label)) for label in labels]
        if cleaned != [label.get_text() for label in labels]:
            axis.set_ticklabels(cleaned)


def clean(text: str, longest: int, fonts: tuple[str, ...]) -> str:
    r"""Return a text that matplotlib draws as it is: short lines, no formulas, no missing glyphs.

    >>> clean("cost $5 and $10", 20, fonts=())
    'cost \\$5 and \\$10'
    """
    lines = (shorten(line, longest) for line in text.split("\n"))
    known = "\n".join("".join(c if _has_glyph(c, fonts) else _NO_GLYPH for c in line) for line in lines)
    return known.replace("\\$", "$").replace("$", "\\$")


def _fonts(text: Text) -> tuple[str, ...]:
    """Return the files of the fonts that a text is drawn in."""
    properties = text.get_fontproperties()
    return tuple(
        str(font_manager.findfont(font_manager.FontProperties(family=[family])))
        for family in properties.get_family()
    )


@functools.lru_cache(maxsize=10_000)
def _has_glyph(character: str, fonts: tuple[str, ...]) -> bool:
    loaded = [font_manager.get_font(path) for path in fonts]
    return not loaded or any(font.get_char_index(ord(character)) for font in loaded)
