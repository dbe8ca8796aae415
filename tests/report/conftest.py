"""Notebooks made for a test."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import nbformat
import pytest


def _write(folder: Path, name: str, *cells: str | tuple[str, str]) -> Path:
    made = []
    for cell in cells:
        if isinstance(cell, tuple):
            made.append(nbformat.v4.new_code_cell(cell[1], metadata={"tags": [cell[0]]}))
        elif cell.startswith("#"):
            made.append(nbformat.v4.new_markdown_cell(cell))
        else:
            made.append(nbformat.v4.new_code_cell(cell))
    path = folder / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return path


@pytest.fixture(scope="session")
def write_notebook() -> Callable[..., Path]:
    """Write a notebook from cells: text after '#' is Markdown, other text code, a pair a tag and its code."""
    return _write


@pytest.fixture
def make_notebook(tmp_path: Path) -> Callable[..., Path]:
    """Write a notebook into the test's own folder."""
    return partial(_write, tmp_path)
