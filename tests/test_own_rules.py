"""Optimizers of one's own: what the package's give, written by hand; resumed, stopped, refused."""

import numpy as np
import pytest

import linvariance as lv
import methods
from test_resume import PROBLEMS, same
from test_training import CASE


def momentum(weights, gradient, state):
    """GradientDescent(0.01, 0.9)."""
    b = state.get("b", [0.0] * len(weights))
    state["b"] = [0.9 * b + G for b, G in zip(b, gradient, strict=True)]
    return [W - 0.01 * b for W, b in zip(weights, state["b"], strict=True)]


def adam(weights, gradient, state):
    """Adam(1e-3, eps=1e-4)."""
    t, m, v = state.get("t", 0) + 1, state.setdefault("m", {}), state.setdefault("v", {})
    state["t"], out = t, []
    for j, (W, G) in enumerate(zip(weights, gradient, strict=True)):
        m[j] = 0.9 * m.get(j, 0.0) + 0.1 * G
        v[j] = 0.999 * v.get(j, 0.0) + (1 - 0.999) * G**2
        out.append(W - 1e-3 / (1 - 0.9**t) * m[j] / (np.sqrt(v[j] / (1 - 0.999**t)) + 1e-4))
    return out


PAIRS = {"momentum": (momentum, lv.GradientDescent(0.01, 0.9)), "adam": (adam, lv.Adam(1e-3, eps=1e-4))}
FIELDS = ("loss", "norm", "norm_perp", "norm_first_perp", "norm_seen", "norm_frozen", "weights", "layers", "entries")


def agree(one, other, tolerance=1e-12):
    np.testing.assert_array_equal(one.epochs, other.epochs)
    for name in FIELDS:
        a, b = getattr(one, name), getattr(other, name)
        if name == "layers":
            a, b = (np.concatenate([np.concatenate(of_one) for of_one in each]) for each in (a, b))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * (1 + np.nanmax(np.abs(b), initial=0)), err_msg=name)
    np.testing.assert_array_equal(one.state.steps, other.state.steps)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("method", methods.METHODS)
def test_on_moments(method, pair):
    own, ours = PAIRS[pair]
    p = methods.problem(CASE, method)
    record = lv.Record(every=7, entries=[(0, 1)], weights=True, networks=True)
    how = {"epochs": 40, "seeds": (1, 2), "record": record}
    agree(lv.train(p, optimizer=own, **how), lv.train(p, optimizer=ours, **how))


@pytest.mark.parametrize("batches", [None, lv.Batches(128)], ids=["full", "batches"])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize(("activation", "biases"), [("identity", False), ("tanh", True)])
def test_on_samples(activation, biases, pair, batches):
    own, ours = PAIRS[pair]
    record = lv.Record(every=2, weights=True, networks=True)
    how = {"epochs": 5, "seeds": (1, 2), "record": record, "batches": batches, "activation": activation}
    how["biases"] = biases
    p = PROBLEMS["samples"][0]
    agree(lv.train(p, optimizer=own, **how), lv.train(p, optimizer=ours, **how))


def test_in_single_precision():
    p = methods.problem(CASE, "augmented")
    how = {"epochs": 30, "dtype": np.float32, "record": lv.Record(weights=True, networks=True)}
    own, ours = (lv.train(p, optimizer=rule, **how) for rule in PAIRS["momentum"])
    assert own.network.flat.dtype == np.float32
    agree(own, ours, 1e-5)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_resumed_it_is_uninterrupted(kind):
    """Twice from the same trace: what a rule keeps is copied."""
    how = {"optimizer": adam, "seeds": (1, 2), "batches": None if kind == "moments" else lv.Batches(200)}
    problems = PROBLEMS[kind] if kind == "moments" else PROBLEMS[kind][0]
    whole = lv.train(problems, epochs=12, record=lv.Record(every=3), **how)
    part = lv.train(whole.state.problems, epochs=5, record=lv.Record(every=3), **how)
    for _ in range(2):
        same(lv.resume(part, epochs=7), whole)
    one = lv.train(whole.state.problems[:1], epochs=12, record=lv.Record(every=3), **{**how, "seeds": (2,)})
    same(lv.resume(part.at(0, 1), epochs=7), one)


def test_rules_stop_it_where_they_stop_the_packages():
    p, record = methods.problem(CASE, "augmented"), lv.Record(every=5, weights=True, networks=True)
    whole = lv.train(p, optimizer=adam, epochs=60, seeds=(0, 1), record=record)
    level = float(whole.loss[0, :, 6].max())
    for until in (lv.Until(loss=level), lv.Until(relative_change=0.01), lv.Until(gradient_norm=1.0)):
        own, ours = (
            lv.train(p, optimizer=rule, epochs=60, seeds=(0, 1), record=record, until=until) for rule in PAIRS["adam"]
        )
        np.testing.assert_array_equal(own.state.stopped, ours.state.stopped)
        agree(own, ours)


def test_divergence_is_told():
    def explode(weights, gradient, state):
        with np.errstate(over="ignore"):
            return [1e200 * W for W in weights]

    with pytest.warns(RuntimeWarning, match="1 runs diverged, first problem 0 at seeds"):
        trace = lv.train(methods.problem(CASE, "augmented"), epochs=30, optimizer=explode)
    assert trace.state.diverged


def test_a_file_holds_no_rule(tmp_path):
    p = methods.problem(CASE, "augmented")
    lv.train(p, epochs=20, optimizer=adam, checkpoint=tmp_path / "trace.npz")
    with pytest.raises(ValueError, match=r"holds no state to go on from: .*init\.given"):
        lv.resume(lv.Trace.load(tmp_path / "trace.npz"), p, epochs=1)


def test_an_error_of_the_rule_comes_through_as_it_is():
    def broken(weights, gradient, state):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        lv.train(methods.problem(CASE, "augmented"), epochs=1, optimizer=broken)
