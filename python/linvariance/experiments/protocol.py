"""The set-up that the paper's figures share: every constant once, and the one conversion between loss scales."""

from dataclasses import dataclass

import linvariance as lv
from linvariance.datasets import Digits

LOSS_SCALE = (
    "Losses are (1/n)‖WX - Y‖² plus the penalty, as in the paper's Equations 4, 7 and 9; PyTorch's mean "
    "reduction, which the paper's experiments use, is this divided by the number of outputs."
)


@dataclass(frozen=True)
class Protocol:
    """Constants of the paper's experiments (Section 6), λ and ε in PyTorch's scale, where the paper states them.

    PyTorch's mean reduction divides the squared error by n·d_L, a `Problem` only by n. Minimizing d_L times a loss
    with d_L times the λ and Adam's ε is minimizing that loss, step by step, at the same learning rate:

    >>> protocol = Protocol()
    >>> protocol.strength(0.125), protocol.optimizer().eps
    (1.125, 9e-08)
    """

    samples: int = 1000
    dropped_digit: int = 9  # under rotations a 9 is a 6
    classes: int = 9
    side: int = 14
    rank: int = 5  # the hidden width: networks are 196-5-9, hard-wired ones 49-5-9

    epochs: int = 3000
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    strengths: tuple[float, ...] = (1e-1, 1e-2, 1e-3)  # the first one also in Figure 5

    every: int = 10  # epochs between two recorded states
    rows: tuple[int, ...] = (0, 1, 2)  # of W, followed in Figure 1
    pixels: tuple[int, ...] = (45, 52, 143, 150)  # one orbit of the rotations of 14 x 14 pixels
    permutation_seed: int = 0  # for sources whose digits are sorted by class

    @property
    def entries(self) -> tuple[tuple[int, int], ...]:
        """(row, column) of the entries of W that are followed, row by row."""
        return tuple((row, pixel) for row in self.rows for pixel in self.pixels)

    def sample(self, digits: Digits) -> Digits:
        """The training digits: the first ones in their order, one digit left out."""
        return digits.without(self.dropped_digit).first(self.samples)

    def strength(self, figure_strength: float) -> float:
        """The λ of a `Problem` for a λ of the figures."""
        return self.classes * figure_strength

    def optimizer(self) -> lv.Adam:
        """Adam such that W moves on a `Problem` as it does in PyTorch on the mean squared error."""
        return lv.Adam(lr=self.learning_rate, betas=self.betas, eps=self.classes * self.eps)
