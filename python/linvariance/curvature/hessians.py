"""Second derivatives of a problem's loss in the space of all layers, by exact Hessian-vector products."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import LinearOperator

from .. import _core
from ..arrays import Array, instance
from ..networks.network import Network, check_fit
from ..objectives.empirical import Empirical
from ..objectives.quadratics import Quadratic
from ..problems import Problem
from ..training.trace import Trace
from .along import Along
from .dense import dense_hessian


@overload
def hessian(problem: Problem, network: Network) -> HessianOperator: ...
@overload
def hessian(problem: Problem, network: Trace) -> Along[HessianOperator]: ...
def hessian(problem: Problem, network: Network | Trace) -> HessianOperator | Along[HessianOperator]:
    """The Hessian of the loss at a network, as a symmetric SciPy LinearOperator.

    For the Trace of a run, recorded with `Record(networks=True)`, it is the sequence of Hessians at its states, each
    made when it is asked for; `curvature.extremes` and the densities take it as it is.

    Coordinates are W_1, ..., W_L, raveled row-major and joined (`Network.flat`). On moments one product costs O(h·d0²)
    for the first hidden width h, whatever the number of samples; on Samples it takes a pass over them. `matmat` takes a
    block of vectors at once. At a kink of relu the curvature counts as 0.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0]], [[2.0]])
    >>> H = lv.hessian(lv.unconstrained(m, rank=1), lv.Network([[[1.0]], [[1.0]]]))
    >>> np.allclose(H.to_dense(), [[2.0, 0.0], [0.0, 2.0]])  # f(a, b) = (ab - 2)²
    True
    >>> run = lv.train(lv.unconstrained(m, rank=1), epochs=30, record=lv.Record(networks=True))
    >>> len(lv.hessian(lv.unconstrained(m, rank=1), run)), run.epochs.tolist()
    (4, [0, 10, 20, 30])
    """
    if isinstance(network, Trace):
        return Along(network, lambda one, name: _hessian(problem, one, name))
    return _hessian(problem, network, "network")


def _hessian(problem: Problem, network: Network, name: str) -> HessianOperator:
    check_network(problem, network, name)
    return HessianOperator(problem, network)


def check_network(problem: Problem, network: Network, name: str = "network") -> None:
    """The gate for a problem with a loss on networks, and a finite network that leads from its dim to its outputs."""
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, regularized or unconstrained")
    instance(network, Network, name, "make one with Network([W_1, ..., W_L])")
    check_fit(problem, network, name)


BLOCK = 64  # directions at once, at most
ENTRIES = 2**21  # of theirs on moments: Python copies them, and lets no Ctrl-C in meanwhile
WORKSPACE = 2**28  # bytes of theirs on samples, beyond the first


class HessianOperator(LinearOperator):  # type: ignore[misc]
    """See `hessian`."""

    def __init__(self, problem: Problem, network: Network) -> None:
        flat = np.asarray(network.flat, dtype=np.float64)
        super().__init__(np.dtype(np.float64), (flat.size, flat.size))
        self._problem, self._network = problem, network
        self._core: Any
        self._block = max(1, min(BLOCK, ENTRIES // max(1, flat.size)))
        self._quadratic: Quadratic | None = None
        if isinstance(problem.objective, Empirical):
            self._block = max(1, min(BLOCK, WORKSPACE // max(1, problem.objective.workspace(network.widths[1]))))
            core = problem.objective.core()
            self._core = _core.SampleHessian(core, list(network.widths), network.activation, flat)
        else:
            self._quadratic = problem.quadratic
            self._core = _core.Hessian(problem.quadratic.core(), list(network.widths), flat)

    def to_dense(self) -> Array:
        """The whole matrix: on moments from its closed form, symmetric to the last bit."""
        if self._quadratic is None:
            return self._matmat(np.eye(self.shape[1]))
        weights = [np.asarray(W, dtype=np.float64) for W in self._network.weights]
        with np.errstate(over="ignore", invalid="ignore"):  # as in products
            return dense_hessian(self._quadratic, weights)

    def _matmat(self, X: npt.NDArray[Any]) -> Array:
        if np.iscomplexobj(X):
            raise TypeError("The Hessian is real: apply it to the real and the imaginary part apart.")
        out = np.empty((X.shape[1], X.shape[0]))
        for block in range(0, len(out), self._block):  # bounds the workspace
            directions = np.ascontiguousarray(X[:, block : block + self._block].T, dtype=np.float64)
            out[block : block + self._block] = self._core.apply(directions)
        return out.T

    def _matvec(self, x: npt.NDArray[Any]) -> Array:
        return self._matmat(x.reshape(-1, 1)).reshape(-1)

    def _rmatmat(self, X: npt.NDArray[Any]) -> Array:
        return self._matmat(X)

    def _rmatvec(self, x: npt.NDArray[Any]) -> Array:
        return self._matvec(x)

    def _adjoint(self) -> HessianOperator:
        return self

    def _transpose(self) -> HessianOperator:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return hessian, (self._problem, self._network)
