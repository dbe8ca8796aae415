"""What the notebooks say on accounts that lack something: messages, or those of the first year and a half."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

import optkit
from optkit.demo import CLOCK
from optkit.emulator import Emulator
from optkit.report.kernel import execute
from optkit.report.notebook_page import NotebookPage, make_page
from optkit.report.notebooks import find

NAMES = [path.stem for path in find()]
TWO_YEARS = {"recipients": 1_500, "days": 730}
LACKING = "who was messaged, how often and by which campaign is not known"


def _run(folder: Path, server: Emulator) -> dict[str, NotebookPage]:
    """Run all notebooks on an account, one after the other in one kernel: most of their time is the kernel's start."""
    notebooks = [nbformat.read(path, as_version=4) for path in find()]
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    for number, cell in enumerate(cells):
        cell.id = str(number)
    whole = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(whole, folder / "all.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPTKIT_CACHE_DIR", str(folder))
        patch.setenv("OPTKIT_BASE_URL", server.url)
        patch.setenv("OPTKIT_TOKEN", server.token)
        # in a thread of its own: in this one, a browser of another test may have its event loop
        with ThreadPoolExecutor(1) as thread:
            done, error = thread.submit(
                execute, folder / "all.ipynb", {}, on_start=lambda _kill: None
            ).result()
    assert error is None
    executed, pages = iter(done.cells), {}
    for name, notebook in zip(NAMES, notebooks, strict=True):
        notebook.cells = [next(executed) for _ in notebook.cells]
        pages[name] = make_page(folder / name, name, notebook, parameters={}, error=None, seconds=0)
    return pages


@pytest.fixture(scope="module")
def without_messages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, NotebookPage]]:
    with Emulator(optkit.demo_history(**TWO_YEARS), clock=CLOCK) as server:
        yield _run(tmp_path_factory.mktemp("events"), server)


@pytest.fixture(scope="module")
def with_half_a_year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, NotebookPage]]:
    history, messages = optkit.demo_history(**TWO_YEARS), optkit.demo_messages(**TWO_YEARS)
    with Emulator(history, messages, clock=CLOCK) as server:
        yield _run(tmp_path_factory.mktemp("part"), server)


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
            page.headline == "No messages are loaded for this account, so this question cannot be answered."
        )
        assert "<img" not in page.body
        assert "gt_table" not in page.body
        assert "What to do about it" in page.body


def test_rates_begin_with_the_messages_and_the_page_says_so(
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
