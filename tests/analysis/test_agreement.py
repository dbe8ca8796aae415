from typing import Any

import polars as pl
from histories import Event, events, frame
from hypothesis import given

import optkit


@given(events())
def test_all_analyses_count_the_same_events(made: list[Event]) -> None:
    history = frame(made)
    moves = optkit.transitions(history)["kind"].value_counts().rows()
    opt_outs, re_opt_ins = (dict(moves).get(kind, 0) for kind in ("opt-out", "re-opt-in"))

    def total(table: pl.DataFrame, column: str) -> Any:
        return table[column].sum()

    churn, rates, cycles = optkit.churn(history), optkit.opt_out_rates(history), optkit.cycles(history)
    spells, curve, cohorts = optkit.spells(history), optkit.return_curve(history), optkit.cohorts(history)
    assert total(churn, "opt_outs") == total(rates, "opt_outs") == total(cycles, "spells") == opt_outs
    assert spells.height == total(curve, "returned") + total(curve, "censored") == opt_outs
    assert total(churn, "re_opt_ins") == total(rates, "re_opt_ins") == total(cycles, "cycles") == re_opt_ins
    assert total(spells, "returned") == total(curve, "returned") == re_opt_ins
    assert total(cohorts.filter(pl.col("age") == 0), "size") == total(rates, "ever_opted_out")
    still_out = optkit.suppression_list(history).height
    assert still_out == opt_outs - re_opt_ins == total(rates, "opted_out") == total(cycles, "open_spells")
    assert optkit.status_at(history).height == total(rates, "recipients")
