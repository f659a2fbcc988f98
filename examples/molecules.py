"""Molecules of 2 + 5 + 1 atoms of three elements: energies do not change when equal atoms change places.

Inputs are 1/r and exp(-r) of all 28 pairs of atoms; exchanges of equal atoms, S_2 x S_5, permute the pairs. The
five targets are sums over pairs of laws that depend on the two elements; two laws are mixed, so the map has rank 2.
"""

from itertools import pairwise

import numpy as np
from comparison import compare

import linvariance as lv

ELEMENTS = np.array([0, 0, 1, 1, 1, 1, 1, 2])
ATOMS, SIZES = len(ELEMENTS), (30, 60, 120, 240, 480)
FIRST, SECOND = np.triu_indices(ATOMS, 1)


def on_pairs(images):
    """What a permutation of the atoms does to the pairs, in both kinds of inputs."""
    number = np.zeros((ATOMS, ATOMS), dtype=int)
    number[FIRST, SECOND] = number[SECOND, FIRST] = np.arange(len(FIRST))
    pairs = number[images[FIRST], images[SECOND]]
    return np.concatenate([pairs, pairs + len(pairs)])


def exchanges(*sets):
    """The group that permutes the atoms of each set: neighbours that change places generate it."""
    swaps = [pair for atoms in sets for pair in pairwise(atoms)]
    images = np.tile(np.arange(ATOMS), (len(swaps), 1))
    for row, (a, b) in zip(images, swaps, strict=True):
        row[[a, b]] = b, a
    return lv.groups.permutations([on_pairs(row) for row in images])


CANDIDATES = {
    "none": lv.groups.trivial(2 * len(FIRST)),
    "first two": exchanges(range(2)),
    "equal atoms": exchanges(range(2), range(2, 7)),
    "all atoms": exchanges(range(8)),  # too large: elements differ
}
places = 2 * np.random.default_rng(98).standard_normal((ATOMS, 3))
generator = np.random.default_rng(99)
laws = generator.standard_normal((2, 2, 3, 3))  # which, kind of input, the two elements
laws = (laws + laws.swapaxes(2, 3))[:, :, ELEMENTS[FIRST], ELEMENTS[SECOND]].reshape(2, -1)
mixing = generator.standard_normal((2, 5))


def draw(generator, n):
    """Atoms shaken about their places; energies with noise of 0.3 standard deviations."""
    shaken = places + generator.standard_normal((n, ATOMS, 3))
    r = 0.3 + np.linalg.norm(shaken[:, FIRST] - shaken[:, SECOND], axis=2)
    X = np.hstack([1 / r, np.exp(-r)])
    Y = X @ laws.T @ mixing
    return X, Y + 0.3 * Y.std(axis=0) * generator.standard_normal(Y.shape)


errors = compare("Molecules: equal atoms change places", draw, CANDIDATES, "equal atoms", rank=2, sizes=SIZES)
median = {name: np.median(found, axis=0) for name, found in errors.items()}
np.testing.assert_allclose(errors["augmented"], errors["hard-wired"], rtol=1e-6)  # one optimum (Theorem 12)
for other in ("no symmetry", "Ridge", "PLS"):  # few samples: what the symmetry says need not be learned
    assert median["hard-wired"][0] < 0.8 * median[other][0], (other, median)
assert (median["selected"] < 1.01 * median["hard-wired"]).all(), median  # found from these samples
