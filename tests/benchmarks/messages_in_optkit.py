"""The cases of the benchmark of messages, as a user of optkit writes them."""

from pathlib import Path

import polars as pl

import optkit

_FRAMES: list[pl.LazyFrame] = []


def prepare(case: str, events: Path, messages: Path, threads: int) -> None:
    """Import what the first call of a case would import."""
    assert pl.thread_pool_size() == threads
    _FRAMES[:] = [pl.scan_parquet(events), pl.scan_parquet(messages)]
    CASES[case](*(frame.head(2) for frame in _FRAMES))


CASES = {
    "audience": lambda _, messages: optkit.audience(messages),
    "attribution": optkit.attribution,
    "campaign_rates": optkit.campaign_rates,
    "opt_out_hazard": optkit.opt_out_hazard,
    "fatigue": optkit.fatigue,
    "leaks": optkit.leaks,
    "list_growth": optkit.list_growth,
}

#: The columns that all engines give; whole numbers, so that answers can be equal.
COLUMNS = {
    "audience": [
        *("from_phone", "recipients", "messages", "delivered", "undelivered", "failed", "skipped"),
        *("first_sent_at", "last_sent_at"),
    ],
    "attribution": ["from_phone", "to_phone", "opted_out_at", "source", "message_id", "messages_7d"],
    "campaign_rates": ["campaign_id", "messages", "exposures", "recipients", "opt_outs", "expected"],
    "opt_out_hazard": ["from_hours", "person_hours", "opt_outs"],
    "fatigue": ["exposures_recent", "exposures", "opt_outs"],
    "leaks": ["from_phone", "to_phone", "opted_out_at", "message_id", "blocked", "confirmation"],
    "list_growth": ["period", "list_start", "joined", "re_opt_ins", "opt_outs", "list_end"],
}


def answer(case: str) -> pl.DataFrame:
    """Answer one case."""
    return comparable(case, CASES[case](*_FRAMES))


def comparable(case: str, table: pl.DataFrame) -> pl.DataFrame:
    """Return an answer with the columns and types that all engines share, in one order."""
    moments = [name for name, dtype in table.schema.items() if isinstance(dtype, pl.Datetime)]
    chosen = table.with_columns(pl.col(moments).dt.epoch("ms")).select(COLUMNS[case])
    numbers = pl.selectors.numeric() - pl.selectors.by_name("expected", "person_hours", require_all=False)
    return chosen.with_columns(
        numbers.cast(pl.Int64),
        pl.selectors.by_name("expected", "person_hours", require_all=False).cast(pl.Float64).round(3),
        pl.selectors.enum().cast(pl.String),
        pl.selectors.temporal().cast(pl.Date),
    ).sort(pl.all(), nulls_last=True)
