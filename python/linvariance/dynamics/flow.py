"""Gradient flow, the limit of gradient descent for small learning rates."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import _core
from ..arrays import Array, real, reals, refuse_large
from ..curvature.hessians import check_network
from ..landscape.points import check_problem
from ..networks.network import Network
from ..problems import Problem
from ..tables import Columns, Tabular

EVALUATIONS = 200_000  # of the gradient in one `gradient_flow`: some seconds for small networks


@dataclass(frozen=True, eq=False)
class Flow(Tabular):
    """Gradient flow at some times.

    Attributes:
        times: (T,).
        loss: (T,), with 1/n.
        networks: one for each time; `network.matrix` is V (dL, dim), where the problem's loss lives.
    """

    times: Array
    loss: Array
    networks: tuple[Network, ...]

    def _columns(self) -> Columns:
        return {"time": self.times, "loss": self.loss}

    def __repr__(self) -> str:
        return f"Flow({len(self.times)} states up to time {self.times[-1]:g}, final loss {self.loss[-1]:.6g})"


def gradient_flow(
    problem: Problem, network: Network, times: npt.ArrayLike, *, rtol: float = 1e-8, atol: float = 1e-10
) -> Flow:
    """dW_j/dt = -∂f/∂W_j from a network at t = 0, by Dormand and Prince's explicit method of order 8.

    Gradient descent with learning rate lr and no weight decay is at time lr·k after k updates, up to O(lr). The price
    of an explicit method grows with t·(largest eigenvalue of the Hessian); above 200,000 gradients it gives up with a
    ValueError.

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
    check_network(problem, network)
    rtol, atol = real(rtol, "rtol", minimum=1e-13), real(atol, "atol", positive=True)  # SciPy's limit is 100 eps
    start = np.asarray(network.flat, dtype=np.float64)
    when = _ascending(times)
    refuse_large(8 * when.size * start.size, f"times: {when.size} networks of {start.size} weights", "pass fewer times")
    from scipy.integrate import solve_ivp  # here: it brings scipy.optimize, see optima.optimum

    S, C = problem.quadratic.input_moment, problem.quadratic.cross
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
        found = solve_ivp(velocity, (0.0, when[-1]), start, method="DOP853", t_eval=when, rtol=rtol, atol=atol)
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
