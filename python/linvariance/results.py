"""What computations return: frozen objects with a readable repr, never tuples."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .arrays import Array

if TYPE_CHECKING:
    from .networks import Network


@dataclass(frozen=True, eq=False)
class Solution:
    """Global minimum of a problem; of all minimizers the one with the least Frobenius norm.

    Attributes:
        weights: W (dL, d0).
        loss: its loss, with 1/n: the floor (residual without a rank bound) plus the squares of the dropped σ.
        singular_values: σ of the whitened target Z = C'A⁻¹, descending, min(dL, data_rank) of them.
        rank: of the weights found, min(rank bound, rank Z).
        gap: (σ_r - σ_{r+1}) / σ_1 at the rank bound r, with σ = 0 beyond the end; 0 if Z = 0.
        data_rank: decided rank of the problem's input moment S' (of an augmented one on the invariants, where the
            optimum lives, as for its hard-wired twin): singular values of its root A above
            max(shape)·eps·σ_1, and above max(shape)·eps·‖X‖ of the data before the group acted (B X may be nothing
            but rounding).
        condition: of the root A on its support.
        unique: no other minimizer has this norm or less: r >= rank Z or σ_r > σ_{r+1} beyond rounding.
        least_norm: False for augmented problems with a representation that is not orthogonal: then the invariant
            optimum W Π is returned, of the same loss; where S̄ is singular others may have a smaller norm.
        certified: False where only a descent was possible (regularized equivariance with a rank bound): then the
            weights are a local minimum at least as good as the truncated solution, and nothing more is claimed.
    """

    weights: Array = field(repr=False)
    loss: float
    singular_values: Array = field(repr=False)
    rank: int
    gap: float
    data_rank: int
    condition: float
    unique: bool
    least_norm: bool = True
    certified: bool = True


@dataclass(frozen=True, eq=False)
class Split:
    """W = invariant + perp; with moments, perp = seen + frozen (each (dL, d0), else None).

    Attributes:
        invariant: W Π.
        perp: W⊥ = W (I - Π).
        frozen: the part of W⊥ on eigenvectors of S̄ with eigenvalues of at most d0·eps·λ₁, augmented data below √eps of
            their scale. Where they are exactly zero W_1 never moves in training; later layers still scale this part.
        seen: the rest of W⊥.
    """

    invariant: Array
    perp: Array
    seen: Array | None = None
    frozen: Array | None = None

    def __repr__(self) -> str:
        parts = {name: getattr(self, name) for name in ("invariant", "perp", "seen", "frozen")}
        norms = (f"‖{name}‖={np.linalg.norm(part):.4g}" for name, part in parts.items() if part is not None)
        return f"Split({', '.join(norms)})"


@dataclass(frozen=True, eq=False)
class Trace:
    """Record of training runs; arrays have axes (problem, seed, time, ...), T = len(epochs).

    State e is that after e updates (before the update of epoch e); the first, 0, and the last, after all epochs, are
    always there. Of a nonlinear network norms, entries and weights are those of W_1; of a linear convolutional one of W
    before the average over the group. With one problem and one seed the two leading axes are dropped and `network` is
    the Network itself.

    Attributes:
        epochs: (T,).
        loss: with 1/n, as in the paper's (4), (7), (9); PyTorch's mean reduction is this divided by dL.
        norm: ‖W‖ of the end-to-end W (dL, d0).
        norm_perp: ‖W⊥‖, W⊥ = W (I - Π).
        norm_first_perp: ‖W_1 (I - Π)‖, which gradient flow on an augmented problem never lets grow (see `dynamics`).
        norm_seen, norm_frozen: its two parts (see Split), for augmented problems; NaN elsewhere, 0 for hard-wired ones.
        entries: (..., T, E), the followed entries of W.
        weights: (..., T, dL, d0), if recorded, else None.
        networks: final networks, [problem][seed].
    """

    epochs: npt.NDArray[np.int64]
    loss: Array
    norm: Array
    norm_perp: Array
    norm_first_perp: Array
    norm_seen: Array
    norm_frozen: Array
    entries: Array
    weights: Array | None
    networks: tuple[tuple[Network, ...], ...]

    @property
    def network(self) -> Network | _Networks:
        """The final network: `t.network` of a single run, `t.network(i, k)` of problem i and seed k otherwise."""
        return self.networks[0][0] if self._is_single else _Networks(self.networks)

    @property
    def _is_single(self) -> bool:
        return self.loss.ndim == 1

    def at(self, problem: int = 0, seed: int = 0) -> Trace:
        """The Trace of one run, of problem i and the k-th seed."""
        network = _Networks(self.networks)(problem, seed)
        if self._is_single:
            return self
        fields = ("loss", "norm", "norm_perp", "norm_first_perp", "norm_seen", "norm_frozen", "entries")
        arrays = {name: getattr(self, name)[problem, seed] for name in fields}
        weights = None if self.weights is None else self.weights[problem, seed]
        return replace(self, **arrays, weights=weights, networks=((network,),))

    def __repr__(self) -> str:
        runs = f"{len(self.networks)} problems x {len(self.networks[0])} seeds"
        losses = self.loss[..., -1]
        return (
            f"Trace({runs}, {len(self.epochs)} states up to epoch {self.epochs[-1]}, "
            f"final loss {losses.min():.6g} .. {losses.max():.6g})"
        )


@dataclass(frozen=True, repr=False)
class _Networks:
    networks: tuple[tuple[Network, ...], ...]

    def __call__(self, problem: int = 0, seed: int = 0) -> Network:
        if not (0 <= problem < len(self.networks) and 0 <= seed < len(self.networks[0])):
            raise IndexError(
                f"There is no run ({problem}, {seed}): the trace has {len(self.networks)} problems and "
                f"{len(self.networks[0])} seeds, counted from 0."
            )
        return self.networks[problem][seed]

    def __repr__(self) -> str:
        return f"<networks of {len(self.networks)} problems x {len(self.networks[0])} seeds: call with (problem, seed)>"
