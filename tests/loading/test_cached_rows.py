"""Cached windows as a lazy frame: the same rows as in memory, read no further than a query needs."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from optkit.datasets.messages import MESSAGES
from optkit.errors import CacheError
from optkit.loading.cache import Cache
from optkit.loading.window_file import CachedWindow
from optkit.loading.windows import Window
from optkit.messages import DELIVERY_STATUS, FAILURE, SCHEMA
from optkit.times import DAY, from_ms

FIRST_DAY = 20_600 * DAY
DAYS, PER_DAY = 5, 40
IO = Path("/proc/self/io")
Query = Callable[[pl.LazyFrame], pl.LazyFrame]
Engine = Literal["in-memory", "streaming"]


def messages_of(day: int) -> pl.DataFrame:
    numbers = range(day * PER_DAY, (day + 1) * PER_DAY)
    start = from_ms(FIRST_DAY + day * DAY)
    return pl.DataFrame(
        {
            "message_id": list(numbers),
            "to_phone": [f"+1212555{number:04d}" for number in numbers],
            "from_phone": ["24365" if number % 3 else None for number in numbers],
            "sent_at": [start + timedelta(minutes=number % PER_DAY) for number in numbers],
            "delivery_status": [DELIVERY_STATUS.categories[number % 9] for number in numbers],
            "failure": [None if number % 5 else FAILURE.categories[0] for number in numbers],
            "campaign_id": [day] * PER_DAY,
            "execution_id": None,
            "response_set_id": None,
            "campaign": f"campaign {day}",
            "language": "en",
            "executed_at": start,
            "characters": [number % 160 for number in numbers],
            "mentions_stop": [number % 2 == 0 for number in numbers],
        },
        schema=SCHEMA,
    )


ALL = pl.concat(messages_of(day) for day in range(DAYS))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    cache = Cache(tmp_path, MESSAGES)
    for day in range(DAYS):
        window = Window(FIRST_DAY + day * DAY, FIRST_DAY + (day + 1) * DAY)
        commit(cache, window, messages_of(day))
    return cache


def commit(cache: Cache, window: Window, frame: pl.DataFrame) -> None:
    info = CachedWindow(
        window,
        fetched_at=window.end,
        final=True,
        begins=window.start == FIRST_DAY,
        path=cache.path(window),
        rows=frame.height,
        duplicates=0,
        dropped=0,
        pages=1,
        salt=None,
        time_unit=None,
    )
    cache.commit(frame, info)


def windows_of(cache: Cache) -> list[CachedWindow]:
    return cache.list_windows().windows


def corrupt(cache: Cache, *days: int) -> None:
    """Change what is in the files of some days, and nothing that Parquet notices."""
    for day in days:
        path = cache.paths()[day]
        content = path.read_bytes()
        assert b"+12125550" in content
        path.write_bytes(content.replace(b"+12125550", b"+12125551"))


on_day_2 = pl.col("sent_at").is_between(
    from_ms(FIRST_DAY + 2 * DAY), from_ms(FIRST_DAY + 3 * DAY), closed="left"
)
QUERIES: dict[str, Query] = {
    "everything": lambda rows: rows,
    "count": lambda rows: rows.select(pl.len()),
    "count after head": lambda rows: rows.head(50).select(pl.len()),
    "count of a day": lambda rows: rows.filter(on_day_2).select(pl.len()),
    "one day": lambda rows: rows.filter(on_day_2),
    "one campaign": lambda rows: rows.filter(pl.col("campaign_id") == 3),
    "no campaign": lambda rows: rows.filter(pl.col("campaign_id") == 99),
    "an enum": lambda rows: rows.filter(pl.col("delivery_status") == "delivered").select("message_id"),
    "one of some": lambda rows: rows.filter(pl.col("to_phone").is_in(["+12125550007", "+12125550199"])),
    "the first column": lambda rows: rows.select("message_id"),
    "two columns, turned round": lambda rows: rows.select("sent_at", "message_id"),
    "head": lambda rows: rows.head(7),
    "head of a filter": lambda rows: rows.filter(pl.col("mentions_stop")).head(45),
    "filter of a head": lambda rows: rows.head(45).filter(pl.col("mentions_stop")),
    "tail": lambda rows: rows.tail(3),
    "slice": lambda rows: rows.slice(35, 10),
    "row numbers": lambda rows: rows.with_row_index().filter(pl.col("index") % 30 == 0),
    "groups": lambda rows: (
        rows.group_by("campaign_id").agg(pl.len(), pl.col("sent_at").max()).sort("campaign_id")
    ),
    "itself twice": lambda rows: rows.join(
        rows.group_by("failure").agg(pl.len()), on="failure", nulls_equal=True, maintain_order="left"
    ),
    "above itself": lambda rows: pl.concat([rows.head(2), rows.tail(2)]),
    "nothing can be true": lambda rows: rows.filter(pl.lit(value=False)),
}


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("query", QUERIES)
def test_queries_answer_as_on_the_rows_in_memory(query: str, engine: Engine, cache: Cache) -> None:
    asked = QUERIES[query]
    answer = asked(cache.scan(windows_of(cache))).collect(engine=engine)
    assert answer.equals(asked(ALL.lazy()).collect(engine="in-memory"))


def test_a_query_reads_only_the_rows_it_needs(cache: Cache) -> None:
    rows = cache.scan(windows_of(cache))
    corrupt(cache, 0, 1, 3, 4)
    assert rows.filter(on_day_2).collect().equals(messages_of(2))
    assert rows.filter(pl.col("campaign_id") == 2).collect().equals(messages_of(2))
    corrupt(cache, 2)
    assert rows.select(pl.len()).collect().item() == DAYS * PER_DAY


@pytest.mark.skipif(not IO.exists(), reason="counts what Linux says that a process reads")
def test_bytes_that_are_read_are_those_of_the_files_with_rows(tmp_path: Path) -> None:
    cache = Cache(tmp_path, MESSAGES)
    for day in range(3):
        ids = pl.int_range(200_000, eager=True)
        phones = ("+1212" + (ids.hash(day) % 10**7).cast(pl.String).str.zfill(7)).alias("to_phone")
        rows = (
            messages_of(day).head(1).select(pl.exclude("to_phone", "message_id").repeat_by(200_000).explode())
        )
        window = Window(FIRST_DAY + day * DAY, FIRST_DAY + (day + 1) * DAY)
        frame = rows.with_columns(phones, message_id=ids).select(SCHEMA.names())
        commit(cache, window, frame)
    scanned = cache.scan(windows_of(cache))
    size = cache.paths()[2].stat().st_size
    assert size > 1_000_000
    scanned.head(1).collect()  # what polars reads once, for itself

    def read_by(query: pl.LazyFrame) -> int:
        before = int(IO.read_text().split()[1])
        query.collect()
        return int(IO.read_text().split()[1]) - before

    assert read_by(scanned.select(pl.len())) < 10_000
    # that file twice, for its rows and for its checksum; the ends of the others
    assert read_by(scanned.filter(on_day_2)) < 3 * size
    assert read_by(scanned.filter(pl.col("campaign_id") == 99)) < size


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize(
    "query", ["everything", "one day", "count of a day", "an enum", "the first column", "groups", "slice"]
)
def test_rows_of_a_corrupt_file_are_not_returned(query: str, engine: Engine, cache: Cache) -> None:
    rows = QUERIES[query](cache.scan(windows_of(cache)))
    rows.collect(engine=engine)  # what was verified once is verified again where the file has changed
    corrupt(cache, *range(DAYS))
    with pytest.raises(CacheError, match=r"2026-\d\d-\d\d\.parquet differs from what was written"):
        rows.collect(engine=engine)


def test_a_file_that_parquet_cannot_read_is_a_corrupt_window(cache: Cache) -> None:
    rows = cache.scan(windows_of(cache))
    path = cache.paths()[1]
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CacheError, match=path.name):
        rows.collect()


def test_a_mistake_in_a_query_stays_an_error_of_polars(cache: Cache) -> None:
    rows = cache.scan(windows_of(cache))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        rows.filter(pl.col("to_phone").cast(pl.Int8) == 1).collect()


@pytest.mark.parametrize("query", ["everything", "count", "one day"])
def test_windows_that_were_cleared_meanwhile_are_an_error(query: str, cache: Cache) -> None:
    rows = QUERIES[query](cache.scan(windows_of(cache)))
    cache.remove(cache.paths())
    with pytest.raises(CacheError, match="was removed from the cache"):
        rows.collect()


def test_no_windows_have_no_rows(cache: Cache) -> None:
    assert cache.scan([]).collect().equals(SCHEMA.to_frame())
