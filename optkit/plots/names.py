"""Names in pictures: long ones, and those with dollar signs, control characters or letters missing from the font."""

import functools
from collections.abc import Collection
from typing import Final

from matplotlib import font_manager, ticker
from matplotlib.axes import Axes
from matplotlib.text import Text

from optkit.formatting import shorten

#: The id of optkit's own sentences, which may be longer than a name.
MESSAGE: Final = "message"

#: Most characters in a line of an axis label, and of a text in or beside the picture.
_LABEL: Final = 32
_TEXT: Final = 34
_NO_GLYPH: Final = "\N{WHITE SQUARE}"


def clean_names(ax: Axes, kept: Collection[Text]) -> None:
    """Make the names in a picture readable: all its texts and tick labels.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The picture.
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
    r"""Return a text that matplotlib draws literally: with short lines, without formulas and missing glyphs.

    >>> clean("cost $5 and $10", 20, fonts=())
    'cost \\$5 and \\$10'
    """
    lines = (shorten(line, longest) for line in text.split("\n"))
    known = "\n".join("".join(c if _has_glyph(c, fonts) else _NO_GLYPH for c in line) for line in lines)
    return known.replace("\\$", "$").replace("$", "\\$")


def _fonts(text: Text) -> tuple[str, ...]:
    """Return the font files of a text."""
    properties = text.get_fontproperties()
    return tuple(
        str(font_manager.findfont(font_manager.FontProperties(family=[family])))
        for family in properties.get_family()
    )


@functools.lru_cache(maxsize=10_000)
def _has_glyph(character: str, fonts: tuple[str, ...]) -> bool:
    loaded = [font_manager.get_font(path) for path in fonts]
    return not loaded or any(font.get_char_index(ord(character)) for font in loaded)
