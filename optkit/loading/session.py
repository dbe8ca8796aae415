"""An API session: one account at one endpoint; limits, retries, one request. It knows nothing of windows."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Final, Self
from urllib.parse import quote, urlsplit

from optkit.config import Settings
from optkit.datasets.endpoint import Endpoint, TimeUnit
from optkit.errors import (
    AuthenticationError,
    OptkitError,
    RateLimitError,
    ResponseError,
    SettingsError,
    TransportError,
)
from optkit.loading import retries
from optkit.loading.clocks import ServerClock
from optkit.loading.failures import explain
from optkit.loading.http_responses import Response, TooLargeError, UnpackError
from optkit.loading.limits import ConcurrencyLimiter, RateLimiter
from optkit.loading.pages import Page, PageDecoder, PageRequest, UnreadableBodyError
from optkit.loading.retries import TransientError, jittered_pause, parse_retry_after
from optkit.loading.transport import Connections
from optkit.setting_values import is_loopback
from optkit.version import __version__

#: A page of 100 entries has some 20 to 150 kB; what is larger is not a page.
_MAX_BODY: Final = 32 * 2**20


class ApiSession:
    """Requests to one endpoint of one server with one token, from any number of threads.

    Attributes
    ----------
    endpoint : Endpoint
        The endpoint that is asked.
    time_unit : TimeUnit or None
        How the API reads the bounds of a request; None while that is not known: then the first unit of the endpoint
        is sent.
    failure : OptkitError or None
        Why no request can succeed; set by the first one that found out, and raised by all that follow.
    """

    def __init__(self, settings: Settings, endpoint: Endpoint) -> None:
        if settings.token is None:
            raise SettingsError("there is no token; set OPTKIT_TOKEN, or optkit.configure(token=…)")
        origin = urlsplit(settings.base_url)
        self.clock = ServerClock(on_this_machine=is_loopback(origin.hostname or ""))
        self.concurrency_limiter = ConcurrencyLimiter(settings.workers)
        self.rate_limiter = RateLimiter(settings.max_rps)
        self.failure: OptkitError | None = None
        self.endpoint = endpoint
        self.time_unit = endpoint.time_units[0] if len(endpoint.time_units) == 1 else None
        self._host = origin.netloc
        self._path = 0
        self._constants = _encode(endpoint.constants)
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
        query = (
            self._constants
            + _encode(filters or {})
            + _encode_page(request, self.time_unit or self.endpoint.time_units[0])
        )
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
        except (OSError, HTTPException, UnpackError) as error:
            problem = explain(error, self._host, proxy=self._connections.proxy, timeout=self._timeout)
            raise (problem if isinstance(problem, TransientError) else self._give_up(problem)) from None
        if response.status == HTTPStatus.NOT_FOUND and path + 1 < len(self.endpoint.paths):
            self._path = path + 1
            return self._request(query)
        self._check_status(response)
        return response, seconds

    def _give_up(self, error: OptkitError) -> OptkitError:
        """Record that no request to this server can succeed; return the error."""
        self.failure = error
        return error

    def _check_status(self, response: Response) -> None:
        status = response.status
        if status == HTTPStatus.OK:
            return
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise self._give_up(
                AuthenticationError(
                    f"{self._host} refused the token (HTTP {status}); check OPTKIT_TOKEN, or get a new one from the "
                    "vendor's settings"
                )
            )
        retry_after = parse_retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            asked = "" if retry_after is None else f" and asks for a pause of {retry_after:g} s"
            error = RateLimitError(
                f"{self._host} limits the rate{asked}; load again later, or set OPTKIT_MAX_RPS to a lower rate",
                retry_after=retry_after,
            )
            raise TransientError(error, was_refused=True, retry_after=retry_after)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            is_busy = status == HTTPStatus.SERVICE_UNAVAILABLE
            raise TransientError(
                TransportError(
                    f"{self._host} failed, repeatedly (HTTP {status}); try again later", status_code=status
                ),
                was_refused=is_busy,
                retry_after=retry_after if is_busy else None,
            )
        if 300 <= status < 400:  # noqa: PLR2004 - the range of redirects
            target = _host_of(response.headers.get("location") or "")
            problem = (
                f"redirects{f' to {target}' if target else ''} (HTTP {status}), which optkit does not follow, because "
                "the token would go along; set OPTKIT_BASE_URL to the right origin"
            )
        elif status == HTTPStatus.NOT_FOUND:
            problem = f"does not know {' or '.join(self.endpoint.paths)} (HTTP 404); check OPTKIT_BASE_URL"
        else:
            problem = f"did not accept the request (HTTP {status})"
        raise self._give_up(ResponseError(f"{self._host} {problem}"))


def _encode(parameters: Mapping[str, str]) -> str:
    return "".join(f"{name}={quote(value, safe='')}&" for name, value in parameters.items())


def _encode_page(request: PageRequest, unit: TimeUnit) -> str:
    """Return the parameters of a page: always both bounds, because a start alone yields three entries."""
    start, end = (
        request.start // unit.start_ms,
        -(-request.end // unit.end_ms),
    )  # no less than what is asked for
    return f"start_time={start}&end_time={end}&page={request.page}&per_page={request.per_page}"


def _host_of(url: str) -> str:
    """Return the host and port that a URL names, without a login; empty if it names none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""
