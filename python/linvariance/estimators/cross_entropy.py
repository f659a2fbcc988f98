"""Cross-entropy of linear scores on invariant coordinates, minimized."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning

from ..arrays import Array, integer, real
from ..objectives.spectra import svd

DECREASE = 64 * float(np.finfo(np.float64).eps)


class Descent:
    """Σ w_i ℓ(V z_i + b, y_i)/Σ w_i + ridge·‖V‖² for coordinates z (n, d), minimized over rank(V) <= rank.

    As that of `Samples`, which carry no weights. b is the column of V that a constant coordinate adds.
    """

    def __init__(
        self, Z: Array, labels: npt.NDArray[np.intp], weights: Array | None, ridge: float, intercept: bool
    ) -> None:
        self.classes, self.dim, self.ridge, self.intercept = int(labels.max()) + 1, Z.shape[1], ridge, intercept
        self._rows = np.hstack([Z, np.ones((len(Z), 1))]) if intercept else Z
        weights = np.ones(len(Z)) if weights is None else weights
        self._shares, self._own = weights / weights.sum(), (np.arange(len(Z)), labels)

    def run(self, V: Array, b: Array, rank: int, tol: float, max_iter: int) -> tuple[Array, Array, int]:
        """V (k, d), b (k,) and the steps taken; they are used as the start only where the rank bound matters."""
        tol, max_iter = real(tol, "tol", positive=True), integer(max_iter, "max_iter")
        if rank >= min(self.classes - 1, self.dim):  # a constant added to all scores changes nothing
            left, right = np.eye(self.classes), np.zeros_like(V)
            free = np.zeros(0)
        else:
            U, s, Vt = svd(V)
            left, right = U[:, :rank] * np.sqrt(s[:rank]), np.sqrt(s[:rank])[:, None] * Vt[:rank]
            free = left.ravel()
        return self._minimize(left, free, right, b if len(free) else 0.0 * b, tol, max_iter)

    def _minimize(
        self, left: Array, free: Array, right: Array, b: Array, tol: float, max_iter: int
    ) -> tuple[Array, Array, int]:
        """Over `right` and b, and over `left` if it is free."""
        ends = np.cumsum([free.size, right.size])

        def parts(x: Array) -> tuple[Array, Array, Array]:
            L, R, c = np.split(x, ends)
            return L.reshape(left.shape) if L.size else left, R.reshape(right.shape), c

        def slope(x: Array) -> tuple[float, Array]:
            L, R, c = parts(x)
            loss, D, d = self._at(L @ R, c)
            return loss, np.concatenate([(D @ R.T).ravel() if free.size else free, (L.T @ D).ravel(), d])

        x = np.concatenate([free, right.ravel(), b if self.intercept else b[:0]])
        if not x.size:
            return left @ right, 0.0 * b, 1
        options = {"maxiter": max_iter, "maxfun": 10 * max_iter, "gtol": tol, "ftol": DECREASE}
        found = minimize(slope, x, jac=True, method="L-BFGS-B", options=options)
        if found.nit >= max_iter and not found.success:
            warnings.warn(
                f"Cross-entropy did not converge in max_iter={max_iter} steps (largest gradient entry "
                f"{np.abs(found.jac).max():.2g}, tol={tol:g}): raise max_iter, scale X, or add a ridge.",
                ConvergenceWarning,
                stacklevel=5,
            )
        L, R, c = parts(found.x)
        return L @ R, c if self.intercept else 0.0 * b, max(1, int(found.nit))

    def _at(self, V: Array, b: Array) -> tuple[float, Array, Array]:
        """The loss and its gradients in V and b."""
        log_p = log_softmax(self._rows @ (np.hstack([V, b[:, None]]) if self.intercept else V).T, axis=1)
        loss = self.ridge * float(np.square(V).sum()) - float(self._shares @ log_p[self._own])
        off = np.exp(log_p)
        off[self._own] -= 1
        slope = (off * self._shares[:, None]).T @ self._rows
        return loss, slope[:, : self.dim] + 2 * self.ridge * V, slope[:, self.dim :].ravel()
