"""Processes that load an account when they are told to; tests kill them, or let several of them load at once."""

import multiprocessing
import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from optkit.emulator import Emulator

#: Starts processes that have imported what a load needs: that is quick, and a kill hits the load and not an import.
FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(
    [f"optkit.loading.{name}" for name in ("load", "load_messages", "explore", "fetch", "transport")]
)


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
        server: "Emulator",
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
        self._parent, child = FORKSERVER.Pipe()
        self._process = FORKSERVER.Process(target=main, args=(child, settings, call, asked, output))
        self._process.start()
        child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def begin(self) -> None:
        """Let it load, once it is ready to."""
        assert self._parent.recv() == "ready"
        self._parent.send("go")

    def wait(self) -> None:
        """Wait until it has loaded."""
        assert self._parent.recv() == "loaded"

    def pause(self) -> None:
        """Stop it where it is, as a closed lid does."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> bool:
        """End it by SIGKILL; return whether it had not loaded yet."""
        self._process.kill()
        self._process.join()
        with suppress(EOFError):
            return bool(self._parent.recv() != "loaded")
        return True

    def _signal(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)


def main(
    parent: Connection, settings: dict[str, str], call: str, asked: tuple[str, str], output: Path | None
) -> None:
    import optkit

    os.environ.update(settings)
    parent.send("ready")
    parent.recv()
    loaded = getattr(optkit, call)(*asked)
    if output:
        loaded.write_parquet(output)
    parent.send("loaded")
    parent.recv()
