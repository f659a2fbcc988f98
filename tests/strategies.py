"""Hypothesis strategies that draw structure (sizes, seed, spectrum, group); the entries follow from the seed.

Orientation of the oracles: X (d0, n), Y (dL, n). `Case.rows` turns it into what the package takes.
"""

import dataclasses
import functools
import itertools

import numpy as np
from hypothesis import strategies as st

import oracles

seeds = st.integers(0, 2**32 - 1)

# ---------------------------------------------------------------------------------------------------------- spectra

SPECTRA = {
    "flat": lambda k: np.ones(k),
    "mild": lambda k: np.geomspace(1, 1e-1, k),
    "geometric 1e4": lambda k: np.geomspace(1, 1e-4, k),
    "geometric 1e8": lambda k: np.geomspace(1, 1e-8, k),
    "arithmetic": lambda k: np.linspace(1, 1 / k, k),
    "one large": lambda k: np.r_[1.0, np.full(k - 1, 1e-3)],
    "one small": lambda k: np.r_[np.ones(k - 1), 1e-3],
    "clustered": lambda k: np.r_[np.ones(k // 2), 1e-2 * (1 + 1e-10 * np.arange(k - k // 2))],
    "low rank": lambda k: np.r_[np.geomspace(1, 0.1, (k + 1) // 2), np.zeros(k // 2)],
    "rank one": lambda k: np.r_[1.0, np.zeros(k - 1)],
    "zero": lambda k: np.zeros(k),
}
"""Eleven spectra of k singular values, largest first."""

WELL_CONDITIONED = ("flat", "mild", "arithmetic")
FULL_RANK = (*WELL_CONDITIONED, "geometric 1e4", "geometric 1e8", "one large", "one small", "clustered")


def orthonormal(rng, rows, columns):
    """Orthonormal columns (rows >= columns)."""
    return np.linalg.qr(rng.standard_normal((rows, columns)))[0]


def matrix(rng, rows, columns, spectrum):
    """A random (rows, columns) matrix with the named spectrum."""
    k = min(rows, columns)
    return (orthonormal(rng, rows, k) * SPECTRA[spectrum](k)) @ orthonormal(rng, columns, k).T


# ----------------------------------------------------------------------------------------------------------- groups


@dataclasses.dataclass(frozen=True)
class Group:
    """Permutation generators (index tuples) and what brute force makes of them."""

    kind: str
    generators: tuple

    @property
    def dim(self):
        return len(self.generators[0])

    @functools.cached_property
    def permutations(self):
        return oracles.enumerate_group(self.generators)

    @functools.cached_property
    def elements(self):
        return oracles.matrices(self.permutations)

    @property
    def defect(self):
        return oracles.defect(self.generators)

    def __repr__(self):
        return f"Group({self.kind!r}, {self.generators})"


def _shift(n):
    return [*range(1, n), 0]


def _swap(n):
    return [1, 0, *range(2, n)] if n > 1 else [0]


def _on_blocks(blocks):
    """Each block's generators act on it alone: an intransitive group."""
    dim, start, generators = sum(n for n, _ in blocks), 0, []
    for n, acts in blocks:
        for g in acts(n):
            generators.append([*range(start), *(start + i for i in g), *range(start + n, dim)])
        start += n
    return generators


def _quarter_turn(side):
    image = oracles.rotated(np.arange(side * side).reshape(side, side))
    return list(np.argsort(image.ravel()))


@st.composite
def groups(draw, max_dim=8):
    """Permutation groups on 1..max_dim coordinates: trivial, one or several generators, transitive or not."""
    kind = draw(
        st.sampled_from(
            ("trivial", "repeated identity", "one", "powers", "symmetric", "dihedral", "blocks", "quarter turns")
        )
    )
    dim = draw(st.integers(1, max_dim))
    rng = np.random.default_rng(draw(seeds))
    if kind == "trivial":
        generators = [list(range(dim))]
    elif kind == "repeated identity":
        generators = [list(range(dim))] * 2
    elif kind == "one":
        generators = [rng.permutation(dim)]
    elif kind == "powers":
        p = rng.permutation(dim)
        generators = [p[p], p[p[p]], p[p]]
    elif kind == "symmetric":
        dim = min(dim, 5)
        generators = [_shift(dim), _swap(dim)]
    elif kind == "dihedral":
        generators = [_shift(dim), list(range(dim))[::-1]]
    elif kind == "quarter turns":
        generators = [_quarter_turn(2 if max_dim < 9 else 3)]
    else:
        block = st.tuples(
            st.integers(1, 4),
            st.sampled_from((lambda n: [_shift(n)], lambda n: [_shift(n), _swap(n)], lambda n: [list(range(n))])),
        )
        blocks = draw(st.lists(block, min_size=1, max_size=3).filter(lambda b: sum(n for n, _ in b) <= max_dim))
        generators = _on_blocks(blocks)
    relabel = rng.permutation(len(generators[0]))
    back = np.argsort(relabel)
    return Group(kind, tuple(tuple(int(relabel[g[i]]) for i in back) for g in generators))


# ------------------------------------------------------------------------------------------------------------ cases


@dataclasses.dataclass(frozen=True)
class Case:
    """Data, a group and a rank; the repr holds all that is needed to rebuild it."""

    group: Group
    n: int
    outputs: int
    rank: int
    spectrum: str
    target: str
    seed: int

    @property
    def dims(self):
        return max(self.n, self.group.dim, self.outputs)

    @functools.cached_property
    def X(self):
        return matrix(np.random.default_rng(self.seed), self.group.dim, self.n, self.spectrum)

    @functools.cached_property
    def Y(self):
        rng = np.random.default_rng(self.seed + 1)
        if self.target == "zero":
            return np.zeros((self.outputs, self.n))
        if self.target == "noise":
            return rng.standard_normal((self.outputs, self.n))
        Y = rng.standard_normal((self.outputs, self.group.dim)) @ self.X
        if self.target == "invariant":
            Y = rng.standard_normal((self.outputs, self.group.dim)) @ oracles.reynolds(self.group.elements) @ self.X
        return Y if self.target == "exact" else Y + 0.1 * rng.standard_normal(Y.shape)

    @property
    def rows(self):
        """X (n, d0) and Y (n, dL), as the package takes them."""
        return self.X.T, self.Y.T

    @property
    def moment(self):
        return self.X @ self.X.T / self.n

    @property
    def c(self):
        """‖Y‖²/n, the scale of every loss."""
        return float(np.sum(self.Y**2)) / self.n


@st.composite
def cases(
    draw, spectra=tuple(SPECTRA), targets=("noise", "linear", "exact", "invariant", "zero"), max_dim=8, full_rank=False
):
    """Shapes with n < d0, d0 < n, dL = 1; ranks from 1 to beyond every dimension."""
    group = draw(groups(max_dim))
    n = draw(st.integers(group.dim if full_rank else 1, 2 * max_dim + 4))
    outputs = draw(st.sampled_from((1, 2, 3, 5)))
    rank = draw(st.sampled_from((1, 2, 3, max(group.dim, outputs) + 2)))
    return Case(group, n, outputs, rank, draw(st.sampled_from(spectra)), draw(st.sampled_from(targets)), draw(seeds))


@st.composite
def networks(draw, dim=None, outputs=None, max_depth=4):
    """(weights, widths, rng): random layers of any depth, a bottleneck anywhere, widths of 1 included."""
    depth = draw(st.integers(1, max_depth))
    rng = np.random.default_rng(draw(seeds))
    inner = [draw(st.integers(1, 6)) for _ in range(depth - 1)]
    widths = [dim or draw(st.integers(1, 7)), *inner, outputs or draw(st.integers(1, 5))]
    weights = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    return weights, widths, rng
