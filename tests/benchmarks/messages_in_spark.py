"""The cases of the benchmark of messages that optkit answers on Spark frames."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import polars as pl
import pyarrow as pa
import spark_session
from messages_in_optkit import CASES, comparable
from pyspark.sql import DataFrame

_FRAMES: list[DataFrame] = []


def prepare(case: str, events: Path, messages: Path, threads: int) -> None:
    """Start Spark and workers that have imported what the first call would import."""

    def imported(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import_module("optkit.engine.joint_partitions")
        yield from batches

    session = spark_session.start(threads)
    _FRAMES[:] = spark_session.read(session, (events, messages))
    session.range(0, threads, 1, threads).mapInArrow(imported, "id long").collect()
    few = [frame.limit(2) for frame in _FRAMES]
    spark_session.collect(CASES[case](*few))


def answer(case: str) -> pl.DataFrame:
    """Answer one case."""
    found = CASES[case](*_FRAMES)
    table = found if isinstance(found, pl.DataFrame) else spark_session.collect(found)
    return comparable(case, table)
