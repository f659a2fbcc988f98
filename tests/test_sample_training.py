"""Training on Samples: the iterates of a NumPy twin and of PyTorch, the same bits for any threads, interruption."""

import itertools
from pathlib import Path

import numpy as np
import pytest

import linvariance as lv
import oracles
from sample_problems import ACTIVATIONS, METHODS, Drawn
from tolerances import remember

# ------------------------------------------------------------------------------------------------------- trajectories

RULES = {
    "momentum": (lv.GradientDescent(0.02, 0.9, 0.1), lambda: oracles.SGD(0.02, 0.9, 0.1)),
    # eps far above rounding: where the gradient vanishes Adam divides it by itself, twin and package alike
    "adam": (lv.Adam(1e-3, eps=1e-4, weight_decay=0.1), lambda: oracles.Adam(1e-3, eps=1e-4, weight_decay=0.1)),
}
CASES = [
    (method, loss, activation, biased)
    for method, (loss, activation, biased) in itertools.product(
        METHODS,
        (
            ("squared", "identity", False),
            ("cross_entropy", "identity", False),
            ("cross_entropy", "identity", True),
            ("squared", "swish", False),
            ("cross_entropy", "tanh", False),
            ("squared", "gelu", True),
        ),
    )
    if method != "regularized" or activation == "identity"
]


@pytest.mark.parametrize("size", [None, 7, 1000], ids=["full batch", "batches of 7", "one batch"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("method", "loss", "activation", "biased"), CASES)
def test_training_equals_the_numpy_twin(method, loss, activation, biased, rule, size):
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
        one.problem, one.widths, activation=activation, biases=biased, optimizer=ours, epochs=epochs, batches=batches,
        seeds=(4,), record=lv.Record(every=3, weights=True),
    )  # fmt: skip
    start = oracles.pytorch_init(one.widths, 4) + [np.zeros(width) for width in one.widths[1:] if biased]
    states = oracles.batched(start, order, size or rows, twins(), lambda w, k: one.twin(w, k, elements)[1])
    worst = max(np.abs(f - e).max() for f, e in zip(trace.network.parameters, states[-1], strict=True))
    remember("samples: 200 steps, error / 1e-10", worst / 1e-10)
    assert worst <= 1e-10
    lift = np.asarray(one.rep.invariant_basis()) if method == "hard_wired" else np.eye(one.rep.dim)
    for t, epoch in enumerate(trace.epochs):
        assert abs(trace.loss[t] - one.twin(states[epoch])[0]) <= 1e-10
        looked = oracles.product(oracles.parted(states[epoch])[0]) if activation == "identity" else states[epoch][0]
        assert np.abs(trace.weights[t] - looked @ lift).max() <= 1e-10
        assert abs(trace.norm[t] - np.linalg.norm(looked)) <= 1e-10


@pytest.mark.parametrize("batches", [None, lv.Batches(7)], ids=["full", "batches"])
@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_problems_of_several_dims_and_numbers_of_rows_in_one_call_are_as_alone(activation, batches):
    rng = np.random.default_rng(5)
    data, rep = lv.Samples(rng.standard_normal((40, 6)), rng.integers(0, 3, 40), "cross_entropy"), lv.groups.cyclic(6)
    poses = (lv.augmented, lv.hard_wired, lv.convolutional)
    problems = [pose(data, rep, rank=rank) for pose, rank in zip(poses, (2, 1, 3), strict=True)]
    assert len({p.objective.rows for p in problems}) == 2
    how = {"activation": activation, "batches": batches, "epochs": 5, "record": lv.Record(every=2, networks=True)}
    together = lv.train(problems, seeds=(3, 4), **how)
    for (i, problem), (k, seed) in itertools.product(enumerate(problems), enumerate((3, 4))):
        alone, run = lv.train(problem, seeds=(seed,), threads=1, **how), together.at(i, k)
        np.testing.assert_array_equal(run.loss, alone.loss)
        np.testing.assert_array_equal(run.layers[0][0], alone.layers[0][0])


@pytest.mark.parametrize("batches", [None, lv.Batches(16)], ids=["full", "batches"])
@pytest.mark.parametrize(("method", "loss", "activation", "biased"), CASES)
def test_float32_stays_near_float64(method, loss, activation, biased, batches):
    one = Drawn("permutations C5", method, loss, activation, [3], 50, 3, 5)
    options = {"epochs": 30, "batches": batches, "activation": activation, "optimizer": lv.GradientDescent(0.01)}
    options["biases"] = biased
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
        "biases": True,
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


def test_only_regularized_linear_networks_train_with_others(rng):
    """The second of two problems is looked at too."""
    data, rep = lv.Samples(rng.standard_normal((9, 3)), rng.standard_normal((9, 2))), lv.groups.cyclic(3)
    both = [lv.augmented(data, rep, rank=2), lv.regularized(data, rep, rank=2, strength=0.1)]
    with pytest.raises(ValueError, match="penalty"):
        lv.train(both, activation="relu", epochs=1)
    assert lv.train(both, epochs=1).loss.shape == (2, 1, 2)
