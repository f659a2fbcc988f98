"""train: PyTorch's updates step by step, the recorded trajectory of PyTorch itself, determinism, and the Trace."""

import itertools
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import strategies
from linvariance.training import runs
from tolerances import bounded, close, remember

FEW = settings(max_examples=25)

CASE = strategies.Case(
    strategies.Group(
        "quarter turns", (tuple(int(i) for i in np.argsort(np.rot90(np.arange(16).reshape(4, 4)).ravel())),)
    ),
    24,
    3,
    2,
    "mild",
    "linear",
    3,
)


def pixels(case=CASE, frozen=True):
    """Moments of the case's data, with the corners (one orbit of a 4 x 4 image) zero."""
    X = case.X.T.copy()
    if frozen:
        X[:, [0, 3, 12, 15]] = 0
    return lv.Moments.from_data(X, case.Y.T), X


def twin_of(case, method):
    """The literal data set in the package's own coordinates: Adam does not commute with a change of basis."""
    B = np.asarray(methods.representation(case.group).invariant_basis())
    return methods.equivalent(case, method, B=B)


# ------------------------------------------------------------------------------------------- against PyTorch's updates


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("method", methods.METHODS)
@pytest.mark.parametrize(("epochs", "gate"), [(100, 1e-12), (2000, 1e-9)])  # the figures asked for
def test_adam_equals_the_numpy_twin_on_samples(method, depth, epochs, gate):
    twin = twin_of(CASE, method)
    widths = [len(twin.A), *[4, 5][: depth - 1], 3]
    p = methods.problem(CASE, method, rank=min(widths))
    # PyTorch's defaults. A step of 3e-3 on these data amplifies a perturbation of 1e-16 to 3e-4 in the twin itself:
    # once the gradient is small, Adam divides rounding by rounding.
    trace = lv.train(p, widths, epochs=epochs, seeds=(5,))
    states = oracles.descend(oracles.pytorch_init(widths, 5), twin.A, twin.Y, oracles.Adam(), epochs, twin.n)
    for found, expected in zip(trace.network.weights, states[-1], strict=True):
        assert np.abs(found - expected).max() <= gate


@pytest.mark.parametrize("widths", [[196, 5, 9], [110, 100, 4, 98]], ids=str)
def test_adam_equals_the_numpy_twin_beyond_one_tile(widths, rng):
    X, Y = rng.uniform(0, 1, (60, widths[0])), rng.standard_normal((60, widths[-1]))
    p = lv.unconstrained(lv.Moments.from_data(X, Y), rank=min(widths))
    trace = lv.train(p, widths, epochs=100)
    states = oracles.descend(oracles.pytorch_init(widths, 0), X.T, Y.T, oracles.Adam(), 100)
    for found, expected in zip(trace.network.weights, states[-1], strict=True):
        assert np.abs(found - expected).max() <= 1e-12  # the figure asked for


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("method", methods.METHODS)
def test_gradient_descent_equals_the_numpy_twin_on_samples(method, momentum):
    twin = twin_of(CASE, method)
    widths = [len(twin.A), 2, 3]
    trace = lv.train(
        methods.problem(CASE, method), epochs=500, seeds=(5,), optimizer=lv.GradientDescent(lr=0.02, momentum=momentum)
    )
    states = oracles.descend(oracles.pytorch_init(widths, 5), twin.A, twin.Y, oracles.SGD(0.02, momentum), 500, twin.n)
    for found, expected in zip(trace.network.weights, states[-1], strict=True):
        assert np.abs(found - expected).max() <= 1e-12


@pytest.fixture(scope="module")
def recorded():
    with np.load(Path(__file__).parent / "data" / "torch_adam.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("method", ["augmented", "hard_wired", "regularized"])
def test_the_recorded_trajectory_of_pytorch(recorded, method, optimizer):
    """PyTorch's mean reduction divides by n dL, the package by n: strength and eps times dL, lr of SGD by dL."""
    m, rep = lv.Moments.from_data(recorded["X"], recorded["Y"]), lv.groups.image_rotations(4)
    d_out = recorded["Y"].shape[1]
    p = {
        "augmented": lambda: lv.augmented(m, rep, rank=2),
        "hard_wired": lambda: lv.hard_wired(m, rep, rank=2),
        "regularized": lambda: lv.regularized(m, rep, rank=2, strength=d_out * float(recorded["strength"])),
    }[method]()
    rule = {
        "adam": lv.Adam(lr=float(recorded["adam_lr"]), eps=d_out * float(recorded["adam_eps"])),
        "sgd": lv.GradientDescent(float(recorded["sgd_lr"]) / d_out, float(recorded["sgd_momentum"])),
    }[optimizer]
    first, second = (recorded[f"{method}_{optimizer}_W{layer}"] for layer in (1, 2))
    lift = np.eye(16)
    if method == "hard_wired":  # the invariants may come in another order and with other signs: Adam is blind to both
        turn = recorded["B"] @ np.asarray(rep.invariant_basis()).T
        np.testing.assert_allclose(np.sort(np.abs(turn).ravel())[-4:], 1, atol=1e-15)
        first, lift = first @ np.rint(turn), np.asarray(rep.invariant_basis())
    trace = lv.train(
        p,
        epochs=int(recorded["epochs"]),
        optimizer=rule,
        init=lv.init.given([first[0], second[0]]),
        record=lv.Record(every=int(recorded["every"]), weights=True),
    )
    for found, W1, W2 in zip(trace.weights, first, second, strict=True):
        assert np.abs(found - W2 @ W1 @ lift).max() <= 1e-12
    for found, expected in zip(trace.network.weights, (first[-1], second[-1]), strict=True):
        assert np.abs(found - expected).max() <= 1e-12


# ------------------------------------------------------------------------------------------- in the eigenbasis of S'


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("widths", [(2, 3), (4, 5, 3), (3,)], ids=str)
@given(strategies.cases(), st.sampled_from(methods.METHODS), st.sampled_from([0.0, 0.7]))
@settings(max_examples=15)
def test_descent_in_the_eigenbasis_is_the_plain_one(kind, widths, case, method, momentum):
    """Ties and zeros among the eigenvalues included: a group gives the ones, "deficient" spectra the others."""
    full = methods.problem(case, method)
    shape = (full.dim, *widths[:-1], full.outputs)
    p = methods.problem(case, method, rank=min(shape))
    top = float(np.linalg.norm(p.quadratic.moment, 2))
    rule = lv.GradientDescent(0.02 / (1 + top), momentum, weight_decay=0.1)
    how = {"optimizer": rule, "epochs": 40, "dtype": kind, "record": lv.Record(every=9, weights=True)}
    found = []
    for begin in (None, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runs, "eigenbasis_from", lambda shape, begin=begin: begin)
            found.append(lv.train(p, shape, **how))
    eps = float(np.finfo(kind).eps / np.finfo(np.float64).eps)
    plain, turned = found
    scale = 1 + sum(float(np.linalg.norm(W)) for W in plain.network.weights)
    for name in ("norm", "norm_perp", "norm_first_perp", "norm_seen", "norm_frozen", "weights"):
        one, other = (np.nan_to_num(getattr(run, name)) for run in (plain, turned))
        close(f"eigenbasis: {name}", other, one, norms=eps * scale**3, dims=case.dims, condition=100)
    size = (1 + plain.loss.max()) * scale**2 * (1 + top)
    close("eigenbasis: loss", turned.loss, plain.loss, norms=eps * size, dims=case.dims, condition=100)
    close(
        "eigenbasis: network",
        turned.network.flat,
        plain.network.flat,
        norms=eps * scale**3,
        dims=case.dims,
        condition=100,
    )


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_long_descent_goes_through_the_eigenbasis_and_equals_the_numpy_twin(momentum):
    twin = twin_of(CASE, "augmented")
    p, rule = methods.problem(CASE, "augmented"), lv.GradientDescent(0.02, momentum)
    assert runs.eigenbasis_from((16, 2, 3)) == 128
    states = oracles.descend(
        oracles.pytorch_init([16, 2, 3], 5), twin.A, twin.Y, oracles.SGD(0.02, momentum), 400, twin.n
    )
    for epochs in (127, 128, 129, 400):
        network = lv.train(p, epochs=epochs, seeds=(5,), optimizer=rule).network
        for found, expected in zip(network.weights, states[epochs], strict=True):
            assert np.abs(found - expected).max() <= 1e-12


# ------------------------------------------------------------------------------------------------------ weight decay


DECAY = {  # the package's rules for the recorded ones: PyTorch's mean reduction divides by dL = 3 as well
    "adam": lv.Adam(1e-2, eps=3e-4, weight_decay=0.09),
    "adamw": lv.Adam(1e-2, eps=3e-4, weight_decay=0.3, decoupled=True),
    "sgd": lv.GradientDescent(0.1 / 3, 0.9, weight_decay=0.09),
}


@pytest.mark.parametrize("kind", ["float64", "float32"])
@pytest.mark.parametrize("rule", DECAY)
def test_weight_decay_is_that_of_pytorchs_recorded_trajectory(rule, kind):
    with np.load(Path(__file__).parent / "data" / "torch_decay.npz", allow_pickle=False) as file:
        recorded = dict(file)
    p = lv.augmented(lv.Moments.from_data(recorded["X"], recorded["Y"]), lv.groups.image_rotations(4), rank=2)
    first, second = (recorded[f"{rule}_{kind}_W{layer}"] for layer in (1, 2))
    start, every = lv.init.given([first[0], second[0]]), int(recorded["every"])
    tolerance = 1e-12 if kind == "float64" else 1e-5
    options = {"optimizer": DECAY[rule], "init": start, "dtype": kind}
    for k in range(len(first)):
        network = lv.train(p, epochs=k * every, **options).network
        for found, expected in zip(network.weights, (first[k], second[k]), strict=True):
            assert np.abs(found - expected).max() <= tolerance
    # without decay it would be another trajectory by far
    without = lv.train(p, epochs=k * every, **{**options, "optimizer": replace(DECAY[rule], weight_decay=0.0)}).network
    assert np.abs(without.matrix - network.matrix).max() > 0.01


# ----------------------------------------------------------------------------- other rules, rates that change

RULES = {  # PyTorch's mean reduction divides by dL = 3 as well
    "nesterov": lv.GradientDescent(0.05 / 3, 0.9, weight_decay=0.09, nesterov=True),
    "rmsprop": lv.RMSprop(1e-3, eps=3e-4, weight_decay=0.09),
    "centered": lv.RMSprop(3e-3, alpha=0.9, eps=3e-2, momentum=0.5, centered=True),
    "adamw": lv.AdamW(1e-2, eps=3e-4),
    "step": lv.GradientDescent(lv.rates.Step(0.1 / 3, every=30, gamma=0.5), 0.9),
    "exponential": lv.Adam(lv.rates.Exponential(1e-2, gamma=0.98), eps=3e-4),
    "cosine": lv.AdamW(lv.rates.Cosine(1e-2, epochs=200, least=1e-4), eps=3e-4, weight_decay=0.3),
    "warm up": lv.AdamW(
        lv.rates.WarmUp(lv.rates.Exponential(1e-2, gamma=0.98), epochs=25, start=0.1), eps=3e-4, weight_decay=0.3
    ),
}


@pytest.mark.parametrize("data", ["moments", "samples"])
@pytest.mark.parametrize("rule", RULES)
def test_other_rules_and_changing_rates_are_those_of_pytorchs_recorded_trajectories(rule, data):
    with np.load(Path(__file__).parent / "data" / "torch_rules.npz", allow_pickle=False) as file:
        recorded = dict(file)
    X, Y = recorded["X"], recorded["Y"]
    given = lv.Moments.from_data(X, Y) if data == "moments" else lv.Samples(X, Y, loss="squared")
    p = lv.augmented(given, lv.groups.image_rotations(4), rank=2)
    states = list(zip(recorded[f"{rule}_W1"], recorded[f"{rule}_W2"], strict=True))
    every, record = int(recorded["every"]), lv.Record(every=int(recorded["every"]), networks=True)
    trace = lv.train(p, epochs=200, optimizer=RULES[rule], init=lv.init.given(states[0]), record=record)
    for k, expected in enumerate(states):
        worst = max(np.abs(f - e).max() for f, e in zip(trace.network_at(k * every).weights, expected, strict=True))
        remember(f"rules: {rule} on {data} / 1e-12", worst / 1e-12)
        assert worst <= 1e-12  # the figure asked for, after 100 steps


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_float32_follows_float64_under_every_rule(rule):
    p = methods.problem(CASE, "augmented")
    double, single = (lv.train(p, epochs=100, optimizer=rule, dtype=t).network for t in (np.float64, np.float32))
    assert single.flat.dtype == np.float32
    assert np.abs(single.flat - double.flat).max() < 1e-4 * np.abs(double.flat).max()


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(
    ("ours", "twin_rule"),
    [
        (lv.Adam(weight_decay=0.5), lambda: oracles.Adam(weight_decay=0.5)),
        (lv.Adam(weight_decay=0.5, decoupled=True), lambda: oracles.Adam(weight_decay=0.5, decoupled=True)),
        (lv.GradientDescent(0.02, 0.5, 0.5), lambda: oracles.SGD(0.02, 0.5, 0.5)),
    ],
    ids=["Adam", "AdamW", "SGD"],
)
def test_weight_decay_equals_the_numpy_twin(ours, twin_rule, depth):
    twin = twin_of(CASE, "augmented")
    widths = [16, *[4, 5][: depth - 1], 3]
    p = methods.problem(CASE, "augmented", rank=min(widths))
    trace = lv.train(p, widths, epochs=100, seeds=(5,), optimizer=ours)
    states = oracles.descend(oracles.pytorch_init(widths, 5), twin.A, twin.Y, twin_rule(), 100, twin.n)
    for found, expected in zip(trace.network.weights, states[-1], strict=True):
        assert np.abs(found - expected).max() <= 1e-12
    assert trace.loss[-1] == pytest.approx(twin.loss(oracles.product(states[-1])), rel=1e-12)  # without the decay


def test_weight_decay_shrinks_what_gradient_flow_conserves():
    """d/dt (W_2ᵀW_2 - W_1W_1ᵀ) = -2·decay·(W_2ᵀW_2 - W_1W_1ᵀ), up to the learning rate."""
    p, lr, decay, epochs = methods.problem(CASE, "augmented"), 1e-4, 0.3, 4000
    start = lv.Network(oracles.pytorch_init([16, 2, 3], 1))
    rule = lv.GradientDescent(lr, weight_decay=decay)
    end = lv.train(p, epochs=epochs, optimizer=rule, init=lv.init.given(start)).network
    before, after = (lv.dynamics.balancedness(network)[0] for network in (start, end))
    assert after == pytest.approx(before * np.exp(-2 * decay * lr * epochs), rel=1e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("depth", [1, 2])  # from three layers on there are local minima, where σ = 0
def test_weight_decay_of_the_layers_is_a_schatten_penalty_of_the_map(depth, momentum):
    """S = 1: ½·decay·Σ‖W_j‖² is least L·decay/2·Σσ^(2/L) of W: σ moves to the minimizer of (σ - z)² + that."""
    m = lv.Moments.from_data(np.sqrt(3) * np.eye(3), np.sqrt(3) * np.diag([3.0, 2.0, 0.4]))
    p, decay = lv.unconstrained(m, rank=3), 1.2
    rule = lv.GradientDescent(0.02, momentum, weight_decay=decay)
    run = lv.train(p, [3] * (depth + 1), optimizer=rule, epochs=4000, init=lv.init.pytorch(), seeds=(1,))
    grid = np.linspace(0, 3, 300_001)
    expected = [grid[np.argmin((grid - z) ** 2 + depth * decay / 2 * grid ** (2 / depth))] for z in (3.0, 2.0, 0.4)]
    if depth == 1:
        np.testing.assert_allclose(expected, np.array([3.0, 2.0, 0.4]) / (1 + decay / 2), atol=1e-5)
    if depth == 2:
        np.testing.assert_allclose(expected, [3 - decay / 2, 2 - decay / 2, 0.0], atol=1e-5)
    np.testing.assert_allclose(np.linalg.svd(run.network.matrix)[1], expected, atol=2e-5)


# ------------------------------------------------------------------------------------------------------- determinism


def bits(trace):
    names = ("loss", "norm", "norm_perp", "norm_first_perp", "norm_seen", "norm_frozen", "entries", "weights")
    arrays = [getattr(trace, name) for name in names]
    return [np.asarray(a).tobytes() for a in arrays] + [w.tobytes() for w in trace.network.weights]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("optimizer", [lv.Adam(lr=1e-2), lv.GradientDescent(0.01, 0.9)], ids=["adam", "sgd"])
def test_bitwise_the_same_alone_or_together_and_for_any_number_of_threads(optimizer, dtype):
    m, _ = pixels()
    rep = methods.representation(CASE.group)
    problems = [lv.augmented(m, rep, rank=2), *(lv.regularized(m, rep, rank=2, strength=s) for s in (0.01, 1.0))]
    options = {
        "epochs": 60,
        "optimizer": optimizer,
        "dtype": dtype,
        "record": lv.Record(every=7, entries=[(0, 5), (2, 6)], weights=True),
    }
    together = {
        threads: lv.train(problems, seeds=(3, 1, 4, 1), threads=threads, **options) for threads in (1, 2, 3, None)
    }
    for i, k in itertools.product(range(3), range(4)):
        alone = bits(lv.train(problems[i], seeds=((3, 1, 4, 1)[k],), threads=1, **options))
        for threads, trace in together.items():
            assert bits(trace.at(i, k)) == alone, (i, k, threads)
            np.testing.assert_array_equal(trace.network(i, k).flat, trace.at(i, k).network.flat)
    one = together[1]
    assert bits(one.at(0, 1)) == bits(one.at(0, 3))  # the same seed
    assert bits(one.at(0, 0)) != bits(one.at(0, 1))


def test_recording_does_not_disturb_the_run():
    p = methods.problem(CASE, "augmented")
    records = (lv.Record(every=1, weights=True), lv.Record(every=1000), lv.Record(every=3, entries=[(0, 0)]))
    assert len({lv.train(p, epochs=50, record=record).network.flat.tobytes() for record in records}) == 1


# --------------------------------------------------------------------------------------------------------- the Trace


@FEW
@given(
    strategies.cases(spectra=("flat", "mild", "low rank"), max_dim=5),
    st.sampled_from(methods.METHODS),
    st.integers(0, 23),
    st.integers(1, 30),
)
def test_the_trace_is_what_happened(case, method, epochs, every):
    """Every recorded quantity against the twin's states, at 0, every, ... and the last epoch."""
    p, twin = methods.problem(case, method), twin_of(case, method)
    rng = np.random.default_rng(case.seed)
    entries = [(int(rng.integers(case.outputs)), int(rng.integers(case.group.dim))) for _ in range(3)]
    trace = lv.train(
        p,
        epochs=epochs,
        seeds=(9,),
        optimizer=lv.GradientDescent(0.01),
        record=lv.Record(every=every, entries=entries, weights=True),
    )
    assert trace.epochs.tolist() == sorted({*range(0, epochs + 1, every), epochs})
    states = oracles.descend(
        oracles.pytorch_init([p.dim, p.rank, p.outputs], 9), twin.A, twin.Y, oracles.SGD(0.01), epochs, twin.n
    )
    rep = methods.representation(case.group)
    for t, epoch in enumerate(trace.epochs):
        V = oracles.product(states[epoch])
        W = V @ twin.B
        norms, dims = np.linalg.norm(W) + 1, (epochs + 1) * case.dims
        close("trace: W", trace.weights[t], W, norms=norms, dims=dims)
        bounded("trace: loss", abs(trace.loss[t] - twin.loss(V)), norms=twin.scale(V), dims=dims)
        bounded("trace: ‖W‖", abs(trace.norm[t] - np.linalg.norm(W)), norms=norms, dims=dims)
        close("trace: entries", trace.entries[t], np.array([W[e] for e in entries]), norms=norms, dims=dims)
        group = case.group.elements if method != "unconstrained" else [np.eye(case.group.dim)]
        perp = np.linalg.norm(W - W @ oracles.reynolds(group))
        bounded("trace: ‖W⊥‖", abs(trace.norm_perp[t] - perp), norms=norms, dims=dims)
        first = states[epoch][0] @ twin.B
        outside = np.linalg.norm(first - first @ oracles.reynolds(group))
        size = np.linalg.norm(first) + 1
        bounded("trace: ‖W_1 (I - Π)‖", abs(trace.norm_first_perp[t] - outside), norms=size * norms, dims=dims)
        if method == "augmented":
            parts = lv.invariance.split(trace.weights[t], rep, methods.moments(case))
            for name, part in (("seen", parts.seen), ("frozen", parts.frozen)):
                bounded(
                    f"trace: ‖{name}‖",
                    abs(getattr(trace, f"norm_{name}")[t] - np.linalg.norm(part)),
                    norms=norms,
                    dims=dims,
                )
            seen, frozen = trace.norm_seen[t], trace.norm_frozen[t]
            assert abs(trace.norm_perp[t] ** 2 - seen**2 - frozen**2) <= 1e-12 * norms**2  # the figure asked for
        elif method == "hard_wired":
            assert trace.norm_perp[t] == trace.norm_seen[t] == trace.norm_frozen[t] == 0
        else:
            assert np.isnan(trace.norm_seen[t])
            assert np.isnan(trace.norm_frozen[t])
    for found, expected in zip(trace.network.weights, states[-1], strict=True):
        close(
            "trace: the final network",
            found,
            expected,
            norms=np.linalg.norm(expected) + 1,
            dims=(epochs + 1) * case.dims,
        )


def test_several_hard_wired_problems_are_each_lifted_by_their_own_basis():
    """Two groups with as many invariants, and an unconstrained problem of the same dimension."""
    X, Y = np.random.default_rng(0).standard_normal((2, 20, 4))
    m = lv.Moments.from_data(X, Y)
    problems = [lv.hard_wired(m, lv.groups.permutations([p]), rank=2) for p in ([1, 0, 2, 3], [0, 1, 3, 2])]
    record = lv.Record(every=5, weights=True, entries=[(0, 0), (1, 3)])
    together = lv.train(problems, epochs=20, record=record)
    for i, p in enumerate(problems):
        alone = lv.train(p, epochs=20, record=record)
        np.testing.assert_array_equal(together.at(i, 0).weights, alone.weights)
        np.testing.assert_array_equal(together.at(i, 0).entries, alone.entries)
        np.testing.assert_allclose(alone.weights[-1], p.lift(alone.network.matrix), atol=1e-15)
    mixed = [
        lv.hard_wired(m, lv.groups.trivial(4), rank=2),
        lv.unconstrained(m, rank=2),
        lv.augmented(m, lv.groups.cyclic(4), rank=2),
    ]
    together = lv.train(mixed, epochs=20, record=record)
    for i, p in enumerate(mixed):
        alone = lv.train(p, epochs=20, record=record)
        np.testing.assert_array_equal(together.at(i, 0).weights, alone.weights)
        np.testing.assert_array_equal(together.norm_seen[i, 0], alone.norm_seen)


def test_shapes_of_a_trace():
    m, _ = pixels()
    rep = methods.representation(CASE.group)
    problems = [lv.regularized(m, rep, rank=2, strength=s) for s in (0.01, 1.0)]
    trace = lv.train(problems, epochs=20, seeds=range(3), record=lv.Record(every=10, entries=[(0, 1)], weights=True))
    assert trace.loss.shape == trace.norm.shape == trace.norm_perp.shape == trace.norm_frozen.shape == (2, 3, 3)
    assert trace.entries.shape == (2, 3, 3, 1)
    assert trace.weights.shape == (2, 3, 3, 3, 16)
    single = lv.train(problems[0], epochs=20)
    assert single.loss.shape == (3,)
    assert isinstance(single.network, lv.Network)
    assert single.weights is None
    assert "loss" in repr(trace)


@pytest.mark.parametrize("epochs", [0, 1])
def test_no_epoch_and_one(epochs):
    trace = lv.train(methods.problem(CASE, "augmented"), epochs=epochs)
    assert trace.epochs.tolist() == [0, 1][: epochs + 1]
    assert len(trace.loss) == epochs + 1
    if epochs == 0:
        np.testing.assert_array_equal(trace.network.flat, oracles.joined(oracles.pytorch_init([16, 2, 3], 0)))


def test_a_loss_near_interpolation_is_recorded_to_its_last_digits():
    """As a sum of squares: at 1e-20 of ‖Y‖² the trace formula would record rounding of either sign."""
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((40, 3)), rng.standard_normal((2, 3))
    p = lv.unconstrained(lv.Moments.from_data(X, X @ W.T), rank=2)
    trace = lv.train(p, epochs=4000, optimizer=lv.GradientDescent(0.1), record=lv.Record(every=100))
    assert trace.loss[-1] < 1e-20
    assert np.all(trace.loss >= 0)


# ---------------------------------------------------------------------------------------------- what stays invariant


@pytest.mark.parametrize("optimizer", [lv.Adam(lr=1e-2), lv.GradientDescent(0.01, 0.9)], ids=["adam", "sgd"])
def test_columns_on_pixels_that_no_rotated_image_uses_never_move(optimizer):
    m, _ = pixels()
    p = lv.augmented(m, methods.representation(CASE.group), rank=2)
    trace = lv.train(p, epochs=300, optimizer=optimizer, record=lv.Record(every=50))
    start = oracles.pytorch_init([16, 2, 3], 0)[0]
    corners = [0, 3, 12, 15]
    np.testing.assert_array_equal(trace.network.weights[0][:, corners], start[:, corners])
    others = np.setdiff1d(np.arange(16), corners)
    assert np.all(trace.network.weights[0][:, others] != start[:, others])
    assert np.all(trace.norm_frozen > 0)
    np.testing.assert_allclose(trace.norm_perp**2, trace.norm_seen**2 + trace.norm_frozen**2, rtol=1e-12)


def test_the_seen_part_of_the_first_layer_shrinks_under_gradient_descent():
    """dB/dt = -2 W_{L:2}ᵀ W_{L:2} B S̄: B = W_1 (I - Π) never grows while lr ‖W_{L:2}‖² ‖S̄‖ <= 1; W⊥ itself may."""
    m, X = pixels()
    rep, elements = methods.representation(CASE.group), CASE.group.elements
    S = oracles.averaged_moment(X.T @ X / len(X), elements)
    p = lv.augmented(m, rep, rank=2)
    weights, sizes = oracles.pytorch_init([16, 2, 3], 0), []
    for _ in range(60):
        assert 0.05 * np.linalg.norm(weights[1], 2) ** 2 * np.linalg.norm(S, 2) <= 1
        sizes.append(np.linalg.norm(weights[0] - weights[0] @ oracles.reynolds(elements)))
        weights = lv.train(p, epochs=1, optimizer=lv.GradientDescent(0.05), init=lv.init.given(weights)).network.weights
    assert np.all(np.diff(sizes) <= 30 * oracles.EPS * sizes[0])
    assert sizes[-1] < sizes[0]


@FEW
@given(strategies.cases(spectra=("flat", "mild", "low rank"), max_dim=5), st.sampled_from(methods.METHODS))
def test_descent_with_a_small_step_lowers_the_loss_and_never_beats_the_optimum(case, method):
    p = methods.problem(case, method)
    optimum = lv.solve(p).loss
    trace = lv.train(p, epochs=200, seeds=range(3), optimizer=lv.GradientDescent(1e-3), record=lv.Record(every=20))
    for loss in trace.loss.reshape(3, -1):
        scale = methods.equivalent(case, method).scale(np.eye(case.outputs, p.dim)) + case.c
        bounded("training: descent", max(0.0, float(np.diff(loss).max())), norms=scale, dims=case.dims)
        bounded(
            "training: never below the optimum", max(0.0, optimum - float(loss.min())), norms=case.c, dims=case.dims
        )


# ------------------------------------------------------------------------------------------------ kinds of networks


def test_float32_runs_follow_float64_runs():
    p = methods.problem(CASE, "augmented")
    double, single = (lv.train(p, epochs=100, dtype=t) for t in (np.float64, np.float32))
    assert single.network.weights[0].dtype == np.float32
    assert single.loss.dtype == np.float64
    # A hundred Adam steps of 1e-3 each move by 1e-3 (1 ± eps32) at most.
    assert np.abs(single.network.flat - double.network.flat).max() < 100 * 1e-3 * 1e3 * np.finfo(np.float32).eps


def test_widths_wider_than_the_rank():
    p = methods.problem(CASE, "augmented", rank=2)
    for widths in ([16, 2, 3], [16, 7, 2, 9, 3]):
        assert lv.train(p, widths, epochs=3).network.widths == tuple(widths)
    beyond = methods.problem(CASE, "augmented", rank=50)
    assert lv.train(beyond, epochs=3).network.widths == (16, 50, 3)
    assert lv.train(beyond, [16, 3], epochs=3).network.widths == (16, 3)


@pytest.mark.parametrize(
    ("widths", "numbers"),
    [
        ([16, 3, 3], r"3.*2"),
        ([16, 1, 3], r"1.*2"),
        ([15, 2, 3], r"15.*16"),
        ([16, 2, 4], r"4.*3"),
        ([16, 3], r"3.*2"),
    ],
)
def test_widths_that_contradict_the_problem_are_refused(widths, numbers):
    with pytest.raises(ValueError, match=rf"(?s)widths.*{numbers}"):
        lv.train(methods.problem(CASE, "augmented", rank=2), widths, epochs=3)


def test_problems_that_cannot_train_together_are_refused():
    a, b = (methods.problem(CASE, method, rank=1) for method in ("augmented", "hard_wired"))
    fewer = lv.unconstrained(lv.Moments.from_data(np.eye(16), np.ones(16)), rank=1)
    with pytest.raises(ValueError, match=r"problems must share .*\(1, 16\), \(3, 16\)"):
        lv.train([a, fewer], epochs=1)
    with pytest.raises(ValueError, match=r"problems\[1\] from \d+ to 3: pass widths for each"):
        lv.train([a, b], (16, 1, 3), epochs=1)
    with pytest.raises(ValueError, match="1 networks for 2 problems"):
        lv.train([a, b], [(16, 1, 3)], epochs=1)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rule", [lv.Adam(1e-2), lv.GradientDescent(0.01, 0.9)])
def test_problems_of_several_dims_and_ranks_in_one_call_are_as_alone(rule, dtype, threads):
    """Bit for bit, in the order given; gradient descent on the smallest ones goes through the eigenbasis of S'."""
    methods_of = [*methods.METHODS, "hard_wired"]
    problems = [methods.problem(CASE, method, rank=1 + i % 2) for i, method in enumerate(methods_of)]
    assert len({p.dim for p in problems}) == 2
    widths = [(p.dim, p.rank + 1, p.rank, p.outputs) for p in problems]
    record = lv.Record(every=40, entries=[(0, 1)], weights=True, networks=True)
    how = {"optimizer": rule, "dtype": dtype, "epochs": 100, "record": record}
    together = lv.train(problems, widths, seeds=(3, 4), threads=threads, **how)
    for i, (problem, shape) in enumerate(zip(problems, widths, strict=True)):
        for k, seed in enumerate((3, 4)):
            alone, run = lv.train(problem, shape, seeds=(seed,), **how), together.at(i, k)
            assert run.network.widths == shape
            for name in ("loss", "norm", "norm_perp", "norm_first_perp", "norm_seen", "entries", "weights"):
                np.testing.assert_array_equal(getattr(run, name), getattr(alone, name))
            for (_, one), (_, other) in zip(run.states(), alone.states(), strict=True):
                np.testing.assert_array_equal(one.flat, other.flat)


def test_a_record_too_large_for_memory_is_refused_with_its_size():
    p = methods.problem(CASE, "augmented")
    for options in (
        {"epochs": 10**8, "record": lv.Record(every=1, weights=True)},
        {"epochs": 10**13, "record": lv.Record(every=1)},
    ):
        start = time.perf_counter()
        with pytest.raises(ValueError, match=r"[\d.]+ GiB"):
            lv.train(p, **options)
        assert time.perf_counter() - start < 1


def test_other_python_threads_run_meanwhile():
    """The loop releases the GIL."""
    from concurrent.futures import ThreadPoolExecutor

    p = methods.problem(CASE, "augmented")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lv.train, p, epochs=100_000, record=lv.Record(every=10**5))
        ticks = 0
        while not running.done():
            time.sleep(0.001)
            ticks += 1
    assert ticks > 10


def test_divergence_is_told(recwarn):
    """A step far too long: a warning that says so, or a refusal; never silently NaN."""
    p = methods.problem(CASE, "augmented")
    with pytest.warns(RuntimeWarning, match="diverge|finite"):
        lv.train(p, epochs=500, optimizer=lv.GradientDescent(1e3))


def test_data_in_place_of_a_problem_are_named():
    data, hint = methods.moments(CASE), "Problem, but is Moments: pose one with hard_wired"
    with pytest.raises(TypeError, match=f"problem must be {hint}"):
        lv.solve(data)
    with pytest.raises(TypeError, match=f"problems must be {hint}"):
        lv.train(data, epochs=1)
    with pytest.raises(TypeError, match=f"problems must be {hint}"):
        lv.resume(lv.train(methods.problem(CASE, "augmented"), epochs=1), data, epochs=1)


def test_the_way_that_was_meant_is_named():
    p = methods.problem(CASE, "regularized")
    with pytest.raises(TypeError, match=r"init must be .*, but is Network: init\.given\(network\)\."):
        lv.train(p, epochs=1, init=lv.train(p, epochs=1).network)
    for rule in (lv.Adam, lv.GradientDescent, lv.RMSprop, lambda lr: lv.rates.WarmUp(lr, 3)):
        with pytest.raises(
            TypeError, match=r"lr must be a number or one of rates, but is <function .*: e\.g\. rates\."
        ):
            rule(lr=lambda epoch: 0.1 / (1 + epoch))
    path = lv.regularization_path(p.data, p.representation, rank=2)
    for one in (1.5, np.float64(1.5)):
        with pytest.raises(TypeError, match=r"but is 1\.5: call path\(1\.5\), or pass \[1\.5\]"):
            path.evaluate(one)
