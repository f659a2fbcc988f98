"""What augmentation by a few random group elements costs: the expected error of the sampled moment, in closed form.

All errors are E ‖S_K - S̄‖² in the Frobenius norm, for orthogonal representations.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..arrays import instance, integer, matrix
from ..data.moments import Moments
from ..data.samples import Samples
from ..groups import Representation


def shared(moments: Moments | Samples, rep: Representation, draws: int) -> float:
    """`draws` independent elements, the same for all samples: (‖S‖² - ‖S̄‖²)/K.

    >>> from linvariance.groups import symmetric
    >>> m = Moments.from_data([[2.0, 0.0]], [0.0])  # S = diag(4, 0), S̄ = diag(2, 2)
    >>> shared(m, symmetric(2), 1), shared(m, symmetric(2), 4)
    (8.0, 2.0)
    """
    _check_moments(rep, moments)
    S = moments.xx
    spread = float(np.square(S - rep.average_moment(S)).sum())  # = ‖S‖² - ‖S̄‖², S̄ being a projection of S
    return spread / integer(draws, "draws")


def without_replacement(moments: Moments | Samples, rep: Representation, draws: int) -> float:
    """`draws` different elements, the same for all samples: that of `shared` times (|G| - K)/(|G| - 1).

    >>> from linvariance.groups import symmetric
    >>> without_replacement(Moments.from_data([[2.0, 0.0]], [0.0]), symmetric(2), 2)
    0.0
    """
    error, order = shared(moments, rep, draws), rep.order()
    if order == math.inf:
        return error
    if draws > order:
        raise ValueError(f"draws is {draws}, but the group has only {order} elements.")
    return error * (1 - (draws - 1) / (int(order) - 1)) if order > 1 else 0.0


def per_sample(X: npt.ArrayLike, rep: Representation, draws: int) -> float:
    """`draws` independent elements for each sample: (1/(n²K)) Σ_i (‖x_i‖⁴ - ‖mean_g ρ(g) x_i x_iᵀ ρ(g)ᵀ‖²).

    Costs one average of a (d0, d0) matrix for each of the n samples.

    >>> from linvariance.groups import symmetric
    >>> per_sample([[2.0, 0.0]], symmetric(2), 1)
    8.0
    """
    _check(rep)
    inputs = matrix(X, "X", (None, rep.dim))
    moments = (np.outer(x, x) for x in inputs)
    spread = sum(float(np.square(S - rep.average_moment(S)).sum()) for S in moments)
    return spread / (len(inputs) ** 2 * integer(draws, "draws"))


def _check(rep: Representation) -> None:
    instance(rep, Representation, "rep", "see linvariance.groups")
    if not rep.is_orthogonal:
        raise ValueError(f"{rep!r} is not orthogonal, and the budget holds for orthogonal representations only.")


def _check_moments(rep: Representation, moments: Moments | Samples) -> None:
    _check(rep)
    instance(moments, (Moments, Samples), "moments", "call Moments.from_data(X, Y)")
    if moments.inputs != rep.dim:
        raise ValueError(f"moments are of {moments.inputs} inputs, but the group acts on {rep.dim}.")
