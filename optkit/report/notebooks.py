"""The notebooks and their parameters."""

import ast
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from optkit.errors import SettingsError
from optkit.extras import require

#: The names of types of values without a hint, if they differ from the types' own.
_TYPES: Final[Mapping[type, str]] = {type(None): "None", list: "list[str]"}

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_CHECKOUT: Final = _PACKAGE.parent / "notebooks"


@dataclass(frozen=True)
class Parameter:
    """A name that a notebook's parameters cell declares.

    Attributes
    ----------
    name : str
        The name, such as ``senders``.
    options : tuple of str
        The types that its hint allows, such as ``("list[str]",)`` or ``("str", "None")``. Without a hint: the type of
        its value.
    default : object
        Its value in the notebook.
    """

    name: str
    options: tuple[str, ...]
    default: Any


def notebooks_dir() -> Path:
    """Return the folder of the notebooks: the checkout's if optkit runs from one, otherwise the package's copy.

    Returns
    -------
    Path
        Do not write to the package's copy; `lab` makes a copy of it.

    Examples
    --------
    >>> from optkit.report import notebooks_dir
    >>> notebooks_dir().name
    'notebooks'
    """
    return _CHECKOUT if is_checkout() else _PACKAGE / "notebooks"


def is_checkout() -> bool:
    """Return whether optkit runs from a checkout; this depends on where the package is, not on the current folder."""
    return _CHECKOUT.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file()


def find(names: Iterable[str] = ()) -> list[Path]:
    """Return the named notebooks in the order given, each once.

    Parameters
    ----------
    names : iterable of str
        ``"01_churn"``, ``"churn"``, ``"1"`` or the path of a notebook; empty for all of optkit's.

    Raises
    ------
    SettingsError
        A name is unknown; the message lists the known ones.
    """
    known = sorted(notebooks_dir().glob("[0-9][0-9]_*.ipynb"))
    by_name = {alias: path for path in known for alias in _aliases(path)}
    found = [by_name.get(str(name)) or _own(str(name), known) for name in names]
    return list(dict.fromkeys(found)) if found else known


def _aliases(path: Path) -> set[str]:
    number, _, question = path.stem.partition("_")
    return {path.stem, path.name, question, number, str(int(number))}


def _own(name: str, known: list[Path]) -> Path:
    path = Path(name).expanduser()
    if path.suffix == ".ipynb" and path.is_file():
        return path.resolve()
    raise SettingsError(
        f"there is no notebook {name!r}; there are {', '.join(path.stem for path in known)}, "
        "or give the path of an .ipynb file"
    )


def parameters_of(path: Path) -> list[Parameter]:
    """Return the parameters that the cell tagged ``parameters`` declares, in order.

    Python's own parser reads it, because papermill's regular expression does not know hints such as ``str | None``.

    Raises
    ------
    SettingsError
        The file is not a notebook, or its parameters cell is not Python with literals.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
        statements = ast.parse("".join(tagged[0]["source"])).body if tagged else []
    except (ValueError, KeyError, TypeError, SyntaxError):
        raise SettingsError(f"{path.name} is not a notebook with a readable parameters cell") from None
    try:
        return [
            _parameter(statement)
            for statement in statements
            if isinstance(statement, ast.Assign | ast.AnnAssign)
        ]
    except ValueError:
        raise SettingsError(
            f"{path.name} has a parameter that is not a literal value with one name"
        ) from None


def _parameter(statement: ast.Assign | ast.AnnAssign) -> Parameter:
    """Return the parameter that an assignment declares.

    Raises
    ------
    ValueError
        It has several targets, or the value is not a literal.
    """
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    if statement.value is None or len(targets) != 1 or not isinstance(targets[0], ast.Name):
        raise ValueError
    default = ast.literal_eval(statement.value)
    if isinstance(statement, ast.AnnAssign):
        options = tuple(re.split(r"\s*\|\s*", ast.unparse(statement.annotation)))
    else:
        options = (_TYPES.get(type(default), type(default).__name__),)
    return Parameter(targets[0].id, options, default)


def choose_parameters(paths: Iterable[Path], values: Mapping[str, Any]) -> dict[Path, dict[str, Any]]:
    """Return for each notebook the values of its parameters, in the types that it declares.

    Parameters
    ----------
    paths : iterable of Path
        The notebooks to run.
    values : mapping
        Values by parameter name. Text is converted to the type of the notebook's hint: numbers, ``true`` and ``false``,
        ``none``, lists separated by commas.

    Raises
    ------
    SettingsError
        No notebook has a parameter of that name, or a text cannot be converted to its type.
    """
    declared = {path: parameters_of(path) for path in paths}
    known = sorted({parameter.name for parameters in declared.values() for parameter in parameters})
    for name in values:
        if name not in known:
            raise SettingsError(
                f"no chosen notebook has a parameter {name!r}; there are {', '.join(known) or 'none'}"
            )
    return {
        path: {p.name: _read(p, values[p.name], path) for p in parameters if p.name in values}
        for path, parameters in declared.items()
    }


def _read_boolean(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]


def _read_none(text: str) -> None:
    if text.lower() not in {"", "none", "null"}:
        raise ValueError(text)


#: Functions that convert text to each type, narrow types first.
_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "None": _read_none,
    "bool": _read_boolean,
    "int": int,
    "float": float,
    "str": str,
}


def _read(parameter: Parameter, value: Any, path: Path) -> Any:
    if not isinstance(value, str):
        return list(value) if isinstance(value, tuple) else value
    for kind, reader in _READERS.items():
        try:
            if f"list[{kind}]" in parameter.options:
                return [reader(part.strip()) for part in value.split(",") if part.strip()]
            if kind in parameter.options:
                return reader(value)
        except (ValueError, KeyError):
            continue
    raise SettingsError(
        f"parameter {parameter.name} of {path.stem} must be {' or '.join(parameter.options)}; "
        "the value cannot be read as that"
    )


def require_lab() -> None:
    """Check that the extra ``lab`` is installed; imports of its packages are faster after that.

    Raises
    ------
    SettingsError
        JupyterLab, nbclient or nbconvert is not installed.
    """
    require("running notebooks", "lab", "jupyterlab", "nbclient", "nbconvert", "ipykernel")
    _import_jsonschema()


def _import_jsonschema() -> None:
    """Import jsonschema without rfc3987-syntax, with which it can check internationalized web addresses.

    nbformat and JupyterLab import jsonschema; rfc3987-syntax compiles 38 grammars when it is imported, which takes a
    second. Neither notebooks nor JupyterLab's events have such addresses.
    """
    optional = "rfc3987_syntax"
    if optional in sys.modules:
        return
    sys.modules[optional] = None  # type: ignore[assignment]  # an import of it fails now
    try:
        import_module("jsonschema")
    finally:
        del sys.modules[optional]
