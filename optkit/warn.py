"""Warnings that point to the user's own line."""

import inspect
import os
import warnings
from pathlib import Path
from typing import Final

_PACKAGE: Final = str(Path(__file__).parent) + os.sep


def warn(text: str) -> None:
    """Issue a `UserWarning` at the line outside of optkit that led here, however many calls lie between."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, stacklevel=level)
