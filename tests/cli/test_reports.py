"""Reports by command: of which account, of which period, in which files."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

Run = Callable[..., subprocess.CompletedProcess[str]]

HOW_MANY = [
    new_markdown_cell("# How many events?"),
    new_code_cell(
        "account: str | None = None\nsenders: list[str] | None = None", metadata={"tags": ["parameters"]}
    ),
    new_code_cell("from optkit import display\ndata = display.open_account(account, senders=senders)\ndata"),
    new_code_cell(
        "from IPython.display import Markdown\nMarkdown(f'{data.history.height:,} events')",
        metadata={"tags": ["headline"]},
    ),
]
WHAT = [
    new_markdown_cell("# What was asked for?"),
    new_code_cell(
        "account: str = ''\nstart: str = ''\nend: str = ''\nsenders: list[str] = []",
        metadata={"tags": ["parameters"]},
    ),
    new_code_cell("print(account, start, end, '+'.join(senders))", metadata={"tags": ["headline"]}),
]


def test_an_account_that_is_named_never_becomes_the_demo(run: Run, tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=HOW_MANY), tmp_path / "events.ipynb")
    for words, settings in (((), {"account": "acme"}), (("--account", "acme"), {})):
        done = run("report", "events.ipynb", *words, **settings)
        assert done.returncode == 1
        assert "there is no token and nothing is cached" in done.stdout
        assert "DEMO" not in done.stdout + done.stderr
    assert not (tmp_path / "cache" / "demo").exists()


def test_without_token_and_cache_the_demo_has_to_be_named(run: Run, tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=HOW_MANY), tmp_path / "events.ipynb")
    done = run("report", "events.ipynb")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("optkit: there is no token and nothing is cached; ")
    assert done.stderr.endswith("--account demo\n")
    assert not (tmp_path / "reports").exists()


def test_each_line_about_the_demo_says_so(run: Run, tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=HOW_MANY), tmp_path / "events.ipynb")
    done = run("report", "events.ipynb", "--account", "demo")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("DEMO events: ")


def test_a_misspelt_sender_is_an_error_that_names_the_senders(run: Run, tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=HOW_MANY), tmp_path / "events.ipynb")
    senders = ["--sender", "NORTWIND", "--sender", "NORTHWIND"]
    done = run("report", "events.ipynb", "--account", "demo", *senders)
    assert done.returncode == 1
    reason = re.search(
        "no event or message.* has the sender NORTWIND; the account's senders are .* and NORTHWIND",
        done.stdout,
    )
    assert reason, done.stdout
    assert done.stderr.endswith(
        "optkit: events did not run to the end; the page shows the cell that failed\n"
    )


def test_report_writes_one_file_of_a_period_for_the_chosen_senders(run: Run, tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=WHAT), tmp_path / "asked.ipynb")
    words = ["--period", "last-month", "--sender", "A", "--sender", "B", "--account", "demo"]
    done = run("report", "asked.ipynb", *words, "--single-file", "--keep-notebooks")
    assert done.returncode == 0, done.stderr
    assert "asked: demo 2026-06-01 2026-07-01 A+B" in done.stdout, "the demo's clock stands at 1 July 2026"
    [folder] = (tmp_path / "reports").iterdir()
    assert re.fullmatch(r"demo-\d{4}-\d\d-\d\d-\d{6}", folder.name), "the time keeps earlier reports"
    assert {path.name for path in folder.iterdir()} == {"report.html", "asked.ipynb"}
    assert "asked: done after" in done.stderr
    wrong = run("report", "asked.ipynb", "--period", "last-week", "--start", "2026-06-01")
    assert (wrong.returncode, wrong.stderr) == (1, "optkit: give either --period, or --start and --end\n")
