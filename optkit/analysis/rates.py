"""Which senders drive people away: opt-out rates with their intervals, and which of them stand out."""

from collections.abc import Collection
from typing import Final

import numpy as np
import polars as pl

from optkit.arguments import share
from optkit.engine import denominators, statistics
from optkit.engine.aggregate import PartialSum, aggregate, partial_sum
from optkit.engine.denominators import Audience, Denominator
from optkit.engine.frames import History, by_columns
from optkit.engine.funnel import funnel_limits
from optkit.engine.states import Partition
from optkit.engine.statistics import Interval
from optkit.times import Moment

#: Columns of the result and of intermediate tables: a column of `by` must not have one of these names.
_COMPUTED: Final = (
    "seen", "population", "n", "rate", "low", "high", "shrunk_rate", "limit_low", "limit_high", "signal",
    "denominator",
)  # fmt: skip
_SUMS: Final = ["recipients", "opt_outs", "re_opt_ins", "ever_opted_out", "opted_out"]


def opt_out_rates(
    history: History,
    *,
    by: str | Collection[str] = "from_phone",
    audience: Audience | None = None,
    confidence: float = 0.95,
    since: Moment | None = None,
    until: Moment | None = None,
) -> pl.DataFrame:
    """Compare senders, or any other groups, by the share of messaged people who have ever opted out.

    Without `audience` the denominator is the recipients seen in the history: people who ever opted out or in. The rate
    then only describes the mix of opt-outs and opt-ins, not how likely a message is to drive somebody away.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    by : str or collection of str
        Columns that are constant for a sender, a recipient or a pair, such as country (`optkit.with_country`).
    audience : int, dict, frame or path, optional
        How many recipients were messaged: a number, the same for each group; a dict from sender to recipients; or a
        frame or a file (.csv, .parquet, .xlsx) with from_phone, recipients and the columns of `by`. Case does not
        matter in names of columns, and a long code may lack its "+". Senders without events have a row as well, and a
        warning names them.
    confidence : float
        Of the interval, between 0 and 1.
    since, until : str, date or datetime, optional
        The stretch in which opt-outs and re-opt-ins are counted, both ends included; by default from the first event to
        the last.

    Returns
    -------
    polars.DataFrame
        Sorted by `by`; one row per group: the columns of `by`; recipients (seen in the history by `until`; a recipient
        of two senders of a group counts twice), opt_outs, re_opt_ins, ever_opted_out (at least once in the stretch),
        opted_out (at `until`), n (Int64); rate = ever_opted_out / n, low and high (Wilson's interval), shrunk_rate
        (empirical Bayes: shrunken towards the overall rate, the more the smaller n) (Float64, null where n is 0);
        limit_low and limit_high (Float64: they contain 99.8 % of groups that differ from the other groups only as much
        as these differ from each other); signal (String: "high" or "low" beyond these limits, otherwise "usual");
        denominator (String: "audience" or "observed"). limit_low, limit_high and signal are null without `audience`,
        where n is 0, and if fewer than five groups have an n, which do not show how much groups usually differ.

    Raises
    ------
    HistoryError
        The frame is not a history.
    SettingsError
        An argument cannot be used; `audience` lacks senders, or is smaller than the number who opted out.

    Notes
    -----
    Each group is compared only with the others, so that a large group with a high rate does not become its own target.
    Of tables with twenty usual groups, at most one in ten has a group outside its limits.

    References
    ----------
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22;
    D. J. Spiegelhalter (2005), Funnel plots for comparing institutional performance, Stat. Med. 24.

    Examples
    --------
    >>> import optkit
    >>> history, audience = optkit.demo_history(recipients=1000), optkit.demo_audience(recipients=1000)
    >>> table = optkit.opt_out_rates(history, audience=audience)
    >>> table.height, (table["rate"] == table["ever_opted_out"] / table["n"]).all(), table["denominator"][0]
    (9, True, 'audience')
    """
    groups = by_columns(by, _COMPUTED, {"history": history}, required=True)
    share(confidence, "confidence")
    given = denominators.given_audience(audience, groups, each_group=True)
    totals = aggregate(history, _per_sender, by=groups, since=since, until=until)["pairs"]
    seen = totals.select(*groups, "sender", seen="recipients")
    population, denominator = denominators.population(given, groups, seen, each_group=True)
    sums = totals.drop("sender").group_by(groups).agg(pl.all().sum())
    table = (
        population.rename({"population": "n"})
        .join(sums, on=groups, how="left", nulls_equal=True)
        .with_columns(pl.col(_SUMS).fill_null(0))
    )
    if denominator == "audience":
        denominators.validate_covers(table, "ever_opted_out", "n", groups)
    rated = _rated(table.sort(groups, nulls_last=True), confidence)
    limits = _limits(rated, denominator)
    return rated.select(
        *groups,
        *_SUMS,
        "n",
        "rate",
        "low",
        "high",
        "shrunk_rate",
        *limits,
        signal=_signal(*limits),
        denominator=pl.lit(denominator),
    )


def _per_sender(partition: Partition) -> dict[str, PartialSum]:
    sums = {
        "recipients": pl.len(),
        "opt_outs": pl.col("opt_outs").sum(),
        "re_opt_ins": pl.col("re_opt_ins").sum(),
        "ever_opted_out": (pl.col("opt_outs") > 0).sum(),
        "opted_out": pl.col("out").sum(),
    }
    return {"pairs": partial_sum(partition.unit_summary, ["group", "sender"], **sums)}


def _rated(table: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """Add rate, low, high, shrunk_rate."""
    k, n = table["ever_opted_out"].to_numpy(), table["n"].to_numpy()
    interval = statistics.wilson(k, n, confidence)
    known = pl.when(pl.col("n") > 0)
    return table.with_columns(
        rate=known.then(pl.col("ever_opted_out") / pl.col("n")),
        low=pl.Series(interval.low, nan_to_null=True),
        high=pl.Series(interval.high, nan_to_null=True),
        shrunk_rate=known.then(pl.Series(statistics.shrink(k, n), nan_to_null=True)),
    )


def _limits(rated: pl.DataFrame, denominator: Denominator) -> list[pl.Series]:
    """Return limit_low and limit_high; null without an audience, because there are no rates to compare."""
    k, n = rated["ever_opted_out"].to_numpy(), rated["n"].to_numpy()
    limits = funnel_limits(k, n) if denominator == "audience" else Interval(*np.full((2, len(n)), np.nan))
    return [pl.Series(f"limit_{side}", values, nan_to_null=True) for side, values in limits._asdict().items()]


def _signal(low: pl.Series, high: pl.Series) -> pl.Expr:
    return (
        pl.when(low.is_null())
        .then(pl.lit(None, pl.String))
        .when(pl.col("rate") > high)
        .then(pl.lit("high"))
        .when(pl.col("rate") < low)
        .then(pl.lit("low"))
        .otherwise(pl.lit("usual"))
    )
