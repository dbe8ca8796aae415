"""What a user does: open a notebook in JupyterLab, run all, look at it, move each control once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from optkit.report.notebooks import find

pytestmark = pytest.mark.browser

#: Whole notebooks as they look in both themes; git ignores the folder.
PICTURES = Path(__file__).parents[2] / "build" / "jupyterlab"

#: A notebook is run once, and looked at in each.
THEMES = ["JupyterLab Light", "JupyterLab Dark"]

OPEN = "() => window.jupyterapp?.shell.currentWidget?.sessionContext !== undefined"
# Run All is lost silently before the kernel has answered, and the idle indicator lies
ANSWER = """async () => {
    const context = window.jupyterapp.shell.currentWidget.sessionContext;
    await context.ready;
    await context.session.kernel.info;
}"""
ENABLED = """command => window.jupyterapp.commands.hasCommand(command)
    && window.jupyterapp.commands.isEnabled(command)"""
SET_THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
THEME_IS = "theme => document.body.dataset.jpThemeName === theme"
SHUT_DOWN = "async () => { await window.jupyterapp?.shell.currentWidget?.sessionContext.shutdown(); }"
CELLS = """const panel = window.jupyterapp.shell.currentWidget;
    const cells = Array.from(panel.content.model.cells)
        .filter(cell => cell.type === 'code' && cell.sharedModel.source.trim());
    const outputs = cells.flatMap(cell => cell.outputs.toJSON());
    const idle = panel.sessionContext.session.kernel.status === 'idle';"""
IDLE = f"() => {{ {CELLS} return idle; }}"
DONE = f"""() => {{ {CELLS}
    const failed = outputs.some(output => output.output_type === 'error');
    return idle && (failed || cells.every(cell => cell.executionCount)); }}"""
TROUBLE = f"""() => {{ {CELLS}
    return outputs.filter(output => output.output_type === 'error' || output.name === 'stderr')
        .map(output => [].concat(output.traceback ?? output.text).join('\\n')); }}"""
CONTROLS = ".jp-OutputArea .jupyter-widgets :is(select, input, button, .noUi-handle)"


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """Yield a window whose tabs share what they have loaded of JupyterLab."""
    with chromium.new_context(viewport={"width": 1200, "height": 900}) as window:
        yield window


@pytest.fixture(scope="module", params=find(), ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(scope="module")
def notebook(path: Path, jupyterlab: str, window: BrowserContext) -> Iterator[Page]:
    """Yield a tab with a notebook all of whose cells have run."""
    tab = window.new_page()
    tab.set_default_timeout(60_000)
    try:
        _open(tab, jupyterlab.format(path.name))
        tab.get_by_role("menuitem", name="Run", exact=True).click()
        tab.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
        tab.wait_for_function(DONE)
        yield tab
    finally:
        tab.evaluate(SHUT_DOWN)
        tab.close()


@pytest.mark.parametrize("theme", THEMES)
def test_a_notebook_runs_and_its_controls_move_without_complaint(
    theme: str, notebook: Page, path: Path
) -> None:
    notebook.evaluate(SET_THEME, theme)
    notebook.wait_for_function(THEME_IS, arg=theme)
    try:
        _check(notebook)
        for control in notebook.locator(CONTROLS).all():
            _move(control)
            notebook.wait_for_timeout(300)  # for the change to reach the kernel
            notebook.wait_for_function(IDLE)
            _check(notebook)
    finally:
        _photograph(notebook, PICTURES / f"{path.stem}-{theme.split()[1].lower()}.png")


def _open(tab: Page, address: str) -> None:
    tab.goto(address)
    tab.locator("#jupyterlab-splash").wait_for(state="detached")
    tab.wait_for_function(OPEN)
    tab.evaluate(ANSWER)
    for command in ("apputils:change-theme", "runmenu:run-all"):
        tab.wait_for_function(ENABLED, arg=command)
    # nothing to answer before one can begin: no question about news, no hint of a new version
    assert tab.locator(".jp-Dialog, .Toastify__toast").all_inner_texts() == []


def _check(tab: Page) -> None:
    """No error and nothing on standard error, neither in a cell's outputs nor in what a control draws."""
    assert tab.evaluate(TROUBLE) == []
    assert tab.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts() == []
    assert tab.get_by_text("Error displaying widget").count() == 0


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
    tab.wait_for_timeout(200)  # for the page to be drawn again
    path.parent.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=path)
