"""Whether the API's own current_status agrees with the events."""

from typing import TYPE_CHECKING, Final

import polars as pl

from optkit.analysis.quality_check import Check, before
from optkit.engine import frames, spark
from optkit.engine.frames import is_spark
from optkit.history import OPT_IN, OPT_OUT, STATUS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

_REPORTED: Final = "reported_current_status"
_UNREPORTED: Final = 2  # opted in is 0, opted out is 1


def checks_of_reports(history: "pl.LazyFrame | SparkFrame", until: int | None) -> list[Check]:
    """Return the check of the API's own current_status, if the history has it."""
    if _REPORTED not in frames.column_names(history):
        return []
    wrong, pairs = _reports_on_spark(history, until) if is_spark(history) else _reports(history, until)
    meaning = (
        "pairs whose last event was reported with another current_status: events are missing, or came late"
    )
    return [Check("reported status", wrong, pairs, 0.001, meaning)]


def _reports(history: pl.LazyFrame, until: int | None) -> tuple[int, int]:
    """Return how many pairs' last report differs from their state, and how many pairs there are."""
    events = before(frames.read(history, [*frames.KEYS, _REPORTED]), until)
    # Time, state and report in one number: the greatest belongs to the last event, in a tie to the opt-out.
    status, reported = (
        pl.col(name).cast(STATUS, strict=False).to_physical().cast(pl.Int64) for name in ("status", _REPORTED)
    )
    last = (pl.col("created_at").cast(pl.Int64) * 6 + status * 3 + reported.fill_null(_UNREPORTED)).max()
    report, state = pl.col("last") % 3, pl.col("last") // 3 % 2
    pairs = events.group_by("from_phone", "to_phone").agg(last=last)
    counted = pairs.select(((report != _UNREPORTED) & (report != state)).sum(), pairs=pl.len())
    wrong, several = counted.collect(engine="streaming").row(0)
    return wrong, several


def _reports_on_spark(history: "SparkFrame", until: int | None) -> tuple[int, int]:
    """Return the same as `_reports`."""
    from pyspark.sql import functions as F

    at, report = F.unix_millis("created_at"), F.col(_REPORTED)
    code = F.when(report == OPT_IN, 0).when(report == OPT_OUT, 1).otherwise(_UNREPORTED)
    key = at * 6 + F.when(F.col("status") == OPT_OUT, 3).otherwise(0) + code
    events = history if until is None else history.filter(at <= until)
    pairs = events.groupBy("from_phone", "to_phone").agg(F.max(key).alias("last"))
    reported, state = F.pmod("last", F.lit(3)), F.pmod(F.floor(F.col("last") / 3), F.lit(2))
    wrong = F.count_if((reported != _UNREPORTED) & (reported != state))
    row = spark.collect(pairs.agg(wrong.alias("wrong"), F.count("*").alias("pairs"))).to_pylist()[0]
    return row["wrong"], row["pairs"]
