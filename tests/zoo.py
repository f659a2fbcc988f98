"""More than sixty small groups of every kind, each twice: by the package, and as matrices made here.

The oracle's side (`generators`, `elements`) is written out with NumPy alone: enumeration by closing under products.
`orthogonal` and `T` say ρ = T⁻¹ρ'T with ρ' orthogonal; T is None where ρ itself is.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import scipy.linalg

import linvariance as lv
import oracles

make = lv.groups


def enumerate_matrices(generators, limit=2000):
    """Every product of the generators, identity first; matrices closer than 1e-6 are one."""
    found = np.zeros((limit + 1, *np.shape(generators[0])))
    found[0], count, at = np.eye(len(generators[0])), 1, 0
    while at < count:
        for g in generators:
            product = g @ found[at]
            if np.abs(found[:count] - product).max(axis=(1, 2)).min() > 1e-6:
                found[count], count = product, count + 1
                assert count <= limit, "the oracle is for small groups"
        at += 1
    return found[:count].copy()


@dataclasses.dataclass(frozen=True)
class Entry:
    build: Callable  # () -> the package's representation
    orthogonal: tuple  # generators ρ'(g_m) as dense matrices, by the oracle
    T: np.ndarray | None = None  # ρ = T⁻¹ρ'T

    @functools.cached_property
    def rep(self):
        return self.build()

    @property
    def dim(self):
        return len(self.orthogonal[0])

    @functools.cached_property
    def pairs(self):
        """(elements ρ', elements ρ)."""
        base = enumerate_matrices(self.orthogonal)
        return base, np.stack([self.seen(g) for g in base])

    @property
    def elements(self):
        return self.pairs[1]

    @property
    def generators(self):
        return np.stack([self.seen(g) for g in self.orthogonal])

    def seen(self, g):
        return g if self.T is None else np.linalg.solve(self.T, g @ self.T)

    @property
    def condition(self):
        """What a group that is not orthogonal may cost: cond(T)²."""
        return 1.0 if self.T is None else float(np.linalg.cond(self.T)) ** 2


# --------------------------------------------------------------------------------------------------- small matrices


def perm(p):
    return oracles.permutation_matrix(p)


def signed(p, s):
    """ρ e_i = s_i e_{p[i]}."""
    return oracles.permutation_matrix(p) * np.asarray(s, float)


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def mirror(angle=0.0):
    """The reflection at the line of this angle."""
    return np.array([[np.cos(2 * angle), np.sin(2 * angle)], [np.sin(2 * angle), -np.cos(2 * angle)]])


def quaternion(a, b, c, d):
    """Left multiplication by a + bi + cj + dk on R^4."""
    return np.array([[a, -b, -c, -d], [b, a, -d, c], [c, d, a, -b], [d, -c, b, a]], float)


def about(axis, angle):
    """Rotation of R^3 by Rodrigues' formula."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K


def orthonormal(n, seed=0):
    return np.linalg.qr(np.random.default_rng([n, seed]).standard_normal((n, n)))[0]


def skewed(n, condition=10.0, seed=0):
    """T with singular values from 1 to 1/condition."""
    return (orthonormal(n, seed) * np.geomspace(1, 1 / condition, n)) @ orthonormal(n, seed + 1)


def conjugated(generators, seed=0):
    """The same group seen from another orthonormal basis: dense matrices."""
    Q = orthonormal(len(generators[0]), seed)
    return tuple(Q.T @ g @ Q for g in generators)


def block(*parts):
    return tuple(scipy.linalg.block_diag(*blocks) for blocks in zip(*parts, strict=True))


def kron(left, right):
    return tuple(np.kron(a, b) for a, b in zip(left, right, strict=True))


def shift(n):
    return [*range(1, n), 0]


def swap(n):
    return [1, 0, *range(2, n)]


Q8 = (quaternion(0, 1, 0, 0), quaternion(0, 0, 1, 0))
OCTAHEDRAL = (signed([1, 0, 2], [1, -1, 1]), perm([1, 2, 0]))
BINARY_TETRAHEDRAL = (quaternion(0, 1, 0, 0), quaternion(0.5, 0.5, 0.5, 0.5))
GOLDEN = (1 + 5**0.5) / 2
ICOSAHEDRAL = (about([0, 1, GOLDEN], 2 * np.pi / 5), about([1, 1, 1], 2 * np.pi / 3))
S3, S4 = ((perm(swap(n)), perm(shift(n))) for n in (3, 4))
S3_PLANE = (mirror(), turn(2 * np.pi / 3))


def D(n):
    return turn(2 * np.pi / n), mirror()


# ---------------------------------------------------------------------------------------------------------- the zoo

ZOO: dict[str, Entry] = {}


def _permutations(name, *images, build=None):
    ZOO[f"permutations {name}"] = Entry(build or (lambda: make.permutations(images)), tuple(map(perm, images)))


def _signed(name, images, signs, build=None):
    ZOO[f"signed {name}"] = Entry(
        build or (lambda: make.signed_permutations(images, signs)), tuple(map(signed, images, signs))
    )


def _orthogonal(name, *generators):
    ZOO[f"orthogonal {name}"] = Entry(lambda: make.matrices(generators), generators)


def _skewed(name, generators, condition=10.0, through=False):
    T = skewed(len(generators[0]), condition)
    entry = Entry(lambda: None, generators, T)
    if through:
        build = lambda: make.change_of_basis(make.matrices(generators), T)  # noqa: E731
    else:
        build = lambda: make.matrices(entry.generators)  # noqa: E731
    ZOO[f"not orthogonal {name}"] = dataclasses.replace(entry, build=build)


def _joined(name, build, generators, T=None):
    ZOO[f"joined {name}"] = Entry(build, generators, T)


_permutations("trivial", [0, 1, 2], build=lambda: make.trivial(3))
_permutations("C5", shift(5), build=lambda: make.cyclic(5))
_permutations("C6", shift(6))
_permutations("of orders 2, 3, 5 at once", [1, 0, 3, 4, 2, 6, 7, 8, 9, 5])
_permutations("D5", shift(5), [0, 4, 3, 2, 1], build=lambda: make.dihedral(5))
_permutations("S4", swap(4), shift(4), build=lambda: make.symmetric(4))
_permutations("A4", [1, 2, 0, 3], [0, 2, 3, 1])
_permutations("Klein's four, regular", [1, 0, 3, 2], [2, 3, 0, 1])
_permutations("S2 x S3 on blocks", [1, 0, 2, 3, 4], [0, 1, 3, 2, 4], [0, 1, 3, 4, 2])
_permutations("Frobenius 20", shift(5), [0, 2, 4, 1, 3])
_permutations("S3, regular", [1, 2, 0, 4, 5, 3], [3, 5, 4, 0, 2, 1])
_permutations("Fano plane", shift(7), [1, 0, 5, 3, 4, 2, 6])
_permutations("reversal", [4, 3, 2, 1, 0], build=lambda: make.reversal(5))
_permutations(
    "graphs of 3",
    *([3 * p[i] + p[j] for i in range(3) for j in range(3)] for p in (swap(3), shift(3))),
    build=lambda: make.adjacency(3),
)
_permutations("translations", [3, 4, 5, 0, 1, 2], [1, 2, 0, 4, 5, 3], build=lambda: make.image_translations(2, 3))
_permutations(
    "three channels", [2, 0, 3, 1, 6, 4, 7, 5, 10, 8, 11, 9], build=lambda: make.channels(make.image_rotations(2), 3)
)
_signed("one sign", [[0, 1]], [[1, -1]])
_signed("square", [[1, 0], [0, 1]], [[1, 1], [-1, 1]], build=lambda: make.hypercube(2))
_signed("cube", [[1, 0, 2], [1, 2, 0], [0, 1, 2]], [[1, 1, 1], [1, 1, 1], [-1, 1, 1]], build=lambda: make.hypercube(3))
_signed("negacyclic", [shift(5)], [[1, 1, 1, 1, -1]])
_signed("contradiction in one orbital", [shift(4)], [[1, -1, 1, 1]])
_signed("minus one", [[0, 1, 2]], [[-1, -1, -1]])
_signed("random", [[2, 0, 3, 1, 4], [1, 0, 2, 4, 3]], [[1, -1, 1, 1, -1], [1, 1, -1, 1, 1]])
_signed("octahedral", [[1, 0, 2], [1, 2, 0]], [[1, -1, 1], [1, 1, 1]])
_signed("octahedral as matrices", [[1, 0, 2], [1, 2, 0]], [[1, -1, 1], [1, 1, 1]], lambda: make.matrices(OCTAHEDRAL))
_signed("Q8 as matrices", [[1, 0, 3, 2], [2, 3, 0, 1]], [[1, -1, 1, -1], [1, -1, -1, 1]], lambda: make.matrices(Q8))
_signed(
    "two channels",
    [[1, 0, 3, 2], [0, 1, 2, 3]],
    [[1, 1, 1, 1], [-1, 1, -1, 1]],
    build=lambda: make.channels(make.hypercube(2), 2),
)
for _n in (3, 5, 7, 12):
    _orthogonal(f"C{_n} turns", turn(2 * np.pi / _n))
for _n in (3, 5, 8):
    _orthogonal(f"D{_n} on the plane", *D(_n))
_orthogonal("C5, two frequencies", *block([turn(2 * np.pi / 5)], [turn(4 * np.pi / 5)]))
_orthogonal("C5, one frequency twice", *conjugated(block([turn(2 * np.pi / 5)], [turn(2 * np.pi / 5)])))
_orthogonal("turn and mirror of space", about([1, 2, 3], np.pi / 3) @ -np.eye(3))
_orthogonal("one mirror", mirror(0.3))
_orthogonal("Q8", *conjugated(Q8))
_orthogonal("Q8 twice", *conjugated(block(Q8, Q8)))
_orthogonal("binary tetrahedral", *BINARY_TETRAHEDRAL)
_orthogonal("icosahedral", *ICOSAHEDRAL)
_orthogonal("octahedral", *conjugated(OCTAHEDRAL))
_orthogonal("S4", *conjugated(S4))
_orthogonal("S5", *conjugated((perm(swap(5)), perm(shift(5)))))
_orthogonal("trivial", np.eye(3), conjugated((perm(swap(3)),))[0] @ conjugated((perm(swap(3)),))[0])
_orthogonal("cube", *conjugated((perm(swap(3)), perm(shift(3)), np.diag([-1.0, 1, 1]))))
_skewed("C3", (turn(2 * np.pi / 3),))
_skewed("C7", (turn(2 * np.pi / 7),), 100)
_skewed("D5", D(5))
_skewed("S4", S4)
_skewed("Q8", Q8, 30)
_skewed("octahedral", OCTAHEDRAL, 3)
_skewed("S3 by change of basis", S3, 10, through=True)
_skewed("D4 by change of basis", D(4), 100, through=True)
_skewed("binary tetrahedral by change of basis", BINARY_TETRAHEDRAL, 10, through=True)
_ROOTS = np.array([[1.0, -0.5], [0.0, 0.75**0.5]])  # the simple roots of A2
_WHOLE = np.array([[[-1, 1], [0, 1]], [[0, -1], [1, -1]]])
ZOO["not orthogonal S3 in whole numbers"] = Entry(
    lambda: make.matrices(_WHOLE), tuple(_ROOTS @ g @ np.linalg.inv(_ROOTS) for g in _WHOLE), _ROOTS
)
_joined(
    "sum of permutations",
    lambda: make.direct_sum(make.cyclic(4), make.image_rotations(2)),
    block([perm(shift(4))], [perm([2, 0, 3, 1])]),
)
_joined(
    "sum of signed and not",
    lambda: make.direct_sum(make.signed_permutations([[1, 0]], [[1, -1]]), make.cyclic(4)),
    block([signed([1, 0], [1, -1])], [perm(shift(4))]),
)
_joined(
    "sum of permutations and turns",
    lambda: make.direct_sum(make.symmetric(3), make.matrices(S3_PLANE)),
    block(S3, S3_PLANE),
)
_joined(
    "product of permutations",
    lambda: make.tensor_product(make.cyclic(3), make.cyclic(4)),
    kron([perm(shift(3))], [perm(shift(4))]),
)
_joined(
    "product of signed and not",
    lambda: make.tensor_product(make.signed_permutations([[1, 0]], [[1, -1]]), make.cyclic(3)),
    kron([signed([1, 0], [1, -1])], [perm(shift(3))]),
)
_joined("product of turns", lambda: make.tensor_product(make.matrices(D(5)), make.matrices(D(5))), kron(D(5), D(5)))
_joined(
    "product with permutations",
    lambda: make.tensor_product(make.symmetric(3), make.matrices(S3_PLANE)),
    kron(S3, S3_PLANE),
)
_joined("dual", lambda: make.dual(make.matrices(D(5))), D(5))
_T3 = skewed(3)
_joined(
    "dual, not orthogonal",
    lambda: make.dual(make.change_of_basis(make.symmetric(3), _T3)),
    S3,
    np.linalg.inv(_T3).T,
)
_joined("subgroup", lambda: make.subgroup(make.symmetric(4), [1]), S4[1:])
_joined("subgroup of matrices", lambda: make.subgroup(make.matrices(ICOSAHEDRAL), [0]), ICOSAHEDRAL[:1])
_joined(
    "subgroup, not orthogonal", lambda: make.subgroup(make.change_of_basis(make.symmetric(3), _T3), [0]), S3[:1], _T3
)
_joined(
    "sum, not orthogonal",
    lambda: make.direct_sum(make.change_of_basis(make.symmetric(3), _T3), make.matrices(S3_PLANE)),
    block(S3, S3_PLANE),
    scipy.linalg.block_diag(_T3, np.eye(2)),
)
_joined(
    "product, not orthogonal",
    lambda: make.tensor_product(make.matrices(S3_PLANE), make.change_of_basis(make.symmetric(3), _T3)),
    kron(S3_PLANE, S3),
    np.kron(np.eye(2), _T3),
)
_joined(
    "basis changed twice",
    lambda: make.change_of_basis(make.change_of_basis(make.symmetric(3), _T3), skewed(3, seed=5)),
    S3,
    _T3 @ skewed(3, seed=5),
)
_joined(
    "another orthonormal basis",
    lambda: make.change_of_basis(make.symmetric(4), 7 * orthonormal(4)),
    conjugated(S4),
)
