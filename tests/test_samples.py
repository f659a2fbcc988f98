"""Samples: both losses and nonlinear networks against a NumPy twin on literal augmented data, and against Moments."""

import copy
import itertools
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import linvariance as lv
import oracles
import strategies
from linvariance import hessians
from tolerances import close, remember
from zoo import ZOO

ACTIVATIONS = tuple(oracles.PHI)
METHODS = ("unconstrained", "hard_wired", "augmented", "regularized", "convolutional")
LOSSES = {"squared": oracles.squared, "cross_entropy": oracles.cross_entropy}
SMALL = [name for name, entry in ZOO.items() if entry.dim <= 6]
SIZES = (1, 5, 95, 96, 97, 200)  # the core takes 96 samples at a time
STRENGTH = 0.3


class Drawn:
    """One problem on Samples with its twin: X (d0, n), Y (dL, n), the group's elements as matrices, a network."""

    def __init__(self, name, method, loss, activation, inner, n, outputs, seed):
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
        self.weights = [rng.standard_normal((b, a)) / np.sqrt(max(a, 1)) for a, b in itertools.pairwise(self.widths)]
        self.network = lv.Network(self.weights, activation)
        self.drawn = f"Drawn({name!r}, {method!r}, {loss!r}, {activation!r}, {inner}, {n}, {outputs}, {seed})"
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
        assert relative <= 1e-10


def pose(method, data, rep, *, rank):
    if method == "unconstrained":
        return lv.unconstrained(data, rank=rank)
    if method == "regularized":
        return lv.regularized(data, rep, rank=rank, strength=STRENGTH)
    return getattr(lv, method)(data, rep, rank=rank)


@st.composite
def drawn(draw, names=SMALL, methods=METHODS, losses=tuple(LOSSES), activations=ACTIVATIONS, sizes=SIZES):
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
    )


# --------------------------------------------------------------------------------------------------- against the twin


@given(drawn())
def test_value_and_gradient_equal_the_twin_on_literal_augmented_data(one):
    loss, gradient = one.value_and_gradient(one.weights)
    expected, gradients = one.twin(one.weights)
    one.agree("samples: loss", loss, expected)
    one.agree("samples: gradient", gradient, oracles.joined(gradients))
    V = one.direction()
    along = oracles.complex_step(lambda w: one.twin(w)[:1], one.weights, V)[0]
    one.agree("samples: gradient, complex step on the loss", gradient @ oracles.joined(V), along, size=one.dims)


@given(drawn(), st.integers(1, 250))
def test_some_rows_of_the_augmented_data(one, count):
    """In the order that Batches documents: row k is element k // n of rep.elements() on sample k % n."""
    elements = one.trainable
    rows = one.rng.integers(0, one.problem.objective.rows, count).astype(np.int32)
    loss, gradient = one.value_and_gradient(one.weights, rows)
    expected, gradients = one.twin(one.weights, rows, elements)
    one.agree("samples: loss of a batch", loss, expected)
    one.agree("samples: gradient of a batch", gradient, oracles.joined(gradients))


@given(drawn())
def test_hessian_products_equal_the_complex_step_on_the_twins_gradient(one):
    H = lv.hessian(one.problem, one.network)
    for _ in range(2):
        V = one.direction()
        expected = oracles.joined(oracles.complex_step(lambda w: one.twin(w)[1], one.weights, V))
        one.agree("samples: Hessian product", H.matvec(oracles.joined(V)), expected)


@given(drawn(), st.integers(0, 70))
def test_the_hessian_is_symmetric_and_a_block_is_its_columns(one, columns):
    H = lv.hessian(one.problem, one.network)
    u, v = one.rng.standard_normal((2, H.shape[0]))
    Hu, Hv = H.matvec(u), H.matvec(v)
    size = np.linalg.norm(Hu) * np.linalg.norm(v)
    one.agree("samples: <Hu, v> = <u, Hv>", Hu @ v, u @ Hv, size=size)
    V = one.rng.standard_normal((H.shape[0], columns))
    block = H.matmat(V)
    for k in range(0, columns, 9):
        one.agree("samples: block = one by one", block[:, k], H.matvec(V[:, k]))
    one.agree("samples: linear", H.matvec(2 * u - 3 * v), 2 * Hu - 3 * Hv, size=5 * size)


@given(drawn(methods=("hard_wired", "convolutional", "augmented")))
def test_predictor_is_the_function_whose_loss_it_is(one):
    f = lv.predictor(one.problem, one.network)
    inputs = np.hstack([rho @ one.raw for rho in one.elements]) if one.method == "augmented" else one.raw
    targets = np.hstack([one.Y] * len(one.elements)) if one.method == "augmented" else one.Y
    loss = LOSSES[one.loss](f(inputs.T).T, targets)[0] / inputs.shape[1]
    one.agree("samples: loss of the predictor", one.value_and_gradient(one.weights)[0], loss)


@given(drawn(methods=("hard_wired", "convolutional")))
def test_hard_wired_and_convolutional_networks_are_invariant_whatever_the_weights(one):
    f = lv.predictor(one.problem, one.network)
    for rho in one.entry.generators:
        one.agree("samples: f(gx) = f(x)", f((rho @ one.raw).T), f(one.raw.T), size=np.linalg.norm(f(one.raw.T)))


@given(drawn(methods=("convolutional",), activations=("identity",)))
def test_a_linear_convolutional_network_is_its_matrix_on_averaged_inputs(one):
    expected = one.network.matrix @ oracles.reynolds(one.elements) @ one.raw
    one.agree("samples: linear convolution", lv.predictor(one.problem, one.network)(one.raw.T).T, expected)


@given(drawn(methods=("augmented",), sizes=(1, 5, 30)))
def test_augmented_is_the_trivial_group_on_literal_copies(one):
    """Orbits through the first layer, against data that are really stored."""
    X, Y = oracles.augmented_set(one.raw, one.Y, one.elements)
    labels = np.tile(one.labels, len(one.elements))
    data = lv.Samples(X.T, Y.T) if one.loss == "squared" else lv.Samples(X.T, labels, one.loss, classes=one.outputs)
    literal = lv.unconstrained(data, rank=one.problem.rank)
    kind, flat = one.activation, oracles.joined(one.weights)
    loss, gradient = literal.objective.core().gradient(one.widths, kind, flat)
    one.agree("samples: literal copies, loss", one.value_and_gradient(one.weights)[0], loss)
    one.agree("samples: literal copies, gradient", one.value_and_gradient(one.weights)[1], gradient)
    v = oracles.joined(one.direction())
    one.agree(
        "samples: literal copies, Hessian",
        lv.hessian(one.problem, one.network).matvec(v),
        lv.hessian(literal, one.network).matvec(v),
    )


# -------------------------------------------------------------------------------------- the same problem on Moments

FOUR = METHODS[:4]


@given(drawn(methods=FOUR, losses=("squared",), activations=("identity",)))
def test_squared_loss_and_linear_networks_are_the_problem_on_moments(one):
    """What ties the two data objects together."""
    m = lv.Moments.from_data(one.raw.T, one.Y.T)
    other = pose(one.method, m, one.rep, rank=one.problem.rank)
    V = one.network.matrix
    size = 1 + (0 if one.P is None else np.linalg.norm(one.P)) + float(np.sum(one.X**2) + np.sum(one.Y**2)) / one.n
    norms = size * (1 + np.linalg.norm(V)) ** 2
    one.agree("samples = moments: loss", one.problem.loss(V), other.loss(V), size=norms)
    one.agree("samples = moments: gradient", one.problem.gradient(V), other.gradient(V), size=norms)
    v = oracles.joined(one.direction())
    found, expected = (lv.hessian(p, one.network).matvec(v) for p in (one.problem, other))
    one.agree("samples = moments: Hessian", found, expected, size=norms)
    start = lv.init.given(one.weights)
    options = {"epochs": 20, "optimizer": lv.GradientDescent(1e-3 / one.entry.condition, 0.5), "init": start}
    options["record"] = lv.Record(every=6, entries=[(0, 0), (1, one.rep.dim - 1)], weights=True)
    a, b = (lv.train(p, one.widths, **options) for p in (one.problem, other))
    assert a.epochs.tolist() == b.epochs.tolist()
    for name in ("loss", "norm", "norm_perp", "norm_seen", "norm_frozen", "entries", "weights"):
        left, right = getattr(a, name), getattr(b, name)
        np.testing.assert_array_equal(np.isnan(left), np.isnan(right), err_msg=name)
        one.agree(f"samples = moments: Trace.{name}", np.nan_to_num(left), np.nan_to_num(right), size=norms)


def test_moments_and_samples_agree_on_what_no_gradient_sees(rng):
    """Zero pixels of every rotated image: the frozen part, recorded the same from either."""
    X, Y = rng.uniform(size=(40, 16)), rng.standard_normal((40, 3))
    X[:, [0, 3, 12, 15]] = 0
    rep = lv.groups.image_rotations(4)
    a, b = (
        lv.train(lv.augmented(data, rep, rank=2), epochs=100, record=lv.Record(every=20))
        for data in (lv.Samples(X, Y), lv.Moments.from_data(X, Y))
    )
    assert a.norm_frozen.min() > 0.01
    for name in ("loss", "norm", "norm_perp", "norm_seen", "norm_frozen"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-12, err_msg=name)


# ------------------------------------------------------------------------------------------------------- trajectories

RULES = {
    "momentum": (lv.GradientDescent(0.02, 0.9), lambda: oracles.SGD(0.02, 0.9)),
    # eps far above rounding: where the gradient vanishes Adam divides it by itself, twin and package alike
    "adam": (lv.Adam(1e-3, eps=1e-4), lambda: oracles.Adam(1e-3, eps=1e-4)),
}
CASES = [
    (method, loss, activation)
    for method, (loss, activation) in itertools.product(
        METHODS,
        (("squared", "identity"), ("cross_entropy", "identity"), ("squared", "swish"), ("cross_entropy", "tanh")),
    )
    if method != "regularized" or activation == "identity"
]


@pytest.mark.parametrize("size", [None, 7, 1000], ids=["full batch", "batches of 7", "one batch"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("method", "loss", "activation"), CASES)
def test_training_equals_the_numpy_twin(method, loss, activation, rule, size):
    """200 steps to 1e-10: the figure asked for."""
    one = Drawn(
        "signed square" if method != "hard_wired" else "permutations C5", method, loss, activation, [3], 30, 3, 11
    )
    rows = one.problem.objective.rows
    steps = 1 if size is None else -(-rows // size)
    epochs = -(-200 // steps)
    elements = one.trainable
    batches = None if size is None else lv.Batches(size)
    order = [np.arange(rows)] * epochs if size is None else batches.order(4, epochs, rows)
    ours, twins = RULES[rule]
    trace = lv.train(
        one.problem, one.widths, activation=activation, optimizer=ours, epochs=epochs, batches=batches, seeds=(4,),
        record=lv.Record(every=3, weights=True),
    )  # fmt: skip
    states = oracles.batched(
        oracles.pytorch_init(one.widths, 4), order, size or rows, twins(), lambda w, k: one.twin(w, k, elements)[1]
    )
    worst = max(np.abs(f - e).max() for f, e in zip(trace.network.weights, states[-1], strict=True))
    remember("samples: 200 steps, error / 1e-10", worst / 1e-10)
    assert worst <= 1e-10
    lift = np.asarray(one.rep.invariant_basis()) if method == "hard_wired" else np.eye(one.rep.dim)
    for t, epoch in enumerate(trace.epochs):
        assert abs(trace.loss[t] - one.twin(states[epoch])[0]) <= 1e-10
        looked = oracles.product(states[epoch]) if activation == "identity" else states[epoch][0]
        assert np.abs(trace.weights[t] - looked @ lift).max() <= 1e-10
        assert abs(trace.norm[t] - np.linalg.norm(looked)) <= 1e-10


@pytest.mark.parametrize("batches", [None, lv.Batches(16)], ids=["full", "batches"])
@pytest.mark.parametrize(("method", "loss", "activation"), CASES)
def test_float32_stays_near_float64(method, loss, activation, batches):
    one = Drawn("permutations C5", method, loss, activation, [3], 50, 3, 5)
    options = {"epochs": 30, "batches": batches, "activation": activation, "optimizer": lv.GradientDescent(0.01)}
    wide, narrow = (lv.train(one.problem, one.widths, dtype=d, **options) for d in (np.float64, np.float32))
    assert narrow.network.weights[0].dtype == np.float32
    # About 500 steps at most, each rounding weights of order 1 to 6e-8 and moving them by lr·gradient with an error of
    # a hundred of these: far below 1e-4.
    assert np.abs(wide.network.flat - narrow.network.flat).max() < 1e-4
    np.testing.assert_allclose(wide.loss, narrow.loss, atol=1e-4)


def test_orders_are_documented_permutations():
    order = lv.Batches(3).order(seed=5, epochs=4, rows=10)
    generator = np.random.default_rng([5, 1])
    assert order.dtype == np.int32
    for row in order:
        np.testing.assert_array_equal(row, generator.permutation(10))


# -------------------------------------------------------------------------------------------------- PyTorch itself


@pytest.fixture(scope="module")
def recorded():
    with np.load(Path(__file__).parent / "data" / "torch_samples.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize(
    ("name", "activation"),
    [("cross_entropy_identity", "identity"), ("squared_tanh", "tanh"), ("squared_leaky_relu", "leaky_relu")],
)
def test_the_recorded_mini_batches_of_pytorch(recorded, name, activation):
    """PyTorch on literal augmented data, in the order of Batches; its squared mean divides by dL too: lr/dL here."""
    loss = "cross_entropy" if name.startswith("cross") else "squared"
    data = lv.Samples(recorded["X"], recorded["labels" if loss == "cross_entropy" else "Y"], loss)
    lr = float(recorded["lr"]) / (1 if loss == "cross_entropy" else data.outputs)
    first, second = recorded[f"{name}_W1"], recorded[f"{name}_W2"]
    p = lv.augmented(data, lv.groups.image_rotations(4), rank=len(second[0][0]))
    trace = lv.train(
        p,
        activation=activation,
        epochs=int(recorded["epochs"]),
        batches=lv.Batches(int(recorded["size"])),
        seeds=(int(recorded["seed"]),),
        optimizer=lv.GradientDescent(lr, float(recorded["momentum"])),
        init=lv.init.given([first[0], second[0]]),
        record=lv.Record(every=1, weights=True),
    )
    worst = max(np.abs(f - e).max() for f, e in zip(trace.network.weights, (first[-1], second[-1]), strict=True))
    for found, W1, W2 in zip(trace.weights, first, second, strict=True):
        worst = max(worst, np.abs(found - (W2 @ W1 if activation == "identity" else W1)).max())
    remember("samples: PyTorch's 100 steps, error / 1e-12", worst / 1e-12)
    assert worst <= 1e-12


# ---------------------------------------------------------------------------------------- large logits, saturation


@pytest.mark.parametrize("size", [1e4, 1e8, 1e100, 1e300])
@pytest.mark.parametrize("method", ["unconstrained", "augmented", "convolutional"])
def test_cross_entropy_of_large_logits(method, size):
    """-log softmax is then the distance to the largest output; gradient and curvature stay finite."""
    one = Drawn("permutations C5", method, "cross_entropy", "identity", [], 20, 3, 1)
    W = size * one.weights[0]
    outputs = [W @ rho @ one.raw for rho in one.elements]
    outputs = [sum(outputs) / len(outputs)] if method == "convolutional" else outputs
    expected = np.mean([np.mean(o.max(axis=0) - np.sum(o * one.Y, axis=0)) for o in outputs])
    loss, gradient = one.value_and_gradient([W])
    assert loss == pytest.approx(expected, rel=1e-13)
    assert np.all(np.isfinite(gradient))
    hits = [(o == o.max(axis=0)).astype(float) - one.Y for o in outputs]
    inputs = (
        [oracles.reynolds(one.elements) @ one.raw] if method == "convolutional" else [g @ one.raw for g in one.elements]
    )
    exact = sum(h @ x.T for h, x in zip(hits, inputs, strict=True)) / (len(hits) * one.n)
    np.testing.assert_allclose(gradient.reshape(W.shape), exact, atol=1e-12)
    assert np.all(np.isfinite(lv.hessian(one.problem, lv.Network([W])).to_dense()))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_saturated_activations_and_their_slopes(activation, dtype):
    """φ and φ' through one hidden unit, from -1e4 to 1e4: errors of a few eps of max(1, |φ|)."""
    a = np.r_[-np.geomspace(1e-6, 1e4, 60)[::-1], 0.0, np.geomspace(1e-6, 1e4, 60)].astype(dtype)
    eps = np.finfo(dtype).eps
    with np.errstate(over="ignore"):
        value, slope = (f(a.astype(float)) for f in oracles.PHI[activation])
    core = lv.unconstrained(lv.Samples(np.ones((1, 1)), np.zeros(1)), rank=1).objective.core(dtype)
    kind = activation
    for x, phi, dphi in zip(a, value, slope, strict=True):
        loss, (first, second) = core.gradient([1, 1, 1], kind, np.array([x, 1], dtype))  # φ(a)², 2 φ φ', 2 φ²
        unit = 30 * eps * max(1, abs(phi)) ** 2
        assert abs(loss - phi**2) <= unit
        assert abs(second - 2 * phi**2) <= 2 * unit
        # the slope of swish is 1 - s times a, for a up to -log eps
        assert abs(first - 2 * phi * dphi) <= 2 * unit * max(1, abs(dphi))


def test_nan_is_never_swallowed():
    """A maximum of NaN and 0 may be 0: a diverged relu network must not look like a dead one."""
    for width, activation in itertools.product((1, 3, 8), ACTIVATIONS):
        p = lv.unconstrained(lv.Samples(np.ones((7, 3)), np.zeros(7)), rank=1)
        flat = np.r_[np.full(3 * width, np.nan), np.ones(width)]
        kind = activation
        assert np.isnan(p.objective.core().gradient([3, width, 1], kind, flat)[0])


# ------------------------------------------------------------------------------------------ determinism, interruption


def bits(trace):
    arrays = [trace.loss, trace.norm, trace.norm_perp, trace.norm_seen, trace.norm_frozen, trace.entries, trace.weights]
    return [np.asarray(a).tobytes() for a in arrays] + [w.tobytes() for w in trace.network.weights]


@pytest.mark.parametrize("batches", [None, lv.Batches(11)], ids=["full", "batches"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bitwise_the_same_alone_or_together_and_for_any_number_of_threads(dtype, batches, rng):
    data = lv.Samples(rng.standard_normal((100, 5)), rng.integers(0, 3, 100), "cross_entropy")
    reps = (lv.groups.cyclic(5), lv.groups.permutations([[4, 3, 2, 1, 0]] + [list(range(5))] * 2))
    problems = [lv.convolutional(data, reps[0], rank=3), lv.convolutional(data, reps[1], rank=3)]
    if batches is None:  # otherwise they must have as many rows
        problems.append(lv.augmented(data, reps[0], rank=3))
    options = {
        "activation": "swish",
        "epochs": 15,
        "optimizer": lv.Adam(1e-2),
        "dtype": dtype,
        "batches": batches,
        "record": lv.Record(every=4, entries=[(0, 1), (2, 4)], weights=True),
    }
    widths, seeds = (5, 4, 3, 3), (3, 1, 4, 1)
    together = {t: lv.train(problems, widths, seeds=seeds, threads=t, **options) for t in (1, 2, 3, None)}
    for i, k in itertools.product(range(len(problems)), range(4)):
        alone = bits(lv.train(problems[i], widths, seeds=(seeds[k],), threads=1, **options))
        for threads, trace in together.items():
            assert bits(trace.at(i, k)) == alone, (i, k, threads)
    assert bits(together[1].at(0, 1)) == bits(together[1].at(0, 3))
    assert bits(together[1].at(0, 0)) != bits(together[1].at(0, 1))


def test_where_the_data_lie_in_memory_does_not_matter(rng):
    """Vectorized sums must not begin at an alignment that NumPy happens to give."""
    X, y = rng.standard_normal((101, 5)), rng.integers(0, 3, 101)
    room = np.empty(X.size + 8)
    found = set()
    for offset in range(8):
        moved = room[offset : offset + X.size].reshape(X.shape)
        moved[...] = X
        p = lv.augmented(lv.Samples(moved, y, "cross_entropy"), lv.groups.cyclic(5), rank=3)
        found.add(lv.train(p, activation="tanh", epochs=5, batches=lv.Batches(9)).network.flat.tobytes())
    assert len(found) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("epochs", ["epochs=10**10", "epochs=1, batches=lv.Batches(1)"], ids=["full", "one long epoch"])
def test_ctrl_c_ends_all_runs(epochs):
    script = textwrap.dedent(f"""
        import numpy as np, linvariance as lv
        rng = np.random.default_rng(0)
        n = 10**7 if "Batches" in "{epochs}" else 200
        X = rng.standard_normal((n, 2)).astype(np.float32)
        p = lv.unconstrained(lv.Samples(X, X[:, 0] > 0), rank=1)
        widths = (2, 60, 60, 60, 1)
        print("ready", flush=True)
        try:
            lv.train(p, widths, activation="tanh", seeds=range(2), record=lv.Record(every=10**9), dtype="f4", {epochs})
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(1.5)  # the orders are drawn first
            os.kill(process.pid, signal.SIGINT)
            assert process.communicate(timeout=20)[0] == "interrupted\n"
        finally:
            process.kill()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batches", [None, lv.Batches(8)], ids=["full", "batches"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_divergence_is_told_with_its_epoch(activation, batches, dtype, rng):
    """Absurd learning rates: a warning that names the epoch, finite records before it, NaN after."""
    data = lv.Samples(rng.standard_normal((20, 4)), rng.standard_normal((20, 2)))
    p = lv.augmented(data, lv.groups.cyclic(4), rank=2)
    bounded_activation = activation == "tanh"  # its hidden layer is at most 1, so the loss grows only linearly in lr
    lr = 1e200 if dtype == np.float64 and bounded_activation else 1e30 if bounded_activation else 50.0
    options = {"activation": activation, "epochs": 400, "batches": batches, "dtype": dtype}
    with pytest.warns(RuntimeWarning, match=r"in epoch \d+") as told:
        trace = lv.train(p, (4, 3, 2), optimizer=lv.GradientDescent(lr), record=lv.Record(every=1), **options)
    epoch = int(str(told[0].message).partition("in epoch ")[2].partition(":")[0])
    assert np.isfinite(trace.loss[:epoch]).all()
    assert np.isfinite(trace.norm[:epoch]).all()
    assert np.isnan(trace.loss[epoch + 1 :]).all()
    assert np.isnan(trace.norm[epoch + 1 :]).all()
    assert not np.isfinite(trace.loss[-1])


def test_one_diverged_run_leaves_the_others_alone(rng):
    data = lv.Samples(rng.standard_normal((20, 3)), rng.standard_normal((20, 2)))
    p = lv.unconstrained(data, rank=2)
    start = lambda widths, rng: [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]  # noqa: E731
    far = lambda widths, rng: [1e60 * w for w in start(widths, rng)]  # noqa: E731
    mixed = lambda widths, rng: (far if rng.bit_generator.seed_seq.entropy == 1 else start)(widths, rng)  # noqa: E731
    with pytest.warns(RuntimeWarning, match=r"1 runs diverged, first problem 0 at seeds\[1\]"):
        trace = lv.train(p, epochs=20, seeds=(0, 1, 2), init=mixed, optimizer=lv.GradientDescent(1e-2))
    assert np.isfinite(trace.loss[0, [0, 2]]).all()


# ------------------------------------------------------------------------------------------ corners, copies, refusals


@pytest.mark.parametrize("batches", [None, lv.Batches(7)], ids=["full", "batches"])
@pytest.mark.parametrize("widths", [None, (0, 4, 3), (0, 3), (0, 0, 3), (0, 5, 0, 3)], ids=str)
def test_without_any_invariant_nothing_is_learned(widths, batches, rng):
    data = lv.Samples(rng.standard_normal((20, 4)), rng.integers(0, 3, 20), "cross_entropy")
    p = lv.hard_wired(data, lv.groups.hypercube(4), rank=2)
    record = lv.Record(every=2, weights=True, entries=[(0, 1)] if widths != (0, 0, 3) else ())
    t = lv.train(p, widths, activation="tanh", epochs=3, batches=batches, record=record)
    np.testing.assert_allclose(t.loss, np.log(3))
    assert not t.weights.any()
    assert lv.hessian(p, t.network).to_dense().shape == (t.network.flat.size,) * 2
    assert not lv.predictor(p, t.network)(rng.standard_normal((6, 4))).any()


@pytest.mark.parametrize("method", METHODS)
def test_one_sample_no_epoch_and_a_batch_beyond_all_rows(method):
    one = Drawn("permutations C5", method, "cross_entropy", "identity", [2], 1, 2, 0)
    start = lv.train(one.problem, epochs=0, batches=lv.Batches(3))
    assert start.loss.shape == (1,)
    assert start.loss[0] == pytest.approx(one.twin(list(start.network.weights))[0], rel=1e-14)
    options = {"epochs": 3, "record": lv.Record(every=1)}
    whole, huge = (lv.train(one.problem, batches=lv.Batches(size), **options) for size in (20, 2**53))
    np.testing.assert_array_equal(whole.network.flat, huge.network.flat)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("method", METHODS)
def test_copies_are_as_good(method, duplicate):
    one = Drawn("permutations C5", method, "cross_entropy", "identity", [3], 20, 3, 0)
    W = one.network.matrix
    expected = one.problem.loss(W)  # the core is made, and must not be in the way
    again = duplicate(one.problem)
    assert again.loss(W) == expected
    network = duplicate(lv.Network(one.weights, "tanh"))
    assert network.activation == "tanh"
    if method != "regularized":
        H = lv.hessian(one.problem, network)
        np.testing.assert_array_equal(duplicate(H).to_dense(), H.to_dense())


def test_the_hessian_outlives_its_problem(rng):
    def operator():
        data = lv.Samples(rng.standard_normal((50, 4)), rng.integers(0, 3, 50), "cross_entropy")
        network = lv.Network([rng.standard_normal((3, 4)), rng.standard_normal((3, 3))], "tanh")
        H = lv.hessian(lv.augmented(data, lv.groups.cyclic(4), rank=3), network)
        return H, H.to_dense()

    H, dense = operator()
    H._problem = None
    ballast = [np.full((50, 4), np.nan) for _ in range(100)]
    np.testing.assert_array_equal(H.to_dense(), dense)
    assert len(ballast) == 100


def test_targets_are_not_frozen_under_their_owner(rng):
    X, y = rng.standard_normal((5, 2)), rng.standard_normal((5, 1))
    lv.unconstrained(lv.Samples(X, y), rank=1).loss(np.ones((1, 2)))
    assert X.flags.writeable
    assert y.flags.writeable


def test_large_first_layers_take_their_directions_in_smaller_blocks(rng, monkeypatch):
    data = lv.Samples(rng.standard_normal((10, 5)), rng.standard_normal(10))
    p = lv.augmented(data, lv.groups.cyclic(5), rank=1)
    network = lv.Network([rng.standard_normal((2, 5)), rng.standard_normal((1, 2))], "swish")
    expected = lv.hessian(p, network).to_dense()
    monkeypatch.setattr(hessians, "WORKSPACE", 1)
    np.testing.assert_allclose(lv.hessian(p, network).to_dense(), expected, atol=1e-14)


def test_only_regularized_linear_networks_train_with_others(rng):
    """The second of two problems is looked at too."""
    data, rep = lv.Samples(rng.standard_normal((9, 3)), rng.standard_normal((9, 2))), lv.groups.cyclic(3)
    both = [lv.augmented(data, rep, rank=2), lv.regularized(data, rep, rank=2, strength=0.1)]
    with pytest.raises(ValueError, match="penalty"):
        lv.train(both, activation="relu", epochs=1)
    assert lv.train(both, epochs=1).loss.shape == (2, 1, 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lv.solve(CE), "no second moments"),
        (lambda: lv.critical_points(CE), "no second moments"),
        (lambda: lv.lower_rank_points(CE), "no second moments"),
        (lambda: lv.classify(CE, NETWORK), "no second moments"),
        (lambda: CE.target, "no second moments"),
        (lambda: lv.dynamics.gradient_flow(CE, NETWORK, [0.0, 1.0]), "no second moments"),
        (lambda: lv.dynamics.visits(CE, lv.train(CE, epochs=1, record=lv.Record(weights=True))), "no second moments"),
        (lambda: lv.regularization_path(DATA, REP, rank=2), "Moments"),
        (lambda: lv.equivariance_gap(DATA, REP, rank=2, output=REP), "Moments"),
        (lambda: lv.train([CE, MOMENTS], epochs=1), "all be on Moments"),
        (lambda: lv.train(MOMENTS, activation="relu", epochs=1), "Samples"),
        (lambda: lv.train(MOMENTS, batches=lv.Batches(2), epochs=1), "Samples"),
        (lambda: lv.hessian(lv.regularized(DATA, REP, rank=2, strength=1), lv.Network(LAYERS, "relu")), "penalty"),
        (lambda: lv.Network(LAYERS, "relu").matrix, "no end-to-end matrix"),
        (lambda: lv.train(CE, batches=lv.Batches(2), epochs=10**9), "GiB"),
        (lambda: lv.train(CE, batches=lv.Batches(2), epochs=10**6, seeds=range(40)), "GiB"),
        (lambda: lv.Batches(2).order(0, 1, 2**31), "rows"),
        (lambda: lv.Samples(X, LABELS, "cross_entropy", classes=10**10), "GiB"),
        (lambda: lv.augmented(lv.Samples(np.ones((2, 8)), [0.0, 1.0]), lv.groups.symmetric(8), rank=1), "40,320"),
        (lambda: lv.convolutional(lv.Samples(np.ones((2, 2)), [0, 1]), lv.groups.rotations(2), rank=1), "rep"),
        (lambda: lv.train(CE, (3, 2, 10**10, 3), epochs=1), "GiB"),
        (lambda: lv.train(lv.regularized(DATA, REP, rank=2, strength=1e100), epochs=1, dtype="f4"), "float32"),
    ],
)  # fmt: skip
def test_refusals_are_sentences(call, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((ValueError, TypeError), match=words):
            call()


X, LABELS, REP = np.random.default_rng(0).standard_normal((12, 3)), np.arange(12) % 3, lv.groups.cyclic(3)
DATA, MOMENTS = lv.Samples(X, LABELS, "cross_entropy"), lv.unconstrained(lv.Moments.from_data(X, X), rank=2)
CE, LAYERS = lv.augmented(DATA, REP, rank=2), [np.ones((2, 3)), np.ones((3, 2))]
NETWORK = lv.Network(LAYERS)


@given(drawn(methods=("hard_wired", "augmented", "convolutional"), losses=("cross_entropy",), sizes=(1, 5, 97)))
def test_cross_entropy_does_not_see_a_shift_of_all_outputs(one):
    """softmax(o + c1) = softmax(o): the columns of the last layer's gradient sum to 0, and 1bᵀ in W_L costs nothing."""
    loss, gradient = one.value_and_gradient(one.weights)
    last = oracles.split_like(gradient, one.weights)[-1]
    one.agree("samples: 1ᵀG_L = 0", last.sum(axis=0), np.zeros(last.shape[1]), size=1.0)
    moved = [*one.weights[:-1], one.weights[-1] + np.linspace(-3, 3, last.shape[1])]
    one.agree("samples: loss after a shift", one.value_and_gradient(moved)[0], loss, size=10.0)


@given(seed=st.integers(0, 2**32 - 1), depth=st.integers(2, 4))
def test_no_convex_loss_lets_the_first_layer_leave_the_invariants(seed, depth):
    """<∇f(W), W⊥> >= f(W) - f(W Π) >= 0 by convexity and Jensen, and d‖W_1(I - Π)‖²/dt is -2 times that."""
    rng = np.random.default_rng(seed)
    rep = lv.groups.cyclic(4)
    data = lv.Samples(rng.standard_normal((7, 4)), rng.integers(3, size=7), loss="cross_entropy", classes=3)
    p = lv.augmented(data, rep, rank=2)
    network = lv.Network([rng.standard_normal(shape) for shape in [(2, 4), *[(2, 2)] * (depth - 2), (3, 2)]])
    W = network.matrix
    perp = W - rep.project(W)
    fall = np.vdot(p.gradient(W), perp)
    assert fall >= p.loss(W) - p.loss(rep.project(W)) - 1e-12 * (1 + p.loss(W))  # rounding of three losses of order 1
    G = p.objective.core().gradient(list(network.widths), "identity", network.flat)[1][: network.weights[0].size]
    B = network.weights[0] - rep.project(network.weights[0])
    np.testing.assert_allclose(np.vdot(G.reshape(B.shape), B), fall, atol=1e-12 * (1 + abs(fall)))
