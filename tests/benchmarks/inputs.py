"""Accounts of any size for benchmarks: at equal distances in time, so that windows of equal length hold as many."""

from datetime import datetime

import polars as pl

from optkit.history import OPT_IN, OPT_OUT, STATUS
from optkit.messages import DELIVERY_STATUS, FAILURE, SCHEMA
from optkit.times import DAY, INSTANT, to_ms


def make_events(rows: int, start: datetime, days: int) -> pl.DataFrame:
    """Return events of 80,000 recipients and nine senders."""
    number = pl.int_range(rows, dtype=pl.Int64)
    return pl.select(
        to_phone=_phone(number),
        from_phone=pl.lit("+1212555010") + (number * 13 % 9).cast(pl.String),
        created_at=(to_ms(start) + number * (days * DAY) // rows).cast(INSTANT),
        status=pl.when(number % 3 == 0).then(pl.lit(OPT_IN)).otherwise(pl.lit(OPT_OUT)).cast(STATUS),
    )


def make_messages(rows: int, start: datetime, days: int) -> pl.DataFrame:
    """Return messages to 80,000 recipients: 40 executions of 12 campaigns, one in 50 fails."""
    number = pl.int_range(rows, dtype=pl.Int64)
    second = (to_ms(start) + number * (days * DAY) // rows) // 1000 * 1000
    execution = number * 40 // rows
    fails = number % 50 == 0
    return pl.select(
        message_id=number + 1,
        to_phone=_phone(number),
        from_phone=pl.lit("+1212555010") + (execution % 9).cast(pl.String),
        sent_at=second.cast(INSTANT),
        delivery_status=pl.when(fails)
        .then(pl.lit("failed"))
        .otherwise(pl.lit("delivered"))
        .cast(DELIVERY_STATUS),
        failure=pl.when(fails).then(pl.lit("unreachable")).cast(FAILURE),
        campaign_id=500 + execution % 12,
        execution_id=1000 + execution,
        response_set_id=700 + execution % 12,
        campaign=pl.lit("Campaign ") + (execution % 12).cast(pl.String),
        language=pl.lit("en-US"),
        executed_at=(to_ms(start) + execution * (days * DAY) // 40).cast(INSTANT),
        characters=100 + number % 60,
        mentions_stop=execution % 4 == 0,
    ).cast(SCHEMA)  # type: ignore[arg-type]


def _phone(number: pl.Expr) -> pl.Expr:
    area, line = (number * 7919 % 800 + 200).cast(pl.String), (number * 31 % 100).cast(pl.String).str.zfill(2)
    return pl.lit("+1") + area + "55501" + line
