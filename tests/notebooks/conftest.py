"""The notebooks, executed on an account, and a JupyterLab that a browser opens them in."""

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
import requests
from nbformat import NotebookNode

import optkit
from optkit.report.kernel import execute
from optkit.report.notebooks import find

ExecuteAll = Callable[[dict[str, str]], dict[str, NotebookNode]]


@pytest.fixture(scope="session")
def demo_environment(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, str]:
    """Load the demo account once for all worker processes; return what a notebook needs to find it."""
    shared = tmp_path_factory.getbasetemp() / (".." if worker_id != "master" else "")
    environment = {"OPTKIT_ACCOUNT": "demo", "OPTKIT_CACHE_DIR": str(shared.resolve() / "demo")}
    with (shared / "demo.lock").open("w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the second worker finds all of it in the cache
        for name, value in environment.items():
            patch.setenv(name, value)
        optkit.load(progress=False)
        optkit.load_messages(progress=False)
    return environment


@pytest.fixture(scope="session")
def execute_all(tmp_path_factory: pytest.TempPathFactory) -> ExecuteAll:
    """Run all notebooks with the given environment; return them with their outputs.

    One kernel runs one after the other, because most of a notebook's time is the start of its kernel. That each
    runs in a kernel of its own is seen in JupyterLab.
    """

    def run(environment: dict[str, str]) -> dict[str, NotebookNode]:
        notebooks = {path.stem: nbformat.read(path, as_version=4) for path in find()}
        cells = [cell for notebook in notebooks.values() for cell in notebook.cells]
        for number, cell in enumerate(cells):
            cell.id = str(number)
        path = tmp_path_factory.mktemp("together") / "all.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            # in a thread of its own: in this one, a browser of another test may have its event loop
            with ThreadPoolExecutor(1) as thread:
                done, error = thread.submit(execute, path, {}, on_start=lambda _kill: None).result()
        assert error is None
        executed = iter(done.cells)
        for notebook in notebooks.values():
            notebook.cells = [next(executed) for _ in notebook.cells]
            notebook.metadata.widgets = done.metadata.widgets
        return notebooks

    return run


@pytest.fixture(scope="module")
def jupyterlab(demo_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a JupyterLab that `optkit.report.lab` started for a user who never had one."""
    home = tmp_path_factory.mktemp("home")
    # all cells are drawn, not only those in sight: what a test looks at must be there, and nothing below it
    tracker = home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none", "scrollPastEnd": false}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    options = [
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        "--LabApp.expose_app_in_browser=True",
    ]
    call = f"lab(demo=True, folder={str(home / 'work')!r}, options={options!r})"
    code = f"from optkit.report import lab; raise SystemExit({call})"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")},
        **demo_environment,
        "HOME": str(home),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
    }
    log = home / "jupyterlab.log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        ) as server,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(f"{address}/api/status?token={token}", server, log)
            yield f"{address}/lab?reset&token={token}"
        finally:
            server.send_signal(signal.SIGTERM)


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    while server.poll() is None:
        try:
            requests.get(url, timeout=5).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")
