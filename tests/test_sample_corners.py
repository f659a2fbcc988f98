"""Samples at the border: no invariants, one sample, copies, lifetimes, and what is refused."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import linvariance as lv
from linvariance.curvature import hessians
from sample_problems import METHODS, Drawn


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


X, LABELS, REP = np.random.default_rng(0).standard_normal((12, 3)), np.arange(12) % 3, lv.groups.cyclic(3)
DATA, MOMENTS = lv.Samples(X, LABELS, "cross_entropy"), lv.unconstrained(lv.Moments.from_data(X, X), rank=2)
CE, LAYERS = lv.augmented(DATA, REP, rank=2), [np.ones((2, 3)), np.ones((3, 2))]
NETWORK = lv.Network(LAYERS)


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
