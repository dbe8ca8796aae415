"""Wrong types, edges and nonsense for every argument of every public function: an answer, or a typed error.

Errors never quote a phone number of the history.
"""

import ast
import inspect
import math
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from histories import Event, frame
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit import plots

PHONE = "+12025550101"
BEGIN = 1_767_225_600_000  # 2026-01-01
HISTORY = frame(
    [
        Event(PHONE, "ACME", BEGIN, "opt-out"),
        Event(PHONE, "ACME", BEGIN + 300_000_000, "opt-in"),
        Event("+12025550102", "24273", BEGIN + 86_400_000, "opt-out"),
    ]
).with_columns(current_status="status", brand=pl.lit("x"))
PANDAS = pd.DataFrame(HISTORY.to_dicts())
MESSAGES = optkit.demo_messages(recipients=20).with_columns(brand=pl.lit("x"))

VALUES: list[Any] = [
    *(None, True, 0, 1, -1, 2**63, 10**30, 1.5, math.nan, math.inf, -math.inf, np.int64(3), np.float64(0.5)),
    *(
        "",
        " ",
        "x",
        "\0",
        "from_phone",
        "to_phone",
        "brand",
        "created_at",
        "status",
        "sender",
        "../../etc/passwd",
    ),
    *("1d", "1w", "0d", "1h", "-1d", "99999999999d", "30d", "Europe/Berlin", "1" * 400),
    *("2026-01-01", "0001-01-01", "9999-12-31", "2026-01-02T00:00+14:00", "2026-01-02 09:00 Europe/Berlin"),
    *(
        b"x",
        [],
        [1],
        ["from_phone", 1],
        ["from_phone", "from_phone"],
        (),
        (1, 1),
        (0,),
        (1, 7),
        {},
        {"a": 1},
        {1},
    ),
    *(object(), int, len, Path("nope.csv"), Path("nope.xlsx"), "nope.parquet"),
    *(pd.NaT, pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-01", tz="UTC"), np.datetime64("2026-01-01")),
    *(date.min, date.max, datetime(2026, 1, 1), datetime.min.replace(tzinfo=UTC)),  # noqa: DTZ001 - naive on purpose
    datetime.max.replace(tzinfo=timezone(-timedelta(hours=23))),
    *(timedelta(0), timedelta.max, timedelta.min, timedelta(days=1)),
    *(
        pl.DataFrame(),
        HISTORY,
        HISTORY.lazy(),
        HISTORY.to_arrow(),
        PANDAS,
        PANDAS["to_phone"],
        pl.Series([1]),
    ),
    *(
        pd.Series([1]),
        pd.DataFrame({"a": [1, PHONE]}),
        pd.DataFrame([[1, 2]], columns=["to_phone", "to_phone"]),
    ),
]

#: What each argument without a default is, when another is tried.
USUAL: dict[str, Any] = {
    "history": HISTORY,
    "frame": HISTORY,
    "messages": MESSAGES,
    "contacts": pl.DataFrame({"phone": [PHONE]}),
    "to_phone": PHONE,
    "at": "2026-01-02",
    "before": "2026-01-01",
    "after": "2026-01-03",
}
#: What single functions need instead.
OWN: dict[str, dict[str, Any]] = {
    "demo_history": {"recipients": 20, "days": 20},
    "demo_audience": {"recipients": 20},
    "demo_messages": {"recipients": 20},
    "messages_from": {"frame": MESSAGES},
}
#: They read and write the cache or settings, and have tests of their own.
ELSEWHERE = set(
    """
    export load scan fetch load_messages scan_messages coverage verify clear configure settings
    """.split()  # noqa: SIM905 - as in test_public_names.py
)
FUNCTIONS = sorted(
    name for name in dir(optkit) if inspect.isfunction(getattr(optkit, name)) and name not in ELSEWHERE
)


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the named parameters of a function."""
    everything = inspect.signature(function).parameters
    return {name: each for name, each in everything.items() if each.kind != each.VAR_KEYWORD}


def arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """Return arguments with which a function gives an answer."""
    parameters = inspect.signature(function).parameters.values()
    needed = {
        each.name: USUAL[each.name]
        for each in parameters
        if each.default is each.empty and each.kind != each.VAR_KEYWORD
    }
    return needed | OWN.get(function.__name__, {})


def try_out(function: Callable[..., Any], given: dict[str, Any]) -> None:
    """Call a function; pass if it answers, or raises a typed error that quotes no number of the history."""
    said = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            function(**given)
        except optkit.OptkitError as error:
            said = str(error)
    assert "2025550" not in said


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_gives_a_result_or_a_typed_error(name: str) -> None:
    function = getattr(optkit, name)
    usual = arguments(function)
    function(**usual)
    for parameter in parameters(function):
        for value in VALUES:
            try:
                try_out(function, usual | {parameter: value})
            except Exception as error:
                raise AssertionError(f"{name}({parameter}={value!r:.60})") from error


@given(st.sampled_from(FUNCTIONS), st.data())
def test_several_wrong_arguments_give_a_typed_error(name: str, data: st.DataObject) -> None:
    function = getattr(optkit, name)
    names = st.sampled_from(sorted(parameters(function)))
    wrong = data.draw(st.dictionaries(names, st.sampled_from(VALUES)))
    try_out(function, arguments(function) | wrong)


@cache
def names_in(file: Path) -> set[str]:
    """Return every text and keyword of a module that could be the name of a column."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    keywords = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
    return {name for name in texts | keywords if re.fullmatch(r"[a-z_]{1,30}", name)}


def names_in_the_sources(function: Callable[..., Any]) -> list[str]:
    """Return the names in a function's module and in the engine, but for those of the tables' own columns."""
    package = Path(optkit.__file__).parent
    files = [Path(inspect.getfile(function)), *package.glob("engine/*.py")]
    return sorted(set().union(*map(names_in, files)) - {*HISTORY.columns, *MESSAGES.columns})


COUNTING = ["compare", *(name for name in FUNCTIONS if "since" in parameters(getattr(optkit, name)))]

GROUPED = [name for name in FUNCTIONS if "by" in parameters(getattr(optkit, name))]


@pytest.mark.parametrize("name", GROUPED)
def test_a_column_to_group_by_may_have_any_name_or_is_rejected(name: str) -> None:
    function = getattr(optkit, name)
    usual = arguments(function) | {"by": "brand"}
    expected = function(**usual)
    names = names_in_the_sources(function)
    found = None
    while found is None:  # the names that are accepted can be tried all at once
        copies = [pl.col("brand").alias(name) for name in names]
        tables = {
            each: table.with_columns(copies).drop("brand")
            for each, table in usual.items()
            if each in {"history", "messages"}
        }
        try:
            found = function(**usual | tables | {"by": names})
        except optkit.SettingsError as error:
            rejected = re.match(r"by='(\w+)': the analysis computes", str(error))
            if rejected is None:
                raise
            names.remove(rejected[1])
    for column in names:
        others = [other for other in names if other != column]
        assert expected.equals(found.drop(others).rename({column: "brand"})), column


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize("by", ["sender", "recipients", "period", "opt_outs", "nothing"])
def test_a_missing_column_to_group_by_is_named_with_those_there_are(name: str, by: str) -> None:
    """Also if the analysis computes a column of that name."""
    function = getattr(optkit, name)
    hint = "; use 'from_phone'$" if by == "sender" else "'[^']+'$| more$"
    with pytest.raises(optkit.HistoryError, match=rf"no column '{by}'; it has .*'from_phone'.*({hint})"):
        function(**arguments(function) | {"by": by})


@pytest.mark.parametrize("name", COUNTING)
def test_a_time_after_the_end_of_the_data_gives_a_warning_that_says_where_it_ends(name: str) -> None:
    function = getattr(optkit, name)
    argument = "at" if name == "compare" else "since"
    # the last event is 300,000 seconds after the beginning of the year, and the last message as well
    end = pl.lit(datetime(2026, 1, 4, 11, 20, tzinfo=UTC)).cast(MESSAGES.schema["sent_at"])
    usual = arguments(function)
    if "messages" in usual:
        usual["messages"] = MESSAGES.with_columns(sent_at=pl.min_horizontal("sent_at", end))
    says = f"{argument} is 2026-03-01 09:00 UTC, but the data ends at 2026-01-04 11:20 UTC"
    with pytest.warns(UserWarning, match=says) as caught:
        function(**usual | {argument: "2026-03-01 09:00"})
    assert [each.filename for each in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        function(**usual | {argument: "2026-03-01", "until": "2026-04-01"})
        function(**usual | {argument: "2026-01-04"})


def test_a_table_with_other_names_is_an_error_that_names_the_function_to_convert_it() -> None:
    table = pl.DataFrame({"phone": [PHONE], "shortcode": ["24273"], "ts": [BEGIN], "event": ["STOP"]})
    for function in (optkit.churn, optkit.suppression_list, optkit.quality):
        with pytest.raises(optkit.HistoryError, match=r"it has 'phone', .* optkit\.history_from"):
            function(table)
    with pytest.raises(optkit.HistoryError, match=r"it has 'phone', .* optkit\.messages_from"):
        optkit.attribution(HISTORY, table)
    with pytest.raises(optkit.HistoryError, match=r"no column 'brand'; it has .*'status'$"):
        optkit.churn(HISTORY.select("to_phone", "from_phone", "created_at", "status"), by="brand")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (
            PANDAS.assign(to_phone=[PHONE, 12025550102, None]),
            "column to_phone has values of different types",
        ),
        (PANDAS.assign(note=[1, PHONE, b"x"]), "the column note has values of different types"),
        (pd.concat([PANDAS, PANDAS[["to_phone"]]], axis=1), "two columns of the same name"),
        (PANDAS.rename(columns={"to_phone": PHONE}), "no column 'to_phone'; it has <str>, 'from_phone'"),
        (PANDAS["brand"], "history is not a table"),
    ],
)
def test_a_frame_that_cannot_be_read_is_described_without_its_values(table: Any, says: str) -> None:
    with pytest.raises(optkit.HistoryError, match=says) as caught:
        optkit.churn(table)
    assert "2025550" not in str(caught.value)


PLOTS = [name for name in plots.__all__ if name in FUNCTIONS]


@pytest.mark.parametrize("name", PLOTS)
def test_a_picture_of_any_table_is_drawn_or_a_typed_error(name: str) -> None:
    draw = getattr(plots, name)
    table = getattr(optkit, name)(**arguments(getattr(optkit, name)))
    tries = list(VALUES)
    if isinstance(table, pl.DataFrame):
        tries += [
            table.with_columns(pl.lit(None, dtype).alias(column)) for column, dtype in table.schema.items()
        ]
        tries += [table.with_columns(pl.lit("x").alias(column)) for column in table.columns]
        tries += [table.lazy(), table.to_arrow(), table.to_pandas()]
    for value in tries:
        try:
            try_out(draw, {"table": value})
        except Exception as error:
            raise AssertionError(f"{name}({value!r:.200})") from error
        plt.close("all")


def test_a_notebook_shows_the_message_and_the_callers_line(tmp_path: Path) -> None:
    cell = "import optkit\nhistory = optkit.demo_history(recipients=20)\noptkit.churn(history, every='1h')\n"
    (tmp_path / "cell.py").write_text(cell)
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", str(tmp_path / "cell.py")]
    environment = os.environ | {"IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    shown = (done.stdout + done.stderr).strip().splitlines()
    assert len(shown) == 2
    assert shown[0].startswith("SettingsError: every must be a number of days")
    assert shown[1] == "    optkit.churn(history, every='1h')"
