"""Notebooks run to pages, and notebooks opened in JupyterLab.

What the commands ``report``, ``demo`` and ``lab`` call. `run` needs the extra ``lab``.
"""

from optkit.report.notebooks import notebooks_dir as notebooks_dir
from optkit.report.pages import Page as Page
from optkit.report.runner import run as run
from optkit.report.server import lab as lab
