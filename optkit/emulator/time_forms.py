"""How a timestamp is written in an entry."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from optkit.emulator.rows import Index


def _iso(ms: Index) -> npt.NDArray[np.bytes_]:
    return np.datetime_as_string(ms.astype("datetime64[ms]")).astype(np.bytes_)


#: Of each form: how it is written, and the value that is written, from epoch ms.
TIME_FORMS: Final[dict[str, tuple[bytes, Callable[[Index], npt.NDArray[Any]]]]] = {
    "ms": (b"%d", lambda ms: ms),
    "ms text": (b'"%d"', lambda ms: ms),
    "s": (b"%d", lambda ms: ms // 1000),
    "s text": (b'"%d"', lambda ms: ms // 1000),
    "s float": (b"%.3f", lambda ms: ms / 1000),
    "s float text": (b'"%.3f"', lambda ms: ms / 1000),
    "us": (b"%d", lambda ms: ms * 1000),
    "us text": (b'"%d"', lambda ms: ms * 1000),
    "iso": (b'"%b+00:00"', _iso),
}
