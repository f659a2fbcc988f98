"""Sets of 10 points with 4 features each: what is asked about a set does not depend on the order of its points.

The symmetric group S_10 permutes the points, each with its features; its 3 628 800 elements are never listed.
Hard-wired, the map is a sum over the points: a linear layer of DeepSets.
"""

import numpy as np
from comparison import compare

import linvariance as lv

POINTS, FEATURES, SIZES = 10, 4, (20, 40, 80, 160, 320)
halves = lv.groups.direct_sum(lv.groups.symmetric(POINTS // 2), lv.groups.symmetric(POINTS // 2))
CANDIDATES = {
    "none": lv.groups.trivial(POINTS * FEATURES),
    "within halves": lv.groups.channels(halves, FEATURES),
    "any order": lv.groups.channels(lv.groups.symmetric(POINTS), FEATURES),
    "features too": lv.groups.symmetric(POINTS * FEATURES),
}
A = np.random.default_rng(99).standard_normal((FEATURES, 2)) @ np.random.default_rng(98).standard_normal((2, 5))


def draw(generator, n):
    """Five questions of rank 2, answered with noise; a channel of inputs is one feature of all points."""
    x = generator.standard_normal((n, POINTS, FEATURES))
    x[..., 3] = x[..., 0] * x[..., 1]
    Y = x.sum(axis=1) @ A
    return x.transpose(0, 2, 1).reshape(n, -1), Y + Y.std(axis=0) * generator.standard_normal(Y.shape) / 2


errors = compare("Sets of 10 points: in any order", draw, CANDIDATES, "any order", rank=2, sizes=SIZES)
median = {name: np.median(found, axis=0) for name, found in errors.items()}
np.testing.assert_allclose(errors["augmented"], errors["hard-wired"], rtol=1e-6)  # one optimum (Theorem 12)
for other in ("no symmetry", "Ridge", "PLS"):
    assert median["hard-wired"][0] < 0.8 * median[other][0], (other, median)
assert (median["selected"] < 1.01 * median["hard-wired"]).all(), median  # found from these samples
