"""Full-batch optimizers with PyTorch's exact updates."""

from __future__ import annotations

from dataclasses import dataclass

from .. import _core
from ..arrays import fraction, listed, real


@dataclass(frozen=True)
class GradientDescent:
    """b <- momentum·b + g (b = g at first), w <- w - lr·b; torch.optim.SGD without dampening."""

    lr: float
    momentum: float = 0.0

    def __post_init__(self) -> None:
        real(self.lr, "lr", positive=True)
        fraction(self.momentum, "momentum")

    def settings(self) -> _core.GradientDescentSettings:
        """As the C++ core takes them."""
        return _core.GradientDescentSettings(self.lr, self.momentum)


@dataclass(frozen=True)
class Adam:
    """torch.optim.Adam without weight decay."""

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        real(self.lr, "lr", positive=True)
        real(self.eps, "eps")
        betas = listed(self.betas, "betas")
        if len(betas) != 2:
            raise ValueError(f"betas must be a pair, but is {betas!r}.")
        object.__setattr__(self, "betas", tuple(fraction(beta, f"betas[{k}]") for k, beta in enumerate(betas)))

    def settings(self) -> _core.AdamSettings:
        """As the C++ core takes them."""
        return _core.AdamSettings(self.lr, *self.betas, self.eps)


Optimizer = GradientDescent | Adam
