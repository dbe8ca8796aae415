"""Two cases of the benchmark of messages in Spark's SQL: messages and events in one order per pair, then windows."""

from pathlib import Path

import polars as pl
import spark_session
from messages_in_duckdb import WINDOW
from messages_in_optkit import comparable
from pyspark.sql import DataFrame, SparkSession

_SESSION: list[SparkSession] = []


def prepare(case: str, events: Path, messages: Path, threads: int) -> None:
    """Start Spark, run a query on few rows, and open the files."""
    session = spark_session.start(threads)
    frames = spark_session.read(session, (events, messages))
    _SESSION[:] = [session]
    _name(*(frame.limit(2) for frame in frames))
    spark_session.collect(session.sql(QUERIES[case]))
    _name(*frames)


def _name(events: DataFrame, messages: DataFrame) -> None:
    """Let queries know the frames as events and messages."""
    at = "unix_millis(created_at) AS ms"
    events.selectExpr("from_phone", "to_phone", at, "status").createOrReplaceTempView("events")
    reached = "delivery_status IN ('sent', 'delivered') AS reached"
    messages.selectExpr("*", "unix_millis(sent_at) AS ms", reached).createOrReplaceTempView("messages")


_PAIR = "from_phone, to_phone"
_ORDER = "ms, is_event, message_id"  # a message and an event at one time: the message came first

_SETTLED = f"""
    settled AS (SELECT {_PAIR}, ms, max(status = 'opt-out') AS out FROM events GROUP BY {_PAIR}, ms)"""

QUERIES = {
    "campaign_rates": f"""
        WITH {_SETTLED},
        points AS (
            SELECT {_PAIR}, ms, false AS is_event, message_id, campaign_id, NULL AS out FROM messages WHERE reached
            UNION ALL SELECT {_PAIR}, ms, true, NULL, NULL, out FROM settled
        ),
        known AS (
            SELECT *, coalesce(last_value(out) IGNORE NULLS OVER (
                PARTITION BY {_PAIR} ORDER BY {_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), false) AS was FROM points
        ),
        walked AS (
            SELECT *, last_value(CASE WHEN NOT is_event THEN ms END) IGNORE NULLS OVER past AS sent,
                last_value(CASE WHEN NOT is_event THEN campaign_id END) IGNORE NULLS OVER past AS last_campaign,
                coalesce(lead(ms) OVER (PARTITION BY {_PAIR} ORDER BY {_ORDER}),
                    greatest((SELECT max(ms) FROM events), (SELECT max(ms) FROM messages))) AS following
            FROM known WHERE (is_event AND out <> was) OR (NOT is_event AND NOT was)
            WINDOW past AS (
                PARTITION BY {_PAIR} ORDER BY {_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        ),
        units AS (
            SELECT last_campaign AS campaign_id, {_PAIR},
                count_if(NOT is_event) AS exposures,
                sum(CASE WHEN NOT is_event THEN least(following - ms, {WINDOW}) ELSE 0 END) AS covered,
                sum(CASE WHEN NOT is_event THEN greatest(following - ms - {WINDOW}, 0)
                    WHEN NOT out THEN following - ms ELSE 0 END) AS uncovered,
                count_if(out AND ms - sent <= {WINDOW}) AS opt_outs,
                count_if(out AND ms - sent > {WINDOW}) AS earlier
            FROM walked WHERE sent IS NOT NULL GROUP BY last_campaign, {_PAIR}
        ),
        background AS (
            SELECT from_phone, try_divide(sum(earlier), sum(uncovered)) AS hazard FROM units GROUP BY from_phone
        ),
        sent AS (SELECT campaign_id, count(*) AS messages FROM messages GROUP BY campaign_id)
        SELECT campaign_id, first(messages) AS messages, sum(exposures) AS exposures,
            count(DISTINCT to_phone) AS recipients, sum(opt_outs) AS opt_outs, sum(covered * hazard) AS expected
        FROM units JOIN background USING (from_phone) JOIN sent USING (campaign_id) GROUP BY campaign_id""",
    "leaks": f"""
        WITH {_SETTLED},
        left_ever AS (SELECT DISTINCT {_PAIR} FROM settled WHERE out),
        points AS (
            SELECT {_PAIR}, ms, false AS is_event, message_id, failure, NULL AS out
            FROM messages LEFT SEMI JOIN left_ever USING ({_PAIR})
            UNION ALL SELECT {_PAIR}, ms, true, NULL, NULL, out FROM settled
        ),
        known AS (
            SELECT *, coalesce(last_value(out) IGNORE NULLS OVER (
                PARTITION BY {_PAIR} ORDER BY {_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), false) AS was FROM points
        ),
        held AS (
            SELECT *, last_value(CASE WHEN is_event AND out THEN ms END) IGNORE NULLS OVER past AS opted_out_at,
                lag(is_event) OVER (PARTITION BY {_PAIR} ORDER BY {_ORDER}) AS first
            FROM known WHERE NOT is_event OR out <> was
            WINDOW past AS (
                PARTITION BY {_PAIR} ORDER BY {_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        )
        SELECT {_PAIR}, opted_out_at, message_id, coalesce(failure = 'unsubscribed', false) AS blocked,
            first AND ms - opted_out_at <= 300000 AS confirmation
        FROM held WHERE NOT is_event AND was""",
}


def answer(case: str) -> pl.DataFrame:
    """Answer one case."""
    return comparable(case, spark_session.collect(_SESSION[0].sql(QUERIES[case])))
