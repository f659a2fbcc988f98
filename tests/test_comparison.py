"""The methods side by side: the same as each by itself, in one order, judged on data that none of them saw."""

import numpy as np
import pytest

import linvariance as lv

RNG = np.random.default_rng(8)
REP = lv.groups.cyclic(6)
X = RNG.standard_normal((90, 6))
Y = X @ (np.ones((6, 3)) + 0.3 * RNG.standard_normal((6, 3))) + RNG.standard_normal((90, 3))
DATA, NEW = lv.Moments.from_data(X[:30], Y[:30]), lv.Moments.from_data(X[30:], Y[30:])
HOW = {"rank": 2, "strengths": [0.1, 10.0]}
RUNS = {"epochs": 40, "seeds": (0, 3), "optimizer": lv.Adam(0.02)}
CLASSES = lv.Samples(X[:30], np.arange(30) % 3, "cross_entropy")
NEW_CLASSES = lv.Samples(X[30:], np.arange(60) % 3, "cross_entropy")


@pytest.fixture(scope="module")
def found():
    return lv.compare(DATA, REP, **HOW, held_out=NEW, **RUNS)


def test_optima_are_those_of_the_problems(found):
    plain = {
        "unconstrained": lv.unconstrained(DATA, rank=2),
        "hard_wired": lv.hard_wired(DATA, REP, rank=2),
        "augmented": lv.augmented(DATA, REP, rank=2),
        "regularized, λ = 0.1": lv.regularized(DATA, REP, rank=2, strength=0.1),
        "regularized, λ = 10.0": lv.regularized(DATA, REP, rank=2, strength=10.0),
    }
    assert list(found.problems) == list(found.solutions) == list(found.held_out_loss) == list(plain)
    for name, problem in plain.items():
        W = lv.solve(problem).weights
        np.testing.assert_array_equal(found.solutions[name].weights, W)
        direct = np.square(X[30:] @ W.T - Y[30:]).sum() / 60
        assert found.held_out_loss[name] == pytest.approx(direct, rel=1e-12)


def test_runs_are_those_of_each_problem_alone(found):
    assert found.held_out_along.shape == found.trace.loss.shape == (5, 2, 5)
    for i, problem in enumerate(found.problems.values()):
        alone = lv.train(problem, **RUNS, record=lv.Record(weights=True))
        np.testing.assert_array_equal(found.trace.loss[i], alone.loss[0])
        for k, t in np.ndindex(2, 5):
            direct = np.square(X[30:] @ alone.weights[0, k, t].T - Y[30:]).sum() / 60
            assert found.held_out_along[i, k, t] == pytest.approx(direct, rel=1e-12)


def test_a_metric_is_that_of_the_problems_and_of_their_judge():
    root = np.array([[2.0, 0.5, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 0.5]])
    how = {"rank": 2, "ridge": 0.2, "metric": root.T @ root}
    found = lv.compare(DATA, REP, strengths=[0.1], held_out=NEW, **how, **RUNS)
    alone = {
        "unconstrained": lv.unconstrained(DATA, **how),
        "hard_wired": lv.hard_wired(DATA, REP, **how),
        "augmented": lv.augmented(DATA, REP, **how),
        "regularized, λ = 0.1": lv.regularized(DATA, REP, strength=0.1, **how),
    }
    assert list(found.problems) == list(alone)
    judged = dict(zip(alone, found._columns()["train_loss"], strict=True))
    for i, (name, problem) in enumerate(alone.items()):
        W = lv.solve(problem).weights
        np.testing.assert_array_equal(found.solutions[name].weights, W)
        run = lv.train(problem, **RUNS)
        np.testing.assert_array_equal(found.trace.loss[i], run.loss[0])
        final = problem.lift(run.network(0, 1).matrix)
        for loss, map_ in ((found.held_out_loss[name], W), (found.held_out_along[i, 1, -1], final)):
            direct = np.square(root @ (X[30:] @ map_.T - Y[30:]).T).sum() / 60
            assert loss == pytest.approx(direct, rel=1e-11)
        assert judged[name] == pytest.approx(np.square(root @ (X[:30] @ W.T - Y[:30]).T).sum() / 30, rel=1e-11)


def test_with_an_output_it_is_about_equivariance():
    how = {"rank": 2, "output": lv.groups.cyclic(3)}
    rep = lv.groups.direct_sum(lv.groups.cyclic(3), lv.groups.cyclic(3))
    found = lv.compare(DATA, rep, strengths=[0.1], held_out=NEW, **how)
    alone = {
        "unconstrained": lv.unconstrained(DATA, rank=2),
        "hard_wired": lv.hard_wired(DATA, rep, **how),
        "augmented": lv.augmented(DATA, rep, **how),
        "regularized, λ = 0.1": lv.regularized(DATA, rep, strength=0.1, **how),
    }
    shift = np.eye(3)[[2, 0, 1]]
    perps = found._columns()["norm_perp"]
    for (name, problem), perp in zip(alone.items(), perps, strict=True):
        W = lv.solve(problem).weights
        np.testing.assert_array_equal(found.solutions[name].weights, W)
        assert found.held_out_loss[name] == pytest.approx(np.square(X[30:] @ W.T - Y[30:]).sum() / 60, rel=1e-12)
        powers = [np.linalg.matrix_power(shift, k) for k in range(3)]
        mean = np.mean([P.T @ W @ np.kron(np.eye(2), P) for P in powers], axis=0)
        assert perp == pytest.approx(np.linalg.norm(W - mean), abs=1e-12)
    assert perps[0] > perps[3] > 1e-3 > 1e-12 > perps[1]
    with pytest.raises(ValueError, match="cannot be trained as a network"):
        lv.compare(DATA, rep, strengths=[], epochs=1, **how)


def test_the_table_tells_optima_from_runs(found):
    pytest.importorskip("pandas")
    frame = found.to_frame()
    assert frame.method.tolist() == ["unconstrained", "hard_wired", "augmented", "regularized", "regularized"]
    assert frame.strength.tolist()[3:] == [0.1, 10.0]
    assert (frame.train_loss <= frame.loss + 1e-12).all(), "the penalty is in the loss alone"
    assert (frame.loss[[0, 1, 3, 4]] <= frame.trained_loss[[0, 1, 3, 4]]).all()
    assert frame.norm_perp[0] > frame.norm_perp[3] > frame.norm_perp[4] > 1e-3 > frame.norm_perp[1]
    finals = [lv.train(found.problems["unconstrained"], epochs=40, seeds=(s,), optimizer=lv.Adam(0.02)) for s in (0, 3)]
    perps = [np.linalg.norm(lv.invariance.split(final.network.matrix, REP).perp) for final in finals]
    assert frame.trained_norm_perp[0] == pytest.approx(np.median(perps), rel=1e-12)


def test_what_it_shows(found):
    lines = repr(found).splitlines()
    assert lines[0] == "Comparison at rank 2 under cyclic(6) on Moments(n=30, inputs=6, outputs=3)"
    assert [line.split("  ")[0] for line in lines[2:-2]] == [name.replace("_", "-") for name in found.problems]
    assert lines[-2] == "trained: medians of 2 runs after 40 epochs; fell: since 30"
    assert lines[-1].startswith("still falling, by up to ")
    assert found._repr_html_().count("<tr>") == 6
    alone = repr(lv.compare(DATA, REP, **HOW))
    assert "held out" not in alone
    assert "trained:" not in alone


def test_it_says_which_losses_still_fall(found):
    losses = found.trace.loss
    falls = np.median((losses[..., 3] - losses[..., 4]) / losses[..., 3], axis=1)  # since epoch 30 of 40
    np.testing.assert_allclose(found._columns()["trained_fall"], falls, rtol=1e-12)
    shown = repr(found).splitlines()
    for line, fall in zip(shown[2:], falls, strict=False):
        assert f"  {round(100 * fall, 2):g} %  " in line
    worst = list(found.problems)[falls.argmax()].replace("_", "-")
    assert (
        shown[-1] == f"still falling, by up to {round(100 * falls.max(), 2):g} % since then ({worst}): pass more epochs"
    )
    long = lv.compare(DATA, REP, **HOW, epochs=20_000, optimizer=lv.Adam(1e-3))
    assert np.abs(long._columns()["trained_fall"]).max() < 1e-4
    np.testing.assert_allclose(long._columns()["trained_loss"], long._columns()["loss"], rtol=1e-3)
    assert repr(long).splitlines()[-1] == "trained: medians of 1 runs after 20000 epochs; fell: since 18000"
    none = lv.compare(DATA, REP, **HOW, epochs=0)
    assert repr(none).endswith("after 0 epochs; fell: since 0")
    until = lv.Until(loss=1.05 * max(one.loss for one in long.solutions.values()))
    apart = lv.compare(DATA, REP, **HOW, epochs=2000, seeds=(0, 3), optimizer=lv.Adam(0.02), until=until)
    ends, since = apart.trace.ends, np.floor(0.09 * apart.trace.ends) * 10
    assert f"after {ends.min()} .. {ends.max()} epochs; fell: since {since.min():g} .. {since.max():g}\n" in repr(apart)


def test_pictures(found):
    pytest.importorskip("matplotlib")
    axes = found.plot()
    levels, curves = axes.lines[:5], axes.lines[5:]
    assert [level.get_ydata()[0] for level in levels] == list(found.held_out_loss.values())
    for curve, along in zip(curves, found.held_out_along, strict=True):
        np.testing.assert_array_equal(curve.get_ydata(), np.median(along, axis=0))
    assert found.plot(axes) is axes
    optima = lv.compare(DATA, REP, **HOW)
    bars = optima.plot().patches
    assert [bar.get_width() for bar in bars] == [solution.loss for solution in optima.solutions.values()]


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_samples_are_trained_only(activation):
    found = lv.compare(
        CLASSES, REP, rank=2, strengths=(), held_out=NEW_CLASSES, epochs=6, activation=activation, batches=lv.Batches(8)
    )
    assert not found.solutions
    for i, name in enumerate(found.problems):
        f = lv.predictor(found.problems[name], found.trace.network(i, 0))(X[30:])
        logs = f - np.log(np.exp(f).sum(axis=1, keepdims=True))
        direct = -logs[np.arange(60), np.arange(60) % 3].mean()
        assert found.held_out_along[i, 0, -1] == pytest.approx(direct, rel=1e-12)
    assert ("‖W⊥‖" in repr(found)) == (activation == "identity")
    assert ("trained_norm_perp" in found._columns()) == (activation == "identity")


def test_runs_that_diverge_are_shown_as_such():
    with pytest.warns(RuntimeWarning, match="diverged"):
        found = lv.compare(DATA, REP, **HOW, held_out=NEW, epochs=300, optimizer=lv.GradientDescent(5.0))
    assert np.isnan(found.held_out_along[0, 0, -1])
    assert np.isfinite(found.held_out_along[:, :, 0]).all()
    assert "nan" in repr(found)
