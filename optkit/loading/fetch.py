"""Many windows through one session: which requests go first, and what happens when one window fails."""

from collections.abc import Callable, Generator, Mapping
from functools import partial

from optkit.errors import DriftError, OptkitError, ResponseError, TransportError
from optkit.loading.pages import Page, PageRequest
from optkit.loading.reader import WindowReader, WindowRows
from optkit.loading.session import ApiSession
from optkit.loading.windows import Window, name_windows
from optkit.loading.workers import WorkerPool

#: What may be wrong with one window only; any other error ends the load at once.
_OF_ONE_WINDOW = (DriftError, ResponseError, TransportError)


def fetch_windows(
    next_window: Callable[[], Window | None],
    session: ApiSession,
    filters: Mapping[str, str] | None = None,
    *,
    on_page: Callable[[Page], None] = lambda _: None,
) -> Generator[tuple[Window, WindowRows]]:
    """Read windows, several at the same time, each page by one of the workers; yield each as soon as it is complete.

    `next_window` returns what to read next, None while there is nothing; it is called again after each page. Few
    windows are open at once. A window that fails does not keep the others from being read; but where two fail and no
    page came in between, the server is the problem, and nothing more is asked for.

    Raises
    ------
    OptkitError
        Of the type of the first failure; its message names the windows that failed.
    """
    pool: WorkerPool[WindowReader] = WorkerPool(
        partial(session.get, filters=filters), session.concurrency_limiter
    )
    reading: set[WindowReader] = set()
    failed: dict[WindowReader, OptkitError] = {}
    is_server_failing = has_page_come = False
    try:
        while not is_server_failing:
            _open_windows(next_window, session, reading, pool)
            if not pool.outstanding:
                break
            reader, request, result = pool.next_result()
            if reader in failed:
                continue
            try:
                if isinstance(result, BaseException):
                    raise result
                has_page_come = True
                on_page(result)
                _submit(pool, reader, reader.take(request, result))
            except _OF_ONE_WINDOW as error:
                if session.failure is not None:
                    raise
                pool.cancel(reader)
                reading.remove(reader)
                is_server_failing = bool(failed) and not has_page_come
                has_page_come = False
                failed[reader] = error
            else:
                if reader.is_done:
                    reading.remove(reader)
                    yield reader.window, reader.result()
    finally:
        pool.shutdown()
    if failed:
        raise _first_error(failed)


def _open_windows(
    next_window: Callable[[], Window | None],
    session: ApiSession,
    reading: set[WindowReader],
    pool: WorkerPool[WindowReader],
) -> None:
    """Begin as many windows as keep the workers busy."""
    limit = session.concurrency_limiter.limit
    while pool.outstanding < 2 * limit and len(reading) <= limit:
        window = next_window()
        if window is None:
            return
        reader = WindowReader(window, session.endpoint)
        reading.add(reader)
        _submit(pool, reader, reader.start())


def _submit(pool: WorkerPool[WindowReader], reader: WindowReader, requests: list[PageRequest]) -> None:
    for request in requests:
        # a first page goes first, because the others follow from it; then older windows, so that not all windows wait
        # for their last page at the same time
        pool.submit((request.page > 1, reader.window.start), reader, request)


def _first_error(failed: Mapping[WindowReader, OptkitError]) -> OptkitError:
    """Return the first error, its message with the windows that failed."""
    error = next(iter(failed.values()))
    names = name_windows(sorted(reader.window for reader in failed))
    several = "s" if len(failed) > 1 else ""
    error.args = (f"window{several} {names} could not be read: {error}",)
    return error


def fetch_window(window: Window, session: ApiSession, filters: Mapping[str, str] | None = None) -> WindowRows:
    """Return the rows of one window."""
    windows = iter([window])
    ((_, rows),) = fetch_windows(lambda: next(windows, None), session, filters)
    return rows
