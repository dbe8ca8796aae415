"""How numbers, times and names are written in sentences, tables and pictures."""

import math
from datetime import date, datetime
from typing import Final

NONE: Final = "\N{EN DASH}"

#: Characters that change a terminal instead of being shown: controls, line separators, changes of writing direction.
CONTROLS: Final = {
    chr(code): f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - the end of Latin-1
    for code in (
        *range(0x20),
        *range(0x7F, 0xA0),
        0x200E,
        0x200F,
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
    )
}
_ESCAPES: Final = str.maketrans(CONTROLS)


def escape_controls(text: str) -> str:
    r"""Return a text with its control characters written out, so that a terminal shows them.

    >>> escape_controls("\x1b[2Jgone")
    '\\x1b[2Jgone'
    """
    return text.translate(_ESCAPES)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return the count with its noun.

    >>> plural(1, "cycle"), plural(1204, "cycle"), plural(2, "person", "people")
    ('1 cycle', '1,204 cycles', '2 people')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def needs(count: int) -> str:
    """Return the verb that goes with a count: "needs" or "need"."""
    return "needs" if count == 1 else "need"


def percent(share: float | None) -> str:
    """Return a share in per cent: one decimal, below 1 % two significant digits; a dash for None and NaN.

    >>> percent(0.1234), percent(0.00659), percent(0.0)
    ('12.3%', '0.66%', '0.0%')
    """
    if share is None or math.isnan(share):
        return NONE
    return f"{100 * share:#.2g}%" if 0.00001 <= share < 0.00995 else f"{share:.1%}"  # noqa: PLR2004


def interval(low: float | None, high: float | None) -> str:
    """Return two shares as a range in per cent.

    >>> interval(0.0585, 0.0615)
    '5.9% to 6.2%'
    """
    if low is None or high is None:
        return NONE
    return f"{percent(low)} to {percent(high)}"


def day(moment: date | None) -> str:
    """Return a day in full: ``5 March 2026``."""
    return NONE if moment is None else f"{moment.day} {moment:%B %Y}"


def minute(moment: datetime | None) -> str:
    """Return an instant to the minute, with its zone: ``2026-03-05 14:05 UTC``."""
    return NONE if moment is None else f"{moment:%Y-%m-%d %H:%M %Z}".strip()


def join_names(items: list[str], most: int = 3) -> str:
    """Return names as one phrase.

    >>> join_names(["a"]), join_names(["a", "b"]), join_names(["a", "b", "c", "d", "e"])
    ('a', 'a and b', 'a, b, c and 2 more')
    """
    shown = items[:most] + ([f"{len(items) - most:,} more"] if len(items) > most else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "none"


def shorten(text: str, longest: int) -> str:
    r"""Return a text on one line and not longer than `longest`: characters in its middle become an ellipsis.

    >>> shorten("Flu vaccination, second reminder, 2026", 20), shorten("two\nlines", 20)
    ('Flu vaccin…der, 2026', 'two lines')
    """
    line = "".join(character if character.isprintable() else " " for character in text)
    if len(line) <= longest:
        return line
    tail = (longest - 1) // 2
    return f"{line[: longest - 1 - tail]}…{line[len(line) - tail :]}"
