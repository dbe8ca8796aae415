"""Run notebooks to pages: two at a time; a notebook that fails does not stop the others."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Self

from optkit.errors import SettingsError
from optkit.interrupts import make_waits_interruptible
from optkit.report.notebook_page import NotebookPage, make_page
from optkit.report.notebook_progress import NotebookProgress
from optkit.report.notebooks import choose_parameters, find, parameters_of, require_lab
from optkit.report.writing import SINGLE_FILE, write, write_pages, write_single_file


def run(
    names: Iterable[str] = (),
    *,
    out: str | Path,
    parameters: Mapping[str, Any] | None = None,
    single_file: bool = False,
    keep_notebooks: bool = False,
    progress: bool | None = None,
) -> list[NotebookPage]:
    """Run notebooks and write a page for each, with an index.

    The pages open offline and make no requests. They may contain phone numbers: only their owner can read the files
    (0600), and the folder if it is created here (0700).

    Parameters
    ----------
    names : iterable of str, default ()
        ``"01_churn"``, ``"churn"``, ``"1"`` or the path of a notebook; empty for all.
    out : str or Path
        Folder of the pages; pages of an earlier run are replaced.
    parameters : mapping, optional
        Values by parameter name. Each notebook receives those that it declares; text is converted to the declared type.
    single_file : bool, default False
        Write all pages into one self-contained file, ``report.html``.
    keep_notebooks : bool, default False
        Also write the executed notebooks next to the pages.
    progress : bool, optional
        Whether to show on standard error which notebooks are running: a bar on a terminal, otherwise lines. Default:
        True.

    Returns
    -------
    list of NotebookPage
        One per notebook, in order. A notebook that failed has an `error`; its page shows the failed cell.

    Raises
    ------
    SettingsError
        A notebook or a parameter is unknown, a value cannot be read, the folder cannot be written, or the extra ``lab``
        is not installed. In these cases no notebook was run.
    """
    require_lab()
    make_waits_interruptible()
    import nbformat

    from optkit.report.kernel import execute

    paths = find(names)
    chosen = choose_parameters(paths, parameters or {})
    folder = _make_folder(Path(out))
    with NotebookProgress(len(paths), shown=progress is not False) as shown, _Kernels() as kernels:

        def run_one(path: Path) -> NotebookPage:
            began = time.perf_counter()
            shown.start(path.stem)
            notebook, error = execute(path, chosen[path], on_start=kernels.add)
            if keep_notebooks:
                write(folder / path.name, nbformat.writes(notebook) + "\n")
            shown.finish(path.stem, error)
            return make_page(
                folder / (SINGLE_FILE if single_file else f"{path.stem}.html"),
                path.stem,
                notebook,
                parameters=_describe(path, chosen[path]),
                error=error,
                seconds=time.perf_counter() - began,
            )

        pages = kernels.map(run_one, paths)
    (write_single_file if single_file else write_pages)(folder, pages)
    return pages


def _describe(path: Path, chosen: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of a run as text for its page, with the recipient's number masked."""
    from optkit.display import format_phone

    values = {parameter.name: parameter.default for parameter in parameters_of(path)} | dict(chosen)
    if values.get("phone"):
        values["phone"] = format_phone(str(values["phone"]), show=bool(values.get("show_phones")))
    return {
        name: ", ".join(value) if isinstance(value, list) else str(value) for name, value in values.items()
    }


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{folder} cannot be made ({error.strerror}); give another folder with --out"
        ) from None
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"{folder} cannot be written to; give another folder with --out")
    return folder


class _Kernels:
    """Threads that each wait for a kernel. An interruption also ends the kernels."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="notebook")
        self._kills: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for kill in self._kills:
                kill()
        self._pool.shutdown()

    def add(self, kill: Callable[[], None]) -> None:
        self._kills.append(kill)

    def map(self, function: Callable[[Path], NotebookPage], paths: list[Path]) -> list[NotebookPage]:
        futures: list[Future[NotebookPage]] = [self._pool.submit(function, path) for path in paths]
        waiting: set[Future[NotebookPage]] = set(futures)
        while waiting:
            # after polars is imported, Ctrl-C only interrupts a wait with a timeout
            done, waiting = wait(waiting, timeout=0.5)
            for future in done:
                future.result()  # an error of optkit ends the run; a notebook's error is on its page
        return [future.result() for future in futures]
