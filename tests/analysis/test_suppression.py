import polars as pl
import pytest
import reference
from histories import FEWER_EXAMPLES, INSTANTS, Event, events, frame, moment
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit.engine.states import Scope

SCOPES = st.sampled_from(["pair", "recipient"])
MOMENTS = st.sampled_from(INSTANTS)


def rows(table: pl.DataFrame) -> list[tuple[object, ...]]:
    """Rows, instants in ms; the sender is None in recipient scope."""
    numbers = table.with_columns(pl.col(pl.Datetime).cast(pl.Int64))
    if "from_phone" not in table.columns:
        numbers = numbers.insert_column(0, pl.lit(None, pl.String).alias("from_phone"))
    return numbers.rows()


@given(events(), MOMENTS, SCOPES)
def test_status_at_matches_the_reference(made: list[Event], at: int, scope: Scope) -> None:
    assert rows(optkit.status_at(frame(made), moment(at), scope=scope)) == reference.status_at(
        made, at, scope
    )


@given(events(), MOMENTS, SCOPES)
def test_suppression_list_matches_the_reference(made: list[Event], at: int, scope: Scope) -> None:
    table = optkit.suppression_list(frame(made), moment(at), scope=scope)
    assert rows(table) == reference.suppression_list(made, at, scope)


@given(events(), MOMENTS, MOMENTS, SCOPES)
def test_suppression_diff_matches_the_reference(
    made: list[Event], one: int, other: int, scope: Scope
) -> None:
    before, after = sorted([one, other])
    table = optkit.suppression_diff(frame(made), moment(before), moment(after), scope=scope)
    assert rows(table) == reference.suppression_diff(made, before, after, scope)


@given(events(), MOMENTS, SCOPES)
def test_suppression_list_is_the_opted_out_of_status_at(made: list[Event], at: int, scope: Scope) -> None:
    out = optkit.status_at(frame(made), moment(at), scope=scope).filter(pl.col("status") == "opt-out")
    listed = optkit.suppression_list(frame(made), moment(at), scope=scope)
    assert out.drop("status", "since").equals(listed.drop("opted_out_at", "opt_outs"))


@FEWER_EXAMPLES
@given(events(), MOMENTS, SCOPES)
def test_a_state_at_a_time_is_that_of_the_history_cut_there(made: list[Event], at: int, scope: Scope) -> None:
    kept = reference.cut(made, at)
    for function in (optkit.status_at, optkit.suppression_list):
        assert function(frame(made), moment(at), scope=scope).equals(function(frame(kept), scope=scope))


def test_a_diff_must_go_forward() -> None:
    with pytest.raises(optkit.SettingsError, match="must not be after"):
        optkit.suppression_diff(frame([]), "2026-01-02", "2026-01-01")
