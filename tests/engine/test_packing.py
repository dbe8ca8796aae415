"""Packed integers: the least of each group, against a dictionary."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optkit.engine.packing import least_of_each


def least_by_group(values: list[int], bits: int) -> list[int]:
    least: dict[int, int] = {}
    for value in values:
        group = value >> bits
        least[group] = min(value, least.get(group, value))
    return sorted(least.values())


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Int128])
@given(st.lists(st.lists(st.integers(0, 40))), st.integers(0, 4))
def test_the_least_of_the_integers_that_agree_in_all_but_their_lowest_bits(
    dtype: type[pl.DataType], chunks: list[list[int]], bits: int
) -> None:
    packed = pl.concat([pl.Series(chunk, dtype=dtype) for chunk in ([], *chunks)])
    found = least_of_each(packed, bits)
    assert found.dtype == dtype
    assert found.to_list() == least_by_group([value for chunk in chunks for value in chunk], bits)


def test_integers_as_wide_as_their_type() -> None:
    wide = 2**62
    packed = pl.Series([wide + 3, 5, wide + 1, 4, 2**20 + wide])
    assert least_of_each(packed, 20).to_list() == [4, wide + 1, wide + 2**20]
    widest = pl.Series([2**120 + 3, 2**120 + 1, 2**100], dtype=pl.Int128)
    assert least_of_each(widest, 1).to_list() == [2**100, 2**120 + 1, 2**120 + 3]
