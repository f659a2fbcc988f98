"""Random equivariant problems with everything known by construction, over groups of all three types."""

import functools
import itertools

import numpy as np
import scipy.linalg

import linvariance as lv
import zoo


def scalars(*values):
    return tuple(np.array([[float(v)]]) for v in values)


TURN = 2 * np.pi / 3
IRREDUCIBLE = {
    # (type, matrices of the generators): real irreducible representations that are not equivalent
    "C3": [("real", scalars(1)), ("complex", (zoo.turn(TURN),))],
    "C4": [("real", scalars(1)), ("real", scalars(-1)), ("complex", (zoo.turn(np.pi / 2),))],
    "C5": [("real", scalars(1)), ("complex", (zoo.turn(2 * np.pi / 5),)), ("complex", (zoo.turn(4 * np.pi / 5),))],
    "S3": [("real", scalars(1, 1)), ("real", scalars(-1, 1)), ("real", zoo.S3_PLANE)],
    "Q8": [*[("real", scalars(a, b)) for a in (1, -1) for b in (1, -1)], ("quaternionic", zoo.Q8)],
    "binary tetrahedral": [
        ("real", scalars(1, 1)),
        ("complex", (np.eye(2), zoo.turn(TURN))),
        ("quaternionic", zoo.BINARY_TETRAHEDRAL),
    ],
    "octahedral": [("real", scalars(1, 1)), ("real", scalars(-1, 1)), ("real", zoo.OCTAHEDRAL)],
}


@functools.cache
def parts_of_elements(name):
    """For each irreducible part the matrices of all elements of the group."""
    gens = [matrices for _, matrices in IRREDUCIBLE[name]]
    elements, start, found = zoo.enumerate_matrices(zoo.block(*gens)), 0, []
    for one in gens:
        d = len(one[0])
        found.append(elements[:, start : start + d, start : start + d])
        start += d
    return found


class Drawn:
    """A random equivariant problem, with everything known by construction.

    `aligned`: each copy of an irreducible representation has coordinates of its own, also in the inputs.
    """

    def __init__(self, seed, samples=None, condition=None, aligned=False, most=2):
        rng = self.rng = np.random.default_rng([2024, seed])
        self.name = list(IRREDUCIBLE)[seed % len(IRREDUCIBLE)]
        self.parts = IRREDUCIBLE[self.name]
        limits = [most if len(g[0]) < 3 else 1 + seed % most for _, g in self.parts]
        self.m, self.n_copies = (np.array([rng.integers(0, k + 1) for k in limits]) for _ in range(2))
        self.m[-1], self.n_copies[-1] = max(1, self.m[-1]), max(1, self.n_copies[-1])
        self.dims = [len(g[0]) for _, g in self.parts]
        self.dY, self.dX = int(self.m @ self.dims), int(self.n_copies @ self.dims)
        plain = aligned or seed % 3 == 0  # then signed permutations stay such
        self.QY, QX = (np.eye(d) if plain else zoo.orthonormal(d, seed) for d in (self.dY, self.dX))
        self.T = QX if condition is None else zoo.skewed(self.dX, condition, seed)
        if aligned:
            self.T = scipy.linalg.block_diag(*(zoo.orthonormal(d, k) for k, d in enumerate(self.copy_dims)))
        all_elements = parts_of_elements(self.name)
        self.gY, self.gX = self._both([g for _, g in self.parts])
        self.elements = list(zip(*self._both(all_elements), strict=True))
        self.rep, self.output = lv.groups.matrices(self.gX), lv.groups.matrices(self.gY)
        n = self.samples = samples or 2 * self.dX + 3
        self.X = rng.standard_normal((self.dX, n))
        self.Y = rng.standard_normal((self.dY, self.dX)) @ self.X + 0.3 * rng.standard_normal((self.dY, n))

    @functools.cached_property
    def moments(self):
        return lv.Moments.from_data(self.X.T, self.Y.T)

    @functools.cached_property
    def S(self):
        return np.mean([x @ self.X @ self.X.T @ x.T for _, x in self.elements], axis=0) / self.samples

    @functools.cached_property
    def C(self):
        return np.mean([y @ self.Y @ self.X.T @ x.T for y, x in self.elements], axis=0) / self.samples

    @property
    def c(self):
        return float(np.sum(self.Y**2)) / self.samples

    @property
    def copy_dims(self):
        """The dimension of each copy in the inputs."""
        return np.repeat(self.dims, self.n_copies)

    def _both(self, matrices):
        count = len(matrices[0])
        Y = [self.QY.T @ self._blocks([m[i] for m in matrices], self.m) @ self.QY for i in range(count)]
        X = [
            np.linalg.solve(self.T, self._blocks([m[i] for m in matrices], self.n_copies) @ self.T)
            for i in range(count)
        ]
        return Y, X

    @staticmethod
    def _blocks(matrices, copies):
        return scipy.linalg.block_diag(*[m for m, k in zip(matrices, copies, strict=True) for _ in range(k)])

    def items(self):
        """(d, σ, type) of every multiplet of Z = C̄ S̄^{-1/2}, from the blocks of outputs known by construction."""
        values, V = np.linalg.eigh(self.S)
        Z = self.QY @ self.C @ (V / np.sqrt(values)) @ V.T
        start, found = 0, []
        for (kind, _), d, m in zip(self.parts, self.dims, self.m, strict=True):
            s = np.linalg.svd(Z[start : start + m * d], compute_uv=False)[: m * d] if m else np.zeros(0)
            start += m * d
            for j in range(0, len(s) - d + 1, d):
                assert np.ptp(s[j : j + d]) < 1e-10, "a multiplet has equal singular values"
                found.append((d, s[j], kind))
        return found

    def literal(self, W):
        n = self.samples
        return float(np.mean([np.sum((W @ x @ self.X - y @ self.Y) ** 2) / n for y, x in self.elements]))

    def mean(self, W):
        return np.mean([y @ W @ np.linalg.inv(x) for y, x in self.elements], axis=0)

    @property
    def tolerances(self):
        size = max(self.dX, self.dY)
        return {"dims": size, "condition": float(np.linalg.cond(self.S) * np.linalg.cond(self.T) ** 2)}


def best_choice(items, rank):
    """Brute force over all subsets: (gain, the best subset)."""
    feasible = (
        [items[i] for i in chosen]
        for k in range(len(items) + 1)
        for chosen in itertools.combinations(range(len(items)), k)
        if sum(items[i][0] for i in chosen) <= rank
    )
    return max(((sum(d * s * s for d, s, _ in subset), subset) for subset in feasible), key=lambda x: x[0])
