"""Least squares in the space of a kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.linalg

from ..arrays import Array, frozen, matrix, real, row_slices, samples
from .kernel import Kernel, check_kernel, evaluate

EPS = float(np.finfo(np.float64).eps)
ACCURACY = 1e-13  # of a kernel's entries, relative to √(K_ii K_jj): that of `ntk`


@dataclass(frozen=True, eq=False)
class KernelRegression:
    """f(x) = Σ_i K(x, x_i) α_i.

    Attributes:
        kernel: K.
        inputs: x_i (n, d0).
        coefficients: α (n, dL).
        rank: of K(X, X): eigenvalues above max(1e-13, n·eps) tr K(X, X). With strength 0 and rank n f interpolates.
        condition: of the matrix solved with, on that support: (λ₁ + n·strength) / (λ_rank + n·strength).
    """

    kernel: Kernel
    inputs: Array = field(repr=False)
    coefficients: Array = field(repr=False)
    rank: int
    condition: float

    def predict(self, X: npt.ArrayLike) -> Array:
        """Values f(x) at the rows x of X (m, d0): (m, dL), also for one output."""
        X = matrix(X, "X", (None, self.inputs.shape[1]))
        blocks = row_slices(len(X), max(self.inputs.shape))
        return np.vstack([evaluate(self.kernel, X[rows], self.inputs) @ self.coefficients for rows in blocks])


def ridge(kernel: Kernel, X: npt.ArrayLike, Y: npt.ArrayLike, *, strength: float = 0.0) -> KernelRegression:
    """Minimizer of (1/n) Σ ‖f(x_i) - y_i‖² + strength ‖f‖²_K: α = (K + n·strength I)⁻¹ Y, on the support of K(X, X).

    Strength 0 gives the least-squares fit of least norm in the kernel's space, α = K⁺ Y: an interpolant at rank n.
    With 1/n in the loss a strength means the same for `augmented(kernel, rep)` on the data and for `kernel` on the
    augmented data; as multiples of I these are n·strength and |G| times that   (Duan & Montúfar, Proposition B.12).

    Args:
        kernel: any callable (X (n, d0), X2 (m, d0)) -> (n, m), symmetric and positive semidefinite.
        X: (n, d0).
        Y: (n, dL) or (n,).
        strength: at least 0.

    >>> from linvariance.kernels import ntk
    >>> f = ridge(ntk, [[1.0, 0.0], [0.0, 1.0]], [1.0, 2.0])
    >>> f.rank, f.predict([[1.0, 0.0], [0.0, 3.0]]).round(12).tolist()
    (2, [[1.0], [6.0]])
    """
    check_kernel(kernel)
    inputs, targets = (np.array(a, dtype=np.float64, order="C") for a in samples(X, Y))
    strength = real(strength, "strength")
    K = evaluate(kernel, inputs, inputs)
    values, Q = scipy.linalg.eigh(K)
    _refuse_unless_positive(K, values)
    with np.errstate(all="ignore"):  # what leaves the range is refused below
        shift, trace = len(K) * strength, np.trace(K)
        # Entries known up to ACCURACY √(K_ii K_jj) leave eigenvalues uncertain by ACCURACY tr K; in f what is dropped
        # multiplies 0.
        kept = values > max(ACCURACY, len(K) * EPS) * trace
        values, Q = values[kept] + shift, Q[:, kept]
        alpha = Q @ ((Q.T @ targets) / values[:, None])
    if not (np.isfinite(trace + shift) and np.isfinite(alpha).all()):
        raise ValueError(
            f"The coefficients leave the range of a double: kernel(X, X) has the trace {trace:.3g}, n·strength is "
            f"{shift:.3g} and the largest target {np.abs(targets).max():.3g}. Divide by their scales first."
        )
    condition = float(values[-1] / values[0]) if len(values) else 1.0
    return KernelRegression(kernel, frozen(inputs), frozen(alpha), len(values), condition)


def _refuse_unless_positive(K: Array, values: Array) -> None:
    """ValueError unless symmetric and positive semidefinite but for √eps, which is more than rounding."""
    allowed = math.sqrt(EPS) * float(np.abs(values).max())
    asymmetry = float(np.abs(K - K.T).max())
    if asymmetry > allowed:
        raise ValueError(f"kernel(X, X) is not symmetric: entries differ by {asymmetry:.3g}.")
    if values[0] < -allowed:
        raise ValueError(
            f"kernel(X, X) has the eigenvalue {values[0]:.3g} (the largest is {values[-1]:.3g}): a kernel must be "
            "positive semidefinite."
        )
