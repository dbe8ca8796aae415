"""The documented endpoint: a request in, an answer out, as an ASGI application."""

import asyncio
import gzip
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl

import numpy as np

from optkit.emulator.events import Snapshot, as_index
from optkit.emulator.modes import DELIVERY, Dice, Faults, Readings
from optkit.emulator.query import BadParameterError, Query, select
from optkit.emulator.wire import Answer, Receive, Scope, Send, send_answer, spoil

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_PATHS: Final = {
    "with .json": ("/api/v2/sms/opt-status.json",),
    "without .json": ("/api/v2/sms/opt-status",),
    "both": ("/api/v2/sms/opt-status.json", "/api/v2/sms/opt-status"),
}
_KEPT: Final = 500_000  # requests remembered at least: a server that runs for days must not fill the memory
_STATUS_SEEN: Final = {"resets": 0, "hangs": 0, "html": 200}  # by the client, where the fault changes it
_EXTRA: Final = '"server":{"version":null},'


class Record(NamedTuple):
    """One request, as the emulator saw it.

    Attributes
    ----------
    path : str
        Path of the request.
    params : dict[str, str]
        Query parameters, decoded.
    status : int
        Status of the answer; 0 where the connection was given up before one.
    fault : str
        Name of the fault that hit it; empty for an answer in good order.
    at : float
        When the answer began: seconds of a clock that only goes forward.
    """

    path: str
    params: dict[str, str]
    status: int
    fault: str
    at: float


class Endpoint:
    """The endpoint of one account.

    Parameters
    ----------
    visible : callable
        Returns the snapshot to answer from; called once for each page.
    now : callable
        Returns the server's time.
    token : str
        The one token that is accepted.
    readings, faults : Readings, Faults
        How the document is read, and what goes wrong.
    """

    def __init__(
        self,
        visible: Callable[[], Snapshot],
        now: Callable[[], datetime],
        *,
        token: str,
        readings: Readings,
        faults: Faults,
    ) -> None:
        self.requests: list[Record] = []
        self._visible = visible
        self._now = now
        self._token = token.encode()
        self._readings = readings
        self._faults = faults
        self._dice = Dice(faults.seed)
        self._delivery = [(name, often) for name in DELIVERY if (often := getattr(faults, name))]
        self._accepted = 0
        self._second = (0, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        query = scope["query_string"].decode("latin-1")
        params = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        asked = monotonic()
        answer = self._refused(scope, query) or self._answered(params)
        latency = self._faults.latency
        if self._faults.latency_per_page and answer.status == HTTPStatus.OK:
            latency += self._faults.latency_per_page * (int(params.get("page", 1)) - 1)
        if latency:
            await asyncio.sleep(latency - (monotonic() - asked))  # what the answer took to make counts
        for fault, often in () if answer.fault else self._delivery:
            if self._dice.hit(fault, often):
                answer.fault = fault
                status = _STATUS_SEEN.get(fault, answer.status)
                self._record(Record(scope["path"], params, status, fault, monotonic()))
                await spoil(answer, self._faults, scope, receive, send)
                return
        self._record(Record(scope["path"], params, answer.status, answer.fault, monotonic()))
        if self._readings.gzip and b"gzip" in _header(scope, b"accept-encoding"):
            answer.body = gzip.compress(answer.body, 1)
            answer.headers.append((b"content-encoding", b"gzip"))
        await send_answer(answer, send)

    def application(self) -> "Starlette":
        """Return the server: the endpoint at its paths, and JSON for whatever else is asked."""
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        async def refuse(request: "Request", error: Exception) -> "Response":
            assert isinstance(error, HTTPException)
            params = dict(request.query_params)
            self._record(Record(request.url.path, params, error.status_code, "", monotonic()))
            return JSONResponse({"error": error.detail}, error.status_code, error.headers)

        routes = [Route(path, self, methods=["GET"]) for path in _PATHS[self._readings.paths]]
        app = Starlette(routes=routes, exception_handlers={HTTPException: refuse})
        app.router.redirect_slashes = False
        return app

    def _record(self, record: Record) -> None:
        self.requests.append(record)
        if len(self.requests) > 2 * _KEPT:
            del self.requests[:_KEPT]

    def _refused(self, scope: Scope, query: str) -> Answer | None:
        """Return the answer to a request that does not get as far as its parameters."""
        faults = self._faults
        if faults.redirect_to is not None:
            place = f"{faults.redirect_to}{scope['path']}" + (f"?{query}" if query else "")
            return Answer(302, b"", [(b"location", place.encode("latin-1"))], fault="redirect_to")
        if faults.rate_limit is not None and self._is_too_fast(faults.rate_limit):
            answer = _refusal(429, "too many requests; wait as long as Retry-After says", fault="rate_limit")
            answer.headers += _retry_after(faults)
            return answer
        known = _header(scope, b"access-token") == self._token
        self._accepted += known
        revoked = faults.revoked_after is not None and self._accepted > faults.revoked_after
        if revoked or not known:
            message = "the access-token header is missing, or its token is not valid"
            return _refusal(401, message, fault="revoked_after" if revoked else "")
        if self._dice.hit("forbidden", faults.forbidden):
            return _refusal(403, "this token may not read opt statuses", fault="forbidden")
        if self._dice.hit("errors", faults.errors):
            return _refusal(faults.error_status, "the server could not answer", fault="errors")
        return None

    def _is_too_fast(self, limit: float) -> bool:
        second, count = self._second
        this = int(monotonic())
        self._second = (this, count + 1 if this == second else 1)
        return self._second[1] > limit

    def _answered(self, params: dict[str, str]) -> Answer:
        try:
            query = Query.of(params)
        except BadParameterError as bad:
            return _refusal(400, str(bad), parameter=bad.name)
        now = self._now().timestamp()
        snapshot = self._visible()
        places = select(snapshot, query, math.floor(now * 1000), self._readings.bounds)
        if self._readings.order == "newest first":
            places = places[::-1]
        elif self._readings.order == "shuffled":
            places = as_index(places)
            places = places[np.argsort(snapshot.events.take(places).scramble(seed=1), kind="stable")]
        per_page = self._readings.per_page or query.per_page
        page = min(query.page, self._readings.stuck_page or query.page)
        shown = places[(page - 1) * per_page : page * per_page]
        head = (
            f'{{"current_page":{query.page},"per_page":{per_page},{self._totals(len(places), per_page)}'
            f'"time_token":{now:.6f},{_EXTRA if self._readings.extra_fields else ""}"entries":['
        )
        return Answer(200, b"".join((head.encode(), snapshot.entries(shown), b"]}")))

    def _totals(self, entries: int, per_page: int) -> str:
        reading = self._readings.totals
        if reading == "missing":
            return ""
        if reading == "too low":
            entries //= 2
        elif reading == "too high":
            entries = entries * 2 + 1
        pages = -(-entries // per_page)
        if reading == "as in the sample":
            pages = (pages + 1) // 2  # 9 entries, 1 a page: 5 pages
        return f'"total_entries":{entries},"total_pages":{pages},'


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _refusal(status: int, message: str, *, fault: str = "", **more: str) -> Answer:
    return Answer(status, json.dumps({"error": message, **more}).encode(), fault=fault)


def _retry_after(faults: Faults) -> list[tuple[bytes, bytes]]:
    if faults.retry_after_form == "missing":
        return []
    if faults.retry_after_form == "date":
        # of the real clock, which is the client's too; rounded up, because the form has whole seconds
        at = datetime.now(UTC) + timedelta(seconds=faults.retry_after + 1)
        value = format_datetime(at, usegmt=True)
    else:
        value = str(faults.retry_after) if faults.retry_after_form == "seconds" else "in a while"
    return [(b"retry-after", value.encode())]
