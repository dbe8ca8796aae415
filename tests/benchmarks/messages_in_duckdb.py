"""The cases of the benchmark of messages in DuckDB's SQL: ASOF joins between messages and states."""

from pathlib import Path

import duckdb
import polars as pl
from messages_in_optkit import comparable

WINDOW, DAY, HOUR = 72 * 3_600_000, 86_400_000, 3_600_000
EDGES = (0, 1, 3, 6, 12, 24, 48, 72, 168, 336, 720)
_CONNECTION = duckdb.connect()


def prepare(case: str, events: Path, messages: Path, threads: int) -> None:
    """Open the files."""
    _CONNECTION.execute(f"SET threads = {threads}; SET TimeZone = 'UTC'")
    _CONNECTION.execute(
        "CREATE VIEW events AS SELECT from_phone, to_phone, epoch_ms(created_at) AS ms, status "
        f"FROM read_parquet('{events}')"
    )
    _CONNECTION.execute(
        "CREATE VIEW messages AS SELECT *, epoch_ms(sent_at) AS ms, "
        f"delivery_status IN ('sent', 'delivered') AS reached FROM read_parquet('{messages}')"
    )


_PAIR = "from_phone, to_phone"

#: One row per change of state, and where one before there was none; those who only opted in are left out.
_RUNS = f"""
    settled AS (SELECT {_PAIR}, ms, max(status) = 'opt-out' AS out FROM events GROUP BY ALL),
    states AS (SELECT *, lag(out) OVER (PARTITION BY {_PAIR} ORDER BY ms) AS was FROM settled),
    runs AS (SELECT {_PAIR}, ms, out FROM states WHERE out <> coalesce(was, false)),
    opt_outs AS (SELECT * FROM runs WHERE out),
    ends AS (SELECT greatest((SELECT max(ms) FROM events), (SELECT max(ms) FROM messages)) AS until),
    record AS (SELECT min(ms) AS since FROM messages)
"""


def _exposures(columns: str = "") -> str:
    """Return the messages that were reached while their pair was opted in."""
    return f"""
    exposures AS (
        SELECT m.from_phone, m.to_phone, m.ms, m.message_id {columns}
        FROM messages m ASOF LEFT JOIN runs r
            ON m.from_phone = r.from_phone AND m.to_phone = r.to_phone AND m.ms > r.ms
        WHERE m.reached AND NOT coalesce(r.out, false)
    )"""


#: Of several exposures in one second the last.
_LAST = f"""
    latest AS (SELECT {_PAIR}, ms, max(message_id) AS message_id FROM exposures GROUP BY ALL),
    attributed AS (
        SELECT o.from_phone, o.to_phone, o.ms, e.message_id, e.ms AS sent
        FROM opt_outs o ASOF LEFT JOIN latest e
            ON o.from_phone = e.from_phone AND o.to_phone = e.to_phone AND o.ms >= e.ms
    )"""

#: The times opted in after an exposure: from each exposure or re-opt-in to what comes next.
_STRETCHES = f"""
    points AS (
        SELECT {_PAIR}, ms, 0 AS kind, message_id, ms AS sent, campaign_id FROM exposures
        UNION ALL SELECT {_PAIR}, ms, CASE WHEN out THEN 2 ELSE 1 END, NULL, NULL, NULL FROM runs
    ),
    walked AS (
        SELECT *, lead(ms) OVER w AS following, lead(kind) OVER w AS next_kind,
            last_value(sent IGNORE NULLS) OVER w AS last_sent
        FROM points WINDOW w AS (
            PARTITION BY {_PAIR} ORDER BY ms, kind > 0, message_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ),
    stretches AS (
        SELECT from_phone, to_phone, campaign_id, kind = 1 AS returned, ms - last_sent AS begin_ms,
            coalesce(following, (SELECT until FROM ends)) - last_sent AS end_ms,
            coalesce(next_kind = 2, false) AS opt_out
        FROM walked WHERE kind < 2 AND last_sent IS NOT NULL
    )"""

QUERIES = {
    "audience": """
        SELECT from_phone, count(DISTINCT to_phone) FILTER (reached) AS recipients, count(*) AS messages,
            count(*) FILTER (delivery_status = 'delivered') AS delivered,
            count(*) FILTER (delivery_status = 'undelivered') AS undelivered,
            count(*) FILTER (delivery_status = 'failed') AS failed,
            count(*) FILTER (delivery_status = 'skipped') AS skipped,
            min(ms) AS first_sent_at, max(ms) AS last_sent_at
        FROM messages GROUP BY ALL""",
    "attribution": f"""
        WITH {_RUNS}, {_exposures()}, {_LAST},
        recent AS (
            SELECT o.from_phone, o.to_phone, o.ms, count(*) AS messages_7d
            FROM opt_outs o JOIN exposures e
                ON o.from_phone = e.from_phone AND o.to_phone = e.to_phone AND e.ms <= o.ms AND e.ms > o.ms - {7 * DAY}
            GROUP BY ALL
        )
        SELECT a.from_phone, a.to_phone, a.ms AS opted_out_at,
            CASE WHEN a.ms - sent <= {WINDOW} THEN 'message' WHEN sent IS NOT NULL THEN 'earlier'
                WHEN a.ms - {WINDOW} >= (SELECT since FROM record) THEN 'none' ELSE 'unknown' END AS source,
            a.message_id, coalesce(messages_7d, 0) AS messages_7d
        FROM attributed a LEFT JOIN recent r
            ON a.from_phone = r.from_phone AND a.to_phone = r.to_phone AND a.ms = r.ms""",
    "campaign_rates": f"""
        WITH {_RUNS}, {_exposures(", m.campaign_id")}, {_LAST}, {_STRETCHES},
        covered AS (
            SELECT campaign_id, from_phone, count(*) AS exposures, sum(least(end_ms, {WINDOW})) AS covered
            FROM stretches WHERE NOT returned GROUP BY ALL
        ),
        people AS (
            SELECT campaign_id, count(DISTINCT to_phone) AS recipients FROM stretches WHERE NOT returned GROUP BY ALL
        ),
        background AS (
            SELECT s.from_phone, e.earlier / s.uncovered AS hazard
            FROM (
                SELECT from_phone,
                    sum(end_ms - begin_ms - CASE WHEN returned THEN 0 ELSE least(end_ms, {WINDOW}) END) AS uncovered
                FROM stretches GROUP BY ALL
            ) s JOIN (
                SELECT from_phone, count(*) FILTER (ms - sent > {WINDOW}) AS earlier FROM attributed GROUP BY ALL
            ) e USING (from_phone)
        ),
        left_after AS (
            SELECT m.campaign_id, count(*) AS opt_outs
            FROM attributed a JOIN exposures m USING (message_id) WHERE a.ms - a.sent <= {WINDOW} GROUP BY ALL
        ),
        sent AS (SELECT campaign_id, count(*) AS messages FROM messages GROUP BY ALL),
        expected AS (
            SELECT campaign_id, sum(exposures) AS exposures, sum(covered * hazard) AS expected
            FROM covered JOIN background USING (from_phone) GROUP BY ALL
        )
        SELECT campaign_id, messages, exposures, recipients, coalesce(opt_outs, 0) AS opt_outs, expected
        FROM sent JOIN expected USING (campaign_id) JOIN people USING (campaign_id)
            LEFT JOIN left_after USING (campaign_id)""",
    "opt_out_hazard": f"""
        WITH {_RUNS}, {_exposures(", m.campaign_id")}, {_STRETCHES},
        edges AS (
            SELECT unnest([{", ".join(str(edge) for edge in EDGES)}]::BIGINT[]) AS low,
                unnest([{", ".join(str(edge) for edge in EDGES[1:])}, 1000000000]::BIGINT[]) AS high
        )
        SELECT low AS from_hours,
            sum(greatest(least(end_ms, high * {HOUR}) - greatest(begin_ms, low * {HOUR}), 0)) / {HOUR} AS person_hours,
            count(*) FILTER (opt_out AND end_ms >= low * {HOUR} AND end_ms < high * {HOUR}) AS opt_outs
        FROM stretches, edges GROUP BY ALL""",
    "fatigue": f"""
        WITH {_RUNS}, {_exposures()}, {_LAST},
        numbered AS (  -- of two in one second the first does not count the second
            SELECT *, row_number() OVER (PARTITION BY {_PAIR} ORDER BY ms, message_id) - count(*) OVER (
                PARTITION BY {_PAIR} ORDER BY ms RANGE BETWEEN UNBOUNDED PRECEDING AND {7 * DAY} PRECEDING
            ) AS recent
            FROM exposures
        ),
        counted AS (SELECT * FROM numbered WHERE ms >= (SELECT since FROM record) + {30 * DAY}),
        left_after AS (SELECT message_id, count(*) AS opt_outs FROM attributed WHERE ms - sent <= {WINDOW} GROUP BY ALL)
        SELECT least(recent, 10) AS exposures_recent, count(*) AS exposures, sum(coalesce(opt_outs, 0)) AS opt_outs
        FROM counted LEFT JOIN left_after USING (message_id) GROUP BY ALL""",
    "leaks": f"""
        WITH {_RUNS},
        leaks AS (
            SELECT m.from_phone, m.to_phone, r.ms AS opted_out_at, m.message_id, m.ms,
                coalesce(m.failure = 'unsubscribed', false) AS blocked
            FROM messages m ASOF JOIN runs r
                ON m.from_phone = r.from_phone AND m.to_phone = r.to_phone AND m.ms > r.ms
            WHERE r.out
        )
        SELECT from_phone, to_phone, opted_out_at, message_id, blocked,
            ms - opted_out_at <= 300000 AND row_number() OVER (
                PARTITION BY {_PAIR}, opted_out_at ORDER BY ms, message_id
            ) = 1 AS confirmation
        FROM leaks""",
    "list_growth": f"""
        WITH {_RUNS},
        known AS (
            SELECT {_PAIR}, min(ms) AS ms FROM (
                SELECT {_PAIR}, min(ms) AS ms FROM messages WHERE reached GROUP BY ALL
                UNION ALL SELECT {_PAIR}, min(ms) FROM events GROUP BY ALL
            ) GROUP BY ALL
        ),
        flows AS (
            SELECT ms, 1 AS joined, 0 AS re_opt_ins, 0 AS opt_outs FROM known
            UNION ALL SELECT ms, 0, (NOT out)::INT, out::INT FROM runs
        ),
        weeks AS (
            SELECT date_trunc('week', make_timestamp(greatest(ms, (SELECT since FROM record)) * 1000))::DATE AS period,
                sum(joined) AS joined, sum(re_opt_ins) AS re_opt_ins, sum(opt_outs) AS opt_outs
            FROM flows GROUP BY ALL
        )
        SELECT period, list_end - joined - re_opt_ins + opt_outs AS list_start, joined, re_opt_ins, opt_outs, list_end
        FROM (SELECT *, sum(joined + re_opt_ins - opt_outs) OVER (ORDER BY period) AS list_end FROM weeks)""",
}


def answer(case: str) -> pl.DataFrame:
    """Answer one case."""
    return comparable(case, _CONNECTION.sql(QUERIES[case]).pl())
