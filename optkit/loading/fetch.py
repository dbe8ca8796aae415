"""Many windows through one session: which requests go first, and what happens when one window fails."""

from collections.abc import Callable, Mapping
from functools import partial

from optkit.datasets.endpoint import Endpoint
from optkit.errors import DriftError, OptkitError, ResponseError, TransportError
from optkit.formatting import join_names
from optkit.loading.pages import Page, PageRequest
from optkit.loading.reader import WindowReader, WindowRows
from optkit.loading.session import ApiSession
from optkit.loading.windows import Window
from optkit.loading.workers import WorkerPool

#: What may be wrong with one window only; any other error ends the load at once.
_OF_ONE_WINDOW = (DriftError, ResponseError, TransportError)


class _Job:
    """A window that is being read."""

    def __init__(self, number: int, reader: WindowReader) -> None:
        self.number = number
        self.reader = reader
        self.error: OptkitError | None = None


class WindowFetcher:
    """Reads windows, several at the same time, each page by one of the workers.

    Few windows are open at once. A window that fails does not keep the others from being read; but where two fail and
    no page came in between, the server is the problem, and nothing more is asked for.

    Parameters
    ----------
    session, endpoint
        Where from, and what the records are.
    filters : mapping, optional
        Query parameters that the server filters by.
    on_page, on_window : callable
        Called, by the calling thread, for each page that came, and for each window that is complete.
    """

    def __init__(
        self,
        session: ApiSession,
        endpoint: Endpoint,
        filters: Mapping[str, str] | None = None,
        *,
        on_page: Callable[[Page], None] = lambda _: None,
        on_window: Callable[[Window, WindowRows], None],
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._on_page = on_page
        self._on_window = on_window
        self._pool: WorkerPool[_Job] = WorkerPool(partial(session.get, filters=filters), session.limiter)
        self._failed: list[_Job] = []
        self._opened = self._reading = 0
        self._is_server_failing = False
        self._pages_since_failure = False

    def run(self, next_window: Callable[[], Window | None]) -> None:
        """Read all windows, or as many as can be read.

        Parameters
        ----------
        next_window : callable
            Returns what to read next, None while there is nothing; called again after each page.

        Raises
        ------
        OptkitError
            Of the type of the first failure; its message names the windows that failed.
        """
        try:
            self._open_windows(next_window)
            while self._pool.outstanding and not self._is_server_failing:
                self._take(*self._pool.next_result())
                self._open_windows(next_window)
        finally:
            self._pool.shutdown()
        if self._failed:
            raise _name_windows(self._failed)

    def _open_windows(self, next_window: Callable[[], Window | None]) -> None:
        """Begin as many windows as keep the workers busy."""
        limit = self._session.limiter.limit
        while self._pool.outstanding < 2 * limit and self._reading <= limit:
            window = next_window()
            if window is None:
                return
            job = _Job(self._opened, WindowReader(window, self._endpoint))
            self._opened += 1
            self._reading += 1
            self._submit(job, job.reader.start())

    def _submit(self, job: _Job, requests: list[PageRequest]) -> None:
        for request in requests:
            # a first page goes first, because the others follow from it; then older windows, so that not all windows
            # wait for their last page at the same time
            self._pool.submit((request.page > 1, job.number), job, request)

    def _take(self, job: _Job, request: PageRequest, result: Page | BaseException) -> None:
        if job.error is not None:
            return  # its window has failed already
        try:
            if isinstance(result, BaseException):
                raise result
            self._on_page(result)
            self._pages_since_failure = True
            self._submit(job, job.reader.take(request, result))
            rows = job.reader.result() if job.reader.is_done else None
        except _OF_ONE_WINDOW as error:
            if self._session.failure is not None:
                raise
            job.error = error
            self._pool.cancel(job)
            self._reading -= 1
            self._is_server_failing = bool(self._failed) and not self._pages_since_failure
            self._pages_since_failure = False
            self._failed.append(job)
            return
        if rows is not None:
            self._reading -= 1
            self._on_window(job.reader.window, rows)


def _name_windows(failed: list[_Job]) -> OptkitError:
    """Return the first error, its message with the windows that failed."""
    error = failed[0].error
    assert error is not None
    names = join_names([str(job.reader.window) for job in sorted(failed, key=lambda job: job.number)], 5)
    several = "s" if len(failed) > 1 else ""
    error.args = (f"window{several} {names} could not be read: {error}",)
    return error


def fetch_window(
    window: Window, session: ApiSession, endpoint: Endpoint, filters: Mapping[str, str] | None = None
) -> WindowRows:
    """Return the rows of one window."""
    results: list[WindowRows] = []
    windows = iter([window])
    fetcher = WindowFetcher(session, endpoint, filters, on_window=lambda _, rows: results.append(rows))
    fetcher.run(lambda: next(windows, None))
    return results[0]
