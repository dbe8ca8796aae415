import contextlib
import gc
import socket

from accounts import CLOCK, make_history

from optkit.emulator import Emulator

HISTORY = make_history(10)


def test_who_is_just_coming_in_when_it_stops_leaves_nothing_open() -> None:
    # an unclosed connection is a ResourceWarning when it is collected, and so an error
    for _ in range(30):
        with contextlib.ExitStack() as callers, Emulator(HISTORY, clock=CLOCK) as server:
            address = ("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
            for _ in range(8):
                caller = callers.enter_context(socket.socket())
                caller.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    caller.connect(address)
    gc.collect()
