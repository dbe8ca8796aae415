import contextlib
import gc
import socket

from accounts import CLOCK, make_history

from optkit.emulator import Emulator

HISTORY = make_history(10)


def test_stopping_closes_connections_that_are_just_being_opened() -> None:
    # an unclosed connection is a ResourceWarning when it is collected, and so an error
    for _ in range(30):
        with contextlib.ExitStack() as clients, Emulator(HISTORY, clock=CLOCK) as server:
            address = ("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
            for _ in range(8):
                client = clients.enter_context(socket.socket())
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    client.connect(address)
    gc.collect()
