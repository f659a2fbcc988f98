"""Initializations: callables (widths, generator) -> [W_1, ..., W_L] in float64, drawn layer by layer, row-major.

Biases start at 0, unless what is returned is a Network that has some, as that of `given`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import Array, real, some
from .network import Network

__all__ = ["Init", "balanced", "gaussian", "given", "pytorch"]

Init = Callable[[Sequence[int], np.random.Generator], Sequence[Array] | Network]


def pytorch() -> Init:
    """U(-1/√fan_in, 1/√fan_in), PyTorch's default for the weights of a linear layer."""
    return _PyTorch()


def gaussian(scale: float = 1e-3) -> Init:
    """Independent N(0, scale²) entries; a small scale starts near the saddle at the origin."""
    return _Gaussian(real(scale, "scale", positive=True))


def balanced(scale: float = 1.0) -> Init:
    """W_{j+1}ᵀ W_{j+1} = W_j W_jᵀ for every j, with all nonzero singular values of every layer equal to `scale`.

    Layer j is scale·Q_j Q_{j-1}ᵀ with random orthonormal frames Q_j (d_j, min(widths)). Gradient flow conserves
    the balance.
    """
    return _Balanced(real(scale, "scale", positive=True))


def given(network: Network | Sequence[npt.ArrayLike]) -> Init:
    """The same given weights for every seed; a Network must be trained with the activation that it has."""
    if isinstance(network, Network):
        return _Given(network, None if len(network.weights) == 1 else network.activation)
    return _Given(Network(network), None)


@dataclass(frozen=True)
class _PyTorch:
    def __call__(self, widths: Sequence[int], generator: np.random.Generator) -> list[Array]:
        bounds = [1 / np.sqrt(max(fan_in, 1)) for fan_in in widths[:-1]]
        return [generator.uniform(-bound, bound, shape) for bound, shape in zip(bounds, _shapes(widths), strict=True)]


@dataclass(frozen=True)
class _Gaussian:
    scale: float

    def __call__(self, widths: Sequence[int], generator: np.random.Generator) -> list[Array]:
        return [self.scale * generator.standard_normal(shape) for shape in _shapes(widths)]


@dataclass(frozen=True)
class _Balanced:
    scale: float

    def __call__(self, widths: Sequence[int], generator: np.random.Generator) -> list[Array]:
        rank = min(widths)
        frames = [np.linalg.qr(generator.standard_normal((width, rank)))[0] for width in widths]
        return [self.scale * frames[j + 1] @ frames[j].T for j in range(len(widths) - 1)]


@dataclass(frozen=True)
class _Given:
    network: Network
    activation: str | None  # None: any

    def __call__(self, widths: Sequence[int], generator: np.random.Generator) -> list[Array] | Network:
        if self.network.widths != tuple(widths):
            raise ValueError(
                f"init holds weights of widths ({some(self.network.widths)}), but the runs have widths "
                f"({some(widths)})."
            )
        return self.network if self.network.biases else [np.asarray(W, dtype=np.float64) for W in self.network.weights]


def _shapes(widths: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(widths[1:], widths[:-1], strict=True))


def __dir__() -> list[str]:
    return __all__
