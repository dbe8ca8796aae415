"""The history: the one frame that flows through the package.

A history has one row per explicit opt-in or opt-out of an account. Everybody who is not in it counts as opted in,
which is the API's default.
"""

from typing import Final

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


def last_status() -> pl.Expr:
    """Return the last status of each row's pair; of opposite events in one millisecond the opt-out counts."""
    # twice the time, plus 1 for an opt-out: the greatest number of a pair belongs to its last event
    moment = pl.col("created_at").dt.epoch("ms") * 2 + (pl.col("status") == OPT_OUT).cast(pl.Int64)
    last = moment.max().over("from_phone", "to_phone")
    return pl.when(last % 2 == 1).then(pl.lit(OPT_OUT, STATUS)).otherwise(pl.lit(OPT_IN, STATUS))
