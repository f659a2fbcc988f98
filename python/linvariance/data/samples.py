"""Data whose loss second moments cannot carry: samples, with the squared loss or cross-entropy.

`Samples` answer the same questions as `Moments`: what each method makes of the loss. So the problems take either.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array, integer, matmul, reals, refuse_large, row_slices, samples
from ..groups import Distribution, Representation
from ..objectives.empirical import Empirical
from ..objectives.metrics import Metric

LOSSES = ("squared", "cross_entropy")
TARGETS_LIMIT = 2**33  # bytes of one-hot targets


class Samples:
    """Inputs X (n, d0) with targets, and a loss: the data object for cross-entropy and for nonlinear networks.

    Args:
        X: (n, d0), rows are samples. float32 stays float32, everything else becomes float64. What is of this kind and
            C-ordered is not copied: leave it as it is.
        y: for "squared" targets (n, dL) or (n,), numbers (integer classes are taken for such); for "cross_entropy"
            integer classes 0 .. k - 1 (n,).
        loss: "squared", (1/n) Σ ‖f(x_i) - y_i‖², or "cross_entropy", -(1/n) Σ log softmax(f(x_i))[y_i].
        classes: k; only where a class may be missing among y. Needs loss="cross_entropy".

    >>> data = Samples([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0, 1, 1], loss="cross_entropy")
    >>> data
    Samples(n=3, inputs=2, outputs=2, loss='cross_entropy')
    """

    def __init__(
        self, X: npt.ArrayLike, y: npt.ArrayLike, loss: str = "squared", *, classes: int | None = None
    ) -> None:
        if not isinstance(loss, str) or loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, but is {loss!r:.60}.")
        if classes is not None and loss != "cross_entropy":
            raise ValueError('classes is for loss="cross_entropy": squared targets have their own columns.')
        self.loss = loss
        if loss == "cross_entropy":
            inputs = reals(X, "X")
            self._targets = _one_hot(y, len(inputs), classes)
        else:
            inputs, targets = samples(X, y, ("X", "y"))
            self._targets = np.asarray(targets.T, dtype=np.float64)
        self._X = np.ascontiguousarray(inputs, dtype=np.float32 if inputs.dtype == np.float32 else np.float64)
        _refuse_overflow(self._X, "X")
        _refuse_overflow(self._targets, "y")

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self._X)

    @property
    def inputs(self) -> int:
        """Columns of X, d0."""
        return self._X.shape[1]

    @property
    def outputs(self) -> int:
        """Outputs of a network, dL: columns of the targets, or classes."""
        return len(self._targets)

    @property
    def xx(self) -> Array:
        """S = XᵀX/n (d0, d0)."""
        refuse_large(8 * self.inputs**2, f"XᵀX/n of {self.inputs} columns", "take the factor of Moments")
        X = np.asarray(self._X, dtype=np.float64)
        return X.T @ X / self.n

    @property
    def mean_square(self) -> float:
        """‖X‖²/n, the trace of S."""
        return _square_sum(self._X) / self.n

    @property
    def yy(self) -> float:
        """Mean square of the targets, ‖Y‖²/n."""
        return float(np.square(self._targets).sum()) / self.n

    def in_metric(self, metric: Metric) -> Samples:
        """No losses here have one."""
        raise ValueError(
            "metric needs Moments: pass Samples(X, y @ K.T) with K.T @ K = metric instead, and take outputs as K times "
            "those for y."
        )

    def plain(self, ridge: float = 0.0) -> Empirical:
        """The loss itself; see `unconstrained`. The ridge, here and below: plus ridge·‖W‖²."""
        return Empirical(self._X, self._targets, self.loss, penalty=_ridge(ridge, self.inputs))

    def restricted(self, rep: Representation, ridge: float = 0.0) -> Empirical:
        """On invariant inputs B x; see `hard_wired`."""
        fixed = matmul(np.asarray(self._X, dtype=np.float64), rep.invariants.T)
        return Empirical(fixed, self._targets, self.loss, penalty=_ridge(ridge, fixed.shape[1]))

    def equivariant(self, rep: Representation, output: Representation, ridge: float = 0.0) -> Empirical:
        """No samples have their targets acted on."""
        return self.averaged(rep, output, ridge)

    def averaged(self, rep: Representation, output: Representation | None = None, ridge: float = 0.0) -> Empirical:
        """Averaged over the group, enumerated, without storing augmented data; see `augmented`."""
        _refuse_output(output)
        return Empirical(self._X, self._targets, self.loss, rep=rep, penalty=_ridge(ridge, self.inputs))

    def weighted(self, distribution: Distribution, ridge: float = 0.0) -> Empirical:
        """Refused: the group is enumerated here, with equal weights."""
        raise ValueError(f"distribution {distribution!r} needs Moments: on Samples all elements weigh the same.")

    def pooled(self, rep: Representation) -> Empirical:
        """With the first hidden layer averaged over the group; see `convolutional`."""
        return Empirical(self._X, self._targets, self.loss, rep=rep, pooled=True)

    def penalized(
        self, rep: Representation, strength: float, output: Representation | None = None, ridge: float = 0.0
    ) -> Empirical:
        """With the penalty strength·‖W G‖²; see `regularized`."""
        _refuse_output(output)
        penalty = rep.penalty_matrix()
        if not np.isfinite(strength * float(penalty.max())):
            raise ValueError(f"strength {strength:g} overflows in strength·G Gᵀ: its limit is what hard_wired poses.")
        penalty = strength * penalty + ridge * np.eye(rep.dim)
        return Empirical(self._X, self._targets, self.loss, penalty=penalty)

    def __repr__(self) -> str:
        return f"Samples(n={self.n}, inputs={self.inputs}, outputs={self.outputs}, loss={self.loss!r})"


def _ridge(ridge: float, dim: int) -> Array | None:
    return ridge * np.eye(dim) if ridge else None


def _refuse_output(output: Representation | None) -> None:
    if output is not None:
        raise ValueError("output needs Moments: on Samples the group acts on the inputs only.")


def _refuse_overflow(array: npt.NDArray[Any], name: str) -> None:
    if not np.isfinite(_square_sum(array)):
        raise ValueError(f"‖{name}‖² overflows: divide {name} by its scale first.")


def _square_sum(array: npt.NDArray[Any]) -> float:
    blocks = (np.asarray(array[rows], dtype=np.float64) for rows in row_slices(len(array), array[:1].size))
    return sum(float(np.vdot(block, block)) for block in blocks)


def _one_hot(y: npt.ArrayLike, n: int, classes: int | None) -> Array:
    """Targets (k, n) of classes y (n,)."""
    labels: npt.NDArray[Any] = reals(y, "y", ndim=(1, 2))
    if labels.ndim == 2:
        raise ValueError(
            f"y must be classes (n,), but has shape {labels.shape}: of one-hot rows pass y.argmax(axis=1)."
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"y must hold integer classes 0 .. k - 1, but holds {labels.dtype}: pass "
            "np.unique(y, return_inverse=True)[1]."
        )
    if len(labels) != n:
        raise ValueError(f"X has {n} rows and y has {len(labels)}: rows are samples, so pass as many of each.")
    found = np.unique(labels)
    k = int(found[-1]) + 1 if classes is None else integer(classes, "classes", minimum=2)
    if found[0] < 0 or found[-1] >= k:
        raise ValueError(f"y must hold classes 0 .. {k - 1}, but reaches from {found[0]} to {found[-1]}.")
    if classes is None and len(found) < k:
        missing = int(np.argmax(found != np.arange(len(found))))
        raise ValueError(
            f"y reaches to {found[-1]}, but class {missing} has no sample ({len(found)} classes have): pass "
            f"classes={k} to keep its output, or np.unique(y, return_inverse=True)[1] to drop it."
        )
    if 8 * k * n > TARGETS_LIMIT:
        raise ValueError(f"{k} classes of {n} samples would take {8 * k * n / 2**30:.3g} GiB one-hot, above 8 GiB.")
    if k < 2:
        raise ValueError("y holds the class 0 only: cross-entropy needs two. Pass classes=2 if others may come later.")
    return np.asarray(labels[None, :] == np.arange(k)[:, None], dtype=np.float64)
