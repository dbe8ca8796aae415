"""Processes that load an account when they are told to, so that tests can kill them, and processes of one command."""

import ctypes
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from optkit.emulator import Emulator

#: Starts processes that have imported what a load needs: that is quick, and a kill hits the load and not an import.
FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(
    [
        "optkit.cli",
        *(f"optkit.loading.{name}" for name in ("load", "load_messages", "explore", "fetch", "transport")),
    ]
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
        self._process = FORKSERVER.Process(target=_load, args=(child, settings, call, asked, output))
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


def _load(
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


def run_command(
    server: "Emulator", folder: Path, words: tuple[str, ...], limit: Callable[[], None]
) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process that `limit`, a function of this module, has limited first.

    Parameters
    ----------
    server : Emulator
        What it loads from.
    folder : Path
        The folder of its account.
    words : tuple of str
        The command and its arguments.
    limit : callable
        What to do first.
    """
    settings = {
        "OPTKIT_BASE_URL": server.url,
        "OPTKIT_TOKEN": server.token,
        "OPTKIT_CACHE_DIR": str(folder.parent),
        "OPTKIT_ACCOUNT": folder.name,
    }
    with tempfile.TemporaryDirectory() as written:
        output, errors = Path(written, "output"), Path(written, "errors")
        process = FORKSERVER.Process(target=_run, args=(settings, words, limit, output, errors))
        process.start()
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(words, process.exitcode, output.read_text(), errors.read_text())


def obey_permissions() -> None:
    """Give up root's right to pass permissions over, which tests in a container may have."""
    libc = ctypes.CDLL(None)
    this_process = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3
    capabilities = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: the first 32, then the others
    assert libc.capget(this_process, capabilities) == 0
    for place in range(3):
        capabilities[place] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(this_process, capabilities) == 0


def fill_disk() -> None:
    """Write no more than 3,000 bytes to a file: for this process, that is a full disk."""
    # a compiled module that is cut off would break all processes after this one
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))


def _run(
    settings: dict[str, str], words: tuple[str, ...], limit: Callable[[], None], output: Path, errors: Path
) -> None:
    from optkit.cli import main

    for file, stream in ((output, sys.stdout), (errors, sys.stderr)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream.fileno())
    os.environ.update(settings)
    sys.argv = ["optkit", *words]
    limit()
    main()
