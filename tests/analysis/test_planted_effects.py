from functools import cache

import numpy as np
import polars as pl
import pytest
from accounts_with_effects import Plan, planted

import optkit
from optkit.demo import effects


def test_the_bad_campaign_is_found() -> None:
    found = 0
    for seed in range(10):
        account = planted(Plan(seed=seed, people=700, rates=[0.01] * 9 + [0.04]))
        table = optkit.campaign_rates(account.history, account.messages)
        signals = dict(table.select("campaign_id", "signal").iter_rows())
        found += signals.pop(9) == "high"
        assert list(signals.values()).count("high") == 0
    assert found == 10


def test_equal_campaigns_are_flagged_at_the_nominal_rate() -> None:
    flagged = 0
    for seed in range(40):
        account = planted(Plan(seed=seed, people=300, rates=[0.015] * 8))
        table = optkit.campaign_rates(account.history, account.messages)
        flagged += (table["signal"] != "usual").any()
    assert flagged <= 6  # of 40 at 5 %; more come by chance in one of a hundred such tests


def test_excess_intervals_cover_what_was_planted() -> None:
    covered = []
    for seed in range(40):
        account = planted(Plan(seed=seed, people=400, rates=[0.005, 0.01, 0.02, 0.03], background=0.004))
        table = optkit.campaign_rates(account.history, account.messages)
        # What the messages were expected to cause, whatever they happened to cause.
        planned = table["exposures"] * pl.Series([0.005, 0.01, 0.02, 0.03])
        covered += ((table["excess_low"] <= planned) & (planned <= table["excess_high"])).to_list()
    assert np.mean(covered) == pytest.approx(0.95, abs=0.035)  # two standard errors


def test_the_background_is_recovered() -> None:
    ratios, inside = [], []
    for seed in range(12):
        account = planted(Plan(seed=seed, people=800, gap=20.0, background=0.003))
        table = optkit.opt_out_hazard(account.history, account.messages, edges=(0, 48, 168))
        ratios.append(table["background"][0] / 3.0)  # per 1,000 person-days
        middle = table.row(1, named=True)
        inside.append(middle["low"] <= 3.0 <= middle["high"])
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)
    assert sum(inside) >= 10


def test_adjusted_rates_are_closer_to_the_true_fatigue_than_unadjusted_ones() -> None:
    naive: list[float] = []
    adjusted: list[float] = []
    for seed in range(6):
        account = planted(
            Plan(seed=seed, people=2500, gap=4.0, patience=True, fatigue=1.25, rates=[0.02], background=0.0)
        )
        table = optkit.fatigue(account.history, account.messages, burn_in="14d").head(5)
        # One more recent message multiplies the rate by 1.25; who has many is one of the patient.
        planned = np.log(1.25) * np.arange(5)
        for errors, column in ((naive, "rate"), (adjusted, "adjusted_rate")):
            curve = np.log(table[column].to_numpy())
            errors.append(abs((curve - curve[0] - planned)[1:]).mean())
    assert np.mean(adjusted) < np.mean(naive)


def test_leaks_are_exactly_the_planted_ones() -> None:
    account = planted(Plan(people=400))
    assert optkit.leaks(account.history, account.messages).is_empty()
    out = account.history.sort("created_at").with_row_index("number", offset=account.messages.height)
    late = out.gather_every(3).select(
        message_id=pl.col("number").cast(pl.Int64),
        to_phone="to_phone",
        from_phone="from_phone",
        sent_at=pl.col("created_at").dt.truncate("1s") + pl.duration(seconds=1 + pl.col("number") % 1000),
        delivery_status=pl.lit("delivered"),
        failure=pl.lit(None, pl.String),
        campaign_id=pl.lit(0, pl.Int64),
        campaign=pl.lit("campaign 0"),
    )
    found = optkit.leaks(account.history, pl.concat([account.messages, late]))
    assert found["message_id"].sort().equals(late["message_id"])
    assert late.height > 20


@cache
def made_up() -> tuple[pl.DataFrame, pl.DataFrame]:
    return optkit.demo_history(), optkit.demo_messages()


def test_the_made_up_account_shows_its_bad_campaign() -> None:
    table = optkit.campaign_rates(*made_up()).sort("q")
    assert table.row(0, named=True)["campaign"] == effects.WENT_WRONG
    assert table["signal"][0] == "high"
    # The only other one is of the sender that drives away most people.
    assert set(table.filter(signal="high")["campaign"]) <= {effects.WENT_WRONG, "Last-minute trips"}
    assert table.filter(signal="low").is_empty()


def test_the_made_up_account_leaks_exactly_what_was_planted() -> None:
    table = optkit.leaks(*made_up())
    counts = table.select(pl.col("reached", "blocked", "overdue").cast(pl.Int64).sum()).row(0)
    assert table.height == effects.LEAKS.attempted
    assert counts == (effects.LEAKS.delivered, effects.LEAKS.blocked, effects.LEAKS.overdue)


def test_the_background_of_the_made_up_account_is_recovered() -> None:
    # All hours from 3 days on, when no message works any more.
    table = optkit.opt_out_hazard(*made_up(), edges=(0, 72, 168))
    later = table.filter(pl.col("from_hours") >= 72)
    hazard = int(later["opt_outs"].sum()) / float(later["person_hours"].sum()) * 24_000
    assert hazard == pytest.approx(1000 * effects.BACKGROUND_PER_DAY, rel=0.2)


def test_fatigue_of_the_made_up_account_rises_as_planted() -> None:
    table = optkit.fatigue(*made_up(), recent=f"{effects.FATIGUE_DAYS}d")
    assert table["adjusted_rate"].is_sorted()
    assert table["adjusted_rate"][1] / table["adjusted_rate"][0] == pytest.approx(
        effects.FATIGUE_FACTOR, rel=0.25
    )
