"""JupyterLab with the notebooks, ready to use."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import optkit
from optkit.errors import SettingsError
from optkit.report.notebooks import is_checkout, notebooks_dir, require_lab
from optkit.setting_values import DEMO

_DEFAULTS: Final = Path(__file__).with_name("jupyter")


def lab(*, demo: bool = False, folder: str | Path | None = None, options: Sequence[str] = ()) -> int:
    """Open the notebooks in JupyterLab and wait until it is closed.

    JupyterLab runs in this process; environment variables are set in this process for its kernels.

    From a checkout it opens the checkout's notebooks. Otherwise it opens a copy of the package's notebooks in
    ``optkit-notebooks/<version>`` in the user's home. Existing files are never overwritten; each version of optkit has
    its own folder.

    Parameters
    ----------
    demo : bool, default False
        Load the demo account and set ``OPTKIT_ACCOUNT``, so that the notebooks show it.
    folder : str or Path, optional
        Open a copy in this folder instead.
    options : sequence of str, default ()
        Additional options for JupyterLab, such as ``--no-browser``.

    Returns
    -------
    int
        JupyterLab's exit status.

    Raises
    ------
    SettingsError
        The extra ``lab`` is not installed, or the folder cannot be written.
    OptkitError
        See `optkit.scan`, for the demo account.
    """
    require_lab()
    place = notebooks_dir() if folder is None and is_checkout() else writable_copy(folder)
    # the kernel python3 is the one of this environment, regardless of the user's other kernels
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    # defaults that turn off news and the search for new versions; the user's own settings take precedence
    paths = [str(_DEFAULTS), os.environ.get("JUPYTER_CONFIG_PATH")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(path for path in paths if path)
    if demo:
        os.environ["OPTKIT_ACCOUNT"] = DEMO
        optkit.scan_messages(account=DEMO)
        optkit.scan(account=DEMO)  # so that the first notebook does not wait for it
    from jupyterlab.labapp import LabApp

    arguments = [
        f"--ServerApp.root_dir={place}",
        "--LabApp.default_url=/lab/tree/00_start_here.ipynb",
        "--LabApp.extension_manager=readonly",
        # in containers the user is root; the server only listens on this machine, and requires its token
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        *options,
    ]
    try:
        LabApp.launch_instance(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


def writable_copy(folder: str | Path | None = None) -> Path:
    """Copy those notebooks that the folder does not have yet.

    Returns
    -------
    Path
        The folder; by default ``optkit-notebooks/<version>`` in the user's home.

    Raises
    ------
    SettingsError
        The folder cannot be written.
    """
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
