"""Problems on Samples, each with its NumPy twin on literal augmented data."""

import itertools

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import linvariance as lv
import oracles
import strategies
from tolerances import close, remember
from zoo import ZOO

ACTIVATIONS = tuple(oracles.PHI)
METHODS = ("unconstrained", "hard_wired", "augmented", "regularized", "convolutional")
LOSSES = {"squared": oracles.squared, "cross_entropy": oracles.cross_entropy}
SMALL = [name for name, entry in ZOO.items() if entry.dim <= 6]
SIZES = (1, 5, 95, 96, 97, 200)  # the core takes 96 samples at a time
STRENGTH = 0.3


class Drawn:
    """One problem on Samples with its twin: X (d0, n), Y (dL, n), the group's elements as matrices, a network.

    weights: of the network, its layers and then its biases, if it has some.
    """

    def __init__(self, name, method, loss, activation, inner, n, outputs, seed, biased=False):
        self.method, self.loss, self.activation, self.n, self.outputs = method, loss, activation, n, outputs
        entry, rng = ZOO[name], np.random.default_rng(seed)
        self.rep, self.rng, self.entry = entry.rep, rng, entry
        X = rng.standard_normal((entry.dim, n))
        if loss == "squared":
            self.labels = self.Y = rng.standard_normal((outputs, n))
            self.data = lv.Samples(X.T, self.Y.T)
        else:
            self.labels = rng.integers(0, outputs, n)
            self.Y = np.eye(outputs)[self.labels].T
            self.data = lv.Samples(X.T, self.labels, loss, classes=outputs)
        self.raw, eye = X, [np.eye(entry.dim)]
        self.X, self.elements, self.P = X, eye, None
        if method == "hard_wired":
            B = np.asarray(self.rep.invariant_basis())
            self.X, self.elements = B @ X, [np.eye(len(B))]
        elif method in ("augmented", "convolutional"):
            self.elements = list(entry.elements)
        elif method == "regularized":
            G = np.hstack([np.eye(entry.dim) - rho for rho in entry.generators])
            self.P = STRENGTH * G @ G.T
        self.widths = [len(self.X), *inner, outputs]
        layers = [rng.standard_normal((b, a)) / np.sqrt(max(a, 1)) for a, b in itertools.pairwise(self.widths)]
        biases = [rng.standard_normal(width) for width in self.widths[1:]] if biased else None
        self.network, self.weights = lv.Network(layers, activation, biases), layers + (biases or [])
        self.drawn = f"Drawn({name!r}, {method!r}, {loss!r}, {activation!r}, {inner}, {n}, {outputs}, {seed}, {biased})"
        self.problem = pose(method, self.data, self.rep, rank=max(min(self.widths), 1))

    def __repr__(self):
        return self.drawn

    def direction(self):
        return [self.rng.standard_normal(w.shape) for w in self.weights]

    def twin(self, weights, rows=None, elements=None):
        return oracles.network_gradient(
            weights,
            self.X,
            self.Y,
            self.elements if elements is None else elements,
            self.activation,
            LOSSES[self.loss],
            self.method == "convolutional",
            self.P,
            rows,
        )

    @property
    def trainable(self):
        """The elements in the order of the package, which that of batches is about."""
        if self.method != "augmented":
            return self.elements
        return [self.rep.multiply(np.eye(self.rep.dim), g) for g in self.rep.elements()]

    def value_and_gradient(self, weights, rows=None):
        """The package's, at the core."""
        kind = self.activation
        core = self.problem.objective.core()
        return core.gradient(self.widths, kind, oracles.joined(weights), rows)

    @property
    def dims(self):
        # A hundred roundings a sample at least: exponentials, their sum, a logarithm, the residual.
        return 100 + self.n * len(self.elements) + sum(self.widths)

    def agree(self, claim, found, expected, size=0.0):
        """Relative to the answer, or to what cancelled in it: to a few eps, and never worse than 1e-10."""
        norms = max(1.0, float(np.linalg.norm(expected)), size) * self.entry.condition
        close(claim, found, expected, norms=norms, dims=self.dims)
        relative = np.linalg.norm(np.asarray(found) - expected) / norms
        remember(f"{claim}, relative error / 1e-10", relative / 1e-10)
        assert relative <= 1e-10, f"{claim}: relative error {relative:.1e}"


def pose(method, data, rep, *, rank):
    if method == "unconstrained":
        return lv.unconstrained(data, rank=rank)
    if method == "regularized":
        return lv.regularized(data, rep, rank=rank, strength=STRENGTH)
    return getattr(lv, method)(data, rep, rank=rank)


@st.composite
def drawn(
    draw, names=SMALL, methods=METHODS, losses=tuple(LOSSES), activations=ACTIVATIONS, sizes=SIZES, biased=(False, True)
):
    name, method = draw(st.sampled_from(names)), draw(st.sampled_from(methods))
    assume(len(ZOO[name].elements) <= 60)
    activation = "identity" if method == "regularized" else draw(st.sampled_from(activations))
    inner = draw(st.lists(st.integers(1, 5), max_size=3))
    return Drawn(
        name,
        method,
        draw(st.sampled_from(losses)),
        activation,
        inner,
        draw(st.sampled_from(sizes)),
        draw(st.integers(2, 4)),
        draw(strategies.seeds),
        draw(st.sampled_from(biased)),
    )
