"""Whether each further message costs more: opt-outs by how many messages a pair had in the recent days."""

from collections.abc import Collection
from typing import Final

import numpy as np
import polars as pl

from optkit.arguments import share
from optkit.engine import statistics
from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.exposures import KEY, JointPartition, count_until
from optkit.engine.frames import History, by_columns
from optkit.engine.joint import Mapper, aggregate_joint
from optkit.engine.message_frames import Messages
from optkit.engine.packing import TIME_BITS, at_of, big, sender_of
from optkit.engine.question import question
from optkit.messages import REACHED
from optkit.times import Duration, Moment, duration_ms

_MOST: Final = 10  # exposures in the recent days; the last row also counts those with more

#: Message numbers at which the classes of the adjustment begin.
_CLASSES: Final = (1, 2, 4, 8)

_COMPUTED: Final = ("exposures_recent", "exposures", "opt_outs", "rate", "low", "high", "adjusted_rate")


def fatigue(
    history: History,
    messages: Messages,
    *,
    recent: Duration = "7d",
    by: str | Collection[str] | None = None,
    burn_in: Duration = "30d",
    window: Duration = "72h",
    confidence: float = 0.95,
    since: Moment | None = None,
    until: Moment | None = None,
    statuses: Collection[str] = REACHED,
    region: str | None = None,
) -> pl.DataFrame:
    """Compare the opt-out rate per message by how many messages the pair had in the recent days.

    People who have had many messages did not opt out after the earlier ones: patient people remain. And senders with
    frequent campaigns have other recipients. So the rate as counted may fall although each further message costs more.
    `adjusted_rate` averages the rates within senders and message numbers, with the same weights in every row.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    messages : any frame
        Messages, in any order; a Spark frame if the history is one.
    recent : str or timedelta
        Length of the recent time in which messages are counted.
    by : str or collection of str, optional
        See `optkit.campaign_rates`; rates are adjusted within each group.
    burn_in : str or timedelta
        Exposures in this time after the beginning of the record only count as earlier messages, because messages before
        the record are not known.
    window, confidence, since, until, statuses, region
        See `optkit.campaign_rates`.

    Returns
    -------
    polars.DataFrame
        Sorted by `by` and exposures_recent; one row per number of exposures that occurs: the columns of `by`;
        exposures_recent (Int64: the pair's exposures in the recent days, including this one; 10: ten or more),
        exposures, opt_outs (Int64: those whose last exposure is one of these, within `window`); rate = opt_outs /
        exposures, low, high (Wilson's interval; null if there are more opt-outs than exposures), adjusted_rate
        (directly standardised over sender and message number in the record, 1, 2 to 3, 4 to 7, 8 and more; weights are
        all exposures, strata without exposures in the row are left out) (Float64).

    Raises
    ------
    HistoryError
        A frame is not what it should be.
    SettingsError
        An argument cannot be used.

    Examples
    --------
    >>> import optkit
    >>> account = {"recipients": 3000, "days": 365}
    >>> table = optkit.fatigue(optkit.demo_history(**account), optkit.demo_messages(**account))
    >>> table.columns[:4]
    ['exposures_recent', 'exposures', 'opt_outs', 'rate']
    """
    groups = by_columns(by, (*_COMPUTED, "number", "stratum", "weight"), {"messages": messages})
    share(confidence, "confidence")
    asked = question(since, until, statuses, region, payload=groups)
    mapper = _counter(
        groups,
        recent=duration_ms(recent, "recent"),
        burn_in=duration_ms(burn_in, "burn_in", least=0),
        window=duration_ms(window, "window"),
    )
    totals = aggregate_joint(history, messages, mapper, asked)
    strata = (
        totals["exposures"]
        .join(
            totals["opt_outs"],
            on=[*groups, "exposures_recent", "sender", "stratum"],
            how="left",
            nulls_equal=True,
        )
        .with_columns(pl.col("opt_outs").fill_null(0))
    )
    return _rated(strata, groups, confidence)


def _counter(groups: list[str], *, recent: int, burn_in: int, window: int) -> Mapper:
    """Return the mapper that counts exposures, and the opt-outs that followed them, by group and stratum."""
    keys = [*groups, "exposures_recent", "sender", "stratum"]

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        key = partition.exposures["key"]
        place = pl.int_range(pl.len(), dtype=pl.Int64)
        is_first = ((KEY ^ KEY.shift(1)) >= big(2**TIME_BITS)).fill_null(True)
        number = place - pl.when(is_first).then(place).forward_fill() + 1
        stratum = pl.sum_horizontal((pl.col("number") >= begin).cast(pl.UInt8) for begin in _CLASSES)
        described = (
            partition.exposures.select(
                *groups,
                sent_at=at_of(KEY),
                sender=sender_of(KEY),
                number=number,
                exposures_recent=(place + 1 - pl.lit(count_until(key, key, recent))).clip(upper_bound=_MOST),
            )
            .lazy()
            .with_columns(stratum=stratum)
            .collect()
        )
        counted = pl.col("sent_at") >= partition.since + burn_in
        opt_outs = partition.opt_outs.select(
            "at", *(column.gather(partition.opt_outs["exposure"]) for column in described)
        )
        soon = pl.col("at") - pl.col("sent_at") <= window
        return {
            "exposures": partial_sum(described.lazy().filter(counted), keys, exposures=pl.len()),
            "opt_outs": partial_sum(opt_outs.lazy().filter(counted & soon), keys, opt_outs=pl.len()),
        }

    return mapper


def _rated(strata: pl.DataFrame, groups: list[str], confidence: float) -> pl.DataFrame:
    """Return the rates of each row, as counted and standardised."""
    exposures, opt_outs = pl.col("exposures"), pl.col("opt_outs")
    stratum = [*groups, "sender", "stratum"]
    weight = pl.col("exposures").sum().over(stratum).cast(pl.Float64)
    weighed = strata.sort(pl.all()).with_columns(weight=weight)
    rows = weighed.group_by(*groups, "exposures_recent").agg(
        exposures.sum(),
        opt_outs.sum(),
        adjusted_rate=(pl.col("weight") * opt_outs / exposures).sum() / pl.col("weight").sum(),
    )
    k, n = rows["opt_outs"].to_numpy(), rows["exposures"].to_numpy()
    interval = statistics.wilson(np.minimum(k, n), n, confidence)
    return (
        rows.with_columns(low=pl.Series(interval.low), high=pl.Series(interval.high))
        .with_columns(pl.when(opt_outs <= exposures).then(pl.col("low", "high")), rate=opt_outs / exposures)
        .select(*groups, *_COMPUTED)
        .sort(*groups, "exposures_recent", nulls_last=True)
    )
