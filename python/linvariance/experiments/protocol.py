"""The set-up that the paper's figures share: every constant once, and the one conversion between loss scales."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import linvariance as lv
from linvariance.datasets import Digits

Floats = npt.NDArray[np.float64]

LOSS_NAMES = {"squared": "squared loss", "cross_entropy": "cross-entropy"}
"""The losses as `Samples` and as people call them."""

LOSS_SCALES = {
    "squared": "Squared losses are (1/n)‖WX - Y‖² plus the penalty, as in the paper's Equations 4, 7 and 9; PyTorch's "
    "mean reduction, which the paper's experiments use, is this divided by the number of outputs.",
    "cross_entropy": "Cross-entropies are means over the data of -log softmax(Wx)_y, plus the penalty, just as in "
    "PyTorch's mean reduction.",
}
"""What the losses of the figures mean."""

RESIZE_NAMES = {"bicubic": "bicubic, antialiased", "bilinear": "bilinear, antialiased", "mean": "means over blocks"}
"""The ways to reduce images, in words."""


@dataclass(frozen=True)
class Protocol:
    """Constants of the paper's experiments (Section 4, Appendix C); λ and ε in PyTorch's scale, where it states them.

    PyTorch's mean reduction divides the squared error by n·d_L, a `Problem` only by n. Minimizing d_L times a loss
    with d_L times the λ and Adam's ε is minimizing that loss, step by step, at the same learning rate. Both divide
    cross-entropy by n:

    >>> protocol = Protocol()
    >>> protocol.strength(0.125), protocol.optimizer().eps
    (1.125, 9e-08)
    >>> CROSS_ENTROPY.strength(0.125), CROSS_ENTROPY.optimizer().eps
    (0.125, 1e-08)
    """

    loss: str = "squared"  # or "cross_entropy"

    samples: int = 1000
    dropped_digit: int = 9  # under rotations a 9 is a 6
    classes: int = 9
    side: int = 14
    resize: str = "bicubic"  # or "bilinear", "mean": docs/reproduction.md says why
    rank: int = 5  # the hidden width: networks are 196-5-9, hard-wired ones 49-5-9

    epochs: int = 3000
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    strengths: tuple[float, ...] = (1e-1, 1e-2, 1e-3)  # the first one also in Figure 5

    every: int = 10  # epochs between two recorded states
    rows: tuple[int, ...] = (0, 1, 2)  # of W, followed in Figures 1 and 6
    pixels: tuple[int, ...] = (45, 52, 143, 150)  # one orbit of the rotations of 14 x 14 pixels
    widths: tuple[int, ...] = (64, 256, 1024, 4096, 16384)  # of the networks compared with their limiting kernels
    draws: int = 20  # of each such network

    permutation_seed: int = 0  # for sources whose digits are sorted by class

    @property
    def loss_scale(self) -> str:
        """What the losses are."""
        return LOSS_SCALES[self.loss]

    @property
    def entries(self) -> tuple[tuple[int, int], ...]:
        """(row, column) of the entries of W that are followed, row by row."""
        return tuple((row, pixel) for row in self.rows for pixel in self.pixels)

    @property
    def is_solved(self) -> bool:
        """Whether the optima are known in closed form."""
        return self.loss == "squared"

    @property
    def scale(self) -> int:
        """The loss of a `Problem` over that of PyTorch's mean reduction."""
        return self.classes if self.loss == "squared" else 1

    def sample(self, digits: Digits) -> Digits:
        """The training digits: the first ones in their order, one digit left out."""
        return digits.without(self.dropped_digit).first(self.samples)

    def inputs(self, digits: Digits) -> Floats:
        """The digits as rows (n, d_0)."""
        return digits.inputs(self.side, self.resize)

    def data(self, digits: Digits) -> lv.Moments | lv.Samples:
        """The digits as a problem takes them: second moments where these carry the loss, samples elsewhere."""
        inputs = self.inputs(digits)
        if self.loss == "squared":
            return lv.Moments.from_data(inputs, digits.targets(self.classes))
        return lv.Samples(inputs, digits.labels, loss=self.loss, classes=self.classes)

    def strength(self, figure_strength: float) -> float:
        """The λ of a `Problem` for a λ of the figures."""
        return self.scale * figure_strength

    def optimizer(self) -> lv.Adam:
        """Adam such that W moves on a `Problem` as it does in PyTorch on the mean loss."""
        return lv.Adam(lr=self.learning_rate, betas=self.betas, eps=self.scale * self.eps)


SQUARED = Protocol()
CROSS_ENTROPY = Protocol(loss="cross_entropy", strengths=(1.0, 1e-1, 1e-2))
PROTOCOLS = (SQUARED, CROSS_ENTROPY)
