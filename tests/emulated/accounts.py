"""A small awkward account to load, and the result that a load of it must have."""

import random
from datetime import UTC, datetime, timedelta

import polars as pl

from optkit import messages
from optkit.history import OPT_IN, OPT_OUT, ORDER, SCHEMA
from optkit.messages import FAILURE

CLOCK = datetime(2026, 4, 1, tzinfo=UTC)
START = datetime(2026, 3, 2, tzinfo=UTC)
MESSAGES_START = datetime(2026, 3, 10, tzinfo=UTC)


def make_history(rows: int, *, seed: int = 0, days: int = 14) -> pl.DataFrame:
    """Return events with everything that is awkward: ties, repeats, duplicates, edges of weeks."""
    chance = random.Random(seed)
    begin = int(START.timestamp() * 1000)
    week = 7 * 86_400_000
    moments = [begin + chance.randrange(days * 86_400_000) for _ in range(rows)]
    moments += [begin, begin + 1, begin + week - 1, begin + week, begin + week + 1]
    events = [
        (
            f"+1212555{chance.randrange(100, 200):04d}",
            chance.choice(["24365", "OPTKIT", "+12125550100"]),
            moment,
            chance.choice([OPT_IN, OPT_OUT]),
        )
        for moment in moments
    ]
    events += [(*event[:3], OPT_OUT if event[3] == OPT_IN else OPT_IN) for event in events[:20]]
    events += events[20:30]
    columns = ["to_phone", "from_phone", "created_at", "status"]
    frame = pl.DataFrame(events, schema=columns, orient="row").with_columns(
        pl.col("created_at").cast(SCHEMA["created_at"]), pl.col("status").cast(SCHEMA["status"])
    )
    return frame.with_columns(current_status=pl.col("status")).sort(ORDER)


def make_messages(
    rows: int, *, seed: int = 0, start: datetime = MESSAGES_START, days: int = 10
) -> pl.DataFrame:
    """Return messages of ten days, all awkward: some of them in the same second or at the edge of a day."""
    chance = random.Random(seed)
    seconds = [chance.randrange(days * 86_400) for _ in range(rows - 6)] + [
        0,
        0,
        86_399,
        86_400,
        86_400,
        86_401,
    ]
    failures = FAILURE.categories.to_list()
    records = []
    for number, second in enumerate(sorted(seconds)):
        status = chance.choice(["delivered"] * 8 + ["sent", "undelivered", "failed", "skipped"])
        sent_at = start + timedelta(seconds=second)
        records.append(
            (
                500 + number + seed * 100_000,
                f"+1212555{chance.randrange(100, 200):04d}",
                chance.choice(["24365", "OPTKIT", "+12125550100"]),
                sent_at,
                status,
                chance.choice(failures) if status in {"failed", "skipped"} else None,
                *((7, 70 + second // 86_400, 700, "Flu shots") if number % 3 else (8, 80, None, "Reminders")),
                "en-US" if number % 5 else None,
                sent_at.replace(hour=0, minute=0, second=0),
                chance.randrange(60, 160),
                number % 3 == 0,
            )
        )
    return pl.DataFrame(records, schema=messages.SCHEMA, orient="row").sort(messages.ORDER)


def distinct(history: pl.DataFrame) -> list[tuple[object, ...]]:
    """Return the events of a history, each once, in a history's order: the expected result of a load."""
    rows = set(history.select("created_at", "from_phone", "to_phone", "status").iter_rows())
    return sorted(rows, key=lambda row: (row[0], row[1], row[2], row[3] == OPT_OUT))


def events_of(loaded: pl.DataFrame) -> list[tuple[object, ...]]:
    """Return a loaded history's events as they stand."""
    return list(loaded.select("created_at", "from_phone", "to_phone", "status").iter_rows())
