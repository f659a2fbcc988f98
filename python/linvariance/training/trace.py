"""What training leaves behind: a frozen object with a readable repr."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..arrays import Array
from ..networks import Network


@dataclass(frozen=True, eq=False)
class Trace:
    """Record of training runs; arrays have axes (problem, seed, time, ...), T = len(epochs).

    State e is that after e updates (before the update of epoch e); the first, 0, and the last, after all epochs, are
    always there. Of a nonlinear network norms, entries and weights are those of W_1; of a linear convolutional one of W
    before the average over the group. With one problem and one seed the two leading axes are dropped and `network` is
    the Network itself.

    Attributes:
        epochs: (T,).
        loss: with 1/n, as in the paper's (4), (7), (9); PyTorch's mean reduction is this divided by dL. Penalty and
            ridge are in it, weight decay is not.
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
