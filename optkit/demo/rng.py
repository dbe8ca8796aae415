"""Random numbers that are the same with each version of numpy."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Rng:
    """Uniform numbers in [0, 1), made from bits, because numpy's distributions may change between versions."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def __call__(self, count: int) -> Floats:
        """Return `count` uniform numbers."""
        return (self._bits.random_raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def choose(self, weights: npt.ArrayLike, count: int) -> tuple[Ints, Floats]:
        """Return indices drawn by `weights`, and a uniform number in [0, 1) for each."""
        edges = np.concatenate(([0.0], np.cumsum(np.asarray(weights, dtype=np.float64))))
        drawn = self(count) * edges[-1]
        place = np.minimum(np.searchsorted(edges, drawn, "right"), len(edges) - 1) - 1
        return place, (drawn - edges[place]) / (edges[place + 1] - edges[place])

    def pick(self, values: tuple[float, ...], count: int) -> Floats:
        """Return values drawn with equal probability."""
        table = np.asarray(values, dtype=np.float64)
        return table[(self(count) * len(table)).astype(np.int64)]

    def delays(self, quantiles: tuple[float, ...], count: int) -> Floats:
        """Return delays from a distribution whose evenly spaced quantiles are given."""
        table = np.asarray(quantiles, dtype=np.float64)
        drawn = self(count) * (len(table) - 1)
        place = drawn.astype(np.int64)
        return table[place] + (drawn - place) * (table[place + 1] - table[place])
