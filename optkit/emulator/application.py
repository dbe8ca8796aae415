"""The emulated API as an ASGI application: a request in, a response out, with the faults that were asked for."""

import asyncio
import gzip
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from urllib.parse import parse_qsl

from optkit.emulator.capacity import Capacity, Turn
from optkit.emulator.faults import DELIVERY_FAULTS, Faults, FaultSampler
from optkit.emulator.parameters import ParameterError
from optkit.emulator.responses import HttpResponse, Receive, Scope, Send, send_damaged, send_whole

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_KEPT: Final = 500_000  # request records kept at least: a server that runs for days must not fill the memory
_STATUS_SEEN: Final = {"resets": 0, "hangs": 0, "html": 200}  # by the client, where the fault changes it


class Resource(Protocol):
    """An endpoint of the API.

    Attributes
    ----------
    paths : tuple of str
        Where it is served.
    """

    paths: tuple[str, ...]

    def page(self, params: dict[str, str]) -> bytes:
        """Return the requested page as JSON; raise `ParameterError` where a parameter is not valid."""


class RequestRecord(NamedTuple):
    """One request, as the emulator saw it.

    Attributes
    ----------
    path : str
        Path of the request.
    params : dict[str, str]
        Query parameters, decoded.
    status : int
        Status of the response; 0 where the connection ended before one.
    fault : str
        Name of the fault that hit the request; empty where none did.
    at : float
        When the response began: seconds of a monotonic clock.
    queue_length : int
        Requests that were waiting for their turn when this one arrived (see `Faults`, capacity).
    waited : float
        Seconds that it waited for its turn.
    """

    path: str
    params: dict[str, str]
    status: int
    fault: str
    at: float
    queue_length: int = 0
    waited: float = 0.0


class Application:
    """The API of one account.

    Parameters
    ----------
    resources : iterable of Resource
        The endpoints that it serves.
    now : callable
        Returns the server's time.
    token : str
        The one token that it accepts.
    faults : Faults
        Which faults it injects.
    compress : bool
        Whether to compress responses for clients that accept gzip.
    """

    def __init__(
        self,
        resources: Iterable[Resource],
        now: Callable[[], datetime],
        *,
        token: str,
        faults: Faults,
        compress: bool,
    ) -> None:
        self.requests: list[RequestRecord] = []
        self._resources = {path: resource for resource in resources for path in resource.paths}
        self._now = now
        self._token = token.encode()
        self._faults = faults
        self._compress = compress
        self._sampler = FaultSampler(faults.seed)
        self._delivery = [(name, rate) for name in DELIVERY_FAULTS if (rate := getattr(faults, name))]
        self._capacity = Capacity(faults.capacity)
        self._accepted = 0
        self._second = (0, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        query = scope["query_string"].decode("latin-1")
        params = _params(query)
        if self._faults.when_full == "refuse" and self._capacity.is_used_up:
            response = self._too_many("too many requests at once", fault="capacity")
            self._record(scope, params, response, Turn())
            await send_whole(response, send)
            return
        async with self._capacity.turn() as turn:
            response = await self._response(scope, query, params)
            if not response.fault:
                response.fault = self._delivery_fault()
            self._record(scope, params, response, turn)
            if response.fault in DELIVERY_FAULTS:
                await send_damaged(response, self._faults, scope, receive, send)
                return
            if self._compress and b"gzip" in _header(scope, b"accept-encoding"):
                response.body = gzip.compress(response.body, 1)
                response.headers.append((b"content-encoding", b"gzip"))
            await send_whole(response, send)

    def starlette(self) -> "Starlette":
        """Return the whole server: the resources at their paths, and JSON errors for everything else."""
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        async def refuse(request: "Request", error: Exception) -> "Response":
            assert isinstance(error, HTTPException)
            params = dict(request.query_params)
            self._record(request.scope, params, HttpResponse(error.status_code, b""), Turn())
            return JSONResponse({"error": error.detail}, error.status_code, error.headers)

        routes = [Route(path, self, methods=["GET"]) for path in self._resources]
        app = Starlette(routes=routes, exception_handlers={HTTPException: refuse})
        app.router.redirect_slashes = False
        return app

    def _record(self, scope: Scope, params: dict[str, str], response: HttpResponse, turn: Turn) -> None:
        status = _STATUS_SEEN.get(response.fault, response.status)
        record = RequestRecord(scope["path"], params, status, response.fault, monotonic(), *turn)
        self.requests.append(record)
        if len(self.requests) > 2 * _KEPT:
            del self.requests[:_KEPT]

    async def _response(self, scope: Scope, query: str, params: dict[str, str]) -> HttpResponse:
        """Return the response, after the latency that was asked for."""
        began = monotonic()
        response = self._refusal(scope, query) or self._page(scope["path"], params)
        response.headers.append((b"date", format_datetime(self._now().astimezone(UTC), usegmt=True).encode()))
        latency = self._faults.latency
        if self._faults.latency_per_page and response.status == HTTPStatus.OK:
            latency += self._faults.latency_per_page * (int(params.get("page", 1)) - 1)
        if latency:
            await asyncio.sleep(latency - (monotonic() - began))  # the time to make the page is part of it
        return response

    def _refusal(self, scope: Scope, query: str) -> HttpResponse | None:
        """Return the response to a request that is refused before its parameters are read."""
        faults = self._faults
        if faults.redirect_to is not None:
            target = f"{faults.redirect_to}{scope['path']}" + (f"?{query}" if query else "")
            return HttpResponse(302, b"", [(b"location", target.encode("latin-1"))], fault="redirect_to")
        if faults.rate_limit is not None and self._is_too_fast(faults.rate_limit):
            return self._too_many("too many requests; wait as long as Retry-After says", fault="rate_limit")
        known = _header(scope, b"access-token") == self._token
        self._accepted += known
        revoked = faults.revoked_after is not None and self._accepted > faults.revoked_after
        if revoked or not known:
            message = "the access-token header is missing, or its token is not valid"
            return _error(401, message, fault="revoked_after" if revoked else "")
        if self._sampler.hit("forbidden", faults.forbidden):
            return _error(403, "this token may not read this account", fault="forbidden")
        if self._sampler.hit("errors", faults.errors):
            return _error(faults.error_status, "the server could not answer", fault="errors")
        return None

    def _is_too_fast(self, limit: float) -> bool:
        second, count = self._second
        this = int(monotonic())
        self._second = (this, count + 1 if this == second else 1)
        return self._second[1] > limit

    def _too_many(self, message: str, *, fault: str) -> HttpResponse:
        response = _error(429, message, fault=fault)
        response.headers += _retry_after(self._faults)
        return response

    def _page(self, path: str, params: dict[str, str]) -> HttpResponse:
        try:
            return HttpResponse(200, self._resources[path].page(params))
        except ParameterError as error:
            return _error(400, str(error), parameter=error.name)

    def _delivery_fault(self) -> str:
        hit = (name for name, rate in self._delivery if self._sampler.hit(name, rate))
        return next(hit, "")


def _params(query: str) -> dict[str, str]:
    """Return the query parameters, decoded; several values of one ``name[]`` are joined by commas."""
    params: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True) if query else ():
        params[name] = f"{params[name]},{value}" if name.endswith("[]") and name in params else value
    return params


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _error(status: int, message: str, *, fault: str = "", **more: str) -> HttpResponse:
    return HttpResponse(status, json.dumps({"error": message, **more}).encode(), fault=fault)


def _retry_after(faults: Faults) -> list[tuple[bytes, bytes]]:
    if faults.retry_after_form == "missing":
        return []
    if faults.retry_after_form == "date":
        # the client's clock is the real one; rounded up, because the form has whole seconds
        at = datetime.now(UTC) + timedelta(seconds=faults.retry_after + 1)
        value = format_datetime(at, usegmt=True)
    else:
        value = str(faults.retry_after) if faults.retry_after_form == "seconds" else "in a while"
    return [(b"retry-after", value.encode())]
