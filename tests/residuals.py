"""Residuals of the public functions on every spectrum, shape and scale, in units of norms · largest dimension · eps.

Each is a backward error, formed from the data alone: no condition number excuses it. Scales are powers of two near
1e±150, so that what is scaled back is exact. `python tests/residuals.py` measures all, and writes the worst of each
function to tests/data/residuals.json and the table into docs/numerics.md.
"""

import dataclasses
import functools
import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np

import linvariance as lv
import oracles
import strategies
from tolerances import EPS

ROOT = Path(__file__).resolve().parents[1]
STORED, PAGE = ROOT / "tests" / "data" / "residuals.json", ROOT / "docs" / "numerics.md"
BETWEEN = re.compile(r"(<!-- residuals -->\n).*(<!-- end -->)", re.DOTALL)

SHAPES = ((1, 1), (7, 3), (3, 7), (40, 14), (50, 196), (196, 196))
EXPONENTS = ((0, 0), (150, 150), (-150, -150), (150, -150), (-150, 150))
OUTPUTS, RANK, STRENGTH = 3, 2, 0.3


@dataclasses.dataclass(frozen=True)
class Draw:
    """X (n, d0) with a spectrum, Y (n, 3); functions get a·X and b·Y, residuals are formed without a and b."""

    spectrum: str
    shape: tuple[int, int]
    exponents: tuple[int, int]

    @functools.cached_property
    def X(self):
        return strategies.matrix(np.random.default_rng(0), *self.shape, self.spectrum)

    @functools.cached_property
    def Y(self):
        return np.random.default_rng(1).standard_normal((len(self.X), OUTPUTS))

    @functools.cached_property
    def scales(self):
        return tuple(2.0 ** round(e * np.log2(10)) for e in self.exponents)

    @functools.cached_property
    def data(self):
        a, b = self.scales
        return a * self.X, b * self.Y

    @functools.cached_property
    def moments(self):
        return lv.Moments.from_data(*self.data)

    @functools.cached_property
    def rep(self):
        """Of order two: coordinates in reverse order."""
        return lv.groups.permutations([np.arange(self.shape[1])[::-1]])

    @functools.cached_property
    def average(self):
        """Π (d0, d0)."""
        return (np.eye(self.shape[1]) + np.eye(self.shape[1])[::-1]) / 2

    @functools.cached_property
    def norms(self):
        """‖X‖₂/√n, ‖Y‖/√n."""
        return np.linalg.norm(self.X, 2) / np.sqrt(len(self.X)), np.linalg.norm(self.Y) / np.sqrt(len(self.X))

    @functools.cached_property
    def problem(self):
        return lv.unconstrained(self.moments, rank=RANK)

    @functools.cached_property
    def map(self):
        """A map V (3, d0) of the size that the scales ask for, and V·a/b."""
        V = np.random.default_rng(3).standard_normal((OUTPUTS, self.shape[1]))
        a, b = self.scales
        return V * (b / a), V

    @functools.cached_property
    def layers(self):
        """A network W2 W1 of that size, each layer √(b/a) times those without scales; these."""
        rng, size = np.random.default_rng(4), np.sqrt(self.scales[1] / self.scales[0])
        W1, W2 = rng.standard_normal((RANK, self.shape[1])), rng.standard_normal((OUTPUTS, RANK))
        return lv.Network([size * W1, size * W2]), [W1, W2]

    def ratio(self, error, norm):
        error, unit = float(np.linalg.norm(error)), norm * max(*self.shape, OUTPUTS) * EPS
        if error == 0:
            return 0.0
        return error / unit if np.isfinite(error) and unit > 0 else np.inf


def stationary(draw, W, A, T):
    """∇ Wᵀ and Wᵀ ∇ of ‖A Wᵀ - T‖²/n on maps of bounded rank."""
    W, n = W * (draw.scales[0] / draw.scales[1]), len(draw.X)
    gradient = 2 / n * (W @ A.T - T.T) @ A
    size = np.linalg.norm(A, 2)
    norm = 2 / n * size * (size * np.linalg.norm(W) + np.linalg.norm(T)) * np.linalg.norm(W)
    return max(draw.ratio(gradient @ W.T, norm), draw.ratio(W.T @ gradient, norm))


def augmented_set(draw):
    return np.vstack([draw.X, draw.X[:, ::-1]]) / np.sqrt(2), np.vstack([draw.Y, draw.Y]) / np.sqrt(2)


def penalized_set(draw):
    G = np.eye(draw.shape[1]) - np.eye(draw.shape[1])[::-1]
    rows = np.sqrt(len(draw.X) * STRENGTH) * G
    return np.vstack([draw.X, rows]), np.vstack([draw.Y, np.zeros((len(rows), OUTPUTS))])


def strength(draw):
    return STRENGTH * draw.scales[0] ** 2


def second_moments(draw, m, X, Y):
    (a, b), (x, y) = draw.scales, (np.linalg.norm(X), np.linalg.norm(Y))
    n = len(X)
    return max(
        draw.ratio(m.xx / a / a - X.T @ X / n, x * x / n),
        draw.ratio(m.yx / a / b - Y.T @ X / n, x * y / n),
        draw.ratio(m.yy / b / b - y * y / n, y * y / n),
    )


def merged(draw):
    (X, Y), half = draw.data, max(1, len(draw.X) // 2)
    parts = [lv.Moments.from_data(X[rows], Y[rows]) for rows in (slice(half), slice(half, None)) if len(X[rows])]
    return second_moments(draw, sum(parts), draw.X, draw.Y)


def loss(draw):
    V, plain = draw.map
    x, y = draw.norms
    expected = np.sum((draw.X @ plain.T - draw.Y) ** 2) / len(draw.X)
    return draw.ratio(draw.problem.loss(V) / draw.scales[1] ** 2 - expected, (x * np.linalg.norm(plain) + y) ** 2)


def gradient(draw):
    V, plain = draw.map
    (a, b), (x, y) = draw.scales, draw.norms
    expected = 2 / len(draw.X) * (draw.X @ plain.T - draw.Y).T @ draw.X
    return draw.ratio(draw.problem.gradient(V) / a / b - expected, 2 * x * (x * np.linalg.norm(plain) + y))


def points(draw):
    worst, scale = 0.0, draw.scales[1] ** 2
    for point in itertools.islice(lv.critical_points(draw.problem), 3):
        W = point.weights * (draw.scales[0] / draw.scales[1])
        expected = np.sum((draw.X @ W.T - draw.Y) ** 2) / len(draw.X)
        x, y = draw.norms
        worst = max(worst, draw.ratio(point.loss / scale - expected, (x * np.linalg.norm(W) + y) ** 2))
        worst = max(worst, stationary(draw, point.weights, draw.X, draw.Y))
    return worst


def path(draw):
    f = lv.regularization_path(draw.moments, draw.rep, rank=RANK)
    return stationary(draw, f(strength(draw)).weights, *penalized_set(draw))


def network_loss(draw):
    network, (W1, W2) = draw.layers
    x, y = draw.norms
    expected = np.sum((draw.X @ (W2 @ W1).T - draw.Y) ** 2) / len(draw.X)
    size = (x * np.linalg.norm(W2) * np.linalg.norm(W1) + y) ** 2
    return draw.ratio(lv.network_loss(draw.problem, network) / draw.scales[1] ** 2 - expected, size)


def gradients(draw):
    """Layer by layer: ∂/∂W at √(b/a) W is a b √(b/a) times that without scales."""
    network, layers = draw.layers
    (a, b), (x, y), size = draw.scales, draw.norms, np.sqrt(draw.scales[1] / draw.scales[0])
    found = lv.value_and_gradient(draw.problem, network)[1]
    expected = oracles.chain_gradient(layers, draw.X.T, draw.Y.T)
    one, two = map(np.linalg.norm, layers)
    signal = 2 * x * (x * one * two + y)
    return max(
        draw.ratio(found[0] / a / b / size - expected[0], signal * two),
        draw.ratio(found[1] / a / b / size - expected[1], signal * one),
    )


def products(draw, operator, expected):
    """A product with V = (V1, V2) at unit scales: these operators mix the layers, whose scales differ otherwise."""
    _, layers = draw.layers
    directions = [np.random.default_rng(5).standard_normal(W.shape) for W in layers]
    p = lv.unconstrained(lv.Moments.from_data(draw.X, draw.Y), rank=RANK)
    found = operator(p, lv.Network(layers)) @ oracles.joined(directions)
    x, y = draw.norms
    one, two = map(np.linalg.norm, layers)
    size = 2 * x * (x * (one + two) ** 2 + y) * np.linalg.norm(oracles.joined(directions))
    return draw.ratio(found - oracles.joined(expected(layers, directions, draw.X.T, draw.Y.T)), size)


def gauss_newton(layers, directions, X, Y):
    """2/n fᵀ' f' v, for f = W2 W1 X."""
    (W1, W2), (V1, V2) = layers, directions
    moved = 2 / X.shape[1] * (V2 @ W1 + W2 @ V1) @ X @ X.T
    return [W2.T @ moved, moved @ W1.T]


def split(draw):
    V, plain = draw.map
    back = draw.scales[0] / draw.scales[1]
    parts = lv.invariance.split(V, draw.rep)
    invariant = plain @ draw.average
    return max(
        draw.ratio(parts.invariant * back - invariant, np.linalg.norm(plain)),
        draw.ratio(parts.perp * back - (plain - invariant), np.linalg.norm(plain)),
    )


def average_moment(draw):
    a = draw.scales[0]
    S = draw.X.T @ draw.X
    return draw.ratio(draw.rep.average_moment(a * S) / a - (S + S[::-1, ::-1]) / 2, np.linalg.norm(S))


def matrices(draw):
    """The same group in another orthonormal basis."""
    Q = strategies.orthonormal(np.random.default_rng(6), draw.shape[1], draw.shape[1])
    rep = lv.groups.matrices([Q @ np.eye(draw.shape[1])[::-1] @ Q.T])
    V, plain = draw.map
    found = rep.project(V) * (draw.scales[0] / draw.scales[1])
    return draw.ratio(found - plain @ Q @ draw.average @ Q.T, np.linalg.norm(plain))


def basis(draw):
    B = draw.rep.invariant_basis()
    return max(draw.ratio(B @ B.T - np.eye(len(B)), 1.0), draw.ratio(B.T @ B - draw.average, 1.0))


def centred(draw):
    X, Y = draw.X - draw.X.mean(axis=0), draw.Y - draw.Y.mean(axis=0)
    (a, b), n = draw.scales, len(X)
    x, y, m = np.linalg.norm(draw.X), np.linalg.norm(draw.Y), draw.moments.centered()
    return max(
        draw.ratio(m.xx / a / a - X.T @ X / n, x * x / n),
        draw.ratio(m.yx / a / b - Y.T @ X / n, x * y / n),
        draw.ratio(m.yy / b / b - np.sum(Y * Y) / n, y * y / n),
    )


def kernel_ridge(draw):
    """K ((K + n·strength) α - Y) for the kernel x·x'/a²: off its support nothing matters, as it is 0 in f."""
    a, b = draw.scales
    X, Y = draw.data
    fit = lv.kernels.ridge(lambda A, B: (A / a) @ (B / a).T, X, Y, strength=STRENGTH)
    K, alpha, shift = draw.X @ draw.X.T, fit.coefficients / b, len(X) * STRENGTH
    size = np.linalg.norm(draw.X, 2) ** 2
    norm = size * ((size + shift) * np.linalg.norm(alpha) + np.linalg.norm(draw.Y))
    return draw.ratio(K @ (K @ alpha + shift * alpha - draw.Y), norm)


RESIDUALS = {
    # function: (what is small, the ratio)
    "Moments.from_data": ("xx, yx, yy", lambda d: second_moments(d, d.moments, d.X, d.Y)),
    "Moments.__add__": ("xx, yx, yy of two halves", merged),
    "Moments.centered": (
        "xx, yx, yy of centred rows, in units of the rows",
        centred,
    ),
    "unconstrained, solve": (
        "∇Wᵀ, Wᵀ∇",
        lambda d: stationary(d, lv.solve(d.problem).weights, d.X, d.Y),
    ),
    "hard_wired, solve": (
        "∇Wᵀ, Wᵀ∇ on invariant inputs",
        lambda d: stationary(d, lv.solve(lv.hard_wired(d.moments, d.rep, rank=RANK)).weights, d.X @ d.average, d.Y),
    ),
    "augmented, solve": (
        "∇Wᵀ, Wᵀ∇ on augmented data",
        lambda d: stationary(d, lv.solve(lv.augmented(d.moments, d.rep, rank=RANK)).weights, *augmented_set(d)),
    ),
    "regularized, solve": (
        "∇Wᵀ, Wᵀ∇ with the penalty's rows",
        lambda d: stationary(
            d,
            lv.solve(lv.regularized(d.moments, d.rep, rank=RANK, strength=strength(d))).weights,
            *penalized_set(d),
        ),
    ),
    "regularization_path": ("∇Wᵀ, Wᵀ∇ at one strength", path),
    "critical_points": ("∇Wᵀ, Wᵀ∇ and the loss of the first three", points),
    "Problem.loss": ("against the sum over samples", loss),
    "Problem.gradient": ("against the sum over samples", gradient),
    "network_loss": ("against the sum over samples", network_loss),
    "value_and_gradient": ("against back-propagation over the samples", gradients),
    "hessian": (
        "H v against a complex step",
        lambda d: products(d, lv.hessian, oracles.hessian_product),
    ),
    "curvature.gauss_newton": (
        "G v against the sum over samples",
        lambda d: products(d, lv.curvature.gauss_newton, gauss_newton),
    ),
    "invariance.split": ("against W Π", split),
    "Representation.project, matrices": ("against W Π", matrices),
    "Representation.average_moment": ("against the sum over elements", average_moment),
    "Representation.invariant_basis": ("B Bᵀ - I, BᵀB - Π", basis),
    "kernels.ridge": ("the normal equations on the support of K", kernel_ridge),
}

EXEMPT = {
    # public functions that return numbers, and why they have no row
    "a step or an answer of others that have one": (
        *("compare", "equivariance_gap", "escape", "learning_curve", "lower_rank_points", "network_at"),
        *("select_rank", "select_symmetry", "symmetry_benefit", "selection.degrees_of_freedom"),
    ),
    "decides and counts": ("classify", "nullity", "invariance.accuracy", "dynamics.visits"),
    "iterates to a tolerance of its own, which is what it reports": ("nuclear_norm", "whitened_nuclear_norm"),
    "an ODE or a descent, compared with its twin step by step": ("train", "resume", "dynamics.gradient_flow"),
    "has eigenvalues by LAPACK or Lanczos of the operators that have one": (
        *("curvature.extremes", "curvature.sharpness", "curvature.spectral_density", "curvature.sampled_density"),
        "invariance.seen_and_frozen",
    ),
    "the same operator as gauss_newton, or one of samples, whose terms have no second moments": (
        *("curvature.fisher", "curvature.empirical_fisher"),
    ),
    "takes no data": ("groups.intertwine", "groups.intertwiner_basis", "groups.isotypic", "augmentation.mixing"),
    "a norm or a mean of what has one": (
        *("loss_along", "dynamics.balancedness", "dynamics.first_layer_perp", "dynamics.stable_step"),
        *("dynamics.time_scales", "invariance.error", "invariance.orbit_variance", "invariance.sampled_error"),
        *("augmentation.departure", "augmentation.per_sample", "augmentation.shared"),
        "augmentation.without_replacement",
    ),
    "has an accuracy of its own, against mpmath": ("kernels.ntk",),
}


DRAWS = [
    Draw(spectrum, shape, exponents)
    for spectrum in strategies.SPECTRA
    for shape in SHAPES
    for exponents in EXPONENTS
    if max(shape) < 100 or exponents in EXPONENTS[:1] + EXPONENTS[3:4]
]


def worst(name):
    """(largest ratio, the draw that has it)"""
    measure = RESIDUALS[name][1]
    return max(((measure(draw), str(draw)) for draw in DRAWS), key=lambda found: found[0])


def table(stored):
    """As it stands in the docs, the worst first."""
    rows = [
        f"| `{name}` | {RESIDUALS[name][0]} | {ratio:.2g} |"
        for name, ratio in sorted(stored.items(), key=lambda item: -item[1])
    ]
    return "\n".join(["| function | what is small | worst ratio |", "|---|---|---|", *rows, ""])


def main():
    """Measure, store, write the page."""
    stored = {name: float(f"{worst(name)[0]:.3g}") for name in RESIDUALS}
    STORED.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BETWEEN.sub(lambda m: m[1] + table(stored) + m[2], text), encoding="utf-8")
    sys.stdout.write(table(stored))


if __name__ == "__main__":
    main()
