"""Checks a setting that must be one of several words."""

from typing import Any

from optkit.errors import SettingsError


def validate_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise `SettingsError` unless `value` is one of `choices`."""
    if value not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(repr(choice) for choice in choices)}")
