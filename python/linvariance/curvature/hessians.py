"""Second derivatives of a problem's loss in the space of all layers: the Hessian, Gauss-Newton and Fisher matrices."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import LinearOperator

from .. import _core
from ..arrays import Array, instance, refuse_large
from ..networks.network import Network, check_fit
from ..objectives.empirical import Empirical
from ..objectives.factored import Factored
from ..objectives.quadratics import Quadratic
from ..problems import Problem
from ..training.trace import Trace
from . import layerwise
from .along import Along
from .closed import dense_matrix, diagonal_blocks, lower_blocks


@overload
def hessian(problem: Problem, network: Network) -> CurvatureOperator: ...
@overload
def hessian(problem: Problem, network: Trace) -> Along[CurvatureOperator]: ...
def hessian(problem: Problem, network: Network | Trace) -> CurvatureOperator | Along[CurvatureOperator]:
    """The Hessian of the loss at a network, as a symmetric SciPy LinearOperator.

    For the Trace of a run, recorded with `Record(networks=True)`, it is the sequence of Hessians at its states, each
    made when it is asked for; `curvature.extremes` and the densities take it as it is. So for the other matrices.

    Coordinates are W_1, ..., W_L and the biases, raveled row-major and joined (`Network.flat`). On moments one product
    costs O(h·d0²) for the first hidden width h, whatever the number of samples (O(h·k·d0) for k < d0/2 rows); on
    Samples it takes a pass over them. `matmat` takes a block of vectors at once. At a kink of relu the curvature counts
    as 0.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0]], [[2.0]])
    >>> H = lv.hessian(lv.unconstrained(m, rank=1), lv.Network([[[1.0]], [[1.0]]]))
    >>> np.allclose(H.to_dense(), [[2.0, 0.0], [0.0, 2.0]])  # f(a, b) = (ab - 2)²
    True
    >>> run = lv.train(lv.unconstrained(m, rank=1), epochs=30, record=lv.Record(networks=True))
    >>> len(lv.hessian(lv.unconstrained(m, rank=1), run)), run.epochs.tolist()
    (4, [0, 10, 20, 30])
    """
    return _operator(problem, network, "hessian")


@overload
def gauss_newton(problem: Problem, network: Network) -> CurvatureOperator: ...
@overload
def gauss_newton(problem: Problem, network: Trace) -> Along[CurvatureOperator]: ...
def gauss_newton(problem: Problem, network: Network | Trace) -> CurvatureOperator | Along[CurvatureOperator]:
    """The generalized Gauss-Newton matrix, the mean of f'ᵀ ℓ'' f' over the samples: the Hessian without f''.

    f' are the derivatives of the outputs by the layers, ℓ'' those of the loss by the outputs. It is positive
    semidefinite, and the Hessian itself where the loss is 0; blocks of single layers are the Hessian's for linear
    networks and for relu. A penalty or ridge counts as rows of data with target 0   (Martens, *New Insights and
    Perspectives on the Natural Gradient Method*, JMLR 21, Section 8).

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0]], [[2.0]])
    >>> gauss_newton(lv.unconstrained(m, rank=1), lv.Network([[[1.0]], [[1.0]]])).to_dense()  # 2 (a, b)(a, b)ᵀ
    array([[2., 2.],
           [2., 2.]])
    """
    return _operator(problem, network, "gauss_newton")


@overload
def fisher(problem: Problem, network: Network) -> CurvatureOperator: ...
@overload
def fisher(problem: Problem, network: Trace) -> Along[CurvatureOperator]: ...
def fisher(problem: Problem, network: Network | Trace) -> CurvatureOperator | Along[CurvatureOperator]:
    """The Fisher information of the layers: for both losses it is the `gauss_newton` matrix.

    That of the model whose -log-likelihood, up to a constant, is the loss: classes with the probabilities softmax f(x)
    for cross-entropy, targets with the mean f(x) and the variance 1/2 for the squared loss. Its expectation is over the
    model's own targets; `empirical_fisher` takes those of the data   (Martens, Section 9.2).

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Samples([[1.0]], [0], "cross_entropy", classes=2), rank=1)
    >>> fisher(p, lv.Network([np.zeros((2, 1))])).to_dense()  # diag(p) - p pᵀ, p = (1/2, 1/2)
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    return _operator(problem, network, "gauss_newton")


@overload
def empirical_fisher(problem: Problem, network: Network) -> CurvatureOperator: ...
@overload
def empirical_fisher(problem: Problem, network: Trace) -> Along[CurvatureOperator]: ...
def empirical_fisher(problem: Problem, network: Network | Trace) -> CurvatureOperator | Along[CurvatureOperator]:
    """The mean of g_i g_iᵀ over the gradients g_i of single rows of the augmented data, without the penalty.

    Neither the Fisher information nor an approximation of the Hessian away from a good fit (Kunstner, Balles and
    Hennig, *Limitations of the empirical Fisher approximation*, NeurIPS 2019).

    Raises:
        ValueError: for a problem on Moments, as it takes fourth moments of the data.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Samples([[1.0], [2.0]], [1.0, 0.0]), rank=1)
    >>> empirical_fisher(p, lv.Network([[[0.0]]])).to_dense()  # gradients -2 and 0
    array([[2.]])
    """
    return _operator(problem, network, "empirical_fisher")


def _operator(problem: Problem, network: Network | Trace, second: str) -> CurvatureOperator | Along[CurvatureOperator]:
    if isinstance(network, Trace):
        return Along(network, lambda one, name: _at(problem, one, second, name))
    return _at(problem, network, second, "network")


def _at(problem: Problem, network: Network, second: str, name: str) -> CurvatureOperator:
    check_network(problem, network, name)
    if second == "empirical_fisher" and not isinstance(problem.objective, Empirical):
        raise ValueError(
            "problem is posed on Moments, and the empirical Fisher matrix takes fourth moments: pose it on "
            "Samples(X, Y), or use fisher."
        )
    return CurvatureOperator(problem, network, second)


def check_network(problem: Problem, network: Network, name: str = "network") -> None:
    """The gate for a problem with a loss on networks, and a finite network that leads from its dim to its outputs."""
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, regularized or unconstrained")
    instance(network, Network, name, "make one with Network([W_1, ..., W_L])")
    check_fit(problem, network, name)


BLOCK = 64  # directions at once, at most
ENTRIES = 2**21  # of theirs on moments: Python copies them, and lets no Ctrl-C in meanwhile
WORKSPACE = 2**28  # bytes of theirs on samples, beyond the first


class CurvatureOperator(LinearOperator):  # type: ignore[misc]
    """What `hessian`, `gauss_newton`, `fisher` and `empirical_fisher` return: a symmetric SciPy LinearOperator.

    `second` names which. Diagonal, trace and blocks are exact and take no products: on moments they are Kronecker
    products of small matrices, on Samples one pass of a small matrix for each sample and layer.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.eye(3))
    >>> H = lv.hessian(lv.unconstrained(m, rank=1), lv.Network([np.ones((1, 3)), np.ones((3, 1))]))
    >>> H.trace(), H.diagonal(), [block.shape for block in H.blocks()]
    (12.0, array([2., 2., 2., 2., 2., 2.]), [(3, 3), (3, 3)])
    >>> round(H.frobenius_norm(), 12) == round(float(np.linalg.norm(H.to_dense())), 12)
    True
    """

    def __init__(self, problem: Problem, network: Network, second: str = "hessian") -> None:
        flat = np.asarray(network.flat, dtype=np.float64)
        super().__init__(np.dtype(np.float64), (flat.size, flat.size))
        self.second, self._problem, self._network = second, problem, network
        self._weights = [np.asarray(W, dtype=np.float64) for W in network.weights]
        self._core: Any
        self._quadratic: Quadratic | None = None
        self._block = max(1, min(BLOCK, ENTRIES // max(1, flat.size)))
        widths, objective = list(network.widths), problem.objective
        if isinstance(objective, Empirical):
            self._block = max(1, min(BLOCK, WORKSPACE // max(1, objective.workspace(widths[1]))))
            self._core = _core.SampleHessian(objective.core(), widths, network.activation, flat, second)
        else:
            self._quadratic = objective
            self._core = _core.Hessian(objective.core(), widths, flat, second)

    def to_dense(self) -> Array:
        """The whole matrix: on moments from its closed form, symmetric to the last bit. Refused above 1 GiB."""
        size = self.shape[0]
        refuse_large(8 * size**2, f"The matrix in {size:,} weights", "use its products, or curvature.extremes")
        quadratic = self._quadratic
        if quadratic is None:
            return self._matmat(np.eye(self.shape[1]))
        with _as_in_products():
            return dense_matrix(quadratic.moment, quadratic.cross, self._weights, gauss_newton=self._is_partial)

    def diagonal(self) -> Array:
        """Its diagonal (N,)."""
        out, moment, samples = layerwise.zeros(self._network), self._moment, self._samples
        with _as_in_products():
            if moment is not None:
                for D, block in zip(out, diagonal_blocks(moment, self._weights), strict=False):
                    D += block.diagonal
            if samples is not None:
                for D, more in zip(out, layerwise.diagonals(samples, self._network, self.second), strict=True):
                    D += more
        return np.concatenate([D.ravel() for D in out])

    def trace(self) -> float:
        """The sum of its eigenvalues."""
        return float(self.diagonal().sum())

    def blocks(self) -> list[Array]:
        """Its block (N_j, N_j) in each layer, W_j raveled: all that a layer's curvature is while the others rest.

        With biases followed by the block (d_j, d_j) of each b_j. Refused above 1 GiB.
        """
        sizes = [p.size for p in self._network.parameters]
        what = f"The blocks of layers of {', '.join(map(str, sizes)):.60} weights"
        refuse_large(8 * sum(size**2 for size in sizes), what, "use the products of the whole, or its diagonal")
        out, samples = [np.zeros((size, size)) for size in sizes], self._samples
        moment = self._moment if self._quadratic is None else self._quadratic.moment
        with _as_in_products():
            if moment is not None:
                for B, W, block in zip(out, self._weights, diagonal_blocks(moment, self._weights), strict=False):
                    block.write(B.reshape(2 * W.shape))
            if samples is not None:
                for B, more in zip(out, layerwise.blocks(samples, self._network, self.second), strict=True):
                    B += more
        return out

    def frobenius_norm(self) -> float:
        """The root of the sum of its squared entries, or eigenvalues.

        On moments from the closed form; on Samples by N products. With fewer `sampled_density` estimates its square,
        N times the mean of λ²: of its moments m and interval, N (c² + 2 c h m₁ + h² (1 + m₂)/2), c center, h half.
        """
        quadratic = self._quadratic
        if quadratic is None:
            columns = range(0, self.shape[1], self._block)
            return math.hypot(*(float(np.linalg.norm(self._matmat(self._units(k)))) for k in columns))
        moment, cross = quadratic.input_moment, quadratic.cross
        with _as_in_products():
            square = sum(block.square for block in diagonal_blocks(moment, self._weights))
            for _, _, block in lower_blocks(moment, cross, self._weights, gauss_newton=self._is_partial):
                square += 2 * block.square
        return math.sqrt(max(square, 0.0)) if square == square else square  # below 0 by rounding only

    def to_scipy(self) -> CurvatureOperator:
        """Itself: it is an operator of SciPy."""
        return self

    @property
    def _is_partial(self) -> bool:
        return self.second != "hessian"

    @property
    def _moment(self) -> Array | Factored | None:
        """S' of what the loss has in closed form: all of it on moments, on Samples the penalty."""
        objective = self._problem.objective
        if isinstance(objective, Empirical):
            return None if self.second == "empirical_fisher" else objective.penalty
        return objective.input_moment

    @property
    def _samples(self) -> Empirical | None:
        objective = self._problem.objective
        return objective if isinstance(objective, Empirical) else None

    def _units(self, start: int) -> Array:
        """Some unit vectors, as columns."""
        return np.eye(self.shape[1], min(self._block, self.shape[1] - start), -start)

    def _matmat(self, X: npt.NDArray[Any]) -> Array:
        if np.iscomplexobj(X):
            raise TypeError("The operator is real: apply it to the real and the imaginary part apart.")
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

    def _adjoint(self) -> CurvatureOperator:
        return self

    def _transpose(self) -> CurvatureOperator:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return CurvatureOperator, (self._problem, self._network, self.second)


def _as_in_products() -> np.errstate:
    """What overflows there is inf, without a warning."""
    return np.errstate(over="ignore", invalid="ignore")
