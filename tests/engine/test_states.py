import traceback
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
import reference
from histories import (
    FEWER_EXAMPLES,
    INSTANTS,
    MAY_BEGIN_AFTER_THE_DATA,
    RECIPIENTS,
    Event,
    between,
    events,
    frame,
    moment,
    stretches,
)
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit.engine.aggregate import PartialSum, aggregate, map_rows, partial_sum
from optkit.engine.states import Partition, Scope

Stretch = tuple[int | None, int | None]
SCOPES = st.sampled_from(["pair", "recipient"])


def ms(table: pl.DataFrame) -> list[tuple[object, ...]]:
    """Rows, instants in ms."""
    return table.with_columns(pl.col(pl.Datetime).cast(pl.Int64)).rows()


@MAY_BEGIN_AFTER_THE_DATA
@given(events(), SCOPES, stretches())
def test_transitions_match_reference(made: list[Event], scope: Scope, stretch: Stretch) -> None:
    since, until = stretch
    table = optkit.transitions(frame(made), scope=scope, **between(stretch))
    assert ms(table) == reference.transitions(made, scope, until, since)


@MAY_BEGIN_AFTER_THE_DATA
@given(events(), SCOPES, stretches())
def test_spells_match_reference(made: list[Event], scope: Scope, stretch: Stretch) -> None:
    since, until = stretch
    table = optkit.spells(frame(made), scope=scope, **between(stretch))
    expected = reference.spells(made, scope, until, since)
    assert ms(table.drop("days")) == [(*row[:5], row[6]) for row in expected]
    assert table["days"].to_list() == pytest.approx(
        [row[5] for row in expected], rel=1e-15
    )  # polars rounds /


def everything(partition: Partition) -> dict[str, PartialSum]:
    """Count each frame of a partition by nearly all of its columns."""
    return {
        "runs": partial_sum(partition.runs, ["group", "sender", "at", "out", "first"], n=pl.len()),
        "transitions": partial_sum(partition.transitions, ["group", "sender", "at", "out"], n=pl.len()),
        "spells": partial_sum(
            partition.spells, ["group", "sender", "spell", "opted_out_at", "returned_at"], n=pl.len()
        ),
        "unit_summary": partial_sum(
            partition.unit_summary,
            ["group", "sender", "first", "since", "out", "out_before"],
            n=pl.len(),
            opt_outs=pl.col("opt_outs").sum(),
            re_opt_ins=pl.col("re_opt_ins").sum(),
        ),
        "events": partial_sum(partition.events, ["sender", "at", "out"], n=pl.len()),
        "all": partial_sum(partition.unit_summary, [], n=pl.len()),
    }


@MAY_BEGIN_AFTER_THE_DATA
@given(events(), SCOPES, stretches())
def test_summaries_of_a_stretch_match_reference(made: list[Event], scope: Scope, stretch: Stretch) -> None:
    def mapper(partition: Partition) -> pl.LazyFrame:
        counted = ["out_before", "out", "opt_outs", "re_opt_ins"]
        return partition.unit_summary.select("sender", "recipient", *counted)

    sort = ["to_phone"] if scope == "recipient" else ["from_phone", "to_phone"]
    table: Any = map_rows(frame(made), mapper, sort=sort, scope=scope, **between(stretch))
    kept = reference.cut(made, stretch[1])
    since, until = reference.ends(kept, *stretch)
    expected = []
    for unit in reference.unit_summary(kept, scope):
        kinds = [kind for at, kind, _ in reference.unit_transitions(kept, unit) if at >= since]
        states = [reference.state(kept, unit, at) == "opt-out" for at in (since - 1, until)]
        expected.append((*unit, *states, kinds.count("opt-out"), kinds.count("re-opt-in")))
    columns = table.columns[1:] if scope == "recipient" else table.columns
    assert table.select(columns).rows() == sorted(row[-len(columns) :] for row in expected)


@MAY_BEGIN_AFTER_THE_DATA
@FEWER_EXAMPLES
@given(events(), SCOPES, st.sampled_from(INSTANTS))
def test_two_stretches_add_up_to_the_whole(made: list[Event], scope: Scope, at: int) -> None:
    history, cut = frame(made), moment(at)
    for count in (optkit.transitions, optkit.spells):
        whole = count(history, scope=scope)
        early = count(history, scope=scope, until=moment(at - 1))
        late = count(history, scope=scope, since=cut)
        assert late.height == whole.height - early.height
        assert late.equals(whole.filter(pl.nth(2 if count is optkit.transitions else 3) >= cut))


def test_since_must_not_lie_after_until() -> None:
    with pytest.raises(optkit.SettingsError, match="must not be after"):
        optkit.transitions(frame([]), since="2026-01-02", until="2026-01-01")


@MAY_BEGIN_AFTER_THE_DATA
@FEWER_EXAMPLES
@given(events(), SCOPES, stretches(), st.integers(2, 5), st.randoms(use_true_random=False))
def test_neither_row_order_nor_partitions_matter(
    made: list[Event], scope: Scope, stretch: Stretch, partitions: int, random: Random
) -> None:
    once = aggregate(frame(made), everything, scope=scope, **between(stretch))
    shuffled = list(made)
    random.shuffle(shuffled)
    again = aggregate(frame(shuffled), everything, scope=scope, partitions=partitions, **between(stretch))
    assert (once.first, once.since, once.until) == (again.first, again.since, again.until)
    assert once.keys() == again.keys()
    for name in once:
        keys = once[name].columns
        assert once[name].sort(keys).equals(again[name].sort(keys)), name


@given(events(), st.integers(1, 4))
def test_exact_duplicates_are_one_event(made: list[Event], times: int) -> None:
    once, more = (optkit.transitions(frame(rows)) for rows in (made, made * times))
    assert once.equals(more)


def test_phones_keep_their_text_and_never_collide() -> None:
    made = [Event(phone, "ACME", 0, "opt-out") for phone in RECIPIENTS]
    assert optkit.transitions(frame(made))["to_phone"].to_list() == sorted(RECIPIENTS)


@given(st.lists(st.text(max_size=17) | st.from_regex(r"\A[+]?[0-9]{1,17}\Z"), unique=True, max_size=30))
def test_different_texts_are_different_phones(phones: list[str]) -> None:
    made = [Event(phone, "ACME", 0, "opt-out") for phone in phones]
    assert optkit.transitions(frame(made))["to_phone"].sort().to_list() == sorted(phones)


@pytest.mark.parametrize("scope", ["pair", "recipient"])
def test_units_count_opt_outs_and_returns(scope: Scope) -> None:
    statuses = ["opt-in", "opt-out", "opt-out", "opt-in", "opt-out", "opt-in", "opt-in"]
    made = [Event("+12025550101", "ACME", at, status) for at, status in enumerate(statuses)]
    counts = aggregate(
        frame(made),
        lambda partition: {
            "unit_summary": partial_sum(
                partition.unit_summary, ["first", "since", "out", "opt_outs", "re_opt_ins"], n=pl.len()
            )
        },
        scope=scope,
    )
    assert counts["unit_summary"].rows() == [(0, 5, False, 2, 2, 1)]


def test_by_any_column_that_is_constant_per_sender_or_recipient() -> None:
    history = frame(
        [
            Event("+12025550101", "ACME", 1, "opt-out"),
            Event("+447700900001", "ACME", 2, "opt-out"),
            Event("+12025550101", "24273", 3, "opt-out"),
            Event("anonymous", "24273", 4, "opt-out"),
        ]
    ).with_columns(country=pl.Series(["US", "GB", "US", None]), brand=pl.Series([1, 1, 2, 2]))

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        return {"n": partial_sum(partition.unit_summary, ["group"], n=pl.len())}

    for scope in ("pair", "recipient"):
        counts = aggregate(history, mapper, by="country", scope=scope)["n"]
        both = 2 if scope == "pair" else 1
        assert set(counts.rows()) == {("US", both), ("GB", 1), (None, 1)}
    assert set(aggregate(history, mapper, by="brand")["n"].rows()) == {(1, 2), (2, 2)}
    assert set(aggregate(history, mapper, by=["brand", "from_phone", "country"])["n"].rows()) == {
        (1, "ACME", "US", 1),
        (1, "ACME", "GB", 1),
        (2, "24273", "US", 1),
        (2, "24273", None, 1),
    }
    with pytest.raises(optkit.HistoryError, match="several values for a recipient in 1 case"):
        aggregate(history, mapper, by="brand", scope="recipient")
    with pytest.raises(optkit.HistoryError, match="several values for a sender and recipient"):
        aggregate(pl.concat([history, history.with_columns(brand=pl.lit(3, pl.Int64))]), mapper, by="brand")
    with pytest.raises(optkit.SettingsError, match="needs scope='pair'"):
        aggregate(history, mapper, by="from_phone", scope="recipient")
    with pytest.raises(optkit.SettingsError, match="scope must be"):
        aggregate(history, mapper, scope="sender")  # type: ignore[arg-type]


def test_counting_is_five_calls_deep_in_three_files(monkeypatch: pytest.MonkeyPatch) -> None:
    package = str(Path(optkit.__file__).parent)
    transitions: Any = vars(Partition)["transitions"]
    depths: list[list[str]] = []

    def recorded(partition: Partition) -> pl.LazyFrame:
        calls = [call.filename for call in traceback.extract_stack() if call.filename.startswith(package)]
        depths.append([*calls, "states.py"])
        frame: pl.LazyFrame = transitions.fget(partition)
        return frame

    monkeypatch.setattr(Partition, "transitions", property(recorded))
    optkit.churn(frame([Event("+12025550101", "ACME", 0, "opt-out")]))
    (calls,) = depths
    assert len(calls) == 5, calls
    assert len(set(calls)) == 3, calls
