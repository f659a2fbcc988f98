"""Named permutation groups; they know their order exactly."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import integer
from .permutations import Indices, Permutations


def trivial(n: int) -> Permutations:
    """The group of one element, acting on R^n: everything is invariant.

    >>> trivial(3).order()
    1
    """
    n = integer(n, "n")
    return Permutations([np.arange(n)], order=1, name=f"trivial({n})")


def cyclic(n: int) -> Permutations:
    """C_n, shifting n coordinates in a circle.

    >>> len(cyclic(5).invariant_basis())
    1
    """
    n = integer(n, "n")
    return Permutations([_shift(n)], order=n, name=f"cyclic({n})")


def dihedral(n: int) -> Permutations:
    """D_n, the symmetries of the regular n-gon acting on its n vertices; order 2n for n >= 3.

    >>> dihedral(5).order()
    10
    """
    n = integer(n, "n")
    return Permutations([_shift(n), -np.arange(n) % n], order=2 * n if n > 2 else n, name=f"dihedral({n})")


def symmetric(n: int) -> Permutations:
    """S_n, all permutations of n coordinates.

    >>> symmetric(196).order() == math.factorial(196)
    True
    """
    n = integer(n, "n")
    swap = np.arange(n)
    swap[:2] = swap[:2][::-1]
    generators = [swap, _shift(n)] if n > 2 else [swap]  # once each: the penalty counts them
    return Permutations(generators, order=math.factorial(n), name=f"symmetric({n})")


def image_rotations(size: int) -> Permutations:
    """C_4 rotating size x size images, pixels in row-major order, as exact index permutations.

    >>> rep = image_rotations(14)
    >>> rep.dim, rep.order(), len(rep.invariant_basis())
    (196, 4, 49)
    """
    size = integer(size, "size")
    return Permutations([_rotation(size)], order=4 if size > 1 else 1, name=f"image_rotations({size})")


def image_dihedral(size: int) -> Permutations:
    """D_4, rotations and reflections of size x size images, pixels in row-major order.

    >>> image_dihedral(14).order()
    8
    """
    size = integer(size, "size")
    flip = _moved(np.fliplr(_pixels(size, size)))
    return Permutations([_rotation(size), flip], order=8 if size > 1 else 1, name=f"image_dihedral({size})")


def image_translations(height: int, width: int) -> Permutations:
    """Z_height x Z_width, cyclic shifts of height x width images, pixels in row-major order.

    >>> image_translations(28, 28).order()
    784
    """
    height, width = integer(height, "height"), integer(width, "width")
    pixels = _pixels(height, width)
    shifts = [_moved(np.roll(pixels, 1, axis)) for axis in (0, 1)]
    return Permutations(shifts, order=height * width, name=f"image_translations({height}, {width})")


def _shift(n: int) -> Indices:
    return (np.arange(n) + 1) % n


def _pixels(height: int, width: int) -> Indices:
    return np.arange(height * width).reshape(height, width)


def _rotation(size: int) -> Indices:
    return _moved(np.rot90(_pixels(size, size)))


def _moved(image: Indices) -> Indices:
    """P with p[i] = where pixel i lies in the moved image of pixel numbers."""
    return np.argsort(image.ravel())
