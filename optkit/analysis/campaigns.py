"""Which campaigns drive people away: opt-outs after their messages, minus those expected without a message."""

from collections.abc import Collection
from typing import Final

import numpy as np
import polars as pl

from optkit.arguments import share
from optkit.engine import counts_statistics, statistics
from optkit.engine.aggregate import PartialSum, partial_sum
from optkit.engine.exposures import KEY, JointPartition
from optkit.engine.frames import History, by_columns
from optkit.engine.joint import JointTotals, Mapper, aggregate_joint
from optkit.engine.message_frames import Messages
from optkit.engine.packing import at_of, recipient_of, sender_of
from optkit.engine.question import question
from optkit.messages import REACHED
from optkit.times import Duration, Moment, duration_ms

_COUNTED: Final = ["messages", "exposures", "recipients", "opt_outs"]
_ESTIMATED: Final = [
    "rate", "low", "high", "expected", "excess", "excess_low", "excess_high", "shrunk_rate", "q"
]  # fmt: skip


def campaign_rates(
    history: History,
    messages: Messages,
    *,
    by: str | Collection[str] = ("campaign_id", "campaign"),
    window: Duration = "72h",
    confidence: float = 0.95,
    since: Moment | None = None,
    until: Moment | None = None,
    statuses: Collection[str] = REACHED,
    region: str | None = None,
) -> pl.DataFrame:
    """Compare campaigns by how many people opted out after their messages, and how many more than expected.

    An opt-out belongs to the last exposure of the pair (a message that may have been read, sent while opted in) if
    that is within `window`. Some people opt out without a message: `expected` is the number of opt-outs at the sender's
    background hazard while the campaign's exposures were the last ones, and `excess` is the rest.

    Parameters
    ----------
    history : any frame
        Events, in any order.
    messages : any frame
        Messages, in any order; a Spark frame if the history is one.
    by : str or collection of str
        Columns of the messages, or of the history if they are constant for a sender, a recipient or a pair (with Spark
        frames: columns of the messages).
    window : str or timedelta
        The longest time between a message and an opt-out that belongs to it.
    confidence : float
        Of the intervals, between 0 and 1.
    since, until : str, date or datetime, optional
        The record: messages outside it are ignored. By default from the first message to the last event or message,
        whichever is later. Events before it still determine who is opted out.
    statuses : collection of str
        Delivery statuses of messages that may have been read.
    region : str, optional
        ISO code of the country of phones without a country code. Phones of both frames are compared and returned in
        E.164; short codes and names stay as they are.

    Returns
    -------
    polars.DataFrame
        Sorted by `by`; one row per group: the columns of `by`; messages (all), exposures, recipients (distinct among
        the exposures), opt_outs (Int64); rate = opt_outs / exposures, low, high (Wilson's interval; null if there are
        more opt-outs than exposures); expected (background opt-outs: person-hours covered by the exposures times the
        sender's hazard outside them; null if that is not known), excess = opt_outs - expected, excess_low, excess_high
        (exact Poisson interval of opt_outs, minus expected); shrunk_rate (empirical Bayes: shrunken towards the overall
        rate, the more the fewer exposures); q (of the two-sided mid-p value under a beta-binomial around the overall
        rate, by Benjamini and Hochberg) (Float64, null without exposures); signal (String: "high" or "low" where
        q < 0.05, otherwise "usual").

        An exposure covers the time from sent_at until `window` later, or until the pair's next exposure, its opt-out or
        the end of the record, whichever comes first. The background hazard of a sender is its number of opt-outs whose
        last exposure is before the window, per person-hour opted in after an exposure that is not covered by one.

    Raises
    ------
    HistoryError
        A frame is not what it should be.
    SettingsError
        An argument cannot be used.

    References
    ----------
    F. Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28;
    Y. Benjamini, Y. Hochberg (1995), Controlling the false discovery rate, JRSS B 57.

    Examples
    --------
    >>> import optkit
    >>> account = {"recipients": 3000, "days": 365}
    >>> history, messages = optkit.demo_history(**account), optkit.demo_messages(**account)
    >>> table = optkit.campaign_rates(history, messages)
    >>> (table["excess_low"] <= table["excess"]).all(), table["exposures"].sum() < messages.height
    (True, True)
    """
    taken = (*_COUNTED, *_ESTIMATED, "signal", "covered", "hazard", "exact_low", "exact_high")
    groups = by_columns(by, taken, {"messages": messages}, required=True)
    share(confidence, "confidence")
    within = duration_ms(window, "window")
    asked = question(since, until, statuses, region, payload=groups)
    totals = aggregate_joint(history, messages, _counter(groups, within), asked)
    counted = _joined(totals, groups).sort(groups, nulls_last=True)
    return _judged(counted, confidence).select(*groups, *_COUNTED, *_ESTIMATED, "signal")


def _counter(groups: list[str], window: int) -> Mapper:
    """Return the mapper that counts by group, and by sender for the background hazard."""

    def mapper(partition: JointPartition) -> dict[str, PartialSum]:
        stretches = partition.with_exposure(
            partition.stretches, *groups, sender=sender_of(KEY), recipient=recipient_of(KEY)
        ).with_columns(covered=pl.when(~pl.col("returned")).then(pl.col("end").clip(upper_bound=window)))
        exposures = stretches.filter(~pl.col("returned"))
        uncovered = pl.col("end") - pl.col("begin") - pl.col("covered").fill_null(0)
        opt_outs = partition.with_exposure(partition.opt_outs, *groups, sent_at=at_of(KEY))
        waited = pl.col("at") - pl.col("sent_at")
        return {
            "messages": partial_sum(partition.messages.lazy(), groups, messages=pl.len()),
            "exposures": partial_sum(
                exposures, groups, exposures=pl.len(), recipients=pl.col("recipient").n_unique()
            ),
            "opt_outs": partial_sum(opt_outs.filter(waited <= window), groups, opt_outs=pl.len()),
            "covered": partial_sum(exposures, [*groups, "sender"], covered=pl.col("covered").sum()),
            "uncovered": partial_sum(stretches, ["sender"], uncovered=uncovered.sum()),
            "earlier": partial_sum(opt_outs.filter(waited > window), ["sender"], earlier=pl.len()),
        }

    return mapper


def _joined(totals: JointTotals, groups: list[str]) -> pl.DataFrame:
    """Return the counts of each group and its expected opt-outs."""
    table = totals["messages"]
    for other in (totals["exposures"], totals["opt_outs"], _expected(totals, groups)):
        table = table.join(other, on=groups, how="left", nulls_equal=True)
    return table.with_columns(pl.col(_COUNTED).fill_null(0))


def _expected(totals: JointTotals, groups: list[str]) -> pl.DataFrame:
    """Return the background opt-outs expected during the time that each group's exposures cover."""
    uncovered = pl.col("uncovered")
    background = totals["uncovered"].join(totals["earlier"], on="sender", how="left")
    hazard = pl.when(uncovered > 0).then(pl.col("earlier").fill_null(0) / uncovered)
    by_sender = (
        totals["covered"]
        .join(background.select("sender", hazard=hazard), on="sender")
        .sort("sender")
        .with_columns(
            expected=pl.when(pl.col("covered") > 0).then(pl.col("covered") * pl.col("hazard")).otherwise(0.0)
        )
    )
    known = pl.col("expected").is_not_null().all()
    return by_sender.group_by(groups).agg(pl.when(known).then(pl.col("expected").sum()))


def _judged(table: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """Add estimates, intervals and signals to the counts of each group."""
    k, n = table["opt_outs"].to_numpy(), table["exposures"].to_numpy()
    proportion = np.minimum(k, n)  # an exposure may have several opt-outs, with re-opt-ins between
    mean = float(proportion.sum() / n.sum()) if n.sum() else 0.0
    p = counts_statistics.mid_p(proportion, n, mean, counts_statistics.overdispersion(proportion, n))
    wilson = statistics.wilson(proportion, n, confidence)
    exact = counts_statistics.poisson_interval(k, confidence)
    numbers = {
        "rate": np.divide(k, n, out=np.full(len(n), np.nan), where=n > 0),
        "low": np.where(k > n, np.nan, wilson.low),
        "high": np.where(k > n, np.nan, wilson.high),
        "shrunk_rate": np.where(n > 0, statistics.shrink(proportion, n), np.nan),
        "q": counts_statistics.false_discovery(p),
        "exact_low": exact.low,
        "exact_high": exact.high,
    }
    significant = pl.col("q") < counts_statistics.SIGNIFICANT
    return (
        table.with_columns(pl.Series(name, values, nan_to_null=True) for name, values in numbers.items())
        # A group without exposures covers no time, so no opt-outs are expected.
        .with_columns(expected=pl.when(pl.col("exposures") > 0).then("expected").otherwise(0.0))
        .with_columns(
            excess=pl.col("opt_outs") - pl.col("expected"),
            excess_low=pl.col("exact_low") - pl.col("expected"),
            excess_high=pl.col("exact_high") - pl.col("expected"),
            signal=pl.when(significant & (pl.col("rate") > mean))
            .then(pl.lit("high"))
            .when(significant)
            .then(pl.lit("low"))
            .otherwise(pl.lit("usual")),
        )
    )
