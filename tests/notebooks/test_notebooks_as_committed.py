"""Notebooks in git: without outputs, with one cell of parameters, one question."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from optkit.report.notebooks import find, notebooks_dir, parameters_of


@pytest.fixture(params=find(), ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def test_every_notebook_in_the_folder_is_numbered() -> None:
    assert sorted(notebooks_dir().glob("*.ipynb")) == find()


def test_all_are_stripped() -> None:
    keys = "metadata.papermill cell.metadata.papermill"
    command = [sys.executable, "-m", "nbstripout", "--verify", "--extra-keys", keys, *map(str, find())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run: nbstripout --extra-keys '{keys}' on\n{done.stdout}"


def test_it_is_a_valid_notebook_for_the_kernel_that_everyone_has(notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert [cell.source for cell in notebook.cells if not cell.source.strip()] == []


def test_it_asks_one_question_first(notebook: NotebookNode) -> None:
    titles = [
        line
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if re.match(r"# ", line)
    ]
    assert len(titles) == 1
    assert notebook.cells[0].source.startswith(titles[0])
    assert titles[0].endswith("?")


def test_it_can_be_read_in_one_go(notebook: NotebookNode) -> None:
    assert 10 <= len(notebook.cells) <= 30


def test_its_parameters_are_literals_with_hints_in_one_cell(path: Path, notebook: NotebookNode) -> None:
    [cell] = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    statements = ast.parse(cell.source).body
    for statement in statements:
        assert isinstance(statement, ast.AnnAssign), ast.unparse(statement)
        assert statement.value is not None
        ast.literal_eval(statement.value)
    assert len(parameters_of(path)) == len(statements)


def test_all_notebooks_have_the_common_parameters(path: Path) -> None:
    common = {"account", "start", "end", "time_zone", "senders", "show_phones"}
    assert common <= {parameter.name for parameter in parameters_of(path)}


def test_its_headline_is_marked(notebook: NotebookNode) -> None:
    assert sum("headline" in cell.metadata.get("tags", []) for cell in notebook.cells) == 1


def test_its_links_lead_to_notebooks(path: Path, notebook: NotebookNode) -> None:
    sources = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    links = set(re.findall(r"\]\(([^):]+)\)", sources))
    assert {link for link in links if not (path.parent / link).is_file()} == set()


def test_cells_keep_their_ids(path: Path) -> None:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
