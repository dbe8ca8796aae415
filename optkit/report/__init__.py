"""Run notebooks to pages, and open them in JupyterLab, for the commands report, demo and lab."""

from optkit.report.named_periods import period_bounds as period_bounds
from optkit.report.notebook_page import NotebookPage as NotebookPage
from optkit.report.notebooks import notebooks_dir as notebooks_dir
from optkit.report.runner import run as run
from optkit.report.server import lab as lab
