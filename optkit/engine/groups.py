"""Tables by the columns of `by`, of which there may be none: then all rows are one group."""

from collections.abc import Sequence
from typing import Literal, TypeVar

import polars as pl

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def groups_of(table: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the groups that a table has, one row each; without `by` one row without columns."""
    return table.select(by).unique() if by else pl.DataFrame(height=1)


def sum_by(frame: Frame, by: Sequence[str], *sums: pl.Expr) -> Frame:
    """Aggregate each group; without `by` all rows, also if there are none."""
    return frame.group_by(by).agg(sums) if by else frame.select(sums)


def join_groups(
    table: pl.DataFrame, other: pl.DataFrame, by: Sequence[str], how: Literal["left", "inner"] = "left"
) -> pl.DataFrame:
    """Add columns that each group has one row of; without `by` that row belongs to all rows."""
    return table.join(other, on=by, how=how, nulls_equal=True) if by else table.join(other, how="cross")
