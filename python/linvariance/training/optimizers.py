"""Optimizers with PyTorch's exact updates.

Weight decay acts on the layers W_j, at every step; the recorded loss is without it. Gradient descent with it minimizes
f(W_L ... W_1) + ½·weight_decay·Σ‖W_j‖²: with two layers f(W) + weight_decay·‖W‖_*, the nuclear norm. A ridge, on ‖W‖²
of the map itself, belongs to the problem: `unconstrained(..., ridge=)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import _core
from ..arrays import fraction, instance, listed, real


@dataclass(frozen=True)
class GradientDescent:
    """g <- g + weight_decay·w, b <- momentum·b + g (b = g at first), w <- w - lr·b; torch.optim.SGD, no dampening.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[3.0]]), rank=1)  # (w - 3)² + ½·2·w² is least at 2
    >>> t = lv.train(p, (1, 1), optimizer=GradientDescent(0.1, weight_decay=1.0), epochs=200)
    >>> t.network.weights[0].round(6).tolist()
    [[2.0]]
    """

    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        real(self.lr, "lr", positive=True)
        fraction(self.momentum, "momentum")
        real(self.weight_decay, "weight_decay")

    def settings(self) -> _core.GradientDescentSettings:
        """As the C++ core takes them."""
        return _core.GradientDescentSettings(self.lr, self.momentum, self.weight_decay)


@dataclass(frozen=True)
class Adam:
    """torch.optim.Adam, g <- g + weight_decay·w first; decoupled torch.optim.AdamW, w <- (1 - lr·weight_decay)·w first.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[0.0]]), rank=1)
    >>> rule = Adam(lr=0.1, weight_decay=0.5, decoupled=True)
    >>> t = lv.train(p, (1, 1), optimizer=rule, epochs=1, init=lv.init.given([[[2.0]]]))
    >>> t.network.weights[0].round(6).tolist()  # (1 - 0.05)·2, then the first step of length lr
    [[1.8]]
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled: bool = False

    def __post_init__(self) -> None:
        real(self.lr, "lr", positive=True)
        real(self.eps, "eps")
        real(self.weight_decay, "weight_decay")
        instance(self.decoupled, bool, "decoupled", "True for AdamW")
        betas = listed(self.betas, "betas")
        if len(betas) != 2:
            raise ValueError(f"betas must be a pair, but is {betas!r}.")
        object.__setattr__(self, "betas", tuple(fraction(beta, f"betas[{k}]") for k, beta in enumerate(betas)))

    def settings(self) -> _core.AdamSettings:
        """As the C++ core takes them."""
        return _core.AdamSettings(self.lr, *self.betas, self.eps, self.weight_decay, self.decoupled)


Optimizer = GradientDescent | Adam
