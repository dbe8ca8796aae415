"""Execute one notebook with this interpreter, in its own kernel that leaves no files behind.

To import this module, the extra ``lab`` must be installed.
"""

import asyncio
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty
from tempfile import TemporaryDirectory
from typing import Any, Final

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

#: The path of a socket has at most about 100 characters, of which its name takes up to 20.
_LONGEST_FOLDER: Final = 80


class _ThisInterpreter(KernelSpecManager):
    """Always finds the kernel of this Python, regardless of the installed kernels and their names."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 - all names mean this Python
        return KernelSpec(**get_kernel_dict())


class _Channel(AsyncZMQSocketChannel):
    """Polls twice per second, because on a busy machine the event of a message is sometimes lost."""

    async def get_msg(  # type: ignore[override]
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the inherited interface
    ) -> dict[str, Any]:
        end = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            try:
                return await super().get_msg(timeout=max(0, min(0.5, left)))
            except Empty:
                if left <= 0:
                    raise


class _Client(AsyncKernelClient):
    shell_channel_class = _Channel
    iopub_channel_class = _Channel
    control_channel_class = _Channel


class _NotebookClient(NotebookClient):
    def _cleanup_kernel(self) -> None:
        """Do nothing at exit: the caller has killed the kernel, and nbclient would do it again."""


def execute(
    path: Path, parameters: Mapping[str, Any], *, on_start: Callable[[Callable[[], None]], None]
) -> tuple[NotebookNode, str | None]:
    """Run a notebook from top to bottom, or to its first error.

    The kernel inherits the environment and with it the token. The token is never a parameter, because parameters are
    written into the notebook.

    Parameters
    ----------
    path : Path
        The notebook; the file is not changed.
    parameters : mapping
        Literals, set in a cell after the one tagged ``parameters``.
    on_start : callable
        Called with a function that kills the kernel and can be called from any thread.

    Returns
    -------
    notebook : nbformat.NotebookNode
        With outputs, up to the error if there was one.
    error : str or None
        The reason why it stopped, in one line.
    """
    notebook = nbformat.read(path, as_version=4)
    _inject(notebook, parameters)
    with TemporaryDirectory(prefix="optkit-kernel-", ignore_cleanup_errors=True) as folder:
        manager = _kernel_manager(folder)
        client = _NotebookClient(
            notebook,
            km=manager,
            timeout=None,
            startup_timeout=120,
            resources={"metadata": {"path": str(Path.cwd())}},
        )
        on_start(lambda: _kill(manager))
        try:
            asyncio.run(client.async_execute(env=_environment(folder), cleanup_kc=True))
        except CellExecutionError as error:
            return notebook, f"{error.ename}: {error.evalue}".partition("\n")[0]
        except DeadKernelError:
            return notebook, "the kernel died while the notebook was running"
    return notebook, None


def _inject(notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    if not parameters:
        return
    lines = ["# parameters of this run", *(f"{name} = {value!r}" for name, value in parameters.items())]
    cell = nbformat.v4.new_code_cell("\n".join(lines), metadata={"tags": ["injected-parameters"]})
    tagged = [i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", [])]
    notebook.cells.insert(tagged[0] + 1, cell)


def _kernel_manager(folder: str) -> AsyncKernelManager:
    # sockets in the folder instead of ports: two kernels that start at the same time may choose the same port
    in_folder = sys.platform != "win32" and len(folder) <= _LONGEST_FOLDER
    return AsyncKernelManager(
        kernel_spec_manager=_ThisInterpreter(),
        client_factory=_Client,
        transport="ipc" if in_folder else "tcp",
        connection_file=str(Path(folder, "kernel.json")),
    )


def _environment(folder: str) -> dict[str, str]:
    """Return the environment without the user's IPython profile and backend, which would change the pages."""
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return {**kept, "IPYTHONDIR": folder}


def _kill(manager: AsyncKernelManager) -> None:
    process = getattr(manager.provisioner, "process", None)
    if process is not None:
        process.kill()
