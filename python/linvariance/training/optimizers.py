"""Optimizers with PyTorch's exact updates.

`lr` is a number or one of `rates`, which changes from epoch to epoch. Weight decay acts on the layers W_j, at every
step; the recorded loss is without it. Gradient descent with it minimizes f(W_L ... W_1) + ½·weight_decay·Σ‖W_j‖²: with
two layers f(W) + weight_decay·‖W‖_*, the nuclear norm. A ridge, on ‖W‖² of the map itself, belongs to the problem:
`unconstrained(..., ridge=)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import _core
from ..arrays import fraction, instance, listed, real, some
from .own import OwnRule
from .rates import Rate, check


@dataclass(frozen=True)
class GradientDescent:
    """g <- g + weight_decay·w, b <- momentum·b + g (b = g at first), w <- w - lr·b; torch.optim.SGD, no dampening.

    With Nesterov's momentum w <- w - lr·(g + momentum·b) instead.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[3.0]]), rank=1)  # (w - 3)² + ½·2·w² is least at 2
    >>> t = lv.train(p, (1, 1), optimizer=GradientDescent(0.1, weight_decay=1.0), epochs=200)
    >>> t.network.weights[0].round(6).tolist()
    [[2.0]]
    """

    lr: float | Rate
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        check(self.lr)
        fraction(self.momentum, "momentum")
        real(self.weight_decay, "weight_decay")
        instance(self.nesterov, bool, "nesterov", "True for Nesterov's momentum")
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum, but momentum is 0: pass e.g. momentum=0.9.")

    def settings(self) -> _core.GradientDescentSettings:
        """As the C++ core takes them."""
        return _core.GradientDescentSettings(self.momentum, self.weight_decay, self.nesterov)


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

    lr: float | Rate = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled: bool = False

    def __post_init__(self) -> None:
        check(self.lr)
        real(self.eps, "eps")
        real(self.weight_decay, "weight_decay")
        instance(self.decoupled, bool, "decoupled", "True for AdamW")
        betas = listed(self.betas, "betas")
        if len(betas) != 2:
            raise ValueError(f"betas must be a pair, but is ({some(betas)}).")
        object.__setattr__(self, "betas", tuple(fraction(beta, f"betas[{k}]") for k, beta in enumerate(betas)))

    def settings(self) -> _core.AdamSettings:
        """As the C++ core takes them."""
        return _core.AdamSettings(*self.betas, self.eps, self.weight_decay, self.decoupled)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: torch.optim.AdamW, and its defaults.

    >>> AdamW(lr=0.01)
    AdamW(lr=0.01, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01, decoupled=True)
    """

    weight_decay: float = 0.01
    decoupled: bool = True


@dataclass(frozen=True)
class RMSprop:
    """g <- g + weight_decay·w, v <- alpha·v + (1 - alpha)·g², b <- momentum·b + g/(√v + eps), w <- w - lr·b.

    torch.optim.RMSprop; centered: v - m² in place of v under the root, m the mean of g as v is that of g².

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[0.0]]), rank=1)
    >>> t = lv.train(p, (1, 1), optimizer=RMSprop(lr=0.1, alpha=0.75), epochs=1, init=lv.init.given([[[2.0]]]))
    >>> t.network.weights[0].round(6).tolist()  # g/√v = 1/√(1 - alpha) = 2
    [[1.8]]
    """

    lr: float | Rate = 0.01
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self) -> None:
        check(self.lr)
        fraction(self.alpha, "alpha")
        real(self.eps, "eps")
        real(self.weight_decay, "weight_decay")
        fraction(self.momentum, "momentum")
        instance(self.centered, bool, "centered", "True to subtract the squared mean")

    def settings(self) -> _core.RMSpropSettings:
        """As the C++ core takes them."""
        return _core.RMSpropSettings(self.alpha, self.eps, self.weight_decay, self.momentum, self.centered)


BuiltIn = GradientDescent | Adam | RMSprop
Optimizer = BuiltIn | OwnRule
