"""Parameter space: networks at critical points, what a network is, the loss along a line, the way off a saddle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
import numpy.typing as npt
from numpy.polynomial import Polynomial

from ..arrays import Array, fraction, instance, integer, listed, reals, some
from ..curvature.hessians import check_network, hessian
from ..curvature.spectrum import extremes
from ..groups.division import norm
from ..networks.network import Layers, Network, check_widths, network_loss
from ..objectives.spectra import svd, tolerance
from ..problems import Problem
from ..training.trace import Trace
from .points import CriticalPoint, Triples, check_problem


def network_at(
    point: CriticalPoint,
    widths: Sequence[int],
    *,
    gauge: np.random.Generator | None = None,
    idle: Sequence[int] = (),
) -> Network:
    """A network W_L ... W_1 at a critical point: its gradient vanishes.

    Args:
        point: from `critical_points` or `lower_rank_points`.
        widths: d_0, ..., d_L with L >= 2, from the problem's dim to its outputs, none below the point's rank.
        gauge: None gives the balanced network; a generator changes the basis of every hidden layer at random.
        idle: layers j (from 1) whose hidden units beyond the point's rank get random weights, which the other layers
            then do not pass on. At least two layers must not be idle, so that the gradient vanishes all the same.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0]))
    >>> from linvariance.landscape import critical_points
    >>> network = network_at(critical_points(lv.unconstrained(m, rank=1))[1], (3, 2, 1, 3))
    >>> network.widths
    (3, 2, 1, 3)
    """
    instance(point, CriticalPoint, "point", "take one from critical_points(problem)")
    shape, q, V = check_widths(widths), len(point.subset), point.restricted
    depth = len(shape) - 1
    if depth < 2:
        raise ValueError(f"widths {shape} name no hidden layer: a single layer is critical only where it fits best.")
    if (shape[-1], shape[0]) != V.shape or min(shape) < q:
        raise ValueError(
            f"widths ({some(shape)}) do not fit: they must lead from {V.shape[1]} to {V.shape[0]} with none below the "
            f"rank {q}."
        )
    idle = [integer(j, f"idle[{k}]") for k, j in enumerate(listed(idle, "idle"))]
    if gauge is not None:
        instance(gauge, np.random.Generator, "gauge", "pass numpy.random.default_rng(seed)")
    if any(j > depth for j in idle) or len(set(idle)) > depth - 2:
        raise ValueError(f"idle must name at most {depth - 2} of the layers 1 .. {depth}, but is ({some(idle)}).")
    U, s, Vt = svd(V)
    root = s[:q] ** (1 / depth)
    layers = [np.zeros((shape[j + 1], shape[j])) for j in range(depth)]
    for j, W in enumerate(layers):
        left = U[:, :q] if j == depth - 1 else np.eye(len(W), q)
        right = Vt[:q] if j == 0 else np.eye(q, W.shape[1])
        W += (left * root) @ right
    rng = np.random.default_rng(0) if gauge is None else gauge
    for j in set(idle):
        W = layers[j - 1]
        block = rng.standard_normal(W.shape)
        block[: 0 if j == depth else q] = 0.0
        block[:, : 0 if j == 1 else q] = 0.0
        W += block
    if gauge is not None:
        for j in range(1, depth):
            A = gauge.standard_normal((shape[j], shape[j])) + 2 * np.sqrt(shape[j]) * np.eye(shape[j])
            layers[j - 1], layers[j] = A @ layers[j - 1], np.linalg.solve(A.T, layers[j].T).T
    return Network(layers)


@dataclass(frozen=True, eq=False)
class Classification:
    """What a network is, with the evidence.

    Attributes:
        kind: "global minimum", "strict saddle", "non-strict saddle" or "not critical".
        gradient_norm: ‖∇f‖ over all layers, relative to its scale at these weights.
        subset: the selected singular values I, None if the network is not critical. Of equal ones the first stand for
            as many as are selected, as in `CriticalPoint`: W may hold any directions that belong to them.
        rank: s, the rank of W on the support of S'.
        tightened: whether each pivot (i, j), i > j, is tightened, where that decides.
        lowest_eigenvalue, lowest_vector: of the Hessian; computed when asked for by `classify(..., spectrum=True)`.
    """

    kind: str
    gradient_norm: float
    subset: tuple[int, ...] | None
    rank: int
    tightened: dict[tuple[int, int], bool] = field(default_factory=dict)
    lowest_eigenvalue: float | None = None
    lowest_vector: Array | None = field(default=None, repr=False)


@overload
def classify(problem: Problem, network: Network, *, spectrum: bool = False, rtol: float = 1e-8) -> Classification: ...
@overload
def classify(
    problem: Problem, network: Trace, *, spectrum: bool = False, rtol: float = 1e-8
) -> tuple[Classification, ...]: ...
def classify(
    problem: Problem, network: Network | Trace, *, spectrum: bool = False, rtol: float = 1e-8
) -> Classification | tuple[Classification, ...]:
    """Global minimum, strict saddle, non-strict saddle, or not critical; any depth.

    After Achour, Malgouyres and Gerchinovitz, *The loss landscape of deep linear neural networks: a second-order
    analysis* (arXiv 2107.13289), refined as docs/theory.md says, and for equal singular values of Z too: at any point
    of a critical manifold.

    Args:
        problem: any problem with a whitened target.
        network: of the problem's dim and outputs; for the Trace of a run with its networks, one answer for each state.
        spectrum: compute the lowest eigenvalue of the Hessian and its vector too.
        rtol: relative size of gradients and singular values that counts as zero; networks are rarely exact. Singular
            values of Z closer than rtol·σ_1 are taken for equal, and those below it for zero: so small a gradient does
            not tell them apart.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.array([[2.0], [0.0]]))
    >>> p = lv.unconstrained(m, rank=1)
    >>> classify(p, lv.Network([[[0.0, 1.0]], [[0.0]], [[0.0]]])).kind  # the Hessian is 0
    'non-strict saddle'
    """
    if isinstance(network, Trace):
        states = network.single("network").states()
        return tuple(classify(problem, state, spectrum=spectrum, rtol=rtol) for _, state in states)
    check_problem(problem)
    check_network(problem, network)
    instance(spectrum, bool, "spectrum", "whether to compute the lowest eigenvalue too")
    rtol = fraction(rtol, "rtol", positive=True)
    source = Triples(problem)
    weights = [np.asarray(W, dtype=np.float64) for W in network.weights]
    slope = relative_gradient(problem, weights)
    inner = chain(weights) @ np.linalg.pinv(problem.quadratic.whitened.back)
    lowest = _lowest(problem, network) if spectrum else (None, None)
    if slope > rtol:
        return Classification("not critical", slope, None, _numerical_rank(source, inner, rtol), {}, *lowest)
    levels = source.levels(rtol)
    subset = _selected(source, levels, inner)
    rank = len(subset)
    top = subset == tuple(range(rank))
    most = min(*network.widths, sum(map(len, levels)))
    tight: dict[tuple[int, int], bool] = {}
    if rank == most:
        kind = "global minimum" if top else "strict saddle"
    elif not top:
        kind = "strict saddle"
    else:
        tight = _tightened(weights, problem.quadratic.cross, rank, rtol)
        kind = "non-strict saddle" if all(tight.values()) else "strict saddle"
    return Classification(kind, slope, subset, rank, tight, *lowest)


def _selected(source: Triples, levels: Sequence[range], inner: Array) -> tuple[int, ...]:
    """Which singular values of Z the W̃ of a critical point holds; of equal ones, the first stand for any.

    There W̃ = P Z with a projection P that commutes with Z Zᵀ: on a level it has the singular values σ and 0 only.
    """
    U, sigma, _ = source.triples
    found: list[int] = []
    for level in levels:
        held = svd(U[:, level].T @ inner / sigma[level, None])[1] > 0.5
        found += level[: int(held.sum())]
    return tuple(found)


def _numerical_rank(source: Triples, inner: Array, rtol: float) -> int:
    scale = max(float(source.triples[1].max(initial=0.0)), float(np.linalg.norm(inner)))
    return int((svd(inner)[1] > rtol * scale).sum())


def loss_along(problem: Problem, network: Network, direction: Network | npt.ArrayLike) -> Polynomial:
    """The loss along a line, t -> f(W_L + t V_L, ..., W_1 + t V_1), in closed form: a polynomial of degree 2L.

    Args:
        problem: any problem with moments.
        network: W_1, ..., W_L.
        direction: V_1, ..., V_L, as a Network or raveled and joined like the vectors of `hessian`.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data([[1.0]], [[2.0]])
    >>> p = lv.unconstrained(m, rank=1)
    >>> loss_along(p, lv.Network([[[1.0]], [[1.0]]]), np.array([1.0, 0.0])).coef.round(12)  # (1 + t - 2)²
    array([ 1., -2.,  1.,  0.,  0.])
    """
    check_problem(problem)
    check_network(problem, network)
    steps = _direction(direction, network).weights
    with np.errstate(over="ignore", invalid="ignore"):
        total = _coefficients(problem, network, steps)
    if not np.isfinite(total).all():
        raise ValueError("network and direction lead to a loss that overflows: scale the data or the weights down.")
    return Polynomial(total)


@dataclass(frozen=True, eq=False)
class Escape:
    """A step off a saddle that lowers the loss: from `before` to `after` at `network`."""

    network: Network = field(repr=False)
    before: float
    after: float


def escape(problem: Problem, network: Network) -> Escape:
    """The step of least loss along the Hessian's lowest eigenvector, measured at the network it leads to.

    Raises:
        ValueError: if no network on that line is lower.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0]))
    >>> p = lv.unconstrained(m, rank=1)
    >>> from linvariance.landscape import critical_points
    >>> step = escape(p, network_at(critical_points(p)[1], (3, 1, 3)))
    >>> step.after < step.before
    True
    """
    check_problem(problem)
    check_network(problem, network)
    value, vector = _lowest(problem, network)
    before = network_loss(problem, network)
    steps = _turns(loss_along(problem, network, vector))
    reached = [Network.from_flat(network.flat + t * vector, network.widths) for t in steps]
    with np.errstate(over="ignore", invalid="ignore"):
        losses = [network_loss(problem, one) for one in reached]
    best = int(np.nanargmin(losses))
    after = losses[best]
    if after >= before - 8 * np.finfo(np.float64).eps * max(before, problem.quadratic.constant):
        raise ValueError(
            f"No lower point lies along the lowest eigenvector (eigenvalue {value:.3g}): the network is at a minimum, "
            "or at a saddle that is not strict."
        )
    return Escape(reached[best], before, after)


def _turns(line: Polynomial) -> Array:
    """Where a line's derivative may vanish, 0 included.

    Leading coefficients may be nothing but rounding, which would ruin all roots: so those of every truncation are
    candidates, in a unit that leaves no coefficient above the quadratic one.
    """
    c = line.coef
    ratios = [(abs(c[2]) / abs(c[k])) ** (1 / (k - 2)) for k in range(3, len(c)) if c[2] and c[k]]
    unit = min((ratio for ratio in ratios if 0 < ratio < math.inf), default=1.0)
    scaled: Array = np.array([a * unit**k for k, a in enumerate(c.tolist())])
    found = [np.zeros(1)]
    for degree in range(2, len(c)):
        if abs(scaled[degree]) > np.finfo(np.float64).eps * np.abs(scaled[2:]).max():
            turns = Polynomial(scaled[: degree + 1]).deriv().roots()
            found.append(unit * turns.real[np.abs(turns.imag) <= 1e-6 * (1 + np.abs(turns.real))])
    return np.concatenate(found)


def _coefficients(problem: Problem, network: Network, steps: Layers) -> Array:
    """Of the loss along a line (2L + 1,)."""
    powers = [network.weights[0], steps[0]]  # coefficients of the product so far
    for W, V in zip(network.weights[1:], steps[1:], strict=True):
        stay, move = [W @ P for P in powers], [V @ P for P in powers]
        powers = [a + b for a, b in zip([*stay, 0 * stay[0]], [0 * stay[0], *move], strict=True)]
    total = np.zeros(2 * len(powers) - 1)
    total[0] = problem.quadratic.floor
    for A, T in problem.quadratic.blocks:
        residuals = [A @ P.T for P in powers]
        if T is not None:
            residuals[0] = residuals[0] - T
        for a, left in enumerate(residuals):
            for b, right in enumerate(residuals):
                total[a + b] += float(np.vdot(left, right))
    return total


def _direction(direction: Network | npt.ArrayLike, network: Network) -> Network:
    """V_1, ..., V_L of the widths of a network."""
    if isinstance(direction, Network):
        if direction.widths != network.widths or not np.isfinite(direction.flat).all():
            raise ValueError(
                f"direction must hold finite weights of widths ({some(network.widths)}), but has widths "
                f"({some(direction.widths)})."
            )
        return direction
    flat = np.asarray(reals(direction, "direction", ndim=(1,)), dtype=np.float64)
    if flat.size != network.flat.size:
        raise ValueError(f"direction must hold {network.flat.size} entries, one a weight, but has {flat.size}.")
    return Network.from_flat(flat, network.widths)


def _lowest(problem: Problem, network: Network) -> tuple[float, Array]:
    ends = extremes(hessian(problem, network))
    return float(ends.lowest[0]), ends.lowest_vectors[:, 0]


def chain(layers: Sequence[Array]) -> Array:
    """The product of matrices, the first one rightmost."""
    product = layers[0]
    for W in layers[1:]:
        product = W @ product
    return product


def relative_gradient(problem: Problem, weights: Sequence[Array]) -> float:
    """‖∇f‖ beyond rounding of the data, over the sum of the sizes of what cancels in it; for any scales."""
    with np.errstate(over="ignore", invalid="ignore"):
        W = chain(weights)
        top = problem.quadratic.size
        size = 2 * (norm(W) * top + norm(problem.quadratic.cross))
    if not math.isfinite(size):
        raise ValueError("network has a loss that overflows: scale the data or the weights down.")
    D = problem.gradient(W) / (size or 1.0)
    parts, units = [], []
    for j in range(len(weights)):
        above = chain([np.eye(weights[j].shape[0]), *weights[j + 1 :]])
        part, unit = above.T @ D, float(np.linalg.norm(above, 2)) if W.size else 0.0
        if j:
            below = chain(weights[:j])
            part, unit = part @ below.T, unit * float(np.linalg.norm(below, 2)) if W.size else 0.0
        parts.append(norm(part))
        units.append(unit)
    unit = math.hypot(*units) if size else 0.0
    rounding = 2 * tolerance(problem.quadratic.cross.shape, correlation(problem)) / size if size else 0.0
    return max(math.hypot(*parts) / unit - rounding, 0.0) if unit else 0.0


def correlation(problem: Problem) -> float:
    """The most that C' can be for inputs and targets of this size: rounding leaves eps of it where C' is 0."""
    return math.sqrt(problem.quadratic.constant) * math.sqrt(problem.data.mean_square)  # Y as a metric sees it


def _tightened(weights: Sequence[Array], cross: Array, rank: int, rtol: float) -> dict[tuple[int, int], bool]:
    """Pivot (i, j), i > j, is tightened if W_{j-1}..W_1 C'ᵀ W_L..W_{i+1} or W_{i-1}..W_{j+1} has rank s."""
    depth = len(weights)
    found = {}
    for i in range(2, depth + 1):
        for j in range(1, i):
            outer = _rank([*weights[i:], cross.T, *weights[: j - 1]], rtol)
            inner = _rank(weights[j : i - 1], rtol) if j < i - 1 else len(weights[j - 1])
            # Neither is less than s, but for factors of which a share below rtol makes up the product.
            found[i, j] = min(outer, inner) <= rank
    return found


def _rank(factors: Sequence[Array], rtol: float) -> int:
    """Rank of a product, first factor rightmost, relative to the sizes of its factors."""
    scale = math.prod(float(np.linalg.norm(W, 2)) if W.size else 0.0 for W in factors)
    return int((svd(chain(factors))[1] > rtol * scale).sum()) if scale else 0
