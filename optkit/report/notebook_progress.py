"""The progress of a run of notebooks: a bar on a terminal, otherwise a line for each notebook."""

import sys
import time
from types import TracebackType
from typing import Self


class NotebookProgress:
    """Shows which notebooks are running and how many are done, on standard error.

    Parameters
    ----------
    total : int
        Number of notebooks.
    shown : bool
        Whether to show the progress.
    """

    def __init__(self, total: int, *, shown: bool) -> None:
        from tqdm import tqdm

        self._running: dict[str, float] = {}
        self._as_lines = shown and not sys.stderr.isatty()
        self._bar = tqdm(
            total=total,
            desc="Notebooks",
            unit="notebook",
            bar_format="{desc} {n_fmt}/{total_fmt} |{bar:20}| {elapsed} {postfix}",
            disable=not shown or self._as_lines,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def start(self, name: str) -> None:
        """Show that a notebook begins."""
        self._running[name] = time.monotonic()
        self._bar.set_postfix_str(", ".join(sorted(self._running)))
        self._line(f"{name}: running")

    def finish(self, name: str, error: str | None) -> None:
        """Show that a notebook is done."""
        seconds = time.monotonic() - self._running.pop(name)
        self._bar.set_postfix_str(", ".join(sorted(self._running)), refresh=False)
        self._bar.update()
        self._line(f"{name}: {'failed' if error else 'done'} after {seconds:.0f} s")

    def _line(self, text: str) -> None:
        if self._as_lines:
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - for a log
