"""How a response is sent: whole, or damaged."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from optkit.emulator.faults import Faults

Scope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
Send = Callable[[AsgiMessage], Awaitable[None]]
Receive = Callable[[], Awaitable[AsgiMessage]]

JSON = (b"content-type", b"application/json; charset=utf-8")
#: How the entries begin, the last field of a page.
_ENTRIES = b'"entries":['
_HTML = b"<!doctype html><html><title>Please wait</title><body>We will be back in a moment.</body></html>"


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which also gives the application the connection: ASGI has no way to reset it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Switch off the delay of small packets."""
        super().connection_made(transport)
        # asyncio does so only for sockets that name TCP as their protocol; without it a response's body waits
        # 40 ms for the client to acknowledge its head
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def on_message_begin(self) -> None:
        """Add the connection to the scope of a new request."""
        super().on_message_begin()
        self.scope["extensions"] = {"optkit.connection": self.transport}  # type: ignore[dict-item]


@dataclass(slots=True)
class HttpResponse:
    """Status, body and headers, before they are sent; and the fault that hit the request, if one did."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [JSON])
    fault: str = ""


async def send_whole(response: HttpResponse, send: Send) -> None:
    """Send a response without any fault."""
    await _begin(response, send)
    await send({"type": "http.response.body", "body": response.body})


async def _begin(response: HttpResponse, send: Send) -> None:
    headers = [*response.headers, (b"content-length", b"%d" % len(response.body))]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


async def send_damaged(
    response: HttpResponse, faults: Faults, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send a response with its fault."""
    match response.fault:
        case "html":
            await send_whole(HttpResponse(200, _HTML, [(b"content-type", b"text/html")]), send)
        case "cut_json":
            response.body = response.body[: len(response.body) // 2]
            await send_whole(response, send)
        case "bad_gzip":
            response.headers.append((b"content-encoding", b"gzip"))
            await send_whole(response, send)
        case "empties":
            head, start, _ = response.body.partition(_ENTRIES)
            response.body = head + start + b"]}" if start else response.body
            await send_whole(response, send)
        case "drips":
            await _begin(response, send)
            await _drip(response.body, faults.drip_pause, receive, send)
        case "resets" | "hangs":
            await _give_up(response.fault, faults, scope, receive)
        case _:
            await _begin(response, send)
            half = response.body[: len(response.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await _give_up(response.fault, faults, scope, receive)


async def _drip(body: bytes, pause: float, receive: Receive, send: Send) -> None:
    for i in range(len(body)):
        more = i + 1 < len(body)
        await send({"type": "http.response.body", "body": body[i : i + 1], "more_body": more})
        if more and await _disconnects(receive, pause):
            return


async def _give_up(fault: str, faults: Faults, scope: Scope, receive: Receive) -> None:
    """End the connection as `fault` says; return once it is closed, so that nothing more is sent."""
    connection: asyncio.Transport = scope["extensions"]["optkit.connection"]
    if fault.startswith("hangs") and await _disconnects(receive, faults.hang_seconds):
        return
    if fault == "truncated":
        connection.close()
    else:
        await asyncio.sleep(0.01)  # a reset discards what the client has not read yet: give it time to read
        if connection.is_closing():
            return
        linger = struct.pack("ii", 1, 0)  # linger for zero seconds: closing sends a reset
        connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.abort()
    await _disconnects(receive, None)


async def _disconnects(receive: Receive, seconds: float | None) -> bool:
    """Wait until the client disconnects, at most so many seconds; return whether it did."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return False
    return True
