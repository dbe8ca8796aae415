"""Which notebooks there are, and which parameters each of them takes."""

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from optkit.errors import SettingsError

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_CHECKOUT: Final = _PACKAGE.parent / "notebooks"


@dataclass(frozen=True)
class Parameter:
    """A name that a notebook's parameters cell declares.

    Attributes
    ----------
    name : str
        Such as ``senders``.
    options : tuple of str
        The types that its hint allows, such as ``("list[str]",)`` or ``("str", "None")``; of a parameter
        without a hint the type of its value.
    """

    name: str
    options: tuple[str, ...]


def notebooks_dir() -> Path:
    """Return the checkout's ``notebooks`` folder when optkit runs from one, else the package's copy.

    Returns
    -------
    Path
        Where the notebooks lie. The package's copy is not to be written to: `lab` works on a copy of it.

    Examples
    --------
    >>> from optkit.report import notebooks_dir
    >>> notebooks_dir().name
    'notebooks'
    """
    return _CHECKOUT if is_checkout() else _PACKAGE / "notebooks"


def is_checkout() -> bool:
    """Tell whether optkit runs from a checkout; it depends on where the package lies, not on the folder."""
    return _CHECKOUT.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file()


def find(names: Iterable[str] = ()) -> list[Path]:
    """Return the notebooks that are meant, each once, in the order given.

    Parameters
    ----------
    names : iterable of str
        ``"01_churn"``, ``"churn"``, ``"1"`` or the path of a notebook; none for all that optkit has.

    Raises
    ------
    SettingsError
        A name is unknown; the message lists the known.
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
    """Return what the cell tagged ``parameters`` declares, in its order.

    It is read by Python's own parser: papermill's expression for it does not know hints such as
    ``str | None``.

    Raises
    ------
    SettingsError
        The file is no notebook, or its parameters cell is not Python.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
        statements = ast.parse("".join(tagged[0]["source"])).body if tagged else []
    except (ValueError, KeyError, TypeError, SyntaxError):
        raise SettingsError(f"{path.name} is no notebook with a readable parameters cell") from None
    found = []
    for statement in statements:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=hint):
                options = re.split(r"\s*\|\s*", ast.unparse(hint))
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                options = ["None" if value is None else type(value).__name__]
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.List()):
                options = ["list[str]"]
            case _:
                continue
        found.append(Parameter(name, tuple(options)))
    return found


def choose_parameters(paths: Iterable[Path], values: Mapping[str, Any]) -> dict[Path, dict[str, Any]]:
    """Hand each notebook the values that it knows, as the types that it declares.

    Parameters
    ----------
    paths : iterable of Path
        The notebooks that will run.
    values : mapping
        Of a parameter's name its value; text is read as the notebook's hint says: numbers, ``true`` and
        ``false``, ``none``, lists with commas.

    Raises
    ------
    SettingsError
        No notebook knows a name, or a text cannot be read as what the notebook declares.
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


def _truth(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]


def _nothing(text: str) -> None:
    if text.lower() not in {"", "none", "null"}:
        raise ValueError(text)


#: How text is read as each type, the narrow ones first.
_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "None": _nothing,
    "bool": _truth,
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


def need_lab() -> None:
    """Say what to install where the extra ``lab`` is missing.

    Raises
    ------
    SettingsError
        JupyterLab, nbclient or nbconvert is not installed.
    """
    if not all(find_spec(name) for name in ("jupyterlab", "nbclient", "nbconvert", "ipykernel")):
        raise SettingsError("notebooks need more packages: pip install 'optkit[lab]'")
