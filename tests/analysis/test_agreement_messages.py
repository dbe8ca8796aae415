"""What holds of every analysis of messages: the frame, the order of rows and the number of partitions do not matter."""

from collections.abc import Callable
from functools import cache
from typing import Any

import duckdb
import polars as pl
import pytest
from answers import OF_MESSAGES, account
from histories import MAY_BEGIN_AFTER_THE_DATA, Event, events, frame
from hypothesis import given, settings
from hypothesis import strategies as st
from made_messages import Message, message_frame, messages
from polars.testing import assert_frame_equal

from optkit.engine import joint_partitions, partitions
from optkit.engine.exposures import JointPartition

each_analysis = pytest.mark.parametrize("analysis", list(OF_MESSAGES))


def in_duckdb(table: pl.DataFrame) -> Any:
    return duckdb.from_arrow(table.with_columns(pl.selectors.enum().cast(pl.String)).to_arrow())


KINDS: dict[str, Callable[[pl.DataFrame], Any]] = {
    "LazyFrame": pl.DataFrame.lazy,
    "pandas": pl.DataFrame.to_pandas,
    "pyarrow": pl.DataFrame.to_arrow,
    "DuckDB": in_duckdb,
    "stream": lambda table: table.to_arrow().to_reader(),
}


@cache
def answer_on_polars(analysis: str) -> pl.DataFrame:
    return OF_MESSAGES[analysis](*account())


@each_analysis
@pytest.mark.parametrize("kind", list(KINDS))
def test_any_frame_gives_the_same_answer(analysis: str, kind: str) -> None:
    expected = answer_on_polars(analysis)
    assert expected.height > 1
    assert_frame_equal(OF_MESSAGES[analysis](*map(KINDS[kind], account())), expected, rel_tol=1e-12)


class Counted(JointPartition):
    """A partition, counted."""

    count = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        type(self).count += 1


#: Those that do not cut their input, because they answer for one number.
WHOLE = {"timeline"}


@MAY_BEGIN_AFTER_THE_DATA
@each_analysis
@settings(max_examples=10)
@given(made=events(14), sent=messages(), random=st.randoms(use_true_random=False))
def test_order_and_partitions_do_not_matter(
    analysis: str, made: list[Event], sent: list[Message], random: Any
) -> None:
    ask = OF_MESSAGES[analysis]
    whole = ask(frame(made), message_frame(sent))
    random.shuffle(made)
    random.shuffle(sent)
    shuffled = frame(made), message_frame(sent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joint_partitions, "JointPartition", Counted)
        patch.setattr(joint_partitions, "SIZE", 4)
        for memory in (2**30, 500):  # bytes: all packed at once; a few messages at a time
            patch.setattr(partitions, "memory", lambda memory=memory: memory)
            Counted.count = 0
            answer = ask(*shuffled)
            if analysis == "quality":  # of events out of order there may be others now
                whole, answer = (table.filter(pl.col("check") != "out of order") for table in (whole, answer))
            assert_frame_equal(answer, whole, rel_tol=1e-12)
    if len(sent) > 4 and analysis not in WHOLE:
        assert Counted.count > 1
