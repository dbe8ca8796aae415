"""Which senders and campaigns caused the opt-outs of a day."""

from datetime import date

import polars as pl


def largest_spike(table: pl.DataFrame) -> date | None:
    """Return the period of the largest spike, or None if there are no spikes.

    Parameters
    ----------
    table : polars.DataFrame
        The result of `optkit.spikes`, without groups.

    Returns
    -------
    datetime.date or None
    """
    found = table.filter("spike").sort("opt_outs", descending=True)
    return found["period"][0] if found.height else None


def opt_outs_by_sender(
    transitions: pl.DataFrame, when: date | None, *, time_zone: str = "UTC"
) -> pl.DataFrame:
    """Count a day's opt-outs by sender, with the sender's mean per day over all days with opt-outs.

    Parameters
    ----------
    transitions : polars.DataFrame
        The result of `optkit.transitions`.
    when : date, optional
        The local day; None gives no rows.
    time_zone : str
        IANA name of the time zone of the day.

    Returns
    -------
    polars.DataFrame
        Sorted by opt_outs, most first: from_phone (String), opt_outs (UInt32), share (Float64, of the day's
        opt-outs), mean_per_day (Float64).
    """
    day = pl.col("created_at").dt.convert_time_zone(time_zone).dt.date()
    outs = transitions.filter(pl.col("kind").cast(pl.String) == "opt-out").with_columns(day=day)
    days = max(1, outs["day"].n_unique())
    mean = outs.group_by("from_phone").agg(mean_per_day=pl.len() / days)
    counts = _opt_outs_by(outs, "from_phone", when)
    return counts.join(mean, on="from_phone", maintain_order="left")


def opt_outs_by_campaign(
    attribution: pl.DataFrame, when: date | None, *, time_zone: str = "UTC"
) -> pl.DataFrame:
    """Count a day's opt-outs by the campaign of the last message before them.

    Parameters
    ----------
    attribution : polars.DataFrame
        The result of `optkit.attribution`.
    when, time_zone
        See `opt_outs_by_sender`.

    Returns
    -------
    polars.DataFrame
        Sorted by opt_outs, most first: campaign (String; null: no message within the window), opt_outs (UInt32), share
        (Float64, of the day's opt-outs).
    """
    day = pl.col("opted_out_at").dt.convert_time_zone(time_zone).dt.date()
    followed = pl.when(pl.col("source").cast(pl.String) == "message").then("campaign")
    return _opt_outs_by(attribution.with_columns(day=day, campaign=followed), "campaign", when)


def _opt_outs_by(outs: pl.DataFrame, key: str, when: date | None) -> pl.DataFrame:
    """Return the number and share of a day's opt-outs by a column."""
    return (
        outs.filter(pl.lit(value=False) if when is None else pl.col("day") == when)
        .group_by(key)
        .agg(opt_outs=pl.len())
        .with_columns(share=pl.col("opt_outs") / pl.col("opt_outs").sum())
        .sort("opt_outs", key, descending=[True, False], nulls_last=True)
    )
