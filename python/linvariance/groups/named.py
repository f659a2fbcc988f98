"""Named groups; they know their order exactly."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Array, integer, refuse_large
from .matrices import Matrices
from .permutations import Indices, Permutations
from .representation import Representation

FACTORIALS = 10**6  # points whose n! is counted within seconds


def trivial(n: int) -> Permutations:
    """The group of one element, acting on R^n: everything is invariant.

    >>> trivial(3).order()
    1
    """
    n = _points(n)
    return Permutations([np.arange(n)], order=1, name=f"trivial({n})")


def cyclic(n: int) -> Permutations:
    """C_n, shifting n coordinates in a circle.

    >>> len(cyclic(5).invariant_basis())
    1
    """
    n = _points(n)
    return Permutations([_shift(n)], order=n, name=f"cyclic({n})")


def dihedral(n: int) -> Permutations:
    """D_n, the symmetries of the regular n-gon acting on its n vertices; order 2n for n >= 3.

    >>> dihedral(5).order()
    10
    """
    n = _points(n)
    return Permutations([_shift(n), -np.arange(n) % n], order=2 * n if n > 2 else n, name=f"dihedral({n})")


def symmetric(n: int) -> Permutations:
    """S_n, all permutations of n coordinates.

    >>> symmetric(196).order() == math.factorial(196)
    True
    """
    n = integer(n, "n", maximum=FACTORIALS)
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
    _refuse_points(size**2)
    return Permutations([_rotation(size)], order=4 if size > 1 else 1, name=f"image_rotations({size})")


def image_dihedral(size: int) -> Permutations:
    """D_4, rotations and reflections of size x size images, pixels in row-major order.

    >>> image_dihedral(14).order()
    8
    """
    size = integer(size, "size")
    _refuse_points(size**2)
    flip = _moved(np.fliplr(_pixels(size, size)))
    return Permutations([_rotation(size), flip], order=8 if size > 1 else 1, name=f"image_dihedral({size})")


def image_translations(height: int, width: int) -> Permutations:
    """Z_height x Z_width, cyclic shifts of height x width images, pixels in row-major order.

    >>> image_translations(28, 28).order()
    784
    """
    height, width = integer(height, "height"), integer(width, "width")
    _refuse_points(height * width)
    pixels = _pixels(height, width)
    shifts = [_moved(np.roll(pixels, 1, axis)) for axis in (0, 1)]
    return Permutations(shifts, order=height * width, name=f"image_translations({height}, {width})")


def reversal(n: int) -> Permutations:
    """Z_2, reading a sequence of n entries backwards.

    >>> len(reversal(5).invariant_basis())
    3
    """
    n = _points(n)
    return Permutations([np.arange(n)[::-1]], order=min(n, 2), name=f"reversal({n})")


def adjacency(n: int) -> Permutations:
    """S_n renaming the n vertices of a graph, on its n x n adjacency matrix in row-major order.

    >>> adjacency(5).number_of_orbitals()  # the Bell number B_4: equivariant linear layers of graph networks
    15
    """
    n = integer(n, "n", maximum=FACTORIALS)
    _refuse_points(n**2)
    p = symmetric(n).images
    pairs = p[:, :, None] * n + p[:, None, :]
    return Permutations(pairs.reshape(len(p), -1), order=math.factorial(n), name=f"adjacency({n})")


def hypercube(n: int) -> Permutations:
    """The hyperoctahedral group of order 2ⁿ·n!: permutations and sign changes of n coordinates.

    >>> hypercube(3).order(), len(hypercube(3).invariant_basis())
    (48, 0)
    """
    n = integer(n, "n", maximum=FACTORIALS)
    p = symmetric(n).images
    images, signs = np.vstack([p, np.arange(n)]), np.ones((len(p) + 1, n), dtype=np.int8)
    signs[-1, 0] = -1
    return Permutations(images, signs, order=2**n * math.factorial(n), name=f"hypercube({n})")


def channels(rep: Representation, count: int) -> Representation:
    """The group acting alike on each of `count` channels, one channel's coordinates after the other's.

    >>> channels(image_rotations(14), 3).dim  # colour images, channel first
    588
    """
    count = integer(count, "count")
    if not isinstance(rep, Permutations):
        raise TypeError(f"channels takes permutations, but {rep!r:.60} is none: use direct_sum.")
    _refuse_points(count * rep.dim)
    images = np.hstack([rep.images + k * rep.dim for k in range(count)])
    signs = None if rep.signs is None else np.tile(rep.signs, count)
    return Permutations(images, signs, order=rep._order, name=f"channels({rep!r}, {count})")


def rotations(dimension: int = 3) -> Matrices:
    """SO(n) acting on R^n.

    >>> rotations(3).order(), len(rotations(3).invariant_basis())
    (inf, 0)
    """
    n = integer(dimension, "dimension", minimum=2)
    _refuse_matrices(n - 1, n)
    return Matrices(np.zeros((0, n, n)), _infinitesimal_rotations(n), name=f"rotations({n})")


def point_cloud(points: int, dimension: int = 3) -> Matrices:
    """S_points x SO(dimension) on clouds of points: (x, y, z) of the first point, then of the next.

    >>> len(point_cloud(4).invariant_basis())  # no linear function of a molecule is invariant to rotations
    0
    """
    points, n = integer(points, "points"), integer(dimension, "dimension", minimum=2)
    _refuse_matrices(n + 1, points * n)
    rho = np.stack([np.kron(g, np.eye(n)) for g in symmetric(points).matrices()])
    algebra = np.stack([np.kron(np.eye(points), A) for A in _infinitesimal_rotations(n)])
    return Matrices(rho, algebra, name=f"point_cloud({points}, {n})")


def _infinitesimal_rotations(n: int) -> Array:
    """Of the planes (0, 1), (1, 2), ..., which generate the Lie algebra so(n)."""
    A = np.zeros((n - 1, n, n))
    k = np.arange(n - 1)
    A[k, k + 1, k], A[k, k, k + 1] = 1.0, -1.0
    return A


def _points(n: int) -> int:
    """The gate of numbers of points."""
    n = integer(n, "n")
    _refuse_points(n)
    return n


def _refuse_points(count: int) -> None:
    refuse_large(16 * count, f"Permutations of {count:,} coordinates", "take fewer")


def _refuse_matrices(count: int, dim: int) -> None:
    refuse_large(8 * count * dim**2, f"{count} generators of dimension {dim:,}", "take fewer coordinates")


def _shift(n: int) -> Indices:
    return (np.arange(n) + 1) % n


def _pixels(height: int, width: int) -> Indices:
    return np.arange(height * width).reshape(height, width)


def _rotation(size: int) -> Indices:
    return _moved(np.rot90(_pixels(size, size)))


def _moved(image: Indices) -> Indices:
    """P with p[i] = where pixel i lies in the moved image of pixel numbers."""
    return np.argsort(image.ravel())
