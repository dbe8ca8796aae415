"""Checks of arguments that many functions take: each returns the argument, or says in one sentence what it must be."""

import numbers
import re
from collections.abc import Collection, Sequence
from typing import Final

from optkit.errors import SettingsError

_NUMBER = re.compile(r"\d{5}")

#: Up to this number all whole numbers are exact as floats.
LARGEST_EXACT: Final = 2**53


def whole_number(value: object, name: str, *, least: int, most: int = LARGEST_EXACT) -> int:
    """Return a whole number (an int or one of numpy's types) as an int.

    Raises
    ------
    SettingsError
        It is not a whole number from `least` to `most`.

    Examples
    --------
    >>> whole_number(3, "days", least=1)
    3
    """
    number = None if isinstance(value, bool) or not isinstance(value, numbers.Integral) else int(value)
    if number is not None and least <= number <= most:
        return number
    upper = "" if most == LARGEST_EXACT else f" to {most:,}"
    raise SettingsError(f"{name} must be a whole number from {least:,}{upper}")


def share(value: object, name: str) -> float:
    """Return a number between 0 and 1.

    Raises
    ------
    SettingsError
        It is not a number between 0 and 1, both excluded.
    """
    if isinstance(value, numbers.Real) and 0 < float(value) < 1:
        return float(value)
    raise SettingsError(f"{name} must be between 0 and 1, such as 0.95")


def one_or_many(value: object, name: str) -> list[str]:
    """Return one text or several as a list, each once.

    Raises
    ------
    SettingsError
        It is neither a text nor a collection of texts.

    Examples
    --------
    >>> one_or_many("country", "by"), one_or_many(("country", "brand", "country"), "by")
    (['country'], ['country', 'brand'])
    """
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, Collection) and all(isinstance(text, str) for text in texts):
        return list(dict.fromkeys(texts))
    raise SettingsError(f"{name} must be one name or a list of names")


def shown(value: object) -> str:
    """Return an argument as an error may quote it: short text as it is, but nothing that may hold a phone number.

    Examples
    --------
    >>> shown("Mars/Olympus"), shown("+12025550101"), shown(1.5)
    ("'Mars/Olympus'", '<str>', '<float>')
    """
    quotable = isinstance(value, str) and not _NUMBER.search(value)
    return repr(value) if quotable else f"<{type(value).__name__}>"


def choice(value: object, name: str, choices: Sequence[str]) -> str:
    """Return one of a few words.

    Raises
    ------
    SettingsError
        It is not one of them.
    """
    if isinstance(value, str) and value in choices:
        return value
    raise SettingsError(f"{name} must be {' or '.join(map(repr, choices))}")
