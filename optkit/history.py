"""The history: the one frame that flows through the package.

A history has one row per explicit opt-in or opt-out of an account. Everybody who is not in it counts as opted in,
which is the API's default.
"""

from typing import Any, Final

import polars as pl

from optkit.times import INSTANT

OPT_IN: Final = "opt-in"
OPT_OUT: Final = "opt-out"

#: The two words of the API, in this order: the code is 1 for opted out.
STATUS: Final = pl.Enum([OPT_IN, OPT_OUT])

#: Columns and dtypes of a history, in order.
SCHEMA: Final = pl.Schema(
    {
        "to_phone": pl.String(),
        "from_phone": pl.String(),
        "created_at": INSTANT,
        "status": STATUS,
        "current_status": STATUS,
    }
)

#: What identifies an event, in the order in which a history is sorted: the same data gives the same frame.
ORDER: Final = ("created_at", "from_phone", "to_phone", "status")


def event_order(at: Any, out: Any) -> Any:
    """Return the number by which the events of a pair are ordered: twice the time, plus 1 for an opt-out.

    So of opposite events in one millisecond the opt-out is the last one, and counts. `at` and `out` are whole numbers
    of any kind: of Python, NumPy, polars expressions, Spark columns.
    """
    return at * 2 + out


def last_status() -> pl.Expr:
    """Return the status of the last event of each row's pair."""
    order = event_order(pl.col("created_at").dt.epoch("ms"), (pl.col("status") == OPT_OUT).cast(pl.Int64))
    last = order.max().over("from_phone", "to_phone")
    return pl.when(last % 2 == 1).then(pl.lit(OPT_OUT, STATUS)).otherwise(pl.lit(OPT_IN, STATUS))
