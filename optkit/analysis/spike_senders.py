"""Which senders and which campaigns were behind the opt-outs of a day."""

from datetime import date

import polars as pl


def largest_spike(table: pl.DataFrame) -> date | None:
    """Return the period of the largest spike, or None if no period is one.

    Parameters
    ----------
    table : polars.DataFrame
        What `optkit.spikes` returned, without groups.

    Returns
    -------
    datetime.date or None
    """
    found = table.filter("spike").sort("opt_outs", descending=True)
    return found["period"][0] if found.height else None


def opt_outs_by_sender(
    transitions: pl.DataFrame, when: date | None, *, time_zone: str = "UTC"
) -> pl.DataFrame:
    """Count a day's opt-outs by sender, beside the sender's mean per day over all days with opt-outs.

    Parameters
    ----------
    transitions : polars.DataFrame
        What `optkit.transitions` returned.
    when : date, optional
        The local day; None gives no rows.
    time_zone : str
        IANA name of the zone that the day is in.

    Returns
    -------
    polars.DataFrame
        Sorted by opt_outs, most first: from_phone (String), opt_outs (UInt32), share (Float64, of the day's
        opt-outs), mean_per_day (Float64).
    """
    outs = transitions.filter(pl.col("kind").cast(pl.String) == "opt-out").with_columns(
        day=pl.col("created_at").dt.convert_time_zone(time_zone).dt.date()
    )
    days = max(1, outs["day"].n_unique())
    mean = outs.group_by("from_phone").agg(mean_per_day=pl.len() / days)
    return (
        outs.filter(pl.lit(value=False) if when is None else pl.col("day") == when)
        .group_by("from_phone")
        .agg(opt_outs=pl.len())
        .with_columns(share=pl.col("opt_outs") / pl.col("opt_outs").sum())
        .join(mean, on="from_phone")
        .sort("opt_outs", "from_phone", descending=[True, False])
    )


def opt_outs_by_campaign(
    attribution: pl.DataFrame, when: date | None, *, time_zone: str = "UTC"
) -> pl.DataFrame:
    """Count a day's opt-outs by the campaign whose message came last before them.

    Parameters
    ----------
    attribution : polars.DataFrame
        What `optkit.attribution` returned.
    when : date, optional
        The local day; None gives no rows.
    time_zone : str
        IANA name of the zone that the day is in.

    Returns
    -------
    polars.DataFrame
        Sorted by opt_outs, most first: campaign (String; null: no message within the window), opt_outs (UInt32), share
        (Float64, of the day's opt-outs).
    """
    local = pl.col("opted_out_at").dt.convert_time_zone(time_zone).dt.date()
    followed = pl.when(pl.col("source").cast(pl.String) == "message").then("campaign").alias("campaign")
    return (
        attribution.filter(pl.lit(value=False) if when is None else local == when)
        .group_by(followed)
        .agg(opt_outs=pl.len())
        .with_columns(share=pl.col("opt_outs") / pl.col("opt_outs").sum())
        .sort("opt_outs", "campaign", descending=[True, False], nulls_last=True)
    )
