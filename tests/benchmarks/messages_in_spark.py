"""The cases of the benchmark of messages that optkit answers on Spark frames."""

from pathlib import Path

import polars as pl
import spark_session
from messages_in_optkit import CASES, comparable
from pyspark.sql import DataFrame

_FRAMES: list[DataFrame] = []


def prepare(events: Path, messages: Path, threads: int) -> None:
    """Start Spark and a worker that has imported what the first call would import."""
    _FRAMES[:] = spark_session.read(spark_session.start(threads), (events, messages))
    few = [frame.limit(2) for frame in _FRAMES]
    spark_session.collect(CASES["leaks"](*few))


def answer(case: str) -> pl.DataFrame:
    """Answer one case."""
    found = CASES[case](*_FRAMES)
    table = found if isinstance(found, pl.DataFrame) else spark_session.collect(found)
    return comparable(case, table)
