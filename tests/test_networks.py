"""Networks and their initializations."""

import contextlib
import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import strategies
from tolerances import bounded, close

all_widths = st.lists(st.integers(1, 8), min_size=2, max_size=5)


@given(strategies.networks())
def test_a_network_is_its_layers(drawn):
    weights, widths, _ = drawn
    network = lv.Network(weights)
    assert tuple(network.widths) == tuple(widths)
    for own, given_ in zip(network.weights, weights, strict=True):
        np.testing.assert_array_equal(own, given_)
    np.testing.assert_array_equal(network.flat, oracles.joined(weights))
    close(
        "network: W_L ... W_1",
        network.matrix,
        oracles.product(weights),
        dims=sum(widths),
        norms=np.prod([np.linalg.norm(w) for w in weights]),
    )


def test_a_network_keeps_its_own_copy(rng):
    layer = rng.standard_normal((2, 3))
    network = lv.Network([layer])
    kept = layer.copy()
    layer[...] = 0
    np.testing.assert_array_equal(network.weights[0], kept)
    np.testing.assert_array_equal(network.matrix, kept)


def test_layers_and_product_never_contradict():
    network = lv.Network([np.eye(2), np.eye(2)])
    assert network.matrix.tolist() == [[1, 0], [0, 1]]
    with contextlib.suppress(ValueError):  # read-only is as good
        network.weights[0][...] = 5.0
    np.testing.assert_array_equal(network.matrix, oracles.product(network.weights))


def test_copies_and_pickles(rng):
    network = lv.Network([rng.standard_normal((2, 3)), rng.standard_normal((4, 2))])
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        np.testing.assert_array_equal(other.flat, network.flat)


def draw(init, widths, seed=0):
    return init(widths, np.random.default_rng(seed))


@given(all_widths, strategies.seeds)
def test_pytorch_draws_uniformly_by_fan_in(widths, seed):
    """Exactly the documented stream: float64, layer by layer from W_1, row-major."""
    for found, expected in zip(draw(lv.init.pytorch(), widths, seed), oracles.pytorch_init(widths, seed), strict=True):
        np.testing.assert_array_equal(found, expected)


@given(all_widths, strategies.seeds)
def test_gaussian_has_the_scale(widths, seed):
    small, large = draw(lv.init.gaussian(1e-3), widths, seed), draw(lv.init.gaussian(1.0), widths, seed)
    for a, b in zip(small, large, strict=True):
        np.testing.assert_allclose(a, 1e-3 * b, rtol=4 * oracles.EPS)


def test_gaussian_is_gaussian():
    W = draw(lv.init.gaussian(2.0), [400, 400])[0]
    assert abs(W.mean()) < 4 * 2 / 400  # four standard errors
    assert abs(W.std() - 2) < 4 * 2 / (400 * np.sqrt(2))


@given(all_widths, strategies.seeds, st.sampled_from((1e-3, 1.0, 3.0)))
def test_balanced_layers_balance(widths, seed, scale):
    """W_{j+1}ᵀ W_{j+1} = W_j W_jᵀ"""
    weights = draw(lv.init.balanced(scale), widths, seed)
    assert [w.shape for w in weights] == [(b, a) for a, b in itertools.pairwise(widths)]
    for below, above in itertools.pairwise(weights):
        close(
            "balanced: W_{j+1}ᵀW_{j+1} = W_jW_jᵀ",
            above.T @ above,
            below @ below.T,
            norms=np.linalg.norm(above) ** 2,
            dims=max(widths),
        )
    for w in weights:
        s = np.linalg.svd(w, compute_uv=False)[: min(widths)]
        bounded("balanced: the scale", float(np.abs(s - scale).max()), norms=scale, dims=max(widths))


@given(strategies.networks())
def test_given_weights_are_taken_as_they_are(drawn):
    weights, widths, _ = drawn
    for start in (lv.init.given(weights), lv.init.given(lv.Network(weights))):
        for found, expected in zip(draw(start, widths), weights, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_given_weights_of_other_widths_are_refused(rng):
    p = lv.unconstrained(lv.Moments.from_data(rng.standard_normal((9, 3)), rng.standard_normal((9, 2))), rank=2)
    with pytest.raises(ValueError, match="3"):
        lv.train(p, epochs=1, init=lv.init.given([np.ones((2, 4)), np.ones((2, 2))]))


# ------------------------------------------------------------------------------------------- networks of a problem


@pytest.fixture
def nonlinear(rng):
    data = lv.Samples(rng.standard_normal((9, 4)), rng.standard_normal((9, 3)))
    return lv.augmented(data, lv.groups.cyclic(4), rank=3)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_network_loss_is_what_training_records(activation, nonlinear):
    trace = lv.train(nonlinear, (4, 3, 3), activation=activation, epochs=3, record=lv.Record(every=3))
    assert lv.network_loss(nonlinear, trace.network) == pytest.approx(trace.loss[-1], rel=1e-13)


def test_network_loss_on_moments_is_that_of_its_matrix(rng):
    p = lv.hard_wired(lv.Moments.from_data(rng.random((9, 4)), rng.random((9, 2))), lv.groups.cyclic(4), rank=1)
    network = lv.Network([[[2.0]], [[1.0], [3.0]]])
    assert lv.network_loss(p, network) == pytest.approx(p.loss(network.matrix), rel=1e-13)


@given(strategies.cases(), st.sampled_from(methods.METHODS), st.integers(1, 3))
def test_value_and_gradient_are_those_of_the_literal_data(case, method, depth):
    p, twin = methods.problem(case, method), methods.equivalent(case, method)
    rng = np.random.default_rng(case.seed)
    widths = [p.dim, *[case.rank + 1] * (depth - 1), p.outputs]
    network = lv.Network([rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)])
    to_twin = (p.representation.invariant_basis() if p.is_hard_wired else np.eye(p.dim)) @ twin.B.T
    literal = [network.weights[0] @ to_twin, *network.weights[1:]]
    value, gradient = lv.value_and_gradient(p, network)
    expected = oracles.chain_gradient(literal, twin.A, twin.Y, twin.n)
    expected[0] = expected[0] @ to_twin.T
    sizes = np.prod([1 + np.linalg.norm(W) for W in network.weights])
    top = twin.spectrum[0] if twin.spectrum.size else 0.0
    norms = sizes**2 * (1 + top) * np.sqrt(twin.scale(oracles.product(literal)))
    dims = (case.dims, *widths)
    close("network: gradient", oracles.joined(gradient), oracles.joined(expected), norms=norms, dims=dims)
    scale = twin.scale(oracles.product(literal)) + sizes**2 * top**2
    bounded("network: value", abs(value - twin.loss(oracles.product(literal))), norms=scale, dims=dims)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_value_and_gradient_on_samples_are_those_of_its_core(nonlinear, rng, kind):
    network = lv.Network([rng.standard_normal(shape).astype(kind) for shape in ((3, 4), (2, 3), (3, 2))], "tanh")
    value, gradient = lv.value_and_gradient(nonlinear, network)
    assert value == lv.network_loss(nonlinear, network)
    for k, (G, W) in enumerate(zip(gradient, network.weights, strict=True)):
        assert G.dtype == np.float64
        for at in np.ndindex(W.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [np.array(V, dtype=np.float64) for V in network.weights]
                moved[k][at] += step
                ends.append(lv.network_loss(nonlinear, lv.Network(moved, "tanh")))
            assert G[at] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-8 * (1 + abs(value)))


def test_one_layer_has_nothing_to_activate(rng):
    network = lv.Network([rng.standard_normal((2, 3))], "relu")
    assert network.is_linear
    np.testing.assert_array_equal(network.matrix, network.weights[0])
    p = lv.unconstrained(lv.Moments.from_data(rng.random((5, 3)), rng.random((5, 2))), rank=2)
    assert lv.hessian(p, network).shape == (6, 6)


def test_a_network_goes_on_with_its_own_activation_only(nonlinear):
    trained = lv.train(nonlinear, (4, 3, 3), activation="tanh", epochs=1).network
    with pytest.raises(ValueError, match="tanh network, but activation is 'identity'"):
        lv.train(nonlinear, (4, 3, 3), epochs=1, init=lv.init.given(trained))
    for init in (lv.init.given(trained), lv.init.given(trained.weights)):
        again = lv.train(nonlinear, (4, 3, 3), activation="tanh", epochs=0, init=init).network
        np.testing.assert_array_equal(again.flat, trained.flat)


def with_biases(rng, *widths, activation="tanh"):
    layers = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
    return lv.Network(layers, activation, [rng.standard_normal(width) for width in widths[1:]])


def test_biases_are_layers_on_a_constant_one(rng):
    """relu(1) = 1: so W_j [h, 1] with a unit more that stays 1 is what biases are."""
    network, X = with_biases(rng, 4, 3, 3, 2, activation="relu"), rng.standard_normal((6, 4))
    layers = [np.column_stack(one) for one in zip(network.weights, network.biases, strict=True)]
    layers = [np.vstack([W, np.eye(1, W.shape[1], W.shape[1] - 1)]) for W in layers]
    wide = lv.Network([*layers[:-1], layers[-1][:-1]], "relu")
    np.testing.assert_allclose(network(X), wide(np.column_stack([X, np.ones(6)])), rtol=0, atol=1e-14 * 100)


def test_what_a_network_with_biases_is(rng):
    network = with_biases(rng, 4, 3, 2)
    assert repr(network) == "Network(4-3-2, tanh, biases, float64)"
    parts = [*network.weights, *network.biases]
    np.testing.assert_array_equal(network.flat, np.concatenate([p.ravel() for p in parts]))
    for again in (pickle.loads(pickle.dumps(network)), lv.Network.from_flat(network.flat, network.widths, "tanh")):
        assert repr(again) == repr(network)
        for one, other in zip(again.parameters, parts, strict=True):
            np.testing.assert_array_equal(one, other)
    mixed = lv.Network([np.ones((2, 2), np.float32)], biases=[np.ones(2)])
    assert [p.dtype for p in mixed.parameters] == [np.float64] * 2
    assert not lv.Network.from_flat(np.array([1.0, np.nan]), (1, 1)).is_finite
    affine = with_biases(rng, 4, 2, 3, activation="identity")
    X = rng.standard_normal((5, 4))
    np.testing.assert_allclose(affine(X) - affine(np.zeros(4)), X @ affine.matrix.T, atol=1e-13)


def test_biases_start_where_init_says(nonlinear, rng):
    def drawn(widths, generator):
        return with_biases(generator, *widths)

    start = with_biases(np.random.default_rng(0), 4, 3, 3)
    for init, expected in (
        (lv.init.given(start), start.biases),
        (drawn, start.biases),
        (lv.init.given(start.weights), [np.zeros(3)] * 2),
    ):
        found = lv.train(nonlinear, (4, 3, 3), activation="tanh", biases=True, init=init, epochs=0).network
        for one, other in zip(found.parameters, (*start.weights, *expected), strict=True):
            np.testing.assert_array_equal(one, other)


def test_biases_on_samples_are_the_centring_of_moments(rng):
    """The loss of the best affine map: of one layer with biases on Samples, of a linear one on centred Moments."""
    X, Y = 3.0 + rng.standard_normal((40, 4)), rng.standard_normal((40, 3)) - 2.0
    best = lv.solve(lv.unconstrained(lv.Moments.from_data(X, Y).centered(), rank=3))
    p = lv.unconstrained(lv.Samples(X, Y), rank=3)
    affine = lv.Network([best.weights], biases=[Y.mean(axis=0) - best.weights @ X.mean(axis=0)])
    value, slope = lv.value_and_gradient(p, affine)
    assert value == pytest.approx(best.loss, rel=1e-12)
    assert max(np.abs(G).max() for G in slope) < 1e-12


def test_predictors_are_of_the_problems_that_networks_pose(rng, nonlinear):
    X, Y, rep = rng.random((9, 4)), rng.random((9, 4)), lv.groups.cyclic(4)
    network = lv.Network([rng.random((2, 4)), rng.random((4, 2))])
    with pytest.raises(ValueError, match="output representation"):
        lv.predictor(lv.hard_wired(lv.Moments.from_data(X, Y), rep, rank=2, output=rep), network)
    with pytest.raises(ValueError, match="samples themselves"):
        lv.predictor(lv.augmented(lv.Moments.from_data(X, Y), rep, rank=2), lv.Network(network.weights, "tanh"))


def test_runs_of_nonlinear_networks_have_no_maps_to_visit(nonlinear, rng):
    trace = lv.train(nonlinear, (4, 3, 3), activation="tanh", epochs=1, record=lv.Record(weights=True))
    p = lv.augmented(lv.Moments.from_data(rng.random((9, 4)), rng.random((9, 3))), lv.groups.cyclic(4), rank=3)
    with pytest.raises(ValueError, match="tanh network, which has no W"):
        lv.dynamics.visits(p, trace)
