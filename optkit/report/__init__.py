"""Notebooks run to pages, and notebooks opened in JupyterLab: what the commands report, demo and lab call."""

from optkit.report.notebooks import notebooks_dir as notebooks_dir
from optkit.report.pages import Page as Page
from optkit.report.periods import bounds as bounds
from optkit.report.runner import run as run
from optkit.report.server import lab as lab
