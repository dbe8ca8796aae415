"""Ctrl-C, which has to end a wait."""

import signal
import sys


def make_waits_interruptible() -> None:
    """Let Ctrl-C end whatever the main thread waits for, as Python does by itself.

    Importing polars replaces the handler of SIGINT by one after which the system goes on waiting for a lock, a queue
    or a thread: the `KeyboardInterrupt` comes only once the wait is over. Call this before waiting; it changes nothing
    else.

    Examples
    --------
    >>> from optkit.interrupts import make_waits_interruptible
    >>> make_waits_interruptible()
    """
    if sys.platform != "win32":
        signal.siginterrupt(signal.SIGINT, True)
