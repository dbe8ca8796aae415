"""JupyterLab on the notebooks, with nothing to configure."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from optkit.errors import SettingsError
from optkit.report.notebooks import is_checkout, need_lab, notebooks_dir


def lab(*, demo: bool = False, folder: str | Path | None = None, options: Sequence[str] = ()) -> int:
    """Open JupyterLab on the notebooks and wait until it is closed.

    From a checkout these are the checkout's own notebooks. Else they are a copy of the package's, in
    ``optkit-notebooks/<version>`` in the user's home: what is there already is never overwritten, and a new
    version of optkit brings a folder of its own.

    Parameters
    ----------
    demo : bool, default False
        Let the notebooks read the demo account: sets ``OPTKIT_ACCOUNT`` for this JupyterLab.
    folder : str or Path, optional
        Work on a copy in this folder instead.
    options : sequence of str, default ()
        Further options for JupyterLab, such as ``--no-browser``.

    Returns
    -------
    int
        JupyterLab's exit status.

    Raises
    ------
    SettingsError
        The extra ``lab`` is not installed, or the folder cannot be written.
    """
    need_lab()
    place = notebooks_dir() if folder is None and is_checkout() else writable_copy(folder)
    command = [
        *(sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={place}"),
        "--LabApp.default_url=/lab/tree/00_start_here.ipynb",
        # neither asks nor looks for news and new versions; the user's own settings stay as they are
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *options,
    ]
    # the kernel that is called python3 is the one of this environment, whatever else the user has installed
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}
    if demo:
        environment["OPTKIT_ACCOUNT"] = "demo"
    with subprocess.Popen(command, env=environment) as server:  # noqa: S603 - our own interpreter
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:  # JupyterLab got it as well, and asks whether to stop
                continue


def writable_copy(folder: str | Path | None = None) -> Path:
    """Copy the notebooks that the folder does not have yet; those that it has are the user's.

    Returns
    -------
    Path
        The folder; by default ``optkit-notebooks/<version>`` in the user's home.

    Raises
    ------
    SettingsError
        The folder cannot be written.
    """
    import optkit

    default = Path.home() / "optkit-notebooks" / optkit.__version__
    target = default if folder is None else Path(folder).expanduser().resolve()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for notebook in sorted(notebooks_dir().glob("*.ipynb")):
            if not (target / notebook.name).exists():
                shutil.copyfile(notebook, target / notebook.name)
    except OSError as error:
        raise SettingsError(f"{target} cannot be written ({error.strerror}); give another folder") from None
    return target
