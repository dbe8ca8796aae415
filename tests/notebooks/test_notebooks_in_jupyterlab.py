"""What a user does: open a notebook in JupyterLab, run all, look at it, move each control once.

The account is the made-up one. What the cells put out is also what a report's pages are made of.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Browser, Locator, Page, ViewportSize

import optkit
from optkit.emulator.personal_data import EMAIL_DOMAIN, FIRST_NAMES, LAST_NAMES, SENTENCE
from optkit.report.notebook_page import make_page
from optkit.report.notebooks import find
from optkit.report.writing import write_pages

pytestmark = pytest.mark.browser

#: A notebook is run and its controls are moved once; it is looked at in each.
THEMES = ["JupyterLab Light", "JupyterLab Dark"]

VIEW: ViewportSize = {"width": 1200, "height": 900}

#: Milliseconds between two looks of a wait: on each frame, it would take the processor that the kernel needs.
POLL = 100

RESTORED = "() => window.jupyterapp.restored.then(() => true)"
OPEN = "async path => { await window.jupyterapp.commands.execute('docmanager:open', { path }); }"
IN_FRONT = """path => window.jupyterapp.shell.currentWidget?.context?.path === path
    && window.jupyterapp.shell.currentWidget.sessionContext !== undefined"""
# Run All is lost silently before the kernel has answered, and the idle indicator lies
ANSWER = """async () => {
    const context = window.jupyterapp.shell.currentWidget.sessionContext;
    await context.ready;
    await context.session.kernel.info;
}"""
ENABLED = """command => window.jupyterapp?.commands.hasCommand(command)
    && window.jupyterapp.commands.isEnabled(command)"""
SET_THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
THEME_IS = "theme => document.body.dataset.jpThemeName === theme"
CLOSE = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel?.sessionContext.shutdown();
    panel?.dispose();
}"""
# how often a control told the kernel something, and what of it the kernel has not dealt with yet
LISTEN = """() => {
    window.told = 0;
    window.pending = new Set();
    window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.anyMessage.connect(
        (_, { msg, direction }) => {
            if (direction === 'send' && msg.header.msg_type === 'comm_msg') {
                window.told += 1;
                window.pending.add(msg.header.msg_id);
            } else if (msg.header.msg_type === 'status' && msg.content.execution_state === 'idle') {
                window.pending.delete(msg.parent_header.msg_id);
            }
        });
}"""
TOLD = "() => window.told"
DEALT_WITH = "before => window.told > before && window.pending.size === 0"
# evaluated ten times per second, so it does not copy outputs, which have pictures
DONE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const cells = Array.from(panel.content.model.cells)
        .filter(cell => cell.type === 'code' && cell.sharedModel.source.trim());
    const failed = cell => Array.from({ length: cell.outputs.length }, (_, index) => cell.outputs.get(index).type)
        .includes('error');
    return panel.sessionContext.session.kernel.status === 'idle'
        && (cells.some(failed) || cells.every(cell => cell.executionCount));
}"""
#: Errors and what is on standard error: in the outputs of cells, and in what widgets and controls draw.
COMPLAINTS = """() => {
    const { cells } = window.jupyterapp.shell.currentWidget.content.model;
    const outputs = Array.from(cells).filter(cell => cell.type === 'code').flatMap(cell =>
        Array.from({ length: cell.outputs.length }, (_, index) => cell.outputs.get(index)));
    return [
        ...outputs.map(output => output.toJSON())
            .filter(output => output.output_type === 'error' || output.name === 'stderr')
            .map(output => [].concat(output.traceback ?? output.text).join('\\n')),
        ...Array.from(document.querySelectorAll("[data-mime-type='application/vnd.jupyter.stderr']"),
            element => element.innerText),
        ...document.body.textContent.match(/Error displaying widget/gi) ?? [],
    ];
}"""
EXECUTED = "() => JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())"
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
CONTROLS = ".jp-OutputArea .jupyter-widgets :is(select, input, button, .noUi-handle)"


@pytest.fixture(scope="module")
def lab(chromium: Browser, jupyterlab: str) -> Iterator[Page]:
    """Yield JupyterLab, loaded once: notebooks are opened in it one after the other."""
    with chromium.new_context(viewport=VIEW) as window:
        tab = window.new_page()
        tab.set_default_timeout(300_000)  # all cells run within one wait, on a busy machine too
        tab.goto(jupyterlab)
        tab.locator("#jupyterlab-splash").wait_for(state="detached")
        for command in ("docmanager:open", "apputils:change-theme"):
            tab.wait_for_function(ENABLED, arg=command, polling=POLL)
        tab.evaluate(RESTORED)
        yield tab


@pytest.fixture(scope="module", params=find(), ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(scope="module")
def notebook(path: Path, lab: Page) -> Iterator[Page]:
    """Yield JupyterLab with a notebook all of whose cells have run."""
    try:
        lab.evaluate(OPEN, path.name)
        lab.wait_for_function(IN_FRONT, arg=path.name, polling=POLL)
        lab.evaluate(ANSWER)
        # nothing to answer before one can begin: no question about news, no hint of a new version
        assert lab.locator(".jp-Dialog, .Toastify__toast").all_inner_texts() == []
        lab.wait_for_function(ENABLED, arg="runmenu:run-all", polling=POLL)
        lab.get_by_role("menuitem", name="Run", exact=True).click()
        lab.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
        lab.wait_for_function(DONE, polling=POLL)
        yield lab
    finally:
        lab.evaluate(CLOSE)


@pytest.fixture(scope="module")
def executed(notebook: Page) -> NotebookNode:
    """Return the notebook with its outputs, as JupyterLab would save it."""
    executed: NotebookNode = nbformat.reads(notebook.evaluate(EXECUTED), as_version=4)
    return executed


@pytest.fixture(scope="module")
def shown(notebook: Page) -> str:
    """Return the text of all outputs and controls."""
    return "".join(notebook.locator(".jp-OutputArea").all_inner_texts())


@pytest.fixture(scope="module")
def recipients() -> set[str]:
    """Return the numbers that nobody may see in full."""
    history = optkit.demo_history()
    return set(history["to_phone"]) - set(history["from_phone"])


def test_a_notebook_runs_and_its_controls_move_without_complaint(notebook: Page) -> None:
    _check(notebook)
    notebook.evaluate(LISTEN)
    for control in notebook.locator(CONTROLS).all():
        told = notebook.evaluate(TOLD)
        _move(control)
        notebook.wait_for_function(DEALT_WITH, arg=told, polling=POLL)
        _check(notebook)


@pytest.mark.parametrize("theme", THEMES)
def test_a_notebook_is_drawn_in_each_theme(
    theme: str, notebook: Page, path: Path, pictures: Path | None
) -> None:
    notebook.evaluate(SET_THEME, theme)
    notebook.wait_for_function(THEME_IS, arg=theme, polling=POLL)
    notebook.evaluate(DRAWN)
    _check(notebook)
    if pictures:
        _photograph(notebook, pictures / f"{path.stem}-{theme.split()[1].lower()}.png")


def test_a_notebook_shows_no_name_no_address_and_no_text_of_a_message(
    executed: NotebookNode, shown: str
) -> None:
    text = str(executed) + shown
    personal = [*FIRST_NAMES, *LAST_NAMES, EMAIL_DOMAIN, SENTENCE[:20]]
    assert [word for word in personal if word in text] == []


def test_recipients_stay_masked(executed: NotebookNode, shown: str, recipients: set[str]) -> None:
    outputs = "".join(str(cell.outputs) for cell in executed.cells if cell.cell_type == "code")
    assert recipients.isdisjoint(re.findall(r"\+\d{7,15}", outputs + shown))


def test_its_page_answers_first_and_describes_every_picture_in_words(
    path: Path, executed: NotebookNode, tmp_path: Path
) -> None:
    page = make_page(
        tmp_path / f"{path.stem}.html", path.stem, executed, parameters={}, error=None, seconds=0
    )
    write_pages(tmp_path, [page])
    assert page.demo, "it says DEMO in plain sight"
    assert re.search(r"\d", page.headline), "the answer has numbers"
    assert page.headline.endswith(".")
    html = page.path.read_text(encoding="utf-8")
    words = re.findall(r'<img\b[^>]*\balt="([^"]*)"', html)
    assert len(words) == html.count("<img") > 0
    assert [alt for alt in words if len(alt) < 20 or alt.startswith(("Picture:", "No description"))] == []


def _check(tab: Page) -> None:
    """No error and nothing on standard error, neither in a cell's outputs nor in what a control draws."""
    assert tab.evaluate(COMPLAINTS) == []


def _move(control: Locator) -> None:
    """Give a control another value, as a hand or a keyboard would."""
    kind = control.evaluate("control => control.classList.contains('noUi-handle') ? 'slider' : control.type")
    if kind == "slider":
        before = control.get_attribute("aria-valuetext")
        control.press("ArrowRight")
        if control.get_attribute("aria-valuetext") == before:
            control.press("ArrowLeft")
        assert control.get_attribute("aria-valuetext") != before
    elif kind.startswith("select"):
        assert control.locator("option").count() > 1, "a list with one choice is not a control"
        control.select_option(index=1 if control.evaluate("control => control.selectedIndex") == 0 else 0)
    elif kind == "date":
        control.fill("2026-03-01")
        control.press("Tab")
    elif kind in {"text", "number"}:
        control.fill("7")
        control.press("Enter")
    else:
        control.click()


def _photograph(tab: Page, path: Path) -> None:
    """Keep a picture of the whole notebook: the window grows until all of it is in sight."""
    height = tab.evaluate("() => document.querySelector('.jp-WindowedPanel-outer')?.scrollHeight ?? 900")
    tab.set_viewport_size({"width": 1200, "height": min(int(height) + 150, 16_000)})
    tab.evaluate("() => document.querySelector('.jp-WindowedPanel-outer')?.scrollTo(0, 0)")
    tab.evaluate(DRAWN)
    path.parent.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=path)
    tab.set_viewport_size(VIEW)
