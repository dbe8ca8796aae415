import signal
import subprocess
import sys

import pytest

WAITS = {
    "a queue": "import queue; queue.SimpleQueue().get()",
    "a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "a thread": "import threading, time; thread = threading.Thread(target=time.sleep, args=(600,), daemon=True); "
    "thread.start(); thread.join()",
    "a future": "from concurrent.futures import Future, as_completed; list(as_completed([Future()]))",
}
CODE = """
import polars
from optkit.interrupts import make_waits_interruptible
make_waits_interruptible()
try:
    print("waiting", flush=True)
    {wait}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_a_wait_although_polars_was_imported(wait: str) -> None:
    code = CODE.format(wait=WAITS[wait])
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "waiting\n"
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert said == "interrupted\n"
