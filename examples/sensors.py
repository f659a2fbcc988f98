"""A ring of 12 sensors around a room: how far off, how loud and how high a source is does not depend on its direction.

A linear map of the readings that ignores the direction knows only their mean. Of products of two readings, x_i x_j, an
invariant map knows one number for each distance on the ring: the autocorrelation. The group turns both places at once.
"""

import numpy as np
from comparison import compare

import linvariance as lv

SENSORS, SIZES = 12, (40, 80, 160, 320, 640)
AT = 2 * np.pi * np.arange(SENSORS) / SENSORS


def turns(step):
    """Turns of the ring by multiples of so many places, on products of two readings."""
    ring = lv.groups.permutations([np.roll(np.arange(SENSORS), step)])
    both = [SENSORS * p[:, None] + p for p in ring.generators]
    return lv.groups.permutations([p.ravel() for p in both])


CANDIDATES = {
    "none": lv.groups.trivial(SENSORS**2),
    "half turns": turns(6),
    "all turns": turns(1),
    "each by itself": lv.groups.tensor_product(lv.groups.cyclic(SENSORS), lv.groups.cyclic(SENSORS)),
}


def draw(generator, n):
    """Sources anywhere in the room, and what the sensors make of them, with noise."""
    angle, distance = generator.uniform(0, 2 * np.pi, (n, 1)), generator.uniform(0.2, 0.8, (n, 1))
    loudness, height = generator.uniform(0.5, 1.5, (n, 1)), generator.uniform(0, 0.5, (n, 1))
    square = 1 + distance**2 - 2 * distance * np.cos(AT - angle) + height**2
    x = loudness / square + 0.02 * generator.standard_normal((n, SENSORS))
    return (x[:, :, None] * x[:, None, :]).reshape(n, -1), np.hstack([distance, loudness, height])


errors = compare("Sensor ring: no direction is special", draw, CANDIDATES, "all turns", rank=3, sizes=SIZES)
median = {name: np.median(found, axis=0) for name, found in errors.items()}
np.testing.assert_allclose(errors["augmented"], errors["hard-wired"], rtol=1e-5)  # one optimum (Theorem 12)
for other in ("no symmetry", "Ridge", "PLS"):
    assert median["hard-wired"][0] < 0.8 * median[other][0], (other, median)
assert (median["selected"] < 1.01 * median["hard-wired"]).all(), median  # found from these samples
