from typing import Any

import polars as pl
from histories import FEWER_EXAMPLES, MAY_BEGIN_AFTER_THE_DATA, Event, between, events, frame, stretches
from hypothesis import given

import optkit


@MAY_BEGIN_AFTER_THE_DATA
@FEWER_EXAMPLES
@given(events(), stretches())
def test_all_analyses_count_the_same_events(
    made: list[Event], stretch: tuple[int | None, int | None]
) -> None:
    history, ends = frame(made), between(stretch)
    moves = optkit.transitions(history, **ends)["kind"].value_counts().rows()
    opt_outs, re_opt_ins = (dict(moves).get(kind, 0) for kind in ("opt-out", "re-opt-in"))

    def total(table: pl.DataFrame, column: str) -> Any:
        return table[column].sum()

    churn, rates = optkit.churn(history, **ends), optkit.opt_out_rates(history, **ends)
    cycles, curve = optkit.cycles(history, **ends), optkit.return_curve(history, **ends)
    spells, cohorts = optkit.spells(history, **ends), optkit.cohorts(history, **ends)
    assert total(churn, "opt_outs") == total(rates, "opt_outs") == total(cycles, "spells") == opt_outs
    assert spells.height == total(curve, "returned") + total(curve, "censored") == opt_outs
    assert total(churn, "re_opt_ins") == total(rates, "re_opt_ins") == re_opt_ins
    assert total(spells, "returned") == total(curve, "returned") == total(cycles, "cycles")
    assert total(cohorts.filter(pl.col("age") == 0), "size") == spells.filter(pl.col("spell") == 1).height
    out = optkit.suppression_list(history, at=ends.get("until"))
    assert out.height == total(rates, "opted_out")
    begun = out if stretch[0] is None else out.filter(pl.col("opted_out_at") >= ends["since"])
    assert begun.height == total(cycles, "open_spells")
    assert optkit.status_at(history, at=ends.get("until")).height == total(rates, "recipients")
