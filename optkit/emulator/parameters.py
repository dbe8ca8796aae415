"""Reads and checks query parameters."""

import re
from collections.abc import Collection
from typing import Final

from optkit.times import SECOND

_DEFAULT_PER_PAGE: Final = 25
_MAX_PER_PAGE: Final = 100
_NUMBER: Final = re.compile(r"-?\d{1,18}(\.0+)?")
_COUNT: Final = re.compile(r"0*[1-9]\d{0,8}")

Params = dict[str, str]


class ParameterError(Exception):
    """A query parameter is not valid: its name, and what it must be."""

    def __init__(self, name: str, wanted: str) -> None:
        super().__init__(f"{name} must be {wanted}")
        self.name = name


def read_page(params: Params) -> tuple[int, int]:
    """Return which page is asked for, and how many entries it may have."""
    per_page = _read_count(params, "per_page", _DEFAULT_PER_PAGE)
    return _read_count(params, "page", 1), min(per_page, _MAX_PER_PAGE)


def _read_count(params: Params, name: str, default: int) -> int:
    value = params.get(name)
    if value is None:
        return default
    if not _COUNT.fullmatch(value):
        raise ParameterError(name, "a whole number from 1")
    return int(value)


def read_choice(params: Params, name: str, choices: Collection[str]) -> str | None:
    """Return a parameter that must be one of some words."""
    value = params.get(name)
    if value is not None:
        check_choices(name, [value], choices)
    return value


def read_time(params: Params, name: str, *, seconds: bool = False) -> int | None:
    """Return a timestamp in epoch milliseconds; `seconds`: it is given in seconds."""
    value = params.get(name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise ParameterError(name, f"a Unix timestamp in whole {'seconds' if seconds else 'milliseconds'}")
    number = int(value.partition(".")[0])
    return number * SECOND if seconds else number


def check_choices(name: str, values: Collection[str], choices: Collection[str]) -> None:
    """Raise `ParameterError` unless each value is one of some words."""
    if not set(values) <= set(choices):
        raise ParameterError(name, " or ".join(choices))


def read_ids(name: str, value: str) -> list[int]:
    """Return ids that are separated by commas."""
    words = value.split(",")
    if not all(_COUNT.fullmatch(word) for word in words):
        raise ParameterError(name, "one or more ids, separated by commas")
    return [int(word) for word in words]
