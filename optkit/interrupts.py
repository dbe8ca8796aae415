"""Make Ctrl-C end a wait."""

import signal
import sys


def make_waits_interruptible() -> None:
    """Make Ctrl-C interrupt every wait of the main thread, as it does without polars.

    Importing polars replaces the handler of SIGINT. With that handler, a wait for a lock, a queue or a thread is not
    interrupted, and `KeyboardInterrupt` is raised only after it. Call this function before waiting.

    Examples
    --------
    >>> from optkit.interrupts import make_waits_interruptible
    >>> make_waits_interruptible()
    """
    if sys.platform != "win32":
        signal.siginterrupt(signal.SIGINT, True)
