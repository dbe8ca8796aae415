import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import optkit
from optkit.report import NotebookPage, run


def shows(about: dict[str, object]) -> str:
    """Return the code of a cell that tells the page something."""
    metadata = {"text/html": about}
    return (
        f"from IPython.display import display\ndisplay({{'text/html': 'x'}}, raw=True, metadata={metadata})"
    )


ACCOUNT = {
    "account": "<acme>",
    "demo": False,
    "senders": ["A", "B"],
    "since": "2026-06-01",
    "until": "2026-07-01",
}
ALERTS = [["5 messages <b>", "bad"], ["no page", "else"]]
GOOD = (
    "# Who came?\nSee [the other](bad.ipynb), [one left out](02_else.ipynb) and [a site](https://example.com/).",
    ("parameters", "account: str | None = None\nsenders: list[str] = []\ntime_zone: str = 'Europe/Berlin'"),
    shows({"optkit": ACCOUNT}),
    shows({"optkit_alerts": ALERTS}),
    ("headline", "from IPython.display import Markdown\nMarkdown(f'**{len(senders)} of 10** `came`')"),
    "## The course of it",
    "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2, 3]);",
    "import ipywidgets\nipywidgets.interact(lambda x: print('inside'), x=(0, 3));",
    "import sys\nprint('said aloud')\nprint('chatter', file=sys.stderr)",
)
BAD = ("# What breaks?", "x = 1", "raise ValueError('no <b>such</b> thing')", "print('nev' + 'er')")


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, write_notebook: Callable[..., Path]
) -> list[NotebookPage]:
    """One run for all questions about it: a notebook that works and one that does not."""
    folder = tmp_path_factory.mktemp("run")
    notebooks = [write_notebook(folder, "good", *GOOD), write_notebook(folder, "bad", *BAD)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPTKIT_TOKEN", "s3cret-t0ken")
        return run(map(str, notebooks), out=folder / "pages", parameters={"senders": "A,B"})


@pytest.fixture(scope="module")
def single_file(tmp_path_factory: pytest.TempPathFactory, write_notebook: Callable[..., Path]) -> Path:
    """The same notebooks in one file."""
    folder = tmp_path_factory.mktemp("single")
    notebooks = [write_notebook(folder, name, *cells) for name, cells in (("good", GOOD), ("bad", BAD))]
    pages = run(map(str, notebooks), out=folder / "pages", single_file=True)
    [path] = (folder / "pages").iterdir()
    assert {page.path for page in pages} == {path}
    return path


def test_a_page_has_its_question_answer_and_picture(pages: list[NotebookPage]) -> None:
    good = pages[0]
    assert (good.name, good.title, good.headline, good.error) == ("good", "Who came?", "2 of 10 came", None)
    assert good.picture.startswith("data:image/png;base64,iVBOR")
    assert good.alt == "Picture: The course of it"
    assert good.path.name == "good.html"
    assert good.seconds > 0


def test_a_page_shows_only_what_a_reader_needs(pages: list[NotebookPage]) -> None:
    html = pages[0].path.read_text(encoding="utf-8")
    assert "<title>Who came?</title>" in html
    assert "said aloud" in html
    assert "chatter" not in html.replace("'chatter'", "")
    assert "The notebook has controls here" in html
    assert 'alt="Picture: The course of it"' in html


def test_links_lead_to_pages_that_were_made(pages: list[NotebookPage]) -> None:
    html = pages[0].path.read_text(encoding="utf-8")
    assert '<a href="bad.html">the other</a>' in html
    assert "one left out" in html
    assert ".ipynb" not in html


def test_a_failing_notebook_shows_its_cell_and_the_rest_run(pages: list[NotebookPage]) -> None:
    bad = pages[1]
    assert bad.error == "ValueError: no <b>such</b> thing"
    html = bad.path.read_text(encoding="utf-8")
    assert "This page is not complete" in html
    assert 'class="code stopped"' in html
    assert "Traceback" in html
    assert "<b>such</b>" not in html
    assert "never" not in html


def test_the_index_has_each_question_answer_and_picture(pages: list[NotebookPage]) -> None:
    html = (pages[0].path.parent / "index.html").read_text(encoding="utf-8")
    assert '<a href="good.html">Who came?</a>' in html
    assert "2 of 10 came" in html
    assert pages[0].picture in html
    assert re.search(r"Made \d{4}-\d\d-\d\d \d\d:\d\d UTC, optkit ", html)
    assert "DEMO" not in html
    assert "Not complete: <code>ValueError: no &lt;b&gt;such&lt;/b&gt; thing</code>" in html


def test_page_lists_the_parameters_it_ran_with_and_masks_the_number(
    tmp_path: Path, make_notebook: Callable[..., Path]
) -> None:
    cell = (
        "phone: str | None = None\nshow_phones: bool = False\nsenders: list[str] = []\ntime_zone: str = 'UTC'"
    )
    path = make_notebook("a", "# Who?", ("parameters", cell), "1 + 1")
    chosen = {"phone": "+12025550101", "senders": "A,B", "time_zone": "Europe/Berlin"}
    [page] = run([str(path)], out=tmp_path / "pages", parameters=chosen, keep_notebooks=True)
    assert page.parameters == {
        "phone": "+1202•••0101",
        "show_phones": "False",
        "senders": "A, B",
        "time_zone": "Europe/Berlin",
    }
    html = page.path.read_text(encoding="utf-8")
    assert "<td>time_zone</td><td>Europe/Berlin</td>" in html
    assert "+12025550101" not in html, "neither in the cell that holds this run's parameters"
    kept = tmp_path / "pages" / "a.ipynb"
    assert "+12025550101" in kept.read_text(encoding="utf-8"), "the executed notebook can be run again"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_page_names_account_senders_dates_and_time_zone(pages: list[NotebookPage]) -> None:
    for name in ("good.html", "index.html"):
        html = (pages[0].path.parent / name).read_text(encoding="utf-8")
        line = "Account &lt;acme&gt;\n · A, B\n · 2026-06-01 to 2026-07-01 · time zone Europe/Berlin"
        assert line in html, name


def test_index_and_single_file_lead_with_what_needs_action(
    pages: list[NotebookPage], single_file: Path
) -> None:
    for path, link in ((pages[0].path.with_name("index.html"), "bad.html"), (single_file, "#bad")):
        html = path.read_text(encoding="utf-8")
        assert f'<li><a href="{link}">5 messages &lt;b&gt;</a></li>\n<li>no page</li>' in html
        assert html.index("What needs action") < html.index("<article>")


def test_the_index_says_that_the_account_is_made_up(
    tmp_path: Path, make_notebook: Callable[..., Path]
) -> None:
    banner = shows({"optkit": {"account": "demo", "demo": True}})
    [page] = run([str(make_notebook("a", "# Whose?", banner))], out=tmp_path / "pages")
    assert page.demo
    assert "DEMO: these figures are made up" in (tmp_path / "pages" / "index.html").read_text(
        encoding="utf-8"
    )


def test_nothing_in_a_page_points_outside_itself(pages: list[NotebookPage]) -> None:
    for path in pages[0].path.parent.iterdir():
        html = path.read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|link|iframe|object|embed)\b", html)
        assert all(source.startswith("data:") for source in re.findall(r'\bsrc="([^"]*)"', html))
        assert not re.findall(r"@import|url\(\s*['\"]?(?!data:)", html)


def test_pages_are_for_their_owner_only(pages: list[NotebookPage]) -> None:
    folder = pages[0].path.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "good.html": 0o600,
        "bad.html": 0o600,
        "index.html": 0o600,
    }


def test_the_token_stays_in_the_environment(pages: list[NotebookPage]) -> None:
    for path in pages[0].path.parent.iterdir():
        assert "s3cret-t0ken" not in path.read_text(encoding="utf-8")


def test_single_file_has_all_pages_and_links_within_it(pages: list[NotebookPage], single_file: Path) -> None:
    html = single_file.read_text(encoding="utf-8")
    targets = set(re.findall(r'href="#([^"]+)"', html))
    assert targets == {"contents", "good", "bad"}
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert targets <= set(ids)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="([^#"][^"]*)"', html)) == {"https://example.com/"}
    assert pages[0].picture in html


def test_progress_is_a_line_for_each_notebook_in_a_log(
    tmp_path: Path, make_notebook: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    path = str(make_notebook("a", "1 + 1"))
    run([path], out=tmp_path / "pages")
    first, *_, last = capfd.readouterr().err.splitlines()
    assert first == "a: running"
    assert re.fullmatch(r"a: done after \d+ s", last)
    run([path], out=tmp_path / "pages", progress=False)
    assert capfd.readouterr().err == ""


@pytest.mark.browser
def test_a_browser_makes_no_requests_for_any_cell_output(
    tmp_path: Path, make_notebook: Callable[..., Path], chromium: Browser
) -> None:
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        images = f'<img src="{url}/i"><iframe src="{url}/f"></iframe>'
        styles = f'<style>@import "{url}/c"; p {{ background: url({url}/b) }}</style>'
        scripts = f'<script src="{url}/s"></script><script>fetch("{url}/j")</script>'
        hostile = f"from IPython.display import HTML\nHTML({images + styles + scripts!r})"
        page = run([str(make_notebook("hostile", "# Will it?", hostile))], out=tmp_path / "pages")[0]
        tab = chromium.new_page()
        for path in (page.path, page.path.with_name("index.html")):
            tab.goto(path.as_uri())
            tab.wait_for_load_state("networkidle")
        tab.close()
        server.shutdown()
    assert asked == []


@pytest.mark.browser
def test_the_code_is_hidden_until_requested(pages: list[NotebookPage], chromium: Browser) -> None:
    tab = chromium.new_page()
    tab.goto(pages[0].path.as_uri())
    code = tab.locator(".code").first
    assert not code.is_visible()
    tab.get_by_label("Show the code").check()
    assert code.is_visible()
    tab.goto(pages[1].path.as_uri())
    assert [code.is_visible() for code in tab.locator(".code").all()] == [False, True, False]
    tab.close()


def test_the_kernel_is_this_interpreter_and_leaves_nothing_behind(
    tmp_path: Path, make_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(
        '{"argv": ["/nowhere/python"], "display_name": "x", "language": "python"}'
    )
    (tmp_path / "home").mkdir()
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    path = make_notebook("a", "# Which?", ("headline", "import sys, os\nprint(sys.executable, os.getcwd())"))
    [page] = run([str(path)], out=tmp_path / "pages")
    assert page.error is None
    assert page.headline == f"{sys.executable} {Path.cwd()}"
    assert list((tmp_path / "home").iterdir()) == []
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_dead_kernel_is_a_failed_page(tmp_path: Path, make_notebook: Callable[..., Path]) -> None:
    path = make_notebook("a", "# Does it live?", "import os\nos._exit(1)")
    [page] = run([str(path)], out=tmp_path / "pages")
    assert page.error == "the kernel died while the notebook was running"
    assert "Does it live?" in page.path.read_text(encoding="utf-8")


def test_an_unknown_parameter_stops_everything_before_it_begins(
    tmp_path: Path, make_notebook: Callable[..., Path]
) -> None:
    with pytest.raises(optkit.SettingsError, match="there are account"):
        run(
            [str(make_notebook("a", ("parameters", "account: str = ''")))],
            out=tmp_path / "p",
            parameters={"x": 1},
        )
    assert not (tmp_path / "p").exists()


def test_a_folder_that_cannot_be_made_is_a_clear_error(
    tmp_path: Path, make_notebook: Callable[..., Path]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(optkit.SettingsError, match="give another folder with --out"):
        run([str(make_notebook("a", "1"))], out=tmp_path / "file" / "pages")


def test_an_interruption_ends_the_kernels(tmp_path: Path, make_notebook: Callable[..., Path]) -> None:
    path = make_notebook(
        "a",
        "# How long?",
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(__import__('os').getpid()))",
        "import time\ntime.sleep(600)",
    )
    code = f"from optkit.report import run\nrun([{str(path)!r}], out={str(tmp_path / 'pages')!r})"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    assert said.endswith("KeyboardInterrupt\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_ctrl_c_in_the_command_is_one_line(tmp_path: Path, make_notebook: Callable[..., Path]) -> None:
    waiting = f"import time\nopen({str(tmp_path / 'waiting')!r}, 'w').close()\ntime.sleep(600)"
    paths = [make_notebook(name, "# How long?", waiting) for name in ("a", "b", "c")]
    code = "from optkit.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "report", *paths, "--out", tmp_path / "pages"],
        env={**os.environ, "OPTKIT_ACCOUNT": "demo"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while not (tmp_path / "waiting").exists():
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, said = process.communicate(timeout=300)
    assert process.returncode == 130
    assert said.endswith("\noptkit: stopped\n")
    assert "Traceback" not in said
