"""All errors of optkit, under one root.

A message says what happened and what to do. It never holds a token, a phone number or a response body.
"""

import itertools
import traceback
from pathlib import Path


class OptkitError(Exception):
    """Root of every error that optkit raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython and Jupyter show instead of a traceback: the message, and the caller's own line."""
        shown = [f"{type(self).__name__}: {self}"]
        package = str(Path(__file__).parent)
        frames = traceback.extract_tb(self.__traceback__)
        callers = itertools.takewhile(lambda frame: not frame.filename.startswith(package), frames)
        own = [frame.line for frame in callers][-1:]
        return shown + [f"    {line}" for line in own if line]


class SettingsError(OptkitError, ValueError):
    """A setting or an argument is missing or cannot be used."""


class AuthenticationError(OptkitError):
    """The server refused the token (HTTP 401 or 403)."""


class RateLimitError(OptkitError):
    """The server requested a longer pause than the loader waits.

    Attributes
    ----------
    retry_after : float or None
        The pause that the server requested, in seconds; None if it did not name one.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TransportError(OptkitError):
    """The server gave no usable response, although the request was repeated.

    Attributes
    ----------
    status_code : int or None
        HTTP status of the last response; None if there was no response at all.
    """

    def __init__(self, message: str, *, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


class ResponseError(OptkitError):
    """The server answered, but not in the documented shape."""


class DriftError(OptkitError):
    """A window's pages changed while they were read, and kept doing so."""


class LoadInterrupted(OptkitError):  # noqa: N818 - an interruption is not an error; the contract's name says so
    """The load was stopped; committed windows stay, and the next load continues from there."""


class CacheError(OptkitError):
    """The cache folder cannot be used as it is, or belongs to another account."""


class MissingWindowsError(CacheError):
    """The cache lacks windows that were asked for, and they may not or cannot be fetched."""


class HistoryError(OptkitError, ValueError):
    """A frame is not a history: columns are missing or have other types."""
