"""Cases that once went wrong silently: constant columns, no invariants, weights, copies, big numbers."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import linvariance as lv

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((30, 4)), RNG.standard_normal((30, 3))
MOMENTS, REP = lv.Moments.from_data(X, Y), lv.groups.cyclic(4)


@pytest.mark.parametrize("constant", [1.0, 255.0, 1e6, 1e-6])
def test_a_constant_column_is_zero_when_centred(constant):
    inputs = np.hstack([RNG.random((300, 10)), np.full((300, 1), constant)])
    targets = inputs[:, :10] @ RNG.standard_normal((10, 2)) + 0.1 * RNG.standard_normal((300, 2))
    s = lv.solve(lv.unconstrained(lv.Moments.from_data(inputs, targets).centered(), rank=2))
    expected, *_ = np.linalg.lstsq(inputs[:, :10] - inputs[:, :10].mean(0), targets - targets.mean(0), rcond=None)
    assert s.data_rank == 10
    np.testing.assert_allclose(s.weights[:, :10], expected.T, rtol=1e-9)
    assert not s.weights[:, 10].any()


@pytest.mark.parametrize("widths", [None, (0, 4, 3), (0, 3)])
def test_without_any_invariant_the_map_is_zero_everywhere(widths):
    p = lv.hard_wired(MOMENTS, lv.groups.hypercube(4), rank=2)
    assert p.dim == 0
    s = lv.solve(p)
    assert not s.weights.any()
    assert s.loss == pytest.approx(MOMENTS.yy)
    record = lv.Record(every=2, weights=True, entries=[(0, 1)])
    for init in (lv.init.pytorch(), lv.init.balanced()):
        t = lv.train(p, widths, epochs=3, init=init, record=record)
        np.testing.assert_allclose(t.loss, MOMENTS.yy)
        assert t.weights.shape == (3, 3, 4)
        assert not t.weights.any()
        assert lv.hessian(p, t.network).to_dense().shape == (t.network.flat.size,) * 2


def test_one_centred_sample_holds_nothing():
    m = lv.Moments.from_data([[2.0, 1.0]], [[3.0]]).centered()
    rep = lv.groups.cyclic(2)
    for p in (lv.augmented(m, rep, rank=1), lv.hard_wired(m, rep, rank=1), lv.regularized(m, rep, rank=1, strength=1)):
        assert not lv.solve(p).weights.any()


def test_overflow_is_judged_with_the_weights():
    huge = np.ones((5, 1))
    huge[0] = 1e200
    assert lv.Moments.from_data(huge, np.ones(5), weights=[0, 1, 1, 1, 1]).xx == pytest.approx(1.0)
    heavy = np.ones((1000, 1))
    heavy[0] = 1.5e155
    weights = np.full(1000, 1e-6)
    weights[0] = 1
    with pytest.raises(ValueError, match="X"):
        lv.Moments.from_data(heavy, np.ones(1000), weights)
    below = lv.Moments.from_data(np.full((4, 1), 1e154), np.ones(4))
    assert np.isfinite((below + below).xx).all()


def problems():
    return {
        "unconstrained": lv.unconstrained(MOMENTS, rank=2),
        "hard_wired": lv.hard_wired(MOMENTS, REP, rank=1),
        "augmented": lv.augmented(MOMENTS, REP, rank=2),
        "regularized": lv.regularized(MOMENTS, REP, rank=2, strength=0.1),
    }


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("method", list(problems()))
def test_copies_are_as_good(method, duplicate):
    p = problems()[method]
    t = lv.train(p, epochs=5, init=duplicate(lv.init.pytorch()))
    again = duplicate(p)
    np.testing.assert_array_equal(lv.solve(again).weights, lv.solve(p).weights)
    network = duplicate(t.network)
    np.testing.assert_array_equal(network.flat, t.network.flat)
    with pytest.raises(ValueError, match="read-only"):
        network.weights[0][...] = 0
    H = duplicate(lv.hessian(p, network))
    np.testing.assert_array_equal(H.to_dense(), lv.hessian(p, t.network).to_dense())


def final_loss(problem):
    return float(lv.train(problem, epochs=20).loss[-1])


def test_problems_travel_between_processes():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map(final_loss, list(problems().values()))
    assert found == [final_loss(p) for p in problems().values()]


def test_moments_add_up_by_sum():
    parts = [lv.Moments.from_data(X[k::3], Y[k::3]) for k in range(3)]
    np.testing.assert_allclose(sum(parts).xx, MOMENTS.xx, atol=1e-14)


def test_moments_are_immutable():
    with pytest.raises(AttributeError):
        MOMENTS.n = 3


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("rank", lambda: lv.unconstrained(MOMENTS, rank=10**30)),
        ("widths", lambda: lv.train(lv.unconstrained(MOMENTS, rank=10**9), epochs=1)),
        ("epochs", lambda: lv.train(lv.unconstrained(MOMENTS, rank=1), epochs=10**30)),
        ("every", lambda: lv.Record(every=10**30)),
        (
            "float32",
            lambda: lv.train(lv.unconstrained(lv.Moments.from_data(1e20 * X, Y), rank=1), epochs=1, dtype="f4"),
        ),
        ("run", lambda: lv.train(lv.unconstrained(MOMENTS, rank=1), epochs=1, seeds=(0, 1)).at(0, 2)),
    ],
)
def test_what_is_too_big_is_named(name, call):
    with pytest.raises((ValueError, IndexError), match=name):
        call()


def test_adam_without_eps_on_pixels_that_are_zero_is_explained():
    inputs = X.copy()
    inputs[:, 2] = 0
    p = lv.unconstrained(lv.Moments.from_data(inputs, Y), rank=2)
    with pytest.warns(RuntimeWarning, match="eps > 0"):
        lv.train(p, epochs=20, optimizer=lv.Adam(eps=0.0))


def test_many_threads_are_fine():
    t = lv.train(lv.unconstrained(MOMENTS, rank=2), epochs=3, threads=10**6)
    assert t.loss.shape == (2,)
