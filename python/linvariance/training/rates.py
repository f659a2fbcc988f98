"""Learning rates that change from epoch to epoch, in place of a number: `Adam(lr=rates.Cosine(1e-3, epochs=1000))`.

An epoch is an update, or a pass through the batches, so all batches of one epoch share its rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Array, fraction, instance, integer, real

__all__ = ["Cosine", "Exponential", "Step", "WarmUp"]


def __dir__() -> list[str]:
    return __all__


@dataclass(frozen=True)
class Step:
    """lr·gamma^⌊epoch/every⌋; torch.optim.lr_scheduler.StepLR.

    >>> Step(1.0, every=2, gamma=0.5)(np.arange(5.0)).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    lr: float
    every: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        real(self.lr, "lr", positive=True)
        integer(self.every, "every")
        real(self.gamma, "gamma", positive=True)

    def __call__(self, epochs: Array) -> Array:
        """The rates of these epochs."""
        return np.asarray(self.lr * self.gamma ** (epochs // self.every))


@dataclass(frozen=True)
class Exponential:
    """lr·gamma^epoch; torch.optim.lr_scheduler.ExponentialLR.

    >>> Exponential(1.0, gamma=0.5)(np.arange(3.0)).tolist()
    [1.0, 0.5, 0.25]
    """

    lr: float
    gamma: float

    def __post_init__(self) -> None:
        real(self.lr, "lr", positive=True)
        real(self.gamma, "gamma", positive=True)

    def __call__(self, epochs: Array) -> Array:
        """The rates of these epochs."""
        return np.asarray(self.lr * self.gamma**epochs)


@dataclass(frozen=True)
class Cosine:
    """least + (lr - least)·(1 + cos(π·epoch/epochs))/2, then `least`; torch.optim.lr_scheduler.CosineAnnealingLR.

    >>> Cosine(1.0, epochs=4)(np.array([0.0, 2.0, 4.0, 9.0])).round(12).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """

    lr: float
    epochs: int
    least: float = 0.0

    def __post_init__(self) -> None:
        real(self.lr, "lr", positive=True)
        integer(self.epochs, "epochs")
        real(self.least, "least")

    def __call__(self, epochs: Array) -> Array:
        """The rates of these epochs."""
        wave = (1 + np.cos(np.pi * np.minimum(epochs / self.epochs, 1.0))) / 2
        return np.asarray(self.least + (self.lr - self.least) * wave)


@dataclass(frozen=True)
class WarmUp:
    """Any rate times what grows from `start` to 1 over so many epochs; torch.optim.lr_scheduler.LinearLR.

    >>> WarmUp(1.0, epochs=4, start=0.5)(np.arange(6.0)).tolist()
    [0.5, 0.625, 0.75, 0.875, 1.0, 1.0]
    """

    lr: float | Step | Exponential | Cosine
    epochs: int
    start: float = 0.0

    def __post_init__(self) -> None:
        check(self.lr)
        instance(self.lr, (float, int, np.number, Step, Exponential, Cosine), "lr", "one WarmUp is enough")
        integer(self.epochs, "epochs")
        fraction(self.start, "start")

    def __call__(self, epochs: Array) -> Array:
        """The rates of these epochs."""
        grown = self.start + (1 - self.start) * np.minimum(epochs / self.epochs, 1.0)
        return np.asarray(grown * (self.lr(epochs) if callable(self.lr) else self.lr))


Rate = Step | Exponential | Cosine | WarmUp


def check(lr: float | Rate) -> None:
    """TypeError or ValueError for what is no learning rate."""
    if callable(lr) and not isinstance(lr, Rate):
        raise TypeError(f"lr must be a number or one of rates, but is {lr!r:.60}: e.g. rates.Exponential(1e-3, 0.99).")
    if not isinstance(lr, Rate):
        real(lr, "lr", positive=True)


def of_epochs(lr: float | Rate, begin: int, end: int) -> Array:
    """(1,) for a constant rate, else (end - begin,)."""
    return lr(np.arange(begin, end, dtype=np.float64)) if isinstance(lr, Rate) else np.array([lr], dtype=np.float64)
