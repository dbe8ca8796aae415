"""An API session: one account at one endpoint; limits, retries, one request. It knows nothing of windows."""

import random
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import Final, Self
from urllib.parse import quote, urlsplit

from optkit.config import Settings
from optkit.datasets.endpoint import Endpoint
from optkit.errors import OptkitError, RateLimitError, ResponseError, SettingsError
from optkit.loading import retries
from optkit.loading.clocks import ServerClock
from optkit.loading.failures import explain_error, explain_status
from optkit.loading.http_responses import Response, TooLargeError
from optkit.loading.limits import ConcurrencyLimiter, RateLimiter
from optkit.loading.pages import Page, PageDecoder, PageRequest, UnreadableBodyError
from optkit.loading.retries import TransientError, jittered_pause
from optkit.loading.transport import Connections
from optkit.setting_values import is_loopback
from optkit.version import __version__

#: A page of 100 entries has some 20 to 150 kB; what is larger is not a page.
_MAX_BODY: Final = 32 * 2**20


class ApiSession:
    """Requests to one endpoint of one server with one token, from any number of threads."""

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        if settings.token is None:
            raise SettingsError("there is no token; set OPTKIT_TOKEN, or optkit.configure(token=…)")
        origin = urlsplit(settings.base_url)
        self.clock = ServerClock(on_this_machine=is_loopback(origin.hostname or ""))
        self.concurrency_limiter = ConcurrencyLimiter(settings.workers)
        self.rate_limiter = RateLimiter(settings.max_rps)
        #: Why no request can succeed; set by the first one that found out, and raised by all that follow.
        self.failure: OptkitError | None = None
        self.endpoint = endpoint
        #: How the API reads the bounds of a request; None while that is not known.
        self.time_unit = endpoint.time_units[0] if len(endpoint.time_units) == 1 else None
        self._host = origin.netloc
        self._path = 0  # which one of the endpoint's
        self._decoder = PageDecoder(endpoint)
        self._timeout = settings.timeout
        headers = {
            "access-token": settings.token,
            "accept": "application/json",
            "accept-encoding": "gzip",
            "user-agent": f"optkit/{__version__}",
        }
        self._connections = Connections(settings.base_url, headers, settings.timeout, endpoint.private)

    def __repr__(self) -> str:
        return f"ApiSession({self._host!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop waiting requests and close connections."""
        self.concurrency_limiter.stop()
        self.rate_limiter.stop()
        self._connections.close()

    def get(self, request: PageRequest, filters: Mapping[str, str] | None = None) -> Page:
        """Return one page, repeating transient failures.

        Raises
        ------
        AuthenticationError
            The token was refused.
        RateLimitError
            The server asks for longer pauses than `retries.PATIENCE`.
        TransportError
            No usable answer after all attempts.
        ResponseError
            An answer of another shape than documented.
        LoadInterrupted
            `close` was called.
        """
        query = self._query(request, filters or {})
        failures, waited = 0, 0.0
        while True:
            try:
                return self._attempt(query)
            except TransientError as transient:
                asked = transient.retry_after
                if asked:
                    pause = asked
                    waited += asked
                else:  # not asked, or for 0 s (without a count of these, requests would never end): a pause of our own
                    failures += 1
                    pause = jittered_pause(failures, random.random())  # noqa: S311 - jitter is not a secret
                # fewer in flight may be enough for the server; a request that it refuses again shows that the rate is
                # too high
                is_rate_too_high = isinstance(transient.error, RateLimitError) and failures > 1
                if asked is not None or is_rate_too_high:
                    self.rate_limiter.pause(pause)  # all requests, before they start
                if failures >= retries.ATTEMPTS or waited > retries.PATIENCE:
                    raise transient.error from None
            self.rate_limiter.sleep(pause)  # this one in any case, while it does not count as in flight

    def _query(self, request: PageRequest, filters: Mapping[str, str]) -> str:
        unit = self.time_unit or self.endpoint.time_units[0]
        parameters = {
            **self.endpoint.constants,
            **filters,
            # always both bounds, because a start alone yields three entries; no less than what is asked for
            "start_time": request.start // unit.start_ms,
            "end_time": -(-request.end // unit.end_ms),
            "page": request.page,
            "per_page": request.per_page,
        }
        return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in parameters.items())

    def _attempt(self, query: str) -> Page:
        """Request once, as soon as the limits allow."""
        generation, latency, was_refused = self.concurrency_limiter.start(), None, False
        try:
            self.rate_limiter.wait()
            if self.failure is not None:
                raise self.failure
            response, latency = self._request(query)
        except TransientError as transient:
            was_refused = transient.was_refused
            raise
        finally:
            self.concurrency_limiter.finish(generation, latency, was_refused=was_refused)
        try:
            page = self._decoder.decode(response.body)
        except UnreadableBodyError as problem:
            raise TransientError(
                ResponseError(
                    f"{self._host} answered {self.endpoint.paths[self._path]}, repeatedly, with {problem}"
                )
            ) from None
        page.clock = self.clock.read(page.time_token, response.headers.get("date"))
        return page

    def _request(self, query: str) -> tuple[Response, float]:
        path = self._path
        try:
            response, seconds = self._connections.get(f"{self.endpoint.paths[path]}?{query}", _MAX_BODY)
        except TooLargeError:
            raise ResponseError(f"{self._host} sent a page of more than {_MAX_BODY // 2**20} MB") from None
        except (OSError, HTTPException) as error:
            raise self._remember(
                explain_error(error, self._host, proxy=self._connections.proxy, timeout=self._timeout)
            ) from None
        if response.status == HTTPStatus.OK:
            return response, seconds
        if response.status == HTTPStatus.NOT_FOUND and path + 1 < len(self.endpoint.paths):
            self._path = path + 1
            return self._request(query)
        raise self._remember(explain_status(response, self._host, self.endpoint.paths))

    def _remember(self, error: OptkitError | TransientError) -> OptkitError | TransientError:
        """Return an error; after one that no retry can cure, no other request is sent."""
        if isinstance(error, OptkitError):
            self.failure = error
        return error
