"""A process that loads an account when it is told to; tests kill it, or let several of them load at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from optkit.emulator import Emulator


class Child:
    """A process that has imported what it needs and waits for a command.

    Parameters
    ----------
    server : Emulator
        What it loads from.
    cache : Path
        Its cache folder.
    account : str
        Its account's name.
    asked : tuple of str
        From when to when it loads.
    output : Path or None
        Where it writes what it loaded, as Parquet.
    call : str
        The function that loads.
    """

    def __init__(
        self,
        server: Emulator,
        cache: Path,
        account: str,
        asked: tuple[str, str],
        output: Path | None = None,
        *,
        call: str = "load",
    ) -> None:
        settings = {
            "OPTKIT_BASE_URL": server.url,
            "OPTKIT_TOKEN": server.token,
            "OPTKIT_CACHE_DIR": str(cache),
            "OPTKIT_ACCOUNT": account,
            "OPTKIT_WORKERS": "4",
        }
        self.account = account
        self._cut_short = False
        self._process = subprocess.Popen(
            [sys.executable, __file__, call, *asked, *([output] if output else [])],
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def begin(self) -> None:
        """Let it load, once it is ready to."""
        assert self._process.stdin is not None
        assert self._line() == "ready\n"
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def wait(self) -> None:
        """Wait until it has loaded."""
        assert self._line() == "loaded\n"

    def pause(self) -> None:
        """Stop it where it is, as a closed lid does."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> bool:
        """End it by SIGKILL, unless that was done; return whether it had not loaded yet."""
        if self._process.returncode is None:
            self._process.kill()
            self._cut_short = "loaded" not in self._process.communicate()[0]
        return self._cut_short

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def main(call: str, start: str, end: str, output: str | None = None) -> None:

    import optkit
    import optkit.loading.load_messages
    import optkit.loading.session  # a kill should hit the load, not an import

    print("ready", flush=True)  # noqa: T201 - its parent listens
    sys.stdin.readline()
    loaded = getattr(optkit, call)(start, end)
    if output:
        loaded.write_parquet(output)
    print("loaded", flush=True)  # noqa: T201
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
