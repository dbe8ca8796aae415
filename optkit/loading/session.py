"""An API session: one account at one endpoint; limits, retries, one request. It knows nothing of windows."""

import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Self
from urllib.parse import quote, urlsplit

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from optkit.config import Settings, is_loopback
from optkit.datasets.endpoint import Endpoint
from optkit.errors import AuthenticationError, RateLimitError, ResponseError, SettingsError, TransportError
from optkit.loading.clocks import ServerClock
from optkit.loading.failures import explain, explain_proxy_status, host_of
from optkit.loading.limits import ConcurrencyLimiter, RateLimiter
from optkit.loading.pages import Page, PageDecoder, PageRequest, UnreadableBodyError
from optkit.loading.retries import RetryPolicy, TransientError, parse_retry_after
from optkit.loading.transport import Connections, setup_seconds
from optkit.version import __version__

#: A page of 100 entries has some 20 to 150 kB; what is larger is not a page.
_MAX_BODY: Final = 32 * 2**20


class ApiSession:
    """Requests to one endpoint of one server with one token, from any number of threads.

    Parameters
    ----------
    settings : Settings
        base_url, token, timeout, workers and max_rps are read.
    endpoint : Endpoint
        What is requested.
    policy : RetryPolicy, optional
        How failed requests are repeated.
    """

    def __init__(self, settings: Settings, endpoint: Endpoint, policy: RetryPolicy | None = None) -> None:
        if settings.token is None:
            raise SettingsError("there is no token; set OPTKIT_TOKEN, or optkit.configure(token=…)")
        origin = urlsplit(settings.base_url)
        self.clock = ServerClock(on_this_machine=is_loopback(origin.hostname or ""))
        self.limiter = ConcurrencyLimiter(settings.workers)
        self.rate = RateLimiter(settings.max_rps)
        self._policy = policy or RetryPolicy()
        self._host = origin.netloc
        self._paths = endpoint.paths
        self._path = 0
        self._constants = endpoint.constants
        self._decoder = PageDecoder(endpoint)
        self._timeout = settings.timeout
        self._headers = {
            "access-token": settings.token,
            "accept": "application/json",
            "accept-encoding": "gzip",
            "user-agent": f"optkit/{__version__}",
        }
        self._connections = Connections(settings.base_url, settings.workers, endpoint.private)

    def __repr__(self) -> str:
        return f"ApiSession({self._host!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop waiting requests and close connections."""
        self.rate.stopped.set()
        self.limiter.stop()
        self._connections.close()

    def get(self, request: PageRequest, filters: Mapping[str, str] | None = None) -> Page:
        """Return one page, repeating transient failures.

        Raises
        ------
        AuthenticationError
            The token was refused.
        RateLimitError
            The server asks for a longer pause than the policy's patience.
        TransportError
            No usable answer after all attempts.
        ResponseError
            An answer of another shape than documented.
        LoadInterrupted
            `close` was called meanwhile.
        """
        query = _encode({**self._constants, **(filters or {})}, request)
        failures, waited = 0, 0.0
        while True:
            try:
                return self._attempt(query)
            except TransientError as trouble:
                pause = trouble.retry_after
                if not pause:  # no pause was asked for: one of our own
                    failures += 1
                    pause = self._policy.pause(failures, random.random())  # noqa: S311 - jitter is no secret
                if trouble.is_limited or trouble.retry_after is not None:
                    self.rate.pause(pause)
                waited += trouble.retry_after or 0.0
                if failures >= self._policy.attempts or waited > self._policy.patience:
                    raise trouble.error from None
            self.rate.sleep(pause)

    def _attempt(self, query: str) -> Page:
        """Request once, as soon as the limits allow."""
        with self.limiter.slot() as slot:
            self.rate.wait()
            setup_seconds()
            began = time.monotonic()
            try:
                page = self._request(query)
            except TransientError as trouble:
                slot.was_refused = trouble.was_refused
                raise
            slot.latency = time.monotonic() - began - setup_seconds()
        return page

    def _request(self, query: str) -> Page:
        path = self._path
        target = f"{self._paths[path]}?{query}"
        try:
            with self._connections.get(target, self._headers, self._timeout) as response:
                if response.status == HTTPStatus.NOT_FOUND and path + 1 < len(self._paths):
                    self._path = path + 1
                    return self._request(query)
                self._check_status(response)
                body = self._read(response)
                date = response.headers.get("date")
        except (HTTPError, OSError) as error:
            raise explain(error, self._host, proxy=self._connections.proxy, timeout=self._timeout) from None
        try:
            page = self._decoder.decode(body)
        except UnreadableBodyError as problem:
            raise TransientError(
                ResponseError(f"{self._host} answered {self._paths[path]}, repeatedly, with {problem}")
            ) from None
        page.clock = self.clock.read(page.time_token, date)
        return page

    def _read(self, response: BaseHTTPResponse) -> bytes:
        body = response.read(_MAX_BODY + 1, decode_content=True)
        if len(body) > _MAX_BODY:
            raise ResponseError(f"{self._host} sent a page of more than {_MAX_BODY // 2**20} MB")
        return body

    def _check_status(self, response: BaseHTTPResponse) -> None:
        status = response.status
        if status == HTTPStatus.OK:
            return
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise AuthenticationError(
                f"{self._host} refused the token (HTTP {status}); check OPTKIT_TOKEN, or get a new one from the "
                "vendor's settings"
            )
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise explain_proxy_status(self._connections.proxy, status)
        retry_after = parse_retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            asked = "" if retry_after is None else f" and asks for a pause of {retry_after:g} s"
            error = RateLimitError(
                f"{self._host} limits the rate{asked}; load again later, or set OPTKIT_MAX_RPS to a lower rate",
                retry_after=retry_after,
            )
            raise TransientError(error, was_refused=True, is_limited=True, retry_after=retry_after)
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
            target = host_of(response.headers.get("location") or "")
            raise ResponseError(
                f"{self._host} redirects{f' to {target}' if target else ''} (HTTP {status}), which optkit does not "
                "follow, because the token would go along; set OPTKIT_BASE_URL to the right origin"
            )
        if status == HTTPStatus.NOT_FOUND:
            raise ResponseError(
                f"{self._host} does not know {' or '.join(self._paths)} (HTTP 404); check OPTKIT_BASE_URL"
            )
        raise ResponseError(f"{self._host} did not accept the request (HTTP {status})")


def _encode(parameters: Mapping[str, str], request: PageRequest) -> str:
    """Return the query: always both bounds, because a start alone yields three entries."""
    # urlencode would look through every number, too: a twentieth of a request's processor time
    named = "".join(f"{name}={quote(value, safe='')}&" for name, value in parameters.items())
    start, end, page, per_page = request
    return f"{named}start_time={start}&end_time={end}&page={page}&per_page={per_page}"
