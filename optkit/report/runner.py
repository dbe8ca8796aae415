"""Notebooks to pages: run two at a time, a failing one does not stop the rest."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Self

from optkit.errors import SettingsError
from optkit.report.notebooks import choose_parameters, find, need_lab
from optkit.report.pages import Page, write_contents, write_page


def run(
    names: Iterable[str] = (),
    *,
    out: str | Path,
    parameters: Mapping[str, Any] | None = None,
    progress: bool | None = None,
    workers: int = 2,
) -> list[Page]:
    """Run notebooks and write each as a page, with a page of contents.

    The pages open offline and request nothing. They may hold phone numbers: the files are for their owner
    only (0600), and so is the folder if it is made here (0700).

    Parameters
    ----------
    names : iterable of str, default ()
        ``"01_churn"``, ``"churn"``, ``"1"`` or the path of a notebook; none for all.
    out : str or Path
        Folder of the pages; those of an earlier run are replaced.
    parameters : mapping, optional
        Of a parameter's name its value. Each notebook gets those that it knows; text is read as the type that
        the notebook declares.
    progress : bool, optional
        Whether to show a bar on standard error; default: if that is a terminal.
    workers : int, default 2
        Notebooks under way at once, each in a process of its own.

    Returns
    -------
    list of Page
        One a notebook, in order. A notebook that failed has an `error`; its page shows the failed cell.

    Raises
    ------
    SettingsError
        A notebook or a parameter is unknown, a value cannot be read, the folder cannot be written, or the
        extra ``lab`` is not installed. Then nothing was run.
    """
    need_lab()
    from optkit.report.kernel import execute

    paths = find(names)
    chosen = choose_parameters(paths, parameters or {})
    folder = _make(Path(out))
    links = [path.stem for path in paths]
    with _Bar(len(paths), progress) as bar, _Kernels(workers) as kernels:

        def one(path: Path) -> Page:
            began = time.perf_counter()
            bar.start(path.stem)
            notebook, error = execute(path, chosen[path], on_start=kernels.add)
            page = write_page(
                folder, path.stem, notebook, error=error, links=links, seconds=time.perf_counter() - began
            )
            bar.finish(path.stem)
            return page

        pages = kernels.map(one, paths)
    write_contents(folder, pages)
    return pages


def _make(folder: Path) -> Path:
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
    """Threads that each wait for a kernel; an interruption ends the kernels, not only the waiting."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="notebook")
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

    def map(self, function: Callable[[Path], Page], paths: list[Path]) -> list[Page]:
        futures: list[Future[Page]] = [self._pool.submit(function, path) for path in paths]
        for future in as_completed(futures):
            future.result()  # the first trouble of our own ends the run; a notebook's is in its page
        return [future.result() for future in futures]


class _Bar:
    """How many notebooks are done, and which are under way."""

    def __init__(self, total: int, progress: bool | None) -> None:  # noqa: FBT001 - handed on as it came
        from tqdm import tqdm

        self._shown: set[str] = set()
        self._bar = tqdm(
            total=total,
            desc="Notebooks",
            unit="notebook",
            bar_format="{desc} {n_fmt}/{total_fmt} |{bar:20}| {elapsed} {postfix}",
            disable=not (sys.stderr.isatty() if progress is None else progress),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def start(self, name: str) -> None:
        self._shown.add(name)
        self._bar.set_postfix_str(", ".join(sorted(self._shown)))

    def finish(self, name: str) -> None:
        self._shown.discard(name)
        self._bar.set_postfix_str(", ".join(sorted(self._shown)), refresh=False)
        self._bar.update()
