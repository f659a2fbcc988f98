"""The four problems twice: by the package, and as plain least squares on an equivalent data set of the oracles."""

import dataclasses
import functools

import numpy as np

import linvariance as lv
import oracles

METHODS = ("unconstrained", "regularized", "augmented", "hard_wired")


def moments(case):
    return lv.Moments.from_data(*case.rows)


def representation(group):
    return lv.groups.permutations([list(g) for g in group.generators])


def problem(case, method, strength=0.3, rank=None, **terms):
    """The package's side; terms: ridge, metric."""
    m, rep, rank = moments(case), representation(case.group), rank or case.rank
    if method == "unconstrained":
        return lv.unconstrained(m, rank=rank, **terms)
    if method == "regularized":
        return lv.regularized(m, rep, rank=rank, strength=strength, **terms)
    return {"augmented": lv.augmented, "hard_wired": lv.hard_wired}[method](m, rep, rank=rank, **terms)


@dataclasses.dataclass(frozen=True)
class Equivalent:
    """min ‖V A - Y‖²/n over rank(V) <= r, then W = V B."""

    A: np.ndarray  # (p, N)
    Y: np.ndarray  # (dL, N)
    n: int
    B: np.ndarray  # (p, d0)
    size: float  # ‖·‖ of the data before the group acted: what rounding is relative to

    def optimum(self, rank):
        """(W, loss, singular values) of the oracle."""
        V, loss, singular_values = oracles.reduced_rank(self.A, self.Y, rank, self.n, self.size)
        return V @ self.B, loss, singular_values

    def loss(self, V):
        return float(np.sum((V @ self.A - self.Y) ** 2)) / self.n

    def gradient(self, V):
        return oracles.chain_gradient([V], self.A, self.Y, self.n)[0]

    @functools.cached_property
    def spectrum(self):
        """The singular values of A/√n that are not zero, largest first."""
        s = np.linalg.svd(self.A, compute_uv=False)
        return s[s > oracles.rounding(self.A, self.size)] / np.sqrt(self.n)

    @property
    def condition(self):
        """The condition of the root on its support (1 for a zero root)."""
        return float(self.spectrum[0] / self.spectrum[-1]) if self.spectrum.size else 1.0

    def scale(self, V):
        """(‖A‖‖V‖ + ‖Y‖)²/n: the size of what cancels in the residual, squared."""
        top = self.spectrum[0] if self.spectrum.size else 0.0
        return float((top * np.linalg.norm(V) + np.linalg.norm(self.Y) / np.sqrt(self.n)) ** 2)

    def objective_scale(self, W):
        """‖Y‖(‖Y‖ + ‖A‖‖W‖)/n: by how much the optimal value moves when the data move by a relative unit."""
        return float(np.sqrt(self.scale(W) * np.sum(self.Y**2) / self.n))


def equivalent(case, method, strength=0.3, B=None):
    """The oracles' side; `augmented` is built literally, element by element.

    B: basis of the invariants, where the coordinates matter (training); any orthonormal one unless given.
    """
    eye = np.eye(case.group.dim)
    if method == "unconstrained":
        return Equivalent(case.X, case.Y, case.n, eye, np.linalg.norm(case.X))
    if method == "regularized":
        A, Y = oracles.penalized_set(case.X, case.Y, case.group.defect, strength)
        return Equivalent(A, Y, case.n, eye, np.linalg.norm(A))
    if method == "augmented":
        elements = case.group.elements
        A, Y = oracles.augmented_set(case.X, case.Y, elements)
        return Equivalent(A, Y, case.n * len(elements), eye, np.linalg.norm(A))
    B = oracles.invariant_basis(case.group.elements) if B is None else B
    return Equivalent(B @ case.X, case.Y, case.n, B, np.linalg.norm(case.X))


def weighed(twin, ridge, K):
    """The twin with √ridge·1 among its data and targets K Y: then V is K W."""
    p = len(twin.A)
    A = np.hstack([twin.A, np.sqrt(twin.n * ridge) * np.eye(p)])
    Y = K @ np.hstack([twin.Y, np.zeros((len(twin.Y), p))])
    return dataclasses.replace(twin, A=A, Y=Y, size=twin.size + np.sqrt(p * twin.n * ridge))


def gap(singular_values, rank):
    """(σ_r - σ_{r+1})/σ_1, and 1 when nothing is cut off."""
    s = singular_values
    if rank >= len(s) or not s.size or s[0] == 0:
        return 1.0
    return float((s[rank - 1] - s[rank]) / s[0])
