"""The output of notebooks that run on the made-up account."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nbformat import NotebookNode

import optkit
from optkit.emulator.personal_data import EMAIL_DOMAIN, FIRST_NAMES, LAST_NAMES, SENTENCE
from optkit.report.notebook_page import make_page
from optkit.report.notebooks import find
from optkit.report.writing import write_pages


@pytest.fixture(scope="module")
def executed(
    demo_environment: dict[str, str], execute_all: Callable[[dict[str, str]], dict[str, NotebookNode]]
) -> dict[str, NotebookNode]:
    return execute_all(demo_environment)


@pytest.fixture(params=[path.stem for path in find()])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def notebook(name: str, executed: dict[str, NotebookNode]) -> NotebookNode:
    return executed[name]


def _outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Yield what cells put out, and what controls did: an error in a callback hides in their state."""
    for cell in notebook.cells:
        yield from cell.get("outputs", [])
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    for widget in widgets.get("state", {}).values():
        yield from widget["state"].get("outputs", [])


def test_it_runs_without_errors_and_without_output_on_standard_error(notebook: NotebookNode) -> None:
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    for output in _outputs(notebook):
        assert output["output_type"] != "error", output
        assert output.get("name") != "stderr", output["text"]


def test_it_shows_no_name_no_address_and_no_text_of_a_message(notebook: NotebookNode) -> None:
    text = str(notebook)
    personal = [*FIRST_NAMES, *LAST_NAMES, EMAIL_DOMAIN, SENTENCE[:20]]
    assert [word for word in personal if word in text] == []


def test_its_page_answers_first_and_describes_every_picture_in_words(
    name: str, notebook: NotebookNode, tmp_path: Path
) -> None:
    page = make_page(tmp_path / f"{name}.html", name, notebook, parameters={}, error=None, seconds=0)
    write_pages(tmp_path, [page])
    assert page.demo, "it says DEMO in plain sight"
    assert re.search(r"\d", page.headline), "the answer has numbers"
    assert page.headline.endswith(".")
    html = page.path.read_text(encoding="utf-8")
    words = re.findall(r'<img\b[^>]*\balt="([^"]*)"', html)
    assert len(words) == html.count("<img") > 0
    assert [alt for alt in words if len(alt) < 20 or alt.startswith(("Picture:", "No description"))] == []


def test_recipients_stay_masked(notebook: NotebookNode) -> None:
    history = optkit.demo_history()
    recipients = set(history["to_phone"]) - set(history["from_phone"])
    shown = "".join(str(output) for output in _outputs(notebook))
    assert recipients.isdisjoint(re.findall(r"\+\d{7,15}", shown))
