"""Samples: both losses and nonlinear networks against a NumPy twin on literal augmented data, and against Moments."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import oracles
from sample_problems import ACTIVATIONS, LOSSES, METHODS, Drawn, drawn, pose

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


@given(drawn(methods=("convolutional",), activations=("identity",), biased=(False,)))
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


@given(drawn(methods=FOUR, losses=("squared",), activations=("identity",), biased=(False,)))
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


# ----------------------------------------------------------------------------------------- laws of cross-entropy


@given(drawn(methods=("hard_wired", "augmented", "convolutional"), losses=("cross_entropy",), sizes=(1, 5, 97)))
def test_cross_entropy_does_not_see_a_shift_of_all_outputs(one):
    """softmax(o + c1) = softmax(o): the columns of the last layer's gradient sum to 0, and 1bᵀ in W_L costs nothing."""
    loss, gradient = one.value_and_gradient(one.weights)
    top = len(one.widths) - 2
    last = oracles.split_like(gradient, one.weights)[top]
    one.agree("samples: 1ᵀG_L = 0", last.sum(axis=0), np.zeros(last.shape[1]), size=1.0)
    moved = [*one.weights]
    moved[top] = moved[top] + np.linspace(-3, 3, last.shape[1])
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
