"""The README's lines work as they are written."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

import optkit
from optkit.report.notebooks import find

README = (Path(optkit.__file__).parents[1] / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_first_two_commands_are_the_demo_and_the_tests() -> None:
    demo, tests, *_ = blocks("bash")
    assert demo.startswith("pip install uv && uv run ")
    assert demo.endswith(" optkit demo\n")
    assert tests == "pip install uv && uv run --compile-bytecode pytest\n"


def test_the_python_lines_run_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    mpl.use("Agg")
    code = blocks("python")[0]
    assert len([line for line in code.splitlines() if line]) <= 5
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 - the README's own lines
    history = names["history"]
    assert getattr(history, "height", 0) > 5_000
    mpl.pyplot.close("all")


def test_every_picture_and_page_that_it_links_to_is_there() -> None:
    root = Path(optkit.__file__).parents[1]
    links = re.findall(r"\]\(([^):]+)\)", README)
    assert [link for link in links if not (root / link).is_file()] == []


def test_every_notebook_is_shown_with_a_picture() -> None:
    for path in find():
        assert f"](notebooks/{path.name})<br>![" in README
        assert f"](notebooks/pictures/{path.stem}.png)" in README


def test_every_function_is_listed() -> None:
    section = README[README.index("## Functions") : README.index("## Notebooks")]
    listed = set(re.findall(r"`(\w+)`", section))
    functions = {
        name for name in dir(optkit) if name.islower() and name not in {"plots", "display", "emulator"}
    }
    assert functions - {"__version__"} <= listed
    assert listed <= set(dir(optkit)) | {"since"}


def test_analysts_commands_need_no_development_tools() -> None:
    for line in README.splitlines():
        if "uv run" in line and "pytest" not in line:
            assert "uv run --no-dev" in line


def test_every_setting_is_a_real_one() -> None:
    known = {f"OPTKIT_{name.upper()}" for name in optkit.settings()["setting"]}
    assert set(re.findall(r"OPTKIT_[A-Z_]+", README)) <= known
