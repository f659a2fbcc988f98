"""Networks along a run: to the bit those of runs that end there, in whatever coordinates training goes."""

import numpy as np
import pytest

import linvariance as lv
import methods
from test_training import CASE
from tolerances import close

RULES = {"adam": lv.Adam(1e-2), "descent": lv.GradientDescent(0.01, 0.9)}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("method", methods.METHODS)
def test_on_moments(method, rule, dtype):
    p = methods.problem(CASE, method)
    how = {"optimizer": RULES[rule], "dtype": dtype, "seeds": (3, 4), "widths": [p.dim, 4, 2, 3]}
    trace = lv.train(p, epochs=23, record=lv.Record(every=5, networks=True, weights=True), **how)
    assert [layers.shape for layers in trace.layers[0]] == [(6, 4 * p.dim + 8 + 6)] * 2
    for place, epoch in enumerate([0, 5, 10, 15, 20, 23]):
        shorter = lv.train(p, epochs=epoch, **how)
        for seed in (0, 1):
            network = trace.network_at(epoch, seed=seed)
            assert network.flat.dtype == dtype
            np.testing.assert_array_equal(network.flat, shorter.network(0, seed).flat)
            norms = np.prod([np.linalg.norm(W) for W in network.weights])
            unit = float(np.finfo(dtype).eps / np.finfo(float).eps)
            W = p.lift(network.matrix.astype(float))
            close("states: W", trace.weights[0, seed, place], W, norms=unit * norms, dims=16)


def test_in_the_eigenbasis():
    p, rule = methods.problem(CASE, "augmented"), lv.GradientDescent(0.01, 0.9)
    trace = lv.train(p, epochs=300, optimizer=rule, record=lv.Record(every=150, networks=True))
    for epoch in (150, 300):
        np.testing.assert_array_equal(
            trace.network_at(epoch).flat, lv.train(p, epochs=epoch, optimizer=rule).network.flat
        )


@pytest.mark.parametrize("batches", [None, lv.Batches(7)], ids=["full", "batches"])
@pytest.mark.parametrize(("activation", "biases"), [("identity", False), ("identity", True), ("tanh", True)])
def test_on_samples(activation, biases, batches):
    rng = np.random.default_rng(5)
    data = lv.Samples(rng.standard_normal((40, 16)), rng.integers(0, 3, 40), loss="cross_entropy")
    p = lv.augmented(data, lv.groups.image_rotations(4), rank=2)
    how = {"activation": activation, "biases": biases, "batches": batches}
    trace = lv.train(p, epochs=7, record=lv.Record(every=3, networks=True), **how)
    for (epoch, network), loss in zip(trace.states(), trace.loss, strict=True):
        assert network.activation == activation
        np.testing.assert_array_equal(network.flat, lv.train(p, epochs=epoch, **how).network.flat)
        assert lv.network_loss(p, network) == pytest.approx(loss, rel=1e-14)


def test_what_is_not_there_is_refused():
    p = methods.problem(CASE, "augmented")
    trace = lv.train(p, epochs=20, record=lv.Record(networks=True))
    with pytest.raises(ValueError, match=r"epoch 7 was not recorded, but 0 and 10: .*every=1"):
        trace.network_at(7)
    with pytest.raises(ValueError, match=r"epoch 30 was never reached: run \(0, 0\) ended in epoch 20"):
        trace.network_at(30)
    without = lv.train(p, epochs=20)
    with pytest.raises(ValueError, match=r"networks=True"):
        without.network_at(10)
    np.testing.assert_array_equal(without.network_at(20).flat, trace.network_at(20).flat)
    for run in ((0, 1), (1, 0)):
        with pytest.raises(IndexError, match="no run"):
            trace.network_at(0, *run)
    with pytest.raises(ValueError, match=r"[\d.]+ GiB"):
        lv.train(p, epochs=10**7, record=lv.Record(every=1, networks=True))
