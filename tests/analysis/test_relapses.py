import polars as pl

from optkit.analysis.relapses import relapses_by_spell


def test_relapses_by_spell_counts_who_left_again() -> None:
    spells = pl.DataFrame({"spell": [1, 1, 1, 2, 2, 3], "returned": [True, True, False, True, False, False]})
    assert relapses_by_spell(spells).rows() == [
        (1, 3, 2, 2, 2 / 3, 1.0),
        (2, 2, 1, 1, 0.5, 1.0),
        (3, 1, 0, 0, 0.0, None),
    ]
