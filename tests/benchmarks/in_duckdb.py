"""The cases of the benchmark in DuckDB's SQL.

The state machine is the fastest of several forms tried: grouping settles ties and duplicates ('opt-out' is
the greater word), one window finds the state before. Two windows instead of the grouping, or one with
lead and lag, took 1.3 times as long.
"""

from pathlib import Path

import duckdb
import polars as pl
from in_optkit import AT, ZONE

DAY = 86_400_000
_CONNECTION = duckdb.connect()


def prepare(path: Path, threads: int) -> None:
    """Open the file."""
    _CONNECTION.execute(f"SET threads = {threads}; SET TimeZone = 'UTC'")
    _CONNECTION.execute(
        "CREATE VIEW events AS SELECT from_phone, to_phone, epoch_ms(created_at) AS ms, status "
        f"FROM read_parquet('{path}')"
    )


def _moves(where: str = "true") -> str:
    return f"""
    settled AS (
        SELECT from_phone, to_phone, ms, max(status) = 'opt-out' AS out
        FROM events WHERE {where} GROUP BY ALL
    ),
    states AS (
        SELECT *, lag(out) OVER (PARTITION BY from_phone, to_phone ORDER BY ms) AS was FROM settled
    ),
    moves AS (SELECT * FROM states WHERE out <> coalesce(was, false))
    """


_SPELLS = f"""
    {_moves()},
    turns AS (
        SELECT *, lead(ms) OVER (PARTITION BY from_phone, to_phone ORDER BY ms) AS returned_at FROM moves
    ),
    spells AS (
        SELECT *, coalesce(returned_at, (SELECT max(ms) FROM events)) - ms AS lasted FROM turns WHERE out
    )
"""
_AT = f"epoch_ms(TIMESTAMP '{AT}')"

QUERIES = {
    "opt_out_rates": f"""
        WITH {_moves()},
        pairs AS (
            SELECT from_phone, to_phone,
                count(*) FILTER (out AND NOT coalesce(was, false)) AS opt_outs,
                count(*) FILTER (NOT out AND was) AS re_opt_ins,
            FROM states GROUP BY ALL
        )
        SELECT from_phone, count(*) AS recipients, sum(opt_outs) AS opt_outs, sum(re_opt_ins) AS re_opt_ins,
            count(*) FILTER (opt_outs > 0) AS ever_opted_out, count(*) FILTER (opt_outs > re_opt_ins) AS opted_out
        FROM pairs GROUP BY from_phone ORDER BY from_phone
    """,
    "churn": f"""
        WITH {_moves()},
        weeks AS (
            SELECT date_trunc('week', make_timestamp(ms * 1000) AT TIME ZONE 'UTC' AT TIME ZONE '{ZONE}')::DATE
                    AS period,
                count(*) FILTER (out) AS opt_outs, count(*) FILTER (NOT out) AS re_opt_ins
            FROM moves GROUP BY ALL
        )
        SELECT *, sum(opt_outs - re_opt_ins) OVER (ORDER BY period) AS opted_out_end FROM weeks ORDER BY period
    """,
    "return_curve": f"""
        WITH {_SPELLS}
        SELECT (lasted + 3599999) // 3600000 AS hours, count(returned_at) AS returned,
            count(*) - count(returned_at) AS censored
        FROM spells GROUP BY hours ORDER BY hours
    """,
    "cycles": f"""
        WITH {_SPELLS},
        lengths AS (
            SELECT from_phone, (lasted + 3599999) // 3600000 AS hours, count(returned_at) AS returned,
                count(*) AS ended
            FROM spells GROUP BY ALL
        ),
        pairs AS (
            SELECT from_phone, to_phone, count(*) AS spells, count(returned_at) AS cycles FROM spells GROUP BY ALL
        )
        SELECT from_phone, sum(spells) AS spells, sum(cycles) AS cycles, sum(spells - cycles) AS open_spells,
            count(*) AS recipients, max(cycles) AS max_cycles, sum(spells - 1) AS relapses
        FROM pairs
        WHERE (SELECT sum(ended) FROM lengths) > 0  -- the curve of each sender is counted, too
        GROUP BY from_phone ORDER BY from_phone
    """,
    "suppression_list": f"""
        WITH {_moves(f"ms <= {_AT}")}
        SELECT from_phone, to_phone, max(ms) AS opted_out_at, count(*) FILTER (out) AS opt_outs
        FROM moves GROUP BY ALL HAVING count(*) % 2 = 1 ORDER BY from_phone, to_phone
    """,
    "cohorts": f"""
        WITH {_moves()},
        firsts AS (
            SELECT min(ms) FILTER (out) AS gone, min(ms) FILTER (NOT out) AS back
            FROM moves GROUP BY from_phone, to_phone
        ),
        months AS (
            SELECT date_trunc('month', make_timestamp(gone * 1000))::DATE AS cohort,
                datediff('month', make_timestamp(gone * 1000), make_timestamp(back * 1000)) AS age, count(*) AS pairs
            FROM firsts GROUP BY ALL
        )
        SELECT cohort, age, sum(pairs) AS returned FROM months WHERE age IS NOT NULL GROUP BY ALL ORDER BY ALL
    """,
}


def answer(case: str, path: Path) -> pl.DataFrame:
    """Answer one case."""
    assert path.exists()
    return _CONNECTION.sql(QUERIES[case]).pl()


def comparable(case: str, table: pl.DataFrame) -> pl.DataFrame:
    """Return an answer with the types that all engines share."""
    assert case in QUERIES
    return table.with_columns(pl.col(pl.Decimal, pl.Int32, pl.UInt32).cast(pl.Int64))
