"""A JupyterLab with the notebooks, for a browser."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests


@pytest.fixture(scope="session")
def pictures() -> Path | None:
    """Return a folder for pictures of whole notebooks in JupyterLab, to look at while developing.

    OPTKIT_PICTURES names it. Without it no pictures are taken, because no test looks at them.
    """
    folder = os.environ.get("OPTKIT_PICTURES")
    return Path(folder) if folder else None


@pytest.fixture(scope="session")
def small_figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return settings of matplotlib for notebooks whose figures nobody looks at: with few pixels."""
    path = tmp_path_factory.mktemp("matplotlib") / "matplotlibrc"
    path.write_text("figure.dpi: 20")
    return path


@pytest.fixture(scope="module")
def jupyterlab(
    tmp_path_factory: pytest.TempPathFactory, small_figures: Path, pictures: Path | None
) -> Iterator[str]:
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
        "OPTKIT_CACHE_DIR": str(home / "cache"),
        "HOME": str(home),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        **({} if pictures else {"MATPLOTLIBRC": str(small_figures)}),
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
            requests.get(url, timeout=300).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")
