"""The singular values of Z(λ) as branches: blocks of outputs that no strength couples, and the cut at the rank.

M(λ) = Z Zᵀ = L Lᵀ + Σ_j f_j f_jᵀ τ_j²/(τ_j² + λ). Subspaces that are invariant for all λ split M into blocks. Within a
block that cannot be split ties are avoided by all but special data; the branches of two blocks know nothing of each
other and may cross. So the number of a block's singular values among the top r is constant but for jumps of W.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ..arrays import Array
from ..objectives.spectra import path_points, svd

TIE = 4  # in units of rounding: singular values closer than this are not told apart, nor rows this near to orthogonal
CHUNK = 1 << 22  # numbers that are in memory at once
DRAWS = 12  # bases among which that with the most blocks is taken: one of few tied values mixes blocks by rounding


@dataclass(frozen=True, eq=False)
class Cuts:
    """What lies on both sides of the cut after the top r, at n strengths.

    Attributes:
        gap, top: σ_r - σ_{r+1}, σ_1 (n,).
        above, below: (n, 2) two pairs of singular values that must stay apart for W to be continuous: (σ_r, σ_{r+1})
            twice, or where these are copies of one branch that one and its next neighbours above and below.
        slope: of the narrower pair's distance in σ_1 by log λ, times σ_1 (n,).
        tie: distance up to which nothing is decided (n,).
        blocks: hash of the number of singular values that each block has among the top r (n,).
        copies: whether σ_r and σ_{r+1} are copies of one branch (n,).
    """

    gap: Array
    top: Array
    above: Array
    below: Array
    slope: Array
    tie: Array
    blocks: npt.NDArray[np.int64]
    copies: npt.NDArray[np.bool_]

    @property
    def decided(self) -> npt.NDArray[np.bool_]:
        """Whether the top r are known in spite of rounding."""
        return np.asarray((self.above - self.below).min(axis=1) > self.tie)

    def joined(self, other: Cuts) -> Cuts:
        """Those of both."""
        return Cuts(*(np.concatenate([getattr(c, f.name) for c in (self, other)]) for f in fields(self)))


class Branches:
    """The blocks of Z = [L, F diag(τ/√(τ² + λ))], with λ in units of the largest τ²."""

    def __init__(self, left: Array, free: Array, tau: Array, rank: int, noise: float) -> None:
        self.tau, self.rank, self.noise = np.ascontiguousarray(tau / tau[0]), rank, noise
        self._left, self._free, self._none = left, free, np.zeros(len(tau) - 1)
        V, label = blocks(left, free, self.tau, noise)
        self._parts = [self._part(V[:, label == k].T, left, free) for k in range(label.max() + 1)]
        self._code = np.random.default_rng(0).integers(-(2**40), 2**40, len(self._parts))
        self._label = np.repeat(np.arange(len(self._parts)), [len(L) for L, _ in self._parts])
        self._copied = self._copies()
        self.possible = int((self._spectra(np.zeros(1))[0] > noise).sum())
        self.limit = self._limit(left, free)

    def _copies(self) -> npt.NDArray[np.bool_]:
        """Whether a singular value is followed in its block by a copy of it, at all strengths."""
        values = self._spectra(np.append(sampled(self.tau), np.inf))[0]
        near = np.abs(np.diff(values, axis=1)).max(axis=0) <= TIE * self.noise
        alive = values[0, :-1] > TIE * self.noise
        return np.append(near & alive & (np.diff(self._label) == 0), False)

    def _part(self, Q: Array, left: Array, free: Array) -> tuple[Array, Array]:
        """L, F of one block; what of L is rounding is exactly 0, or it would outlive all that decays like 1/λ."""
        U, s, Vt = svd(Q @ left)
        kept = s > self.noise
        return np.ascontiguousarray((U[:, kept] * s[kept]) @ Vt[kept]), np.ascontiguousarray(Q @ free)

    def _spectra(self, strengths: Array) -> tuple[Array, Array]:
        """σ (n, dL) block after block, falling in each, and dσ/d log λ."""
        size = max(1, CHUNK // self._free.size)
        chunks = [strengths[k : k + size] for k in range(0, len(strengths), size)]
        found = [[self._of_part(L, F, some) for L, F in self._parts] for some in chunks]
        values, slopes = (np.vstack([np.hstack([part[k] for part in parts]) for parts in found]) for k in (0, 1))
        return values, slopes

    def _of_part(self, L: Array, F: Array, strengths: Array) -> tuple[Array, Array]:
        sigma, U, *_ = path_points(L, F, self.tau, self._none, strengths)
        with np.errstate(invalid="ignore"):
            ratio = strengths[:, None] / np.square(self.tau)
            share = np.where(np.isinf(ratio), 0.0, ratio / np.square(1 + ratio))  # -ds/d log λ
        fall = np.einsum("nkj,nj->nk", np.square(U.transpose(0, 2, 1) @ F), share)
        slope = -0.5 * fall / np.maximum(sigma, np.finfo(np.float64).tiny)
        short = ((0, 0), (0, len(L) - sigma.shape[1]))
        return np.pad(sigma, short), np.pad(slope, short)

    def cuts(self, strengths: Array) -> Cuts:
        """The cut after the top r at each strength in [0, ∞]."""
        values, slopes = self._spectra(strengths)
        order = np.argsort(-values, axis=1, kind="stable")
        sigma, slope = np.take_along_axis(values, order, 1), np.take_along_axis(slopes, order, 1)
        label, r, rows = self._label[order], self.rank, np.arange(len(order))
        copies = self._copied[order[:, r - 1]] & (order[:, r] == order[:, r - 1] + 1)
        chosen = np.zeros((len(rows), len(self._parts)), dtype=np.int64)
        np.add.at(chosen, (rows[:, None], label[:, :r]), 1)
        i, j = _pairs(label, r, copies)
        above, below = np.where(i < 0, np.inf, sigma[rows, i]), np.where(j < 0, -np.inf, sigma[rows, j])
        narrow, top = (above - below).argmin(axis=0), np.maximum(sigma[:, 0], np.finfo(np.float64).tiny)
        fall = slope[rows, i[narrow, rows]] - slope[rows, j[narrow, rows]]
        return Cuts(
            gap=sigma[:, r - 1] - sigma[:, r],
            top=sigma[:, 0],
            above=above.T,
            below=below.T,
            slope=fall - (above - below)[narrow, rows] / top * slope[:, 0],
            tie=TIE * self._rounding(strengths),
            blocks=chosen @ self._code,
            copies=copies,
        )

    def stays(self, middle: Array, ends: Array) -> npt.NDArray[np.bool_]:
        """Whether the top r at a strength (n,) are proved to stay the top r from one end to the other (n, 2).

        In y = λ/(1 + λ) every share τ²/(τ² + λ) is convex. With U the left vectors in the middle, U_rᵀ M U_r lies
        above its tangent there, the least eigenvalue of which is concave in y; the largest of M beyond U_r is convex.
        So if the first exceeds the second at both ends, it does so in between, and separates σ_r from σ_{r+1}.
        """
        size = max(1, CHUNK // self._free.size)
        parts = [slice(k, k + size) for k in range(0, len(middle), size)]
        return np.concatenate([np.zeros(0, dtype=np.bool_), *(self._stay(middle[p], ends[p]) for p in parts)])

    def directions(self, strengths: Array) -> Array:
        """U_r (n, dL, r)."""
        U = path_points(self._left, self._free, self.tau, self._none, strengths)[1]
        return U[:, :, : self.rank]

    def _stay(self, middle: Array, ends: Array) -> npt.NDArray[np.bool_]:
        sigma, U, *_ = path_points(self._left, self._free, self.tau, self._none, middle)
        r, square, slack = self.rank, np.square(self.tau), TIE / 4 * self._rounding(middle)
        frame = np.linalg.qr(U[:, :, :r], mode="complete")[0].transpose(0, 2, 1)
        L, F, m = frame @ self._left, frame @ self._free, middle[:, None]
        root = np.maximum(sigma[:, :r], np.finfo(np.float64).tiny)
        result = np.ones(len(middle), dtype=np.bool_)
        for e in ends.T[:, :, None]:
            share = square / (square + e)
            tangent = square / (square + m) * (1 - (1 + m) * (e - m) / ((square + m) * (1 + e)))
            rest = _product(L[:, r:], F[:, r:], share)
            over = np.sqrt(np.maximum(np.linalg.eigvalsh(rest)[:, -1], 0.0)) + slack
            inner = _product(L[:, :r], F[:, :r], tangent) / (root[:, :, None] * root[:, None, :])
            index = np.arange(r)
            inner[:, index, index] -= np.square(over[:, None] / root)
            result &= np.linalg.eigvalsh(inner)[:, 0] > slack / root[:, -1]
        return result

    def _rounding(self, strengths: Array) -> Array:
        """Without invariants all of Z is scaled, and its rounding with it."""
        if any(L.any() for L, _ in self._parts):
            return np.full(len(strengths), self.noise)
        return self.noise / np.sqrt(1 + strengths)

    def scaled(self, strengths: Array) -> Array:
        """Least τ² + λ: times this, M(λ) increases, as M decreases."""
        return np.asarray(self.tau[-1] ** 2 + strengths)

    def _limit(self, left: Array, free: Array) -> float:
        """Limit of (c + λ) σ_{r+1}² for λ -> ∞, infinite where σ_{r+1} does not tend to 0."""
        U, s, _ = svd(left, full=True)
        kept = int((s > self.noise).sum())
        if self.rank < kept:
            return np.inf
        rest = svd((U[:, kept:].T @ free) * self.tau)[1]
        over = rest[self.rank - kept] if self.rank - kept < len(rest) else 0.0
        return float((over + TIE * self.noise) ** 2)


def _pairs(
    label: npt.NDArray[np.int64], r: int, copies: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Places (2, n) of the two pairs of `Cuts` in the order of σ; -1 where there is no neighbour of another block."""
    other, rows = label != label[:, r - 1 : r], np.arange(len(label))
    last, first = np.full(len(rows), r - 1), np.full(len(rows), r)
    over = r - 1 - other[:, r - 1 :: -1].argmax(axis=1)
    under = r + other[:, r:].argmax(axis=1)
    over, under = np.where(other[rows, over], over, -1), np.where(other[rows, under], under, -1)
    return np.stack([np.where(copies, over, last), last]), np.stack([first, np.where(copies, under, first)])


def _product(L: Array, F: Array, share: Array) -> Array:
    """L Lᵀ + F diag(share) Fᵀ, stacked."""
    return np.asarray(L @ L.transpose(0, 2, 1) + (F * share[:, None, :]) @ F.transpose(0, 2, 1))


def blocks(L: Array, F: Array, tau: Array, noise: float) -> tuple[Array, npt.NDArray[np.int64]]:
    """An orthogonal V (dL, dL) and a label of each column: columns of different labels are coupled by no strength.

    A random element of the span of all M(λ) has the finest invariant subspaces that all of them share, up to copies
    of one another, and these stay together; columns that any M(λ) couples beyond rounding belong to one block.
    """
    rng, share = np.random.default_rng(0), 1 / (1 + sampled(tau)[:, None] / np.square(tau))
    best, most = (np.eye(len(L)), np.zeros(len(L), dtype=np.int64)), 0
    for _ in range(DRAWS):
        weights = np.exp(rng.standard_normal(len(share))) @ share
        V = svd(np.hstack([L * np.exp(rng.standard_normal()), F * np.sqrt(weights / weights.max())]), full=True)[0]
        count, label = connected_components(csr_array(_coupled(V.T @ L, V.T @ F, share, noise)), directed=False)
        if count > most:
            best, most = (V, label.astype(np.int64)), count
    return best


def _coupled(L: Array, F: Array, share: Array, noise: float) -> npt.NDArray[np.bool_]:
    """Whether rows of Z(λ) are far from orthogonal at any λ, or equally long at all: each is known to rounding."""
    found, alike = np.zeros((len(L), len(L)), dtype=np.bool_), np.ones((len(L), len(L)), dtype=np.bool_)
    for s in [np.zeros(share.shape[1]), *share]:
        M = L @ L.T + (F * s) @ F.T
        size = np.sqrt(np.diag(M))
        found |= np.abs(M) > TIE * noise * (size[:, None] + size + noise)
        alike &= np.abs(size[:, None] - size) <= TIE * noise
    return np.asarray(found | alike)


def sampled(tau: Array) -> Array:
    """0 and strengths so dense that M is known from them: in log λ it is analytic in the strip |Im| < π."""
    low, high = 2 * np.log(tau[-1]) - 6, 2 * np.log(tau[0]) + 6
    return np.append(0.0, np.exp(np.linspace(low, high, int(high - low) + 2)))
