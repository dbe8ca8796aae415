"""What the notebooks say on accounts that lack something: messages, or those of the first year and a half."""

import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

import optkit
from optkit.demo import CLOCK
from optkit.emulator import Emulator
from optkit.report.kernel import execute
from optkit.report.notebook_page import NotebookPage, make_page
from optkit.report.notebooks import find

MakePages = Callable[[Emulator], dict[str, NotebookPage]]

NAMES = [path.stem for path in find()]
TWO_YEARS = {"recipients": 1_500, "days": 730}
LACKING = "it is not known who was messaged, how often and by which campaign"


@pytest.fixture(scope="module")
def make_pages(tmp_path_factory: pytest.TempPathFactory, small_figures: Path) -> MakePages:
    """Run all notebooks on an emulator's account; return their pages."""

    def make(server: Emulator) -> dict[str, NotebookPage]:
        folder = tmp_path_factory.mktemp("pages")
        settings = {"CACHE_DIR": str(folder), "BASE_URL": server.url, "TOKEN": server.token}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MATPLOTLIBRC", str(small_figures))
            for name, value in settings.items():
                patch.setenv(f"OPTKIT_{name}", value)
            notebooks = execute_all(folder)
        return {
            name: make_page(folder / name, name, notebook, parameters={}, error=None, seconds=0)
            for name, notebook in notebooks.items()
        }

    return make


def execute_all(folder: Path) -> dict[str, NotebookNode]:
    """Run all notebooks; return them with their outputs.

    One kernel runs one after the other, because most of a notebook's time is the start of its kernel. That each
    runs in a kernel of its own is seen in JupyterLab.
    """
    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in find()}
    cells = [cell for notebook in notebooks.values() for cell in notebook.cells]
    for number, cell in enumerate(cells):
        cell.id = str(number)
    path = folder / "all.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    done, error = execute(path, {}, on_start=lambda _kill: None)
    assert error is None
    executed = iter(done.cells)
    for notebook in notebooks.values():
        notebook.cells = [next(executed) for _ in notebook.cells]
    return notebooks


@pytest.fixture(scope="module")
def without_messages(make_pages: MakePages) -> dict[str, NotebookPage]:
    with Emulator(optkit.demo_history(**TWO_YEARS), clock=CLOCK) as server:
        return make_pages(server)


@pytest.fixture(scope="module")
def with_half_a_year(make_pages: MakePages) -> dict[str, NotebookPage]:
    history, messages = optkit.demo_history(**TWO_YEARS), optkit.demo_messages(**TWO_YEARS)
    with Emulator(history, messages, clock=CLOCK) as server:
        return make_pages(server)


def _text(page: NotebookPage) -> str:
    return " ".join(re.sub(r"<style.*?</style>|<[^>]+>", " ", page.body, flags=re.DOTALL).split())


def test_without_messages_each_page_says_once_what_is_not_known(
    without_messages: dict[str, NotebookPage],
) -> None:
    for name, page in without_messages.items():
        assert page.headline.endswith("."), name
        assert not page.demo
        expected = 0 if name == "02_re_opt_in_cycles" else 1  # it is about events alone
        assert _text(page).count(LACKING) == expected, name


def test_without_messages_no_section_is_empty(without_messages: dict[str, NotebookPage]) -> None:
    for name in (
        "01_churn",
        "03_opt_out_rates_by_sender",
        "04_what_happened_that_day",
        "05_who_not_to_message",
    ):
        body = without_messages[name].body
        for heading in (
            "How the list grows",
            "per 1,000 messages",
            "The campaign behind it",
            "messaged all the same",
        ):
            assert heading not in body, name
    for name in ("08_which_campaign", "09_how_many_messages", "10_did_we_stop"):
        page = without_messages[name]
        assert (
            page.headline
            == "No messages are loaded for this account and period, so this question cannot be answered."
        )
        assert "<img" not in page.body
        assert "gt_table" not in page.body
        assert "What to do about it" in page.body


def test_rates_begin_with_the_messages_and_the_page_states_it(
    with_half_a_year: dict[str, NotebookPage],
) -> None:
    for name, page in with_half_a_year.items():
        expected = 0 if name == "02_re_opt_in_cycles" else 1
        assert _text(page).count("known from 5 January 2026 on, so rates begin there") == expected, name
    for name in ("03_opt_out_rates_by_sender", "07_where_they_live"):
        assert "messaged since 5 January 2026" in with_half_a_year[name].headline
    assert "could be messaged left" in with_half_a_year["01_churn"].headline


@pytest.mark.parametrize("name", NAMES)
def test_each_answers_with_half_a_year_of_messages(
    name: str, with_half_a_year: dict[str, NotebookPage]
) -> None:
    page = with_half_a_year[name]
    assert re.search(r"\d", page.headline)
    assert page.picture
