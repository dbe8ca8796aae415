"""How an answer goes out: in good order, or spoiled."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from optkit.emulator.modes import Faults

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

JSON = (b"content-type", b"application/json; charset=utf-8")
_HTML = b"<!doctype html><html><title>Please wait</title><body>We will be back in a moment.</body></html>"


class Protocol(HttpToolsProtocol):
    """uvicorn's, which lets the application reach the connection: ASGI has no word for a reset."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Send what is there at once."""
        super().connection_made(transport)
        # asyncio does so only for sockets that name TCP as their protocol; without it an answer's body waits
        # 40 ms for the client to acknowledge its head
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def on_message_begin(self) -> None:
        """Add the connection to the scope of a new request."""
        super().on_message_begin()
        self.scope["extensions"] = {"optkit.connection": self.transport}  # type: ignore[dict-item]


@dataclass(slots=True)
class Answer:
    """Status, body and headers, not sent yet; and the fault that hit the request, if one did."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [JSON])
    fault: str = ""


async def send_answer(answer: Answer, send: Send) -> None:
    """Send an answer in good order."""
    await _begin(answer, send)
    await send({"type": "http.response.body", "body": answer.body})


async def _begin(answer: Answer, send: Send) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def spoil(answer: Answer, faults: Faults, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the answer's fault happen to it."""
    match answer.fault:
        case "html":
            await send_answer(Answer(200, _HTML, [(b"content-type", b"text/html")]), send)
        case "cut_json":
            answer.body = answer.body[: len(answer.body) // 2]
            await send_answer(answer, send)
        case "bad_gzip":
            answer.headers.append((b"content-encoding", b"gzip"))
            await send_answer(answer, send)
        case "drips":
            await _begin(answer, send)
            await _drip(answer.body, faults.drip_pause, receive, send)
        case "resets" | "hangs":
            await _give_up(answer.fault, faults, scope, receive)
        case _:
            await _begin(answer, send)
            half = answer.body[: len(answer.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await _give_up(answer.fault, faults, scope, receive)


async def _drip(body: bytes, pause: float, receive: Receive, send: Send) -> None:
    for place in range(len(body)):
        more = place + 1 < len(body)
        await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": more})
        if more and await _is_gone(receive, pause):
            return


async def _give_up(fault: str, faults: Faults, scope: Scope, receive: Receive) -> None:
    """End the connection in the way of `fault`; return once it is gone, so that nothing more is sent."""
    connection: asyncio.Transport = scope["extensions"]["optkit.connection"]
    if fault.startswith("hangs") and await _is_gone(receive, faults.hang_seconds):
        return
    if fault == "truncated":
        connection.close()
    else:
        await asyncio.sleep(0.01)  # a reset overtakes what the client has not read yet: let it read
        if connection.is_closing():
            return
        linger = struct.pack("ii", 1, 0)  # on, for no time: closing sends a reset
        connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.abort()
    await _is_gone(receive, None)


async def _is_gone(receive: Receive, seconds: float | None) -> bool:
    """Wait until the client is gone, at most so many seconds; return whether it is."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return False
    return True
