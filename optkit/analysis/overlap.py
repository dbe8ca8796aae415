"""Whether people leave one sender or all of them: how many are opted out of two at the same time."""

import polars as pl

from optkit.engine.aggregate import PartialSum, aggregate, partial_sum
from optkit.engine.frames import History
from optkit.engine.states import Partition
from optkit.times import Moment


def overlap(history: History, *, until: Moment | None = None) -> pl.DataFrame:
    """Count for each pair of senders how many people are opted out of both.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    until : str, date or datetime, optional
        The time at which states are compared; later events are ignored. Default: the last event.

    Returns
    -------
    polars.DataFrame
        One row per pair of senders that somebody is opted out of, sorted: sender_a, sender_b (String, sender_a <
        sender_b); both_out, out_a, out_b (Int64: recipients opted out of both, of sender_a, of sender_b); jaccard =
        both_out / (those opted out of at least one) and out_a_in_b = both_out / out_a (Float64).

    Raises
    ------
    HistoryError
        The frame is not a history.

    References
    ----------
    P. Jaccard (1912), The distribution of the flora in the alpine zone, New Phytologist 11.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> table = optkit.overlap(history)
    >>> (table["both_out"] <= table["out_a"]).all(), (table["sender_a"] < table["sender_b"]).all()
    (True, True)
    """
    totals = aggregate(history, _meetings, until=until)
    both, a, b = pl.col("both_out"), pl.col("out_a"), pl.col("out_b")
    swapped = pl.col("sender_a") > pl.col("sender_b")
    # Codes differ between partitions, so either of two senders may have the lower one.
    in_order = (
        totals["both"]
        .select(
            "both_out",
            sender_a=pl.when(swapped).then("sender_b").otherwise("sender_a"),
            sender_b=pl.when(swapped).then("sender_a").otherwise("sender_b"),
        )
        .group_by("sender_a", "sender_b")
        .agg(both.sum())
    )
    senders = totals["senders"]
    return (
        in_order.join(senders.select(sender_a="sender", out_a="out"), on="sender_a")
        .join(senders.select(sender_b="sender", out_b="out"), on="sender_b")
        .select(
            "sender_a",
            "sender_b",
            "both_out",
            "out_a",
            "out_b",
            jaccard=both / (a + b - both),
            out_a_in_b=both / a,
        )
        .sort("sender_a", "sender_b")
    )


def _meetings(partition: Partition) -> dict[str, PartialSum]:
    out = partition.unit_summary.filter("out").select("recipient", "sender")
    # Most recipients have one sender; only the others can be opted out of two.
    same = pl.col("recipient") == pl.col("recipient").shift(1)
    several = out.filter(same.fill_null(False) | same.shift(-1).fill_null(False))
    met = several.join(several, on="recipient", suffix="_b").filter(pl.col("sender") < pl.col("sender_b"))
    return {
        "senders": partial_sum(partition.unit_summary, ["sender"], out=pl.col("out").sum()),
        "both": partial_sum(met.rename({"sender": "sender_a"}), ["sender_a", "sender_b"], both_out=pl.len()),
    }
