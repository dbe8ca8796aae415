"""A progress bar in terminals and interactive notebooks; none in scripts, logs and reports."""

import sys
from typing import Any, Final

_FORMAT: Final = "{desc} |{bar:24}| {n_fmt}/{total_fmt} windows{postfix}, {remaining} left"


class Progress:
    """A bar with windows, rows, rows per second and the time left; or nothing, unless it is wanted.

    With None, it is wanted in a terminal and in a notebook that somebody sits at.
    """

    def __init__(self, *, wanted: bool | None) -> None:
        self._type = _choose_bar(wanted=wanted)
        self._bar: Any = None
        self._rows = 0

    def add_rows(self, rows: int, windows: int) -> None:
        """Count entries that came, and show how many windows are to be read."""
        if self._type is None:
            return
        if self._bar is None:
            self._bar = self._type(
                total=windows, desc="optkit", leave=False, dynamic_ncols=True, bar_format=_FORMAT
            )
        self._rows += rows
        seconds = self._bar.format_dict["elapsed"]
        rate = f", {self._rows / seconds:,.0f} rows/s" if seconds > 1 else ""
        self._bar.set_postfix_str(f"{self._rows:,} rows{rate}", refresh=False)
        self._bar.update(0)

    def finish_window(self) -> None:
        """Count a window that was committed."""
        if self._bar is not None:
            self._bar.update(1)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()


def _choose_bar(*, wanted: bool | None) -> Any:
    """Return the class of the bar, None for no bar."""
    notebook = _is_front_end_interactive()
    if wanted is None:
        wanted = notebook or sys.stderr.isatty()
    if not wanted:
        return None
    from tqdm import tqdm

    if not notebook:
        return tqdm
    try:
        import ipywidgets  # noqa: F401 - tqdm.notebook draws with it
    except ImportError:
        return None
    from tqdm.notebook import tqdm_notebook

    return tqdm_notebook


def _is_front_end_interactive() -> bool:
    """Return whether this is the kernel of a notebook that somebody sits at; a report's kernel cannot ask questions."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    kernel = getattr(shell, "kernel", None)
    return bool(kernel is not None and getattr(kernel, "_allow_stdin", False))
