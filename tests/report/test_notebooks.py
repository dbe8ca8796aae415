import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import optkit
from optkit.report import notebooks
from optkit.report.notebooks import Parameter, choose_parameters, find, parameters_of


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("00_start_here", "01_churn", "12_one_number"):
        (tmp_path / f"{name}.ipynb").write_text("{}")
    (tmp_path / "draft.ipynb").write_text("{}")
    monkeypatch.setattr(notebooks, "notebooks_dir", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["01_churn", "01_churn.ipynb", "churn", "01", "1"])
def test_a_notebook_goes_by_its_name_its_question_or_its_number(three: Path, name: str) -> None:
    assert find([name]) == [three / "01_churn.ipynb"]


def test_no_name_means_all_numbered_ones(three: Path) -> None:
    assert [path.stem for path in find()] == ["00_start_here", "01_churn", "12_one_number"]


def test_a_path_names_a_notebook_and_each_is_taken_once(three: Path) -> None:
    draft = str(three / "draft.ipynb")
    assert [path.stem for path in find(["12", draft, "one_number"])] == ["12_one_number", "draft"]


@pytest.mark.parametrize("name", ["chrun", "3", "draft", "missing.ipynb", ""])
def test_an_unknown_name_is_rejected_and_the_known_ones_are_named(three: Path, name: str) -> None:
    with pytest.raises(optkit.SettingsError, match="there are 00_start_here, 01_churn, 12_one_number"):
        find([name])


def test_parameters_are_read_with_their_hints(make_notebook: Callable[..., Path]) -> None:
    cell = (
        "account: str | None = None  # a = b\n"
        'senders: list[str] = [\n    "A",  # one\n]\n'
        "show = False\n"
        "x: float = 1"
    )
    assert parameters_of(make_notebook("a", "# Title", ("parameters", cell), "y = 1")) == [
        Parameter("account", ("str", "None"), None),
        Parameter("senders", ("list[str]",), ["A"]),
        Parameter("show", ("bool",), False),
        Parameter("x", ("float",), 1),
    ]


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        ("str", "true", "true"),
        ("str | None", "none", None),
        ("str | None", "", None),
        ("str | None", "2026-01-01", "2026-01-01"),
        ("bool", "True", True),
        ("bool", "no", False),
        ("int", "12", 12),
        ("float", "0.5", 0.5),
        ("int | str", "7", 7),
        ("int | str", "1w", "1w"),
        ("list[str]", "28853, ACME,", ["28853", "ACME"]),
        ("list[str]", "", []),
        ("list[int] | None", "1,7,30", [1, 7, 30]),
    ],
)
def test_text_is_read_as_the_type_that_is_declared(
    make_notebook: Callable[..., Path], hint: str, text: str, value: object
) -> None:
    path = make_notebook("a", ("parameters", f"p: {hint} = None"))
    assert choose_parameters([path], {"p": text}) == {path: {"p": value}}


def test_values_other_than_text_are_passed_on(make_notebook: Callable[..., Path]) -> None:
    path = make_notebook("a", ("parameters", "p: list[str] = []"))
    assert choose_parameters([path], {"p": ("A", "B")}) == {path: {"p": ["A", "B"]}}


def test_each_notebook_gets_what_it_knows(make_notebook: Callable[..., Path]) -> None:
    one = make_notebook("one", ("parameters", "start: str = ''\nevery: str = '1w'"))
    two = make_notebook("two", ("parameters", "start: str = ''"))
    none = make_notebook("none", "1 + 1")
    chosen = choose_parameters([one, two, none], {"start": "2026-01-01", "every": "1mo"})
    assert chosen == {one: {"start": "2026-01-01", "every": "1mo"}, two: {"start": "2026-01-01"}, none: {}}


def test_an_unknown_parameter_is_rejected_and_the_known_ones_are_named(
    make_notebook: Callable[..., Path],
) -> None:
    path = make_notebook("a", ("parameters", "start: str = ''\nend: str = ''"))
    with pytest.raises(optkit.SettingsError, match="'strat'; there are end, start"):
        choose_parameters([path], {"strat": "2026-01-01"})


def test_a_value_of_another_type_is_rejected_without_repeating_it(make_notebook: Callable[..., Path]) -> None:
    path = make_notebook("a", ("parameters", "n: int | None = 1"))
    with pytest.raises(optkit.SettingsError, match="parameter n of a must be int or None") as caught:
        choose_parameters([path], {"n": "many"})
    assert "many" not in str(caught.value)


def test_a_file_that_is_not_a_notebook_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text("{}")
    with pytest.raises(optkit.SettingsError, match=r"a\.ipynb is not a notebook"):
        parameters_of(path)


def test_commands_that_run_notebooks_import_no_grammars_of_addresses() -> None:
    code = """
import sys
from optkit.report.notebooks import require_lab
require_lab()
import nbformat
print([name in sys.modules for name in ("jsonschema", "rfc3987_syntax", "lark")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[True, False, False]\n"
