"""The Spark session of the benchmark of messages: two threads of this machine."""

import os
import sys
from pathlib import Path

import polars as pl
from pyspark.sql import DataFrame, SparkSession


def start(threads: int) -> SparkSession:
    """Start a session."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "4g",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(4 * threads),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master(f"local[{threads}]").appName("messages")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def read(session: SparkSession, files: tuple[Path, Path]) -> tuple[DataFrame, DataFrame]:
    """Return events and messages."""
    events, messages = (session.read.parquet(str(path)) for path in files)
    return events, messages


def collect(frame: DataFrame) -> pl.DataFrame:
    """Return the rows of a Spark frame."""
    return pl.DataFrame(frame.toArrow())
