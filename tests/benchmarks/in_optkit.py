"""The cases of the benchmark, as a user of optkit writes them."""

from pathlib import Path

import polars as pl

import optkit

AT = "2024-06-01"
ZONE = "America/New_York"


def prepare(path: Path, threads: int) -> None:
    """Import what the first call would import."""
    assert pl.thread_pool_size() == threads
    tiny = pl.scan_parquet(path).head(2)
    for ask in CASES.values():
        ask(tiny)


CASES = {
    "opt_out_rates": optkit.opt_out_rates,
    "churn": lambda events: optkit.churn(events, every="1w", time_zone=ZONE),
    "return_curve": optkit.return_curve,
    "cycles": optkit.cycles,
    "cohorts": optkit.cohorts,
    "suppression_list": lambda events: optkit.suppression_list(events, at=AT),
}

#: The columns that all engines give.
COLUMNS = {
    "opt_out_rates": ["from_phone", "recipients", "opt_outs", "re_opt_ins", "ever_opted_out", "opted_out"],
    "churn": ["period", "opt_outs", "re_opt_ins", "opted_out_end"],
    "return_curve": ["hours", "returned", "censored"],
    "cohorts": ["cohort", "age", "returned"],
    "cycles": ["from_phone", "spells", "cycles", "open_spells", "recipients", "max_cycles", "relapses"],
    "suppression_list": ["from_phone", "to_phone", "opted_out_at", "opt_outs"],
}


def answer(case: str, path: Path) -> pl.DataFrame:
    """Answer one case."""
    return CASES[case](pl.scan_parquet(path))


def comparable(case: str, table: pl.DataFrame) -> pl.DataFrame:
    """Return an answer with the columns and types that all engines share."""
    if case == "return_curve" and "hours" not in table.columns:
        table = table.with_columns(hours=(pl.col("days") * 24).round())
    if case == "cohorts":
        now = pl.col("returned").diff().over("cohort").fill_null(pl.col("returned"))
        table = table.with_columns(returned=now).filter(pl.col("returned") > 0)
    moments = [name for name, dtype in table.schema.items() if isinstance(dtype, pl.Datetime)]
    return (
        table.with_columns(pl.col(moments).dt.epoch("ms"))
        .select(COLUMNS[case])
        .with_columns(
            pl.col(pl.Float64, pl.UInt32, pl.Int32, pl.Decimal).cast(pl.Int64),
            pl.selectors.date().cast(pl.Date),
        )
    )
