"""Examples in docstrings can be pasted: they define all that they use. (doctest checks that they are right.)"""

import ast
import builtins
import doctest
import inspect
from typing import Any

import pytest

import optkit
import optkit.plots

PUBLIC: list[Any] = [
    value
    for package in (optkit, optkit.plots)
    for value in (getattr(package, name) for name in dir(package))
    if inspect.isfunction(value)
]


@pytest.mark.parametrize(
    "function", PUBLIC, ids=lambda function: f"{function.__module__}.{function.__name__}"
)
def test_a_public_function_has_an_example_that_can_be_pasted(function: Any) -> None:
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(function) or "")
    assert examples
    names = list(ast.walk(ast.parse("".join(e.source for e in examples))))
    used = {node.id for node in names if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = {node.id for node in names if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imported = {
        alias.asname or alias.name
        for node in names
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert used <= made | imported | set(dir(builtins))
