"""Curvature, classification and visits along a run: what each network by itself gives."""

import numpy as np
import pytest

import linvariance as lv
import methods
from test_training import CASE

RECORD = lv.Record(every=10, networks=True)


def run_of(p, **how):
    return lv.train(p, epochs=25, optimizer=lv.Adam(0.05), record=RECORD, **how)


@pytest.fixture(scope="module", params=methods.METHODS)
def pair(request):
    p = methods.problem(CASE, request.param)
    return p, run_of(p)


def test_hessians_are_those_of_the_networks(pair):
    p, run = pair
    found = lv.hessian(p, run)
    assert found.epochs.tolist() == [0, 10, 20, 25]
    for H, (_, network) in zip(found, run.states(), strict=True):
        np.testing.assert_array_equal(H.to_dense(), lv.hessian(p, network).to_dense())
    assert [H.shape for H in found[1:3]] == [found[-1].shape] * 2
    with pytest.raises(IndexError, match="no state 4: the run has 4"):
        found[4]


def test_spectra_along_the_run(pair):
    p, run = pair
    found, networks = lv.hessian(p, run), [network for _, network in run.states()]
    ends = lv.curvature.extremes(found, 2)
    for one, network in zip(ends, networks, strict=True):
        np.testing.assert_array_equal(one.highest, lv.curvature.extremes(lv.hessian(p, network), 2).highest)
    highest = [one.highest[0] for one in ends]
    np.testing.assert_array_equal(lv.curvature.sharpness(p, run), lv.curvature.sharpness(p, networks))
    np.testing.assert_allclose(lv.curvature.sharpness(p, run), highest, rtol=1e-12)
    dense = lv.curvature.spectral_density(found, 20)
    rng, again = np.random.default_rng(0), np.random.default_rng(0)
    sampled = lv.curvature.sampled_density(found, probes=3, rng=rng, degree=20)
    for one, other, network in zip(dense, sampled, networks, strict=True):
        H = lv.hessian(p, network)
        np.testing.assert_array_equal(one.density, lv.curvature.spectral_density(H, 20).density)
        alone = lv.curvature.sampled_density(H, probes=3, rng=again, degree=20)
        np.testing.assert_array_equal(other.density, alone.density)


def test_classification_and_visits(pair):
    p, run = pair
    found = lv.classify(p, run)
    assert [one.gradient_norm for one in found] == [lv.classify(p, n).gradient_norm for _, n in run.states()]
    weights = lv.train(p, epochs=25, optimizer=lv.Adam(0.05), record=lv.Record(every=10, weights=True))
    by_layers, by_weights = (lv.dynamics.visits(p, one) for one in (run, weights))
    assert by_layers.subsets == by_weights.subsets
    np.testing.assert_allclose(by_layers.distance, by_weights.distance, rtol=1e-9)


def test_on_samples():
    rng = np.random.default_rng(1)
    data = lv.Samples(rng.standard_normal((20, 4)), rng.integers(0, 3, 20), "cross_entropy")
    p = lv.augmented(data, lv.groups.cyclic(4), rank=2)
    run = lv.train(p, activation="tanh", epochs=4, record=lv.Record(every=2, networks=True), dtype=np.float32)
    curvature = lv.curvature
    for make in (lv.hessian, curvature.gauss_newton, curvature.fisher, curvature.empirical_fisher):
        for H, (_, network) in zip(make(p, run), run.states(), strict=True):
            np.testing.assert_array_equal(H.to_dense(), make(p, network).to_dense())


def test_what_a_run_must_hold(pair):
    p, _ = pair
    takers = (lv.hessian, lv.curvature.sharpness, lv.classify, lv.dynamics.visits)
    for take in takers:
        with pytest.raises(ValueError, match=r"1 x 2 runs: pass one, \w+\.at\(i, k\)"):
            take(p, run_of(p, seeds=(0, 1)))
        with pytest.raises(ValueError, match="networks=True"):
            take(p, lv.train(p, epochs=25))
    other = lv.unconstrained(lv.Moments.from_data(np.eye(5), np.eye(5)), rank=1)
    with pytest.raises(ValueError, match="trace at epoch 0 leads from"):
        lv.hessian(other, run_of(p))
    with pytest.warns(RuntimeWarning, match="diverged"):
        lost = lv.train(p, optimizer=lv.GradientDescent(1e3), epochs=50, record=RECORD)
    found = lv.hessian(p, lost)
    with pytest.raises(ValueError, match="trace at epoch 50 holds NaN or infinite weights"):
        found[-1]
    with pytest.raises(ValueError, match="trace diverged"):
        lv.dynamics.visits(p, lost)


def test_of_runs_that_ended_in_different_epochs():
    """Each as far as it went, as if it had been alone; a comparison judges networks that there are."""
    p = methods.problem(CASE, "augmented")
    how = {"epochs": 300, "optimizer": lv.Adam(0.01), "record": RECORD, "seeds": (0, 1)}
    until = lv.Until(loss=1.1 * lv.solve(p).loss)
    trace = lv.train(p, until=until, **how)
    assert trace.ends.min() < trace.ends.max()
    assert np.isfinite(trace.plot().lines[0].get_ydata()).sum() == trace.ends.min() // 10 + 1
    for k, end in enumerate(trace.ends[0]):
        run, alone = trace.at(0, k), lv.train(p, until=until, **{**how, "seeds": (k,)})
        assert lv.hessian(p, run).epochs[-1] == end
        np.testing.assert_array_equal(lv.curvature.sharpness(p, run), lv.curvature.sharpness(p, alone))
        found, expected = (lv.curvature.extremes(lv.hessian(p, one), 1) for one in (run, alone))
        assert [one.highest[0] for one in found] == [one.highest[0] for one in expected]
        visits = lv.dynamics.visits(p, run)
        assert visits.epochs[-1] == end
        assert len(visits.loss) == len(visits.distance) == end // 10 + 1
    both = lv.compare(p.data, p.representation, rank=p.rank, strengths=[], held_out=p.data, until=until, **how)
    assert len(set(both.trace.ends.ravel())) > 1
    for i, one in enumerate(both.problems.values()):
        networks = both.trace.networks[i]
        table = both.to_frame().iloc[i]
        assert table.trained_loss == pytest.approx(np.median([lv.network_loss(one, n) for n in networks]))
        judged = [p.data.plain().loss(one.lift(n.matrix)) for n in networks]
        assert table.trained_held_out_loss == pytest.approx(np.median(judged))
