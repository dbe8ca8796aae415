"""One request: session, token, pace, retries. It knows nothing of windows."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Self
from urllib.parse import quote, urlsplit

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError, HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TooLateError

from optkit.config import Settings
from optkit.errors import (
    AuthenticationError,
    OptkitError,
    RateLimitError,
    ResponseError,
    SettingsError,
    TransportError,
)
from optkit.loading.connections import Connections
from optkit.loading.entries import Page, UnreadableBodyError, decode
from optkit.loading.pace import Gate, RetryPolicy, parse_retry_after
from optkit.version import __version__

#: The document's heading has the first, its snippets the second.
_PATHS: Final = ("/api/v2/sms/opt-status.json", "/api/v2/sms/opt-status")

#: A page of 100 entries has some 20 kB; what is larger is no page.
_MAX_BODY: Final = 32 * 2**20


class _MayPassError(Exception):
    """A request failed and another may not: `error` is for the user if none does."""

    def __init__(
        self, error: OptkitError, *, limited: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__()
        self.error = error
        self.limited = limited
        self.retry_after = retry_after


class Client:
    """Requests to one server with one token, from any number of threads.

    Parameters
    ----------
    settings : Settings
        base_url, token, timeout, workers and max_rps are read.
    policy : RetryPolicy, optional
        How failed requests are repeated.
    """

    def __init__(self, settings: Settings, policy: RetryPolicy | None = None) -> None:
        if settings.token is None:
            raise SettingsError("there is no token; set OPTKIT_TOKEN, or optkit.configure(token=…)")
        self.gate = Gate(settings.max_rps)
        self._policy = policy or RetryPolicy()
        self._origin = settings.base_url
        self._host = urlsplit(settings.base_url).netloc
        self._path = _PATHS[0]
        self._timeout = settings.timeout
        self._headers = {
            "access-token": settings.token,
            "accept": "application/json",
            "accept-encoding": "gzip",
            "user-agent": f"optkit/{__version__}",
        }
        self._connections = Connections(settings.base_url, settings.workers)

    def __repr__(self) -> str:
        return f"Client({self._origin!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop waiting requests and give connections back."""
        self.gate.stopped.set()
        self._connections.close()

    def get(self, query: Mapping[str, str | int]) -> Page:
        """Return one page, repeating what may pass.

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
        failures, waited = 0, 0.0
        while True:
            self.gate.wait()
            try:
                return self._once(query)
            except _MayPassError as trouble:
                pause = trouble.retry_after
                if not pause:  # none was asked for, or none at all: at a pace of our own
                    failures += 1
                    pause = self._policy.pause(failures, random.random())  # noqa: S311 - jitter is no secret
                if trouble.limited or trouble.retry_after is not None:
                    self.gate.close(pause)
                waited += trouble.retry_after or 0.0
                if failures >= self._policy.attempts or waited > self._policy.patience:
                    raise trouble.error from None
            self.gate.sleep(pause)

    def _once(self, query: Mapping[str, str | int]) -> Page:
        path = self._path
        try:
            with self._connections.get(f"{path}?{_encoded(query)}", self._headers, self._timeout) as response:
                if response.status == HTTPStatus.NOT_FOUND and path == _PATHS[0]:
                    self._path = _PATHS[1]
                    return self._once(query)
                self._check_status(response)
                body = self._read(response)
                date = response.headers.get("date")
        except SSLError:
            raise TransportError(
                f"no trusted TLS connection to {self._host}: its certificate was refused"
            ) from None
        except (HTTPError, OSError) as error:
            if isinstance(error, TooLateError) and not isinstance(error, NewConnectionError):
                raise self._no_answer(f"no answer within {self._timeout:g} s") from None
            raise self._no_answer(_reason(error)) from None
        try:
            page = decode(body)
        except UnreadableBodyError:
            raise _MayPassError(
                ResponseError(
                    f"{self._host} answered {self._path}, repeatedly, with something that is no JSON"
                )
            ) from None
        page.date_header = date
        return page

    def _read(self, response: BaseHTTPResponse) -> bytes:
        body = response.read(_MAX_BODY + 1, decode_content=True)
        if len(body) > _MAX_BODY:
            raise ResponseError(f"{self._host} sent a page of more than {_MAX_BODY // 2**20} MB")
        return body

    def _no_answer(self, why: str) -> _MayPassError:
        return _MayPassError(TransportError(f"{self._host} gave no usable answer, repeatedly: {why}"))

    def _check_status(self, response: BaseHTTPResponse) -> None:
        status = response.status
        if status == HTTPStatus.OK:
            return
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise AuthenticationError(
                f"{self._host} refused the token (HTTP {status}); check OPTKIT_TOKEN, or get a new one from the "
                "vendor's settings"
            )
        retry_after = parse_retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            asked = "" if retry_after is None else f" and asks for a pause of {retry_after:g} s"
            error = RateLimitError(
                f"{self._host} limits the rate{asked}; load again later, or set OPTKIT_MAX_RPS to a lower rate",
                retry_after=retry_after,
            )
            raise _MayPassError(error, limited=True, retry_after=retry_after)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            raise _MayPassError(
                TransportError(
                    f"{self._host} failed, repeatedly (HTTP {status}); try again later", status_code=status
                ),
                retry_after=retry_after if status == HTTPStatus.SERVICE_UNAVAILABLE else None,
            )
        if 300 <= status < 400:  # noqa: PLR2004 - the range of redirects
            raise ResponseError(
                f"{self._host} redirects (HTTP {status}), which optkit does not follow, because the token would go "
                "along; set OPTKIT_BASE_URL to the right origin"
            )
        if status == HTTPStatus.NOT_FOUND:
            raise ResponseError(
                f"{self._host} knows neither {' nor '.join(_PATHS)} (HTTP 404); check OPTKIT_BASE_URL"
            )
        raise ResponseError(f"{self._host} did not accept the request (HTTP {status})")


def _encoded(query: Mapping[str, str | int]) -> str:
    # urlencode would look through every number, too: a twentieth of a request's processor time
    return "&".join(
        f"{name}={quote(value, safe='') if isinstance(value, str) else value}"
        for name, value in query.items()
    )


def _reason(error: Exception) -> str:
    """Say why there was no answer, without the error's own text: that holds the query, phone numbers included."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionRefusedError):
            return "connection refused"
        if isinstance(seen, NameResolutionError):
            return "its name is unknown (is there a network?)"
        if isinstance(seen, DecodeError):
            return "the body cannot be unpacked"
        reason = getattr(seen, "reason", None)
        following = (
            reason
            if isinstance(reason, BaseException)
            else next((item for item in seen.args if isinstance(item, BaseException)), None)
        )
        seen = following or seen.__cause__ or seen.__context__
    return "the connection broke"
