"""What gradient descent does and why: the flow it follows, the saddles it visits, what it conserves, how long it takes.

All of it holds for every problem with second moments. Norms of maps are those of Frobenius unless said otherwise.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.integrate

from . import _core
from .arrays import Array, instance, integer, real, reals
from .groups import Representation
from .hessians import hessian
from .invariance import split
from .landscape import Triples, check_problem
from .networks import Network
from .problems import Problem
from .results import Trace
from .spectra import decide_rank, svd, tolerance
from .training import MEMORY_LIMIT

Epochs = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Subsets = tuple[tuple[int, ...], ...]

NEAR = 0.1  # of ‖Z‖: see `visits`
EVALUATIONS = 200_000  # of the gradient in one `gradient_flow`: some seconds for small networks

# ------------------------------------------------------------------------------------------------------------- flow


@dataclass(frozen=True, eq=False)
class Flow:
    """Gradient flow at some times.

    Attributes:
        times: (T,).
        loss: (T,), with 1/n.
        networks: one for each time; `network.matrix` is V (dL, dim), where the problem's loss lives.
    """

    times: Array
    loss: Array
    networks: tuple[Network, ...]

    def __repr__(self) -> str:
        return f"Flow({len(self.times)} states up to time {self.times[-1]:g}, final loss {self.loss[-1]:.6g})"


def gradient_flow(
    problem: Problem, network: Network, times: npt.ArrayLike, *, rtol: float = 1e-8, atol: float = 1e-10
) -> Flow:
    """dW_j/dt = -∂f/∂W_j from a network at t = 0, by Dormand and Prince's explicit method of order 8.

    Gradient descent with learning rate lr is at time lr·k after k updates, up to O(lr). The price of an explicit method
    grows with t·(largest eigenvalue of the Hessian); above 200,000 gradients it gives up with a ValueError.

    Args:
        problem: any problem with moments.
        network: of the problem's dim and outputs.
        times: (T,), ascending, the first at least 0, the last above.
        rtol: relative error of a step, for each weight.
        atol: absolute error of a step; well below the weights of a small initialization.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[1.0]]), rank=1)
    >>> flow = gradient_flow(p, lv.Network([[[0.1]], [[0.1]]]), [0.0, 1.0, 2.0])
    >>> u0 = 0.01  # u = W_2 W_1 obeys du/dt = 4u(1 - u)
    >>> bool(abs(flow.networks[1].matrix[0, 0] - 1 / (1 + (1 / u0 - 1) * np.exp(-4))) < 1e-7)
    True
    """
    check_problem(problem)
    hessian(problem, network)  # checks the network
    rtol, atol = real(rtol, "rtol", minimum=1e-13), real(atol, "atol", positive=True)  # SciPy's limit is 100 eps
    start = np.asarray(network.flat, dtype=np.float64)
    when = _ascending(times)
    if 8 * when.size * start.size > MEMORY_LIMIT:
        raise ValueError(f"times asks for {when.size} networks of {start.size} weights, above 1 GiB: pass fewer times.")
    S, C = problem.quadratic.moment, problem.quadratic.cross
    widths, calls = list(network.widths), itertools.count(1)

    def velocity(t: float, flat: Array) -> Array:
        if next(calls) > EVALUATIONS:
            raise ValueError(
                f"times reach to {when[-1]:g}, but after {EVALUATIONS:,} gradients the flow is at {t:.3g} only: it is "
                "too stiff or too long. Pass earlier times, divide X by its scale, or raise rtol."
            )
        slope = 2 * (_core.product(widths, flat) @ S - C)  # of the moments, as training descends on
        return -_core.product_pullback(widths, flat, slope)

    with np.errstate(all="ignore"):  # a step that overflows is refused and halved
        if not np.isfinite(np.square(velocity(0.0, start)).sum()):
            raise ValueError("network has a gradient whose square overflows: scale its weights or the data down.")
        found = scipy.integrate.solve_ivp(
            velocity, (0.0, when[-1]), start, method="DOP853", t_eval=when, rtol=rtol, atol=atol
        )
    if not found.success:
        raise ValueError(
            f"times reach to {when[-1]:g}, but the flow stopped after {len(found.t)} of them: {found.message} Divide "
            "the data or the weights by their scales, or raise rtol."
        )
    networks = tuple(Network.from_flat(flat, network.widths) for flat in np.ascontiguousarray(found.y.T))
    return Flow(when, np.array([problem.loss(one.matrix) for one in networks]), networks)


def _ascending(times: npt.ArrayLike) -> Array:
    when = np.array(reals(times, "times", ndim=(1,)), dtype=np.float64)
    if when[0] < 0 or when[-1] == 0 or (np.diff(when) <= 0).any():
        raise ValueError("times must ascend strictly, from 0 or later: pass e.g. numpy.linspace(0, 10, 101).")
    return when


# ------------------------------------------------------------------------------------------------ what is conserved


def balancedness(network: Network) -> Array:
    """‖W_{j+1}ᵀW_{j+1} - W_j W_jᵀ‖ for j = 1, ..., L - 1: (L-1,). Gradient flow conserves these matrices.

    So small initial weights stay nearly balanced (Arora, Cohen and Hazan 2018); gradient descent moves them by O(lr).

    >>> balancedness(Network([[[3.0, 4.0]], [[5.0]], [[1.0]]]))
    array([ 0., 24.])
    """
    pairs = itertools.pairwise(_layers(network))
    return np.array([np.linalg.norm(upper.T @ upper - lower @ lower.T) for lower, upper in pairs])


def first_layer_perp(network: Network, rep: Representation) -> float:
    """‖W_1 (I - Π)‖, what the first layer takes from directions that are not invariant.

    On the augmented problem with an orthogonal representation gradient flow gives, for B = W_1(I - Π) and any depth,
    dB/dt = -2 (W_L..W_2)ᵀ(W_L..W_2) B S̄: it never grows, though ‖W⊥‖ = ‖W_L..W_2 B‖ may. Gradient descent keeps this
    up to the learning rate `stable_step`; nothing is claimed for Adam.

    >>> from linvariance.groups import cyclic
    >>> first_layer_perp(Network([[[5.0, 1.0]], [[1.0]]]), cyclic(2))  # W_1(I - Π) = [2, -2]
    2.8284271247461903
    """
    first = _layers(network)[0]
    instance(rep, Representation, "rep", "see linvariance.groups")
    if network.widths[0] != rep.dim:
        raise ValueError(
            f"network takes {network.widths[0]} inputs, but the group acts on {rep.dim}: pass one that takes them all."
        )
    return float(np.linalg.norm(split(first, rep).perp))


def stable_step(problem: Problem, network: Network) -> float:
    """The largest learning rate at which a step of gradient descent provably does not raise `first_layer_perp`.

    1/(‖W_L..W_2‖²‖S̄‖) in spectral norms, as the step is B -> B - 2 lr (W_L..W_2)ᵀ(W_L..W_2) B S̄; without momentum. It
    changes along a run, since W_L..W_2 grows.

    Args:
        problem: augmented, with an orthogonal representation and none on the outputs.
        network: of the problem's dim and outputs.

    >>> import linvariance as lv
    >>> p = lv.augmented(lv.Moments.from_data([[2.0, 0.0]], [1.0]), lv.groups.symmetric(2), rank=1)  # S̄ = 2·I
    >>> stable_step(p, lv.Network([[[1.0, 0.0]], [[0.5]]]))
    2.0
    """
    check_problem(problem)
    if problem.method != "augmented" or problem.output is not None or not problem.representation.is_orthogonal:
        raise ValueError(
            f"problem is {problem.method} with {problem.representation!r} and output={problem.output!r}, but this step "
            "belongs to augmented(data, rep) with an orthogonal rep and no output."
        )
    hessian(problem, network)  # checks the network
    above = functools.reduce(np.matmul, reversed(_layers(network)[1:]), np.eye(problem.outputs))  # W_L ... W_2
    price = _spectral_norm(above) ** 2 * _spectral_norm(problem.quadratic.moment)
    return 1 / price if price else math.inf


def _layers(network: Network) -> list[Array]:
    instance(network, Network, "network", "make one with Network([W_1, ..., W_L])")
    if not np.isfinite(network.flat).all():
        raise ValueError("network holds NaN or infinite weights.")
    return [np.asarray(W, dtype=np.float64) for W in network.weights]


def _spectral_norm(matrix: Array) -> float:
    return float(np.linalg.norm(matrix, 2)) if matrix.size else 0.0


# ---------------------------------------------------------------------------------------------- what a run passes by


@dataclass(frozen=True)
class Stay:
    """A maximal interval in which a run is near one critical point.

    Attributes:
        subset: numbers of its singular values, from 0; () is the origin.
        entered, left: the first and the last recorded epoch (or time) of the interval.
        closest: least distance, relative to ‖Z‖.
    """

    subset: tuple[int, ...]
    entered: float
    left: float
    closest: float


@dataclass(frozen=True, eq=False)
class Visits:
    """Which critical points a run passes by.

    Attributes:
        epochs: (T,), the epochs of a Trace or the times of a Flow.
        distance: (T,), to the nearest critical point in the metric of `visits`, relative to ‖Z‖.
        loss: (T,).
        subsets: the singular values of that point, one tuple for each state.
        stays: the intervals in which the distance is below a tenth of ‖Z‖.
    """

    epochs: Epochs
    distance: Array
    loss: Array
    subsets: Subsets
    stays: tuple[Stay, ...]

    def __repr__(self) -> str:
        way = " -> ".join(str(stay.subset) for stay in self.stays) or "near none"
        return f"Visits({way}; {len(self.epochs)} states up to {self.epochs[-1]:g})"

    def __str__(self) -> str:
        head = f"{'critical point':<20}{'entered':>10}{'left':>10}{'closest':>10}"
        rows = (f"{s.subset!s:<20}{s.entered:>10g}{s.left:>10g}{s.closest:>10.1e}" for s in self.stays)
        return "\n".join([head, *rows])


def visits(problem: Problem, trace: Trace | Flow) -> Visits:
    """The nearest critical point at each state of a run, those of lower rank and the origin included.

    The metric is that of the loss, ‖W - W*‖² = tr((W - W*) S' (W - W*)ᵀ) = ‖W̃ - W̃*‖²: what no loss sees, null(S'), does
    not count, and the part of W⊥ that augmented data see does. Critical points are U Σ_I Vᵀ, |I| <= min(r, rank Z);
    ‖W̃ - U Σ_I Vᵀ‖² = ‖W̃‖² - Σ_I σ_i(2 (UᵀW̃V)_ii - σ_i) is a sum, so the nearest one takes the largest positive terms,
    at most r of them: no enumeration. (Of equal singular values one choice of U, V stands for the continuum.)

    A stay is an interval with one nearest point, closer than ‖Z‖/10. From a small initialization the plateaus come far
    closer, and a passage that changes the point by σ_j is at least σ_j/2 away in the middle: stays are apart for modes
    of more than ‖Z‖/5, and touch for smaller ones.

    Args:
        problem: that of the run.
        trace: of a single run, trained with `record=Record(weights=True)`, or a Flow.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.diag([3.0, 1.0]))
    >>> p = lv.unconstrained(m, rank=2)
    >>> t = lv.train(p, optimizer=lv.GradientDescent(0.05), epochs=400, init=lv.init.gaussian(1e-3),
    ...              record=lv.Record(weights=True))
    >>> visits(p, t)
    Visits(() -> (0,) -> (0, 1); 41 states up to 400)
    """
    check_problem(problem)
    epochs, states = _states(problem, trace)
    source, A = Triples(problem), problem.quadratic.rows.A
    U, sigma, Vt = source.triples
    if not len(sigma):
        raise ValueError("problem has the target Z = 0: the origin is its only critical point, so nothing is visited.")
    right = A @ (Vt @ problem.quadratic.whitened.back).T  # (k, s), orthonormal: the metric's root is A
    inner = states @ A.T  # W̃ (T, dL, k)
    chosen = _nearest(sigma, np.einsum("tik,ki->ti", U.T @ inner, right), problem.rank)
    points = (U * (chosen * sigma)[:, None, :]) @ right.T
    distance = np.linalg.norm(inner - points, axis=(1, 2)) / np.linalg.norm(sigma)
    subsets = tuple(tuple(np.flatnonzero(row).tolist()) for row in chosen)
    return Visits(epochs, distance, trace.loss, subsets, _stays(epochs, distance, subsets))


def _nearest(sigma: Array, overlap: Array, rank: int) -> npt.NDArray[np.bool_]:
    """Of overlaps (UᵀW̃V)_ii (T, s), which singular values lower ‖W̃ - U Σ_I Vᵀ‖² most: (T, s), at most `rank` a row."""
    gain = sigma * (2 * overlap - sigma)
    places = np.argsort(np.argsort(-gain, axis=1, kind="stable"), axis=1)
    chosen: npt.NDArray[np.bool_] = (gain > 0) & (places < rank)
    return chosen


def _stays(epochs: Epochs, distance: Array, subsets: Subsets) -> tuple[Stay, ...]:
    found = []
    for subset, group in itertools.groupby(range(len(epochs)), lambda t: subsets[t] if distance[t] < NEAR else None):
        inside = list(group)
        if subset is not None:
            entered, left = epochs[inside[0]].item(), epochs[inside[-1]].item()
            found.append(Stay(subset, entered, left, float(distance[inside].min())))
    return tuple(found)


def _states(problem: Problem, trace: Trace | Flow) -> tuple[Epochs, Array]:
    """Epochs or times (T,), and V (T, dL, dim)."""
    instance(trace, (Trace, Flow), "trace", "call train(..., record=Record(weights=True)) or gradient_flow")
    shape = (problem.outputs, problem.representation.dim if isinstance(trace, Trace) else problem.dim)
    if isinstance(trace, Trace):
        if trace.loss.ndim > 1:
            raise ValueError(f"trace holds {len(trace.loss)} x {len(trace.loss[0])} runs: pass one, trace.at(i, k).")
        if trace.weights is None:
            raise ValueError("trace was recorded without weights: train with record=Record(weights=True).")
        weights = trace.weights
    else:
        weights = np.stack([network.matrix for network in trace.networks])
    if weights.shape[1:] != shape:
        raise ValueError(f"trace holds maps of shape {weights.shape[1:]}, but the problem's have {shape}.")
    finite = np.isfinite(weights).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(f"trace diverged: its state {int(finite.argmin())} is not finite. Lower the learning rate.")
    if isinstance(trace, Flow):
        return trace.times, weights
    return trace.epochs, np.stack([problem.restrict(W) for W in weights])


# ------------------------------------------------------------------------------------------------ how long it takes


@dataclass(frozen=True, eq=False)
class TimeScales:
    """When gradient flow learns each mode; see `time_scales`. Arrays are (k,), strongest correlation first.

    Attributes:
        depth: L.
        scale: initial singular value of every layer.
        correlations: s, singular values of C'.
        curvatures: a = vᵀS'v for the right singular vectors v of C'.
        limits: s/a, what each mode becomes.
        half_times: when it is half of that; 0 if it begins above.
        invariant: ‖Π v‖², Π the orthogonal projection on the invariants: 1 for modes of the invariant block, 0 for
            those of the other.
        misfit: ‖S'v - a v‖ over all modes, relative to ‖S'‖: 0 where the prediction is exact.
    """

    depth: int
    scale: float
    correlations: Array
    curvatures: Array
    limits: Array
    half_times: Array
    invariant: Array
    misfit: float
    _problem: Problem = field(repr=False)
    _modes: tuple[Array, Array] = field(repr=False)  # U (dL, k) and V (dim, k)

    def measured(self, trace: Trace | Flow) -> Array:
        """When uᵀWv first reaches half its limit in a run, between recorded states linearly; NaN if it never does.

        In epochs for a Trace (times the learning rate: in time), in time for a Flow.
        """
        epochs, states = _states(self._problem, trace)
        U, V = self._modes
        strengths = np.einsum("tik,ki->ti", U.T @ states, V) - self.limits / 2
        return np.array([_crossing(epochs, one) for one in strengths.T])

    def __str__(self) -> str:
        head = f"{'mode':<6}{'correlation':>12}{'limit':>12}{'half time':>12}{'invariant':>12}"
        columns = (self.correlations, self.limits, self.half_times, self.invariant)
        rows = ("".join(f"{value:>12.4g}" for value in row) for row in zip(*columns, strict=True))
        return "\n".join([head, *(f"{k:<6}{row}" for k, row in enumerate(rows)), f"misfit {self.misfit:.1e}"])


def time_scales(problem: Problem, scale: float, *, depth: int = 2) -> TimeScales:
    """Half times of the modes uᵀWv of C' = Σ s u vᵀ under gradient flow from a small balanced, aligned network.

    Saxe, McClelland and Ganguli (2014). Let all layers of W_L ... W_1 begin with the singular values `scale` along the
    modes, and let each v be an eigenvector of S', S'v = a v. Then the modes never mix, and w = u^(1/L) obeys
    dw/dt = 2 w^(L-1) (s - a w^L): for L = 2, du/dt = 4u(s - a u), with half time log(s/(a u(0)) - 1)/(4s).
    The second assumption holds for S' = a I, or if S' is a on the invariant and b on the other directions and C'ᵀC'
    commutes with Π: then the block of the larger correlation is learned first, and a penalty, which raises only b,
    lowers what the other block becomes (hardly its time).

    The network has room for the first min(r, rank C') modes, those listed. Outside of the assumptions it is an
    estimate: for s = 3, 2, 1 on five inputs, S' of condition 1 or 10 and weights from `init.balanced` or
    `init.gaussian`, 320 runs of two layers took 0.45 to 2.2 times as long (nine of ten 0.7 to 1.4), 160 runs of three
    layers 0.2 to 8 or longer.

    Args:
        problem: any problem with moments; regularized with strength=0 for the blocks of an unconstrained one.
        scale: positive; for `init.balanced(scale)` the same.
        depth: L, at least 1.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.diag([3.0, 1.0]))
    >>> print(time_scales(lv.unconstrained(m, rank=2), 0.01))
    mode   correlation       limit   half time   invariant
    0                3           3      0.8591           1
    1                1           1       2.303           1
    misfit ...
    """
    check_problem(problem)
    scale, depth = real(scale, "scale", positive=True), integer(depth, "depth")
    C, S = problem.quadratic.cross, problem.quadratic.moment
    U, s, Vt = svd(C)
    noise = tolerance(C.shape, math.sqrt(problem.data.yy * float(np.trace(problem.data.xx))))
    k = min(problem.rank, decide_rank(s, C.shape, noise))
    U, s, V = U[:, :k], s[:k], Vt[:k].T
    a = np.einsum("ik,ik->k", V, S @ V)
    B = problem.representation.invariant_basis()
    return TimeScales(
        depth=depth,
        scale=scale,
        correlations=s,
        curvatures=a,
        limits=s / a,
        half_times=_half_times(s, a, scale, depth),
        invariant=np.ones(k) if problem.is_hard_wired else np.square(B @ V).sum(axis=0),
        misfit=float(np.linalg.norm(S @ V - a * V)) / _spectral_norm(S) if k else 0.0,
        _problem=problem,
        _modes=(U, V),
    )


def _half_times(s: Array, a: Array, scale: float, depth: int) -> Array:
    """∫ dw / (2 w^(L-1) (s - a w^L)) from w = scale to (s/2a)^(1/L).

    With w = scale·e^y up to y = Δ it is scale^(2-L)/(2s) ∫ e^((2-L)y) / (1 - ½e^(L(y-Δ))) dy, a geometric series in ½.
    """
    span = np.maximum(np.log(s / (2 * a)) / depth - np.log(scale), 0.0)
    rate = 2 - depth
    with np.errstate(over="ignore"):  # beyond 1e308 a time is infinite
        total = span if rate == 0 else np.expm1(rate * span) / rate
        for k in range(1, 55):  # 2^-54 is rounding
            total = total - np.exp(rate * span) * np.expm1(-(rate + k * depth) * span) / (rate + k * depth) / 2**k
        times: Array = np.float64(scale) ** rate / (2 * s) * total
    return times


def _crossing(epochs: Epochs, height: Array) -> float:
    """Where a curve first reaches 0 from below."""
    t = int((height >= 0).argmax())
    if height[t] < 0:
        return math.nan
    if t == 0:
        return float(epochs[0])
    share = -height[t - 1] / (height[t] - height[t - 1])
    return float(epochs[t - 1] + share * (epochs[t] - epochs[t - 1]))
