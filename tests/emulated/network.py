"""What may be between a client and a server: TLS, a proxy, a host with other responses; on real sockets."""

import asyncio
import select
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve connections on loopback, in a thread of its own; yields the port."""
    loop = asyncio.new_event_loop()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, asyncio.CancelledError):  # the other side may leave at any moment
            await handler(reader, writer)
        writer.close()

    async def start() -> asyncio.Server:
        # what asyncio says of failed handshakes is what the tests are about
        loop.set_exception_handler(lambda *_: None)
        return await asyncio.start_server(quietly, "127.0.0.1", 0, ssl=tls)

    async def stop() -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Copy bytes both ways between a connection and a port of this machine."""
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer), return_exceptions=True)


@contextmanager
def speaking_tls(port: int, context: ssl.SSLContext | None) -> Iterator[tuple[int, list[str]]]:
    """Forward connections to another port of this machine, without the TLS that they come with.

    Yields the port and a list that gets an item for each connection. Not by asyncio, which tells a client nothing when
    a handshake fails.
    """
    seen: list[str] = []

    def accept() -> None:
        with suppress(OSError):  # the listener is closed in the end
            while True:
                connection, _ = listener.accept()
                seen.append("connection")
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        if context:
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with connection, suppress(OSError):
            if isinstance(connection, ssl.SSLSocket) and not shakes_hands(connection):
                return
            with socket.create_connection(("127.0.0.1", port)) as inner:
                _exchange(connection, inner)

    def shakes_hands(connection: ssl.SSLSocket) -> bool:
        try:
            connection.do_handshake()
        except ssl.SSLError:
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):  # else the client might lose what TLS tells it
                pass
            return False
        return True

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def _exchange(one: socket.socket, other: socket.socket) -> None:
    """Copy bytes both ways until one side ends."""
    while True:
        pending = [one] if isinstance(one, ssl.SSLSocket) and one.pending() else []
        for source in pending or select.select([one, other], [], [])[0]:
            data = source.recv(65_536)
            if not data:
                return
            (other if source is one else one).sendall(data)


@dataclass
class Proxy:
    """A proxy for TLS: it knows hosts by name, and may refuse.

    Attributes
    ----------
    hosts : dict of str to int
        Of a host that it can reach the port on this machine.
    status : str
        What it answers, such as "407 Proxy Authentication Required".
    asked : list of str
        The first lines of the requests it was sent, and their headers.
    """

    hosts: dict[str, int]
    status: str = "200 Connection established"
    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.asked.append(head)
        host = head.split()[1].rpartition(":")[0]
        status = self.status if head.startswith("CONNECT") and host in self.hosts else "502 Bad Gateway"
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        await writer.drain()
        if status.startswith("200"):
            await _join(reader, writer, self.hosts[host])


@contextmanager
def proxying(hosts: dict[str, int], status: str = "200 Connection established") -> Iterator[Proxy]:
    """Run a proxy."""
    proxy = Proxy(hosts, status)
    with serving(proxy.handle) as proxy.port:
        yield proxy


@contextmanager
def answering(
    body: bytes, *, status: str = "200 OK", headers: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Answer every request with the same; yields the port."""
    head = f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    with sending(head.encode() + body, tls) as port:
        yield port


@contextmanager
def sending(answer: bytes, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Send these bytes for every request, whether they are HTTP or not; yields the port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    with serving(handle, tls) as port:
        yield port
