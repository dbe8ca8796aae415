"""Few sets of modes that hold each pair of modes: what a server may do is tested in pairs by far fewer loads."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product

Modes = tuple[str, ...]

#: A fault that hits a tenth of the requests hits, with this seed, at most four of nine requests that follow each other:
#: no request fails six times, even while few are in flight.
SEED = 22


def cover_pairs(
    groups: Sequence[Modes], compatible: Callable[[str, str], bool] = lambda _one, _other: True
) -> Iterator[tuple[Modes, int]]:
    """Yield sets of modes, and how many pairs are new in each.

    Parameters
    ----------
    groups : sequence of tuple of str
        Modes by what can only be done in one way at a time; a set has at most one mode of each.
    compatible : callable
        Whether two modes of different groups can be had together; by default all can.
    """
    left = {
        frozenset(pair)
        for one, other in combinations(groups, 2)
        for pair in product(one, other)
        if compatible(*pair)
    }
    chance = random.Random(0)
    while left:
        chosen = sorted(min(left, key=sorted))
        others = [group for group in groups if not set(group) & set(chosen)]
        for group in chance.sample(others, len(others)):
            possible = [mode for mode in group if all(compatible(mode, other) for other in chosen)]
            best = max(possible, key=lambda mode: len(_pairs(mode, chosen) & left), default=None)
            if best is not None and _pairs(best, chosen) & left:
                chosen.append(best)
        new = left & set(map(frozenset, combinations(chosen, 2)))
        yield tuple(chosen), len(new)
        left -= new


def _pairs(mode: str, others: list[str]) -> set[frozenset[str]]:
    return {frozenset((mode, other)) for other in others}
