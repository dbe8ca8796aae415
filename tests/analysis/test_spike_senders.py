from datetime import UTC, date, datetime, timedelta

import polars as pl

from optkit.analysis.spike_senders import largest_spike, opt_outs_by_campaign, opt_outs_by_sender


def spikes_table(*counts: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "period": [date(2026, 2, 13) + timedelta(days=number) for number in range(len(counts))],
            "opt_outs": counts,
            "expected": [50.0] * len(counts),
            "low": [30.0] * len(counts),
            "high": [80.0] * len(counts),
            "spike": [count > 80 for count in counts],
        }
    )


def test_largest_spike_has_the_most_opt_outs() -> None:
    assert largest_spike(spikes_table(50, 90, 1500)) == date(2026, 2, 15)
    assert largest_spike(spikes_table(50)) is None


def test_opt_outs_by_sender_counts_the_local_day() -> None:
    moments = [(14, 4), (14, 5), (15, 1), (15, 23), (20, 12)]
    transitions = pl.DataFrame(
        {
            "from_phone": ["72975", "72975", "72975", "ACME", "ACME"],
            "to_phone": ["+12025550101"] * 5,
            "created_at": [datetime(2026, 2, day, hour, tzinfo=UTC) for day, hour in moments],
            "kind": ["opt-out"] * 5,
        }
    )
    # in New York the first is on the 13th, the next two on the 14th
    behind = opt_outs_by_sender(transitions, date(2026, 2, 14), time_zone="America/New_York")
    assert behind.select("from_phone", "opt_outs", "share").rows() == [("72975", 2, 1.0)]
    assert behind["mean_per_day"].to_list() == [3 / 4]
    assert opt_outs_by_sender(transitions.clear(), None).is_empty()


def test_opt_outs_by_campaign_counts_the_local_day() -> None:
    attribution = pl.DataFrame(
        {
            "opted_out_at": [datetime(2026, 2, 14, hour, tzinfo=UTC) for hour in (4, 6, 7, 8, 9)],
            "source": ["message", "message", "message", "earlier", "message"],
            "campaign": ["night", "A", "A", "A", "B"],
        }
    )
    # in New York the first is on the 13th; the fourth came too long after its message
    found = opt_outs_by_campaign(attribution, date(2026, 2, 14), time_zone="America/New_York")
    assert found.rows() == [("A", 2, 0.5), ("B", 1, 0.25), (None, 1, 0.25)]
    assert opt_outs_by_campaign(attribution, None).is_empty()
