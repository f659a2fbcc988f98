"""How invariant a map is: parts of W, accuracy on the augmented data, error of any callable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from .arrays import BLOCK_BYTES, Array, instance, integer, last_axis, matrix, real, reals
from .data.moments import Moments
from .data.samples import Samples
from .groups import Representation, dual
from .progress import Progress, followed
from .tensors import rows

__all__ = ["SampledError", "Split", "accuracy", "error", "orbit_variance", "sampled_error", "seen_and_frozen", "split"]


@dataclass(frozen=True, eq=False)
class Split:
    """W = invariant + perp; with moments, perp = seen + frozen (each (dL, d0), else None).

    Attributes:
        invariant: W Π.
        perp: W⊥ = W (I - Π).
        frozen: the part of W⊥ on eigenvectors of S̄ with eigenvalues of at most d0·eps·λ₁, augmented data below √eps of
            their scale. Where they are exactly zero W_1 never moves in training (without ridge or weight decay); later
            layers still scale this part.
        seen: the rest of W⊥.
    """

    invariant: Array
    perp: Array
    seen: Array | None = None
    frozen: Array | None = None

    def __repr__(self) -> str:
        parts = {name: getattr(self, name) for name in ("invariant", "perp", "seen", "frozen")}
        norms = (f"‖{name}‖={np.linalg.norm(part):.4g}" for name, part in parts.items() if part is not None)
        return f"Split({', '.join(norms)})"


def split(W: npt.ArrayLike, rep: Representation, moments: Moments | Samples | None = None) -> Split:
    """W (dL, d0) into W Π and W⊥ = W (I - Π); with the data's moments, W⊥ into what they see and what is frozen.

    >>> from linvariance.groups import symmetric
    >>> parts = split([[1.0, 3.0]], symmetric(2))
    >>> parts.invariant.tolist(), parts.perp.tolist()
    ([[2.0, 2.0]], [[-1.0, 1.0]])
    """
    _check(rep)
    W = matrix(W, "W", (None, rep.dim))
    invariant = rep.project(W)
    perp = W - invariant
    if moments is None:
        return Split(invariant, perp)
    if not rep.is_orthogonal:
        raise ValueError(f"{rep!r} is not orthogonal: seen and frozen parts are defined for orthogonal ones only.")
    _, E = seen_and_frozen(rep, moments)
    frozen = (perp @ E) @ E.T
    return Split(invariant, perp, perp - frozen, frozen)


def seen_and_frozen(rep: Representation, moments: Moments | Samples, ridge: float = 0.0) -> tuple[Array, Array]:
    """Orthonormal bases (d0, .) of the two parts of the complement of the invariants.

    Frozen are the eigenvectors of S̄ with eigenvalues of at most d0·eps·λ₁, data below √eps of their scale: there
    the gradient of the augmented problem is zero, and what an initialization left in W_1 stays. A ridge raises all.
    """
    _check(rep)
    ridge = real(ridge, "ridge")
    instance(moments, (Moments, Samples), "moments", "call Moments.from_data(X, Y)")
    if moments.inputs != rep.dim:
        raise ValueError(f"moments are of {moments.inputs} inputs, but the group acts on {rep.dim}.")
    S = rep.average_moment(moments.xx)
    B = rep.complement_basis
    if not len(B):
        return np.zeros((rep.dim, 0)), np.zeros((rep.dim, 0))
    largest = scipy.linalg.eigvalsh(S)[-1]
    values, vectors = scipy.linalg.eigh(B @ S @ B.T)  # S̄ commutes with Π, so its eigenvectors may be taken here
    is_frozen = values + ridge <= rep.dim * np.finfo(np.float64).eps * (largest + ridge)
    E = np.ascontiguousarray(B.T @ vectors)
    return np.ascontiguousarray(E[:, ~is_frozen]), np.ascontiguousarray(E[:, is_frozen])


def seen_by(rep: Representation, R: Array, ridge: float = 0.0) -> Array | None:
    """The first of these, for S̄ = RᵀR of few rows R (k, d0); None if a ridge raises all."""
    largest = float(np.linalg.norm(R @ R.T, 2)) + ridge
    small = rep.dim * float(np.finfo(np.float64).eps) * largest
    if ridge > small:
        return None
    _, s, Vt = scipy.linalg.svd(R - rep.project(R), full_matrices=False)
    return np.ascontiguousarray(Vt[np.square(s) + ridge > small].T)


def accuracy(
    W: npt.ArrayLike, X: npt.ArrayLike, labels: npt.ArrayLike, rep: Representation, *, progress: Progress = False
) -> Any:
    """Share of correct argmax over outputs on the data augmented by the whole group, which is never built.

    Args:
        W: (..., dL, d0); the result has the leading axes (a float if there are none).
        X: (n, d0).
        labels: (n,), integers 0 .. dL - 1.
        rep: enumerated, unless every W is exactly invariant.
        progress: True for a bar on stderr, or a callback (done, total), that counts elements.

    >>> from linvariance.groups import symmetric
    >>> accuracy(np.eye(2), [[1.0, 0.0]], [0], symmetric(2))
    0.5
    """
    _check(rep)
    W = last_axis(W, "W", rep.dim)
    if W.ndim < 2:
        raise ValueError(f"W must be (..., dL, d0), but has shape {W.shape}.")
    inputs = matrix(X, "X", (None, rep.dim))
    outputs = W.shape[-2]
    classes = _labels(labels, len(inputs), outputs)
    stack = W.reshape(-1, outputs, rep.dim)
    invariant = not np.abs(rep.defect.T @ stack.reshape(-1, rep.dim).T).max(initial=0.0)
    elements: list[Any] = [None] if invariant else _listed(rep, "only a W that is invariant can be judged on all")
    moved = (stack if g is None else rep.multiply(stack, g) for g in followed(elements, "Elements", progress))
    right, count = np.zeros(len(stack)), 0
    step = max(1, BLOCK_BYTES // (8 * len(stack) * outputs))
    for one in moved:  # W ρ(g), so that the data stay where they are
        count += 1
        for start in range(0, len(inputs), step):
            block = slice(start, start + step)
            scores = (one.reshape(-1, rep.dim) @ inputs[block].T).reshape(len(stack), outputs, -1)
            right += (scores.argmax(axis=1) == classes[block]).sum(axis=1)
    shares = (right / (count * len(inputs))).reshape(W.shape[:-2])
    return float(shares) if shares.ndim == 0 else shares


def error(f: Callable[[Any], Any], X: Any, rep: Representation, *, progress: Progress = False) -> Any:
    """ε_inv(f, x) = E_g[‖f(ρ(g)x) - f̄(x)‖²] / ‖f̄(x)‖², f̄(x) = E_g[f(ρ(g)x)], for each row x: (n,).

    For one output this is E_g[(1 - f(ρ(g)x)/f̄(x))²], the invariance error of Duan & Montúfar's Figure 11.

    Args:
        f: takes inputs (n, d0), returns outputs (n,) or (n, k); a module of PyTorch (dropout and batch norms in
            evaluation mode) or a function of JAX too.
        X: (n, d0). Of tensors of PyTorch and arrays of JAX f gets such, of their dtype and device and without gradients
            recorded, and the errors come back as such.
        rep: enumerated.
        progress: True for a bar on stderr, or a callback (done, total), that counts elements.

    >>> from linvariance.groups import symmetric
    >>> error(lambda X: X[:, 0], [[1.0, 3.0], [2.0, 2.0]], symmetric(2))
    array([0.25, 0.  ])
    """
    _check(rep)
    given = rows(f, X, rep.dim)
    # ρ(g)x for rows x is X ρ(g)ᵀ; an orthogonal ρ(g)ᵀ is some other ρ(h), and over the group the order is the same.
    moving = dual(rep)
    elements = followed(_listed(moving, "call sampled_error(f, X, rep, draws=..., rng=...)"), "Elements", progress)
    outputs = np.stack([given.outputs(moving.multiply(given.inputs, g)) for g in elements])
    mean = outputs.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # f̄(x) = 0 has error inf, or nan if f vanishes on the orbit
        return given.like(np.square(outputs - mean).sum(axis=-1).mean(axis=0) / np.square(mean).sum(axis=-1))


def _listed(rep: Representation, advice: str) -> list[Any]:
    try:
        return list(rep.elements())
    except ValueError:
        raise ValueError(f"rep, {rep!r:.80}, has too many elements to enumerate, above 10,000: {advice}.") from None


def _check(rep: Representation) -> None:
    instance(rep, Representation, "rep", "see linvariance.groups")


@dataclass(frozen=True, eq=False)
class SampledError:
    """An estimate of `error` from random group elements: value (n,) and its standard error (n,), by the jackknife."""

    value: Any
    standard_error: Any


def sampled_error(
    f: Callable[[Any], Any],
    X: Any,
    rep: Representation,
    *,
    draws: int,
    rng: np.random.Generator,
    progress: Progress = False,
) -> SampledError:
    """ε_inv(f, x) as `error` defines it, from `draws` elements of Haar's measure: for groups too large to enumerate.

    f, X and progress are those of `error`, too.

    >>> from linvariance.groups import symmetric
    >>> estimate = sampled_error(lambda X: X[:, 0], np.arange(1.0, 101.0)[None], symmetric(100),
    ...                          draws=2000, rng=np.random.default_rng(0))
    >>> exact = np.var(np.arange(1.0, 101.0)) / 50.5**2
    >>> bool(abs(estimate.value[0] - exact) < 4 * estimate.standard_error[0])
    True
    """
    _check(rep)
    given = rows(f, X, rep.dim)
    draws = integer(draws, "draws", minimum=3)
    instance(rng, np.random.Generator, "rng", "numpy.random.default_rng(seed)")
    moving = dual(rep)
    elements = followed(list(moving.draw(draws, rng)), "Draws", progress)
    outputs = np.stack([given.outputs(moving.multiply(given.inputs, g)) for g in elements])
    middle = outputs.mean(axis=0)
    off = outputs - middle  # centred first, since the mean may be much larger than what varies
    squares = np.square(off).sum(axis=(0, 2))

    def ratio(total: Array, squares: Array, count: int) -> Array:
        shift = total / count
        variance = (squares / count - np.square(shift).sum(axis=-1)) * count / (count - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.maximum(variance, 0.0) / np.square(middle + shift).sum(axis=-1)

    without = ratio(-off, squares - np.square(off).sum(axis=2), draws - 1)
    error = np.sqrt((draws - 1) * np.square(without - without.mean(axis=0)).mean(axis=0))
    return SampledError(given.like(ratio(np.zeros_like(middle), squares, draws)), given.like(error))


def orbit_variance(W: npt.ArrayLike, rep: Representation, moments: Moments) -> float:
    """Mean over the data of E_g ‖W ρ(g) x - E_h W ρ(h) x‖² = tr(W (S̄ - Π S Πᵀ) Wᵀ): 0 iff W is invariant on them.

    >>> from linvariance.groups import symmetric
    >>> orbit_variance([[1.0, 0.0]], symmetric(2), Moments.from_data([[1.0, 3.0]], [0.0]))
    1.0
    """
    _check(rep)
    instance(moments, Moments, "moments", "call Moments.from_data(X, Y)")
    if moments.inputs != rep.dim:
        raise ValueError(f"moments are of {moments.inputs} inputs, but the group acts on {rep.dim}.")
    W = matrix(W, "W", (None, rep.dim))
    fixed = rep.project(W) @ moments.factor[:, : rep.dim].T
    return max(0.0, float(np.vdot(W @ rep.average_moment(moments.xx), W) - np.square(fixed).sum()))


def _labels(labels: npt.ArrayLike, n: int, outputs: int) -> npt.NDArray[np.int64]:
    array = reals(labels, "labels", ndim=(1,))
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers 0 .. {outputs - 1}, but hold {array.dtype}.")
    if len(array) != n:
        raise ValueError(f"labels has {len(array)} entries for {n} rows of X.")
    if array.min() < 0 or array.max() >= outputs:
        raise ValueError(f"labels must lie in 0 .. {outputs - 1}, but reach from {array.min()} to {array.max()}.")
    return array.astype(np.int64)


def __dir__() -> list[str]:
    return __all__
