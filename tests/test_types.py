"""Types for a user's checker: polars in, polars out; Spark in, Spark out. mypy checks them, and they are true."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import polars as pl

import optkit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

HISTORY = optkit.demo_history(recipients=200, days=60)
MESSAGES = optkit.demo_messages(recipients=200, days=60)


def test_rows_of_polars_frames_are_polars_frames() -> None:
    tables = [
        assert_type(optkit.transitions(HISTORY), pl.DataFrame),
        assert_type(optkit.spells(HISTORY.lazy(), since="2026-06-01"), pl.DataFrame),
        assert_type(optkit.status_at(HISTORY), pl.DataFrame),
        assert_type(optkit.suppression_list(HISTORY, "2026-06-01", scope="recipient"), pl.DataFrame),
        assert_type(optkit.suppression_diff(HISTORY, "2026-06-01", "2026-06-30"), pl.DataFrame),
        assert_type(optkit.attribution(HISTORY, MESSAGES), pl.DataFrame),
        assert_type(optkit.leaks(HISTORY, MESSAGES.lazy()), pl.DataFrame),
        assert_type(optkit.history_from(HISTORY), pl.DataFrame),
    ]
    assert {type(table) for table in tables} == {pl.DataFrame}


def test_tables_are_polars_frames() -> None:
    tables = [
        assert_type(optkit.audience(MESSAGES), pl.DataFrame),
        assert_type(optkit.churn(HISTORY, by=["from_phone"]), pl.DataFrame),
        assert_type(
            optkit.opt_out_rates(HISTORY, audience=300),
            pl.DataFrame,
        ),
        assert_type(optkit.cycles(HISTORY), pl.DataFrame),
        assert_type(optkit.return_curve(HISTORY), pl.DataFrame),
        assert_type(optkit.cohorts(HISTORY), pl.DataFrame),
        assert_type(optkit.overlap(HISTORY), pl.DataFrame),
        assert_type(optkit.spikes(HISTORY), pl.DataFrame),
        assert_type(optkit.quality(HISTORY), pl.DataFrame),
        assert_type(optkit.timeline(HISTORY, HISTORY["to_phone"][0]), pl.DataFrame),
    ]
    keep, suppressed = optkit.scrub(["+12025550101"], HISTORY)
    tables += [assert_type(keep, pl.DataFrame), assert_type(suppressed, pl.DataFrame)]
    assert {type(table) for table in tables} == {pl.DataFrame}


def test_columns_are_added_to_the_kind_of_frame_that_came() -> None:
    assert isinstance(assert_type(optkit.with_country(HISTORY), pl.DataFrame), pl.DataFrame)
    assert isinstance(assert_type(optkit.with_country(HISTORY.lazy()), pl.LazyFrame), pl.LazyFrame)
    assert isinstance(assert_type(optkit.with_local_time(HISTORY.lazy()), pl.LazyFrame), pl.LazyFrame)
    assert isinstance(assert_type(optkit.mask(HISTORY), pl.DataFrame), pl.DataFrame)


def on_spark(history: "SparkFrame", messages: "SparkFrame") -> None:
    """Not called: results on Spark are tested with Spark; a type checker reads this."""
    assert_type(optkit.transitions(history), "SparkFrame")
    assert_type(optkit.spells(history), "SparkFrame")
    assert_type(optkit.status_at(history, scope="recipient"), "SparkFrame")
    assert_type(optkit.suppression_list(history), "SparkFrame")
    assert_type(optkit.suppression_diff(history, "2026-06-01", "2026-06-30"), "SparkFrame")
    assert_type(optkit.attribution(history, messages), "SparkFrame")
    assert_type(optkit.leaks(history, messages), "SparkFrame")
    assert_type(optkit.with_country(history), "SparkFrame")
    assert_type(optkit.with_local_time(history), "SparkFrame")
    assert_type(optkit.history_from(history), "SparkFrame")
    assert_type(optkit.churn(history), pl.DataFrame)


def mistakes(history: pl.DataFrame) -> None:
    """Not called either: each line is an error to a type checker, or its comment is one."""
    optkit.configure(worker=4)  # type: ignore[call-arg]
    optkit.configure(workers="four")  # type: ignore[arg-type]
    optkit.churn(history, scope="sender")  # type: ignore[arg-type]
    optkit.churn([1, 2])  # type: ignore[arg-type]
    optkit.churn(history, audience=0.5)  # type: ignore[arg-type]
    optkit.suppression_list(history).hight  # type: ignore[attr-defined] # noqa: B018


def test_mypy_agrees() -> None:
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", str(Path(__file__))]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
