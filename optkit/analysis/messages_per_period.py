"""How many messages reached somebody in each period, to compare with the opt-outs of the period."""

from collections.abc import Collection

import polars as pl

from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.exposures import MESSAGE, JointPartition
from optkit.engine.frames import History
from optkit.engine.joint import aggregate_joint
from optkit.engine.message_frames import Messages
from optkit.engine.packing import at_of
from optkit.engine.periods import calendar
from optkit.engine.question import question
from optkit.times import Moment


def messages_per_period(
    history: History,
    messages: Messages,
    *,
    by: Collection[str],
    every: str,
    time_zone: str,
    until: Moment | None,
) -> pl.DataFrame:
    """Count the messages that reached somebody by period of the local calendar.

    Returns
    -------
    polars.DataFrame
        One row per group and period with such messages: the columns of `by`, period (Date), reached (Int64).
    """
    groups = list(by)
    asked = question(until=until, payload=groups)

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        start = min(partition.since, partition.until)
        index = calendar(start, partition.until, every, time_zone).index(at_of(MESSAGE))
        sent = partition.messages.lazy().filter("reached").with_columns(place=index)
        return {"sent": partial_sum(sent, [*groups, "place"], reached=pl.len())}

    totals = aggregate_joint(history, messages, mapper, asked)
    if totals.since is None or totals.until is None:
        return totals["sent"].select(*groups, "reached", period=pl.lit(None, pl.Date))
    periods = calendar(totals.since, totals.until, every, time_zone)
    return totals["sent"].select(*groups, "reached", period=periods.start(pl.col("place")))
