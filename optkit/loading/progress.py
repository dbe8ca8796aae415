"""A progress bar that never gets in the way: silent where nobody watches."""

import sys
from typing import Any, Final, Protocol

_FORMAT: Final = "{desc} |{bar:24}| {n_fmt}/{total_fmt} windows{postfix}, {remaining} left"


class Progress(Protocol):
    """What the loader tells while it reads."""

    def start(self, windows: int) -> None:
        """Take note of how many windows are to be read; only the first call counts."""

    def add_rows(self, rows: int) -> None:
        """Take note of entries that came."""

    def finish_window(self) -> None:
        """Take note of a window that was committed."""

    def close(self) -> None:
        """Remove the bar: no more will come."""


class _Silent:
    def start(self, windows: int) -> None: ...
    def add_rows(self, rows: int) -> None: ...
    def finish_window(self) -> None: ...
    def close(self) -> None: ...


class _Bar:
    """Windows, rows, rows a second, time left."""

    def __init__(self, bar_type: Any) -> None:
        self._type = bar_type
        self._bar: Any = None
        self._rows = 0

    def start(self, windows: int) -> None:
        if self._bar is None:
            self._bar = self._type(
                total=windows, desc="optkit", leave=False, dynamic_ncols=True, bar_format=_FORMAT
            )

    def add_rows(self, rows: int) -> None:
        self._rows += rows
        seconds = self._bar.format_dict["elapsed"]
        rate = f", {self._rows / seconds:,.0f} rows/s" if seconds > 1 else ""
        self._bar.set_postfix_str(f"{self._rows:,} rows{rate}", refresh=False)
        self._bar.update(0)

    def finish_window(self) -> None:
        self._bar.update(1)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def make_progress(*, wanted: bool | None) -> Progress:
    """Return a progress bar, or a silent stand-in.

    Parameters
    ----------
    wanted : bool or None
        None: a bar in a terminal and in a notebook that somebody sits at; none in scripts, logs and reports.
    """
    notebook = _is_front_end_interactive()
    if wanted is None:
        wanted = notebook or sys.stderr.isatty()
    if not wanted:
        return _Silent()
    from tqdm import tqdm

    if notebook:
        try:
            import ipywidgets  # noqa: F401 - tqdm.notebook draws with it
        except ImportError:
            return _Silent()
        from tqdm.notebook import tqdm_notebook

        return _Bar(tqdm_notebook)
    return _Bar(tqdm)


def _is_front_end_interactive() -> bool:
    """Return whether this is the kernel of a notebook that somebody sits at; a report's kernel cannot ask questions."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    kernel = getattr(shell, "kernel", None)
    return bool(kernel is not None and getattr(kernel, "_allow_stdin", False))
