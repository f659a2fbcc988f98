"""The table of bad inputs (public function x argument x pathology) and the worker process that tries them.

A case passes when it raises ValueError or TypeError with a sentence that names the argument. It runs in a process of
its own, so that a crash or a hang is a failure of that case and not of the run.
"""

import datetime
import itertools
import re
import traceback
import warnings

import numpy as np
import scipy.sparse.linalg

import linvariance as lv

RNG = np.random.default_rng(0)
X, Y, W, S = RNG.standard_normal((8, 4)), RNG.standard_normal((8, 3)), RNG.standard_normal((3, 4)), np.eye(4)
WEIGHTS, LABELS = np.ones(8), RNG.integers(0, 3, 8)
MOMENTS, REP = lv.Moments.from_data(X, Y), lv.groups.cyclic(4)
PROBLEM = lv.augmented(MOMENTS, REP, rank=2)
HARD = lv.hard_wired(MOMENTS, REP, rank=1)
LAYERS = [RNG.standard_normal((2, 4)), RNG.standard_normal((3, 2))]
NETWORK = lv.Network(LAYERS)
OPERATOR = lv.hessian(PROBLEM, NETWORK)
TURN = np.array([[0.6, -0.8], [0.8, 0.6]])
SIGNED = lv.groups.hypercube(4)
DENSE = lv.groups.matrices([TURN])
SKEWED = lv.groups.change_of_basis(DENSE, [[1.0, 0.5], [0.0, 1.0]])
SQUARE, TARGETS = np.ones((8, 2)), lv.Moments.from_data(RNG.standard_normal((8, 2)), RNG.standard_normal((8, 2)))
PARTS = lv.groups.isotypic(REP)
CLASSES = np.array([0, 1, 2, 0, 1, 2, 0, 1])
SAMPLES = lv.Samples(X, CLASSES, "cross_entropy")
ON_SAMPLES = lv.augmented(SAMPLES, REP, rank=2)
CONVOLUTION = lv.convolutional(SAMPLES, REP, rank=2)
HARD_ON_SAMPLES = lv.hard_wired(SAMPLES, REP, rank=1)
TIMES = np.array([0.0, 0.1, 0.2])
FLOW = lv.dynamics.gradient_flow(PROBLEM, NETWORK, TIMES)
PLAIN = lv.unconstrained(MOMENTS, rank=2)
POINTS = lv.critical_points(PLAIN)
MINIMUM = lv.network_at(POINTS[0], (4, 2, 3))
PATH = lv.regularization_path(MOMENTS, REP, rank=2)
FLAT = np.ones(NETWORK.flat.size)
SPOILED = lv.Network.from_flat(np.nan * FLAT, NETWORK.widths)
UNFIT = lv.Network([np.ones((2, 5)), np.ones((3, 2))])
OVERFLOW = lv.Network([1e160 * layer for layer in LAYERS])
BIASED = lv.regularized(TARGETS, DENSE, rank=1, strength=1.0, output=DENSE)
NTK = lv.kernels.ntk
AVERAGED = lv.kernels.augmented(NTK, REP)
FINITE = lv.kernels.finite_width(REP, width=3, rng=np.random.default_rng(0))
REGRESSION = lv.kernels.ridge(AVERAGED, X, Y)


def spoiled(array, value):
    out = np.array(array, dtype=object if isinstance(value, str) else None)
    out = out.astype(float) if out.dtype.kind in "iu" and isinstance(value, float) else out
    out.flat[out.size // 2] = value
    return out


ARRAYS = {
    "nan": lambda a: spoiled(a, np.nan),
    "inf": lambda a: spoiled(a, np.inf),
    "-inf": lambda a: spoiled(a, -np.inf),
    "float32 nan": lambda a: spoiled(a, np.nan).astype(np.float32),
    "complex": lambda a: np.asarray(a) + 0j,
    "complex64": lambda a: (np.asarray(a) + 1j).astype(np.complex64),
    "object": lambda a: np.asarray(a).astype(object),
    "object with a string": lambda a: spoiled(a, "one"),
    "str": lambda a: np.asarray(a).astype(str),
    "bytes": lambda a: np.asarray(a).astype("S"),
    "masked": lambda a: np.ma.masked_array(a, mask=np.arange(np.size(a)).reshape(np.shape(a)) == 1),
    "masked without a mask": lambda a: np.ma.masked_array(a),
    "datetime": lambda a: np.full(np.shape(a), np.datetime64("2025-06-13")),
    "timedelta": lambda a: np.full(np.shape(a), np.timedelta64(3, "s")),
    "structured": lambda a: np.zeros(np.shape(a), dtype=[("a", float), ("b", int)]),
    "empty": lambda a: np.zeros((0, *np.shape(a)[1:])),
    "no columns": lambda a: np.zeros((*np.shape(a)[:-1], 0)),
    "scalar": lambda a: 1.0,
    "one dimension more": lambda a: np.asarray(a)[None, ..., None],
    "one dimension less": lambda a: np.asarray(a).ravel() if np.ndim(a) > 1 else np.float64(1),
    "one row more": lambda a: np.concatenate([a, np.asarray(a)[:1]]),
    "one column more": lambda a: np.concatenate([a, np.asarray(a)[..., :1]], axis=-1),
    "ragged": lambda a: [[1.0, 2.0], [3.0]],
    "list of None": lambda a: [[None] * 4] * 3,
    "None": lambda a: None,
    "dict": lambda a: {"a": 1},
    "set": lambda a: {1.0, 2.0},
    "a string": lambda a: "data.csv",
    "generator": lambda a: (x for x in [1.0, 2.0]),
    "sparse": lambda a: __import__("scipy.sparse").sparse.csr_array(np.atleast_2d(a)),
    "dates": lambda a: [datetime.date(2025, 6, 13)] * 8,
}
FREE_ROWS = {"one row more"}  # any number of rows is legal

ARRAY_ARGUMENTS = {
    # (function, argument): (a call with the argument replaced, a valid value, what is legal there)
    ("Moments.from_data", "X"): (lambda a: lv.Moments.from_data(a, Y), X, {"one column more"}),
    ("Moments.from_data", "Y"): (lambda a: lv.Moments.from_data(X, a), Y, {"one column more"}),
    ("Moments.from_data", "weights"): (lambda a: lv.Moments.from_data(X, Y, weights=a), WEIGHTS, {"None"}),
    ("Moments.update", "X"): (lambda a: MOMENTS.update(a, Y), X, set()),
    ("Moments.update", "Y"): (lambda a: MOMENTS.update(X, a), Y, set()),
    ("Moments.update", "weights"): (lambda a: MOMENTS.update(X, Y, weights=a), WEIGHTS, {"None"}),
    ("Representation.project", "W"): (REP.project, W, {*FREE_ROWS, "one dimension less"}),
    ("Representation.average_moment", "S"): (REP.average_moment, S, set()),
    ("Representation.project, signed", "W"): (SIGNED.project, W, {*FREE_ROWS, "one dimension less"}),
    ("Representation.project, matrices", "W"): (DENSE.project, SQUARE, {*FREE_ROWS, "one dimension less"}),
    ("Representation.project, not orthogonal", "W"): (SKEWED.project, SQUARE, {*FREE_ROWS, "one dimension less"}),
    ("Representation.average_moment, signed", "S"): (SIGNED.average_moment, S, set()),
    ("Representation.average_moment, matrices", "S"): (DENSE.average_moment, TURN, set()),
    ("Representation.average_moment, not orthogonal", "S"): (SKEWED.average_moment, TURN, set()),
    ("Representation.multiply", "W"): (
        lambda a: REP.multiply(a, REP.elements()[1]),
        W,
        {*FREE_ROWS, "one dimension less"},
    ),
    ("matrices", "generators"): (lv.groups.matrices, np.stack([TURN, TURN.T]), {*FREE_ROWS, "sparse"}),
    ("lie", "algebra"): (lv.groups.lie, np.array([[[0.0, -1.0], [1.0, 0.0]]]), {*FREE_ROWS, "sparse"}),
    ("change_of_basis", "T"): (lambda a: lv.groups.change_of_basis(REP, a), np.eye(4) + np.eye(4, k=1), set()),
    ("signed_permutations", "signs"): (
        lambda a: lv.groups.signed_permutations([[1, 0, 2], [0, 2, 1]], a),
        np.array([[1, 1, -1], [1, -1, 1]]),
        {"None"},
    ),
    ("intertwine", "W"): (lambda a: lv.groups.intertwine(a, REP, REP), S, set()),
    ("energies", "W"): (PARTS.energies, W, FREE_ROWS),
    ("orbit_variance", "W"): (lambda a: lv.invariance.orbit_variance(a, REP, MOMENTS), W, FREE_ROWS),
    ("sampled_error", "X"): (
        lambda a: lv.invariance.sampled_error(lambda x: x[:, 0], a, REP, draws=5, rng=np.random.default_rng(0)),
        X,
        FREE_ROWS,
    ),
    ("augmentation.per_sample", "X"): (lambda a: lv.augmentation.per_sample(a, REP, 2), X, FREE_ROWS),
    ("dynamics.gradient_flow", "times"): (lambda a: lv.dynamics.gradient_flow(PROBLEM, NETWORK, a), TIMES, set()),
    ("kernels.ntk", "X"): (NTK, X, {*FREE_ROWS, "one column more"}),
    ("kernels.ntk", "X2"): (lambda a: NTK(X, a), X, {*FREE_ROWS, "None"}),
    ("kernels.ntk, tanh", "X"): (lambda a: NTK(a, None, "tanh"), X, {*FREE_ROWS, "one column more"}),
    ("kernels.augmented", "X"): (AVERAGED, X, FREE_ROWS),
    ("kernels.augmented", "X2"): (lambda a: AVERAGED(X, a), X, {*FREE_ROWS, "None"}),
    ("kernels.convolutional", "X"): (lv.kernels.convolutional(NTK, REP), X, FREE_ROWS),
    ("kernels.finite_width", "X"): (FINITE, X, FREE_ROWS),
    ("kernels.finite_width", "X2"): (lambda a: FINITE(X, a), X, {*FREE_ROWS, "None"}),
    ("kernels.ridge", "X"): (lambda a: lv.kernels.ridge(NTK, a, Y), X, {"one column more"}),
    ("kernels.ridge", "Y"): (lambda a: lv.kernels.ridge(NTK, X, a), Y, {"one column more"}),
    ("KernelRegression.predict", "X"): (REGRESSION.predict, X, FREE_ROWS),
    ("Problem.loss", "V"): (PROBLEM.loss, W, set()),
    ("Problem.gradient", "V"): (PROBLEM.gradient, W, set()),
    ("Problem.lift", "V"): (PROBLEM.lift, W, set()),
    ("Problem.lift, hard-wired", "V"): (HARD.lift, W[:, :1], set()),
    ("Problem.restrict", "W"): (PROBLEM.restrict, W, set()),
    ("Problem.restrict, hard-wired", "W"): (HARD.restrict, W, set()),
    ("Samples", "X"): (lambda a: lv.Samples(a, Y), X, {"one column more"}),
    ("Samples", "y"): (lambda a: lv.Samples(X, a), Y, {"one column more"}),
    ("Samples of classes", "X"): (lambda a: lv.Samples(a, CLASSES, "cross_entropy"), X, {"one column more"}),
    ("Samples of classes", "y"): (lambda a: lv.Samples(X, a, "cross_entropy"), CLASSES, set()),
    ("Problem.loss, samples", "V"): (ON_SAMPLES.loss, W, set()),
    ("Problem.gradient, samples", "V"): (ON_SAMPLES.gradient, W, set()),
    ("Problem.loss, convolutional", "V"): (CONVOLUTION.loss, W, set()),
    ("predictor's function", "X"): (lv.predictor(ON_SAMPLES, NETWORK), X, {*FREE_ROWS, "one dimension less"}),
    ("predictor's function, convolutional", "X"): (
        lv.predictor(CONVOLUTION, NETWORK),
        X,
        {*FREE_ROWS, "one dimension less"},
    ),
    ("predictor's function, hard-wired", "X"): (
        lv.predictor(HARD_ON_SAMPLES, lv.Network([np.ones((2, 1)), LAYERS[1]], "tanh")),
        X,
        {*FREE_ROWS, "one dimension less"},
    ),
    ("Network", "weights"): (lambda a: lv.Network([a, LAYERS[1]]), LAYERS[0], {"one column more", "no columns"}),
    ("Network, second layer", "weights"): (lambda a: lv.Network([LAYERS[0], a]), LAYERS[1], {*FREE_ROWS, "empty"}),
    ("init.given", "weights"): (lambda a: lv.init.given([a, LAYERS[1]]), LAYERS[0], {"one column more", "no columns"}),
    ("loss_along", "direction"): (lambda a: lv.loss_along(PROBLEM, NETWORK, a), FLAT, set()),
    ("RegularizationPath.evaluate", "strengths"): (
        PATH.evaluate,
        np.array([0.1, 1.0]),
        {*FREE_ROWS, "one column more"},
    ),
    ("invariance.split", "W"): (lambda a: lv.invariance.split(a, REP), W, FREE_ROWS),
    ("invariance.accuracy", "W"): (lambda a: lv.invariance.accuracy(a, X, LABELS, REP), W, FREE_ROWS),
    ("invariance.accuracy", "X"): (lambda a: lv.invariance.accuracy(W, a, LABELS, REP), X, set()),
    ("invariance.accuracy", "labels"): (lambda a: lv.invariance.accuracy(W, X, a, REP), LABELS, set()),
    ("invariance.error", "X"): (lambda a: lv.invariance.error(lambda x: x[:, 0], a, REP), X, FREE_ROWS),
}

GENERATORS = {
    "twice the same": [[0, 0, 2]],
    "out of range": [[0, 1, 3]],
    "negative": [[0, -1, 2]],
    "floats": [[0.0, 1.0, 2.0]],
    "fractions": [[0.5, 1.0, 2.0]],
    "bool": [[True, False]],
    "str": [["0", "1"]],
    "empty": [],
    "empty row": [[]],
    "ragged": [[0, 1], [1, 0, 2]],
    "three dimensions": [[[1, 0]]],
    "matrix": np.eye(3),
    "complex": [[0j, 1 + 0j]],
    "None": None,
    "object": np.array([[1, None]], dtype=object),
    "a string": "swap",
    "scalar": 3,
    "dict": {1: 2},
    "masked": np.ma.masked_array([[1, 0]], mask=[[True, False]]),
    "nan": [[np.nan, 0]],
    "huge": [[2**62, 0]],
    "second one is none": [[1, 0, 2], [1, 1, 2]],
    "datetime": np.array([["2025-06-13"]], dtype="M8[D]"),
    "structured": np.zeros((1, 2), dtype=[("a", int)]),
    "uint64 beyond int64": np.array([[2**64 - 1, 0]], np.uint64),
}

NOT_COUNTS = {
    "0": 0,
    "negative": -1,
    "2.7": 2.7,
    "2.0": 2.0,
    "True": True,
    "numpy bool": np.True_,
    "str": "2",
    "None": None,
    "nan": np.nan,
    "inf": np.inf,
    "complex": 1j,
    "array": np.array([1, 2]),
    "list": [2],
}
NOT_FROM_ZERO = {k: v for k, v in NOT_COUNTS.items() if k != "0"}
NOT_STRENGTHS = {
    "negative": -1.0,
    "inf": np.inf,
    "-inf": -np.inf,
    "nan": np.nan,
    "str": "1",
    "None": None,
    "complex": 1j,
    "True": True,
    "array": np.array([1.0, 2.0]),
    "list": [1.0],
}
NOT_POSITIVE = {**NOT_STRENGTHS, "0": 0.0}
NOT_FRACTIONS = {**NOT_STRENGTHS, "1": 1.0, "2": 2.0}
NOT_DATA = {"array": X, "None": None, "str": "moments", "representation": REP, "tuple": (X, Y)}
NOT_REPS = {"array": np.eye(4), "None": None, "str": "C4", "moments": MOMENTS, "generators": [[1, 2, 3, 0]]}
NOT_NETWORKS = {
    "None": None,
    "array": W,
    "layers": LAYERS,
    "str": "network",
    "nan": SPOILED,
    "inf": lv.Network.from_flat(np.inf * FLAT, NETWORK.widths),
    "other inputs": UNFIT,
    "other outputs": lv.Network([np.ones((2, 4)), np.ones((2, 2))]),
    "problem": PROBLEM,
    "overflow": OVERFLOW,
}
NOT_RNGS = {"None": None, "a seed": 3, "legacy": np.random.RandomState(0), "module": np.random}
NOT_ACTIVATIONS = {"None": None, "number": 1, "another": "ReLU", "empty": "", "bytes": b"relu", "function": np.tanh}
NOT_KERNELS = {"None": None, "array": np.eye(8), "name": "ntk"}
NO_KERNELS = {
    "wrong shape": lambda A, B: np.eye(2),
    "nan": lambda A, B: np.full((len(A), len(B)), np.nan),
    "complex": lambda A, B: A @ B.T + 0j,
    "nothing": lambda A, B: None,
}
NOT_ACTIVATIONS = {"unknown": "gelu", "None": None, "function": np.tanh, "a list": ["relu"], "capital": "ReLU"}
NOT_PROBLEMS = {"None": None, "array": X, "moments": MOMENTS, "str": "augmented"}
BARE_NETWORKS = {name: NOT_NETWORKS[name] for name in ("None", "array", "layers", "str")}
UNFIT_NETWORKS = {
    **BARE_NETWORKS,
    "other inputs": lv.Network([np.ones((2, 5)), LAYERS[1]]),
    "nan": lv.Network.from_flat(np.full(14, np.nan), (4, 2, 3)),
}
UNREADABLE_RUNS = {
    "None": None,
    "array": W,
    "network": NETWORK,
    "without weights": lv.train(PROBLEM, epochs=1),
    "several runs": lv.train(PROBLEM, epochs=1, seeds=(0, 1), record=lv.Record(weights=True)),
    "of another problem": lv.dynamics.gradient_flow(HARD, lv.Network([np.ones((1, 1)), np.ones((3, 1))]), TIMES),
    "diverged": lv.dynamics.Flow(TIMES, TIMES, (NETWORK, NETWORK, UNFIT_NETWORKS["nan"])),
}


def train(**options):
    return lv.train(PROBLEM, **{"epochs": 2, **options})


SCALARS = {
    ("unconstrained", "rank"): (lambda v: lv.unconstrained(MOMENTS, rank=v), NOT_COUNTS),
    ("hard_wired", "rank"): (lambda v: lv.hard_wired(MOMENTS, REP, rank=v), NOT_COUNTS),
    ("augmented", "rank"): (lambda v: lv.augmented(MOMENTS, REP, rank=v), NOT_COUNTS),
    ("regularized", "rank"): (lambda v: lv.regularized(MOMENTS, REP, rank=v, strength=1.0), NOT_COUNTS),
    ("regularized", "strength"): (lambda v: lv.regularized(MOMENTS, REP, rank=2, strength=v), NOT_STRENGTHS),
    ("regularized, too strong", "strength"): (
        lambda v: lv.regularized(MOMENTS, REP, rank=2, strength=v),
        {"strength GGᵀ overflows": 1.7e308},
    ),
    ("solve", "X"): (
        lambda v: lv.solve(v),
        {"weights beyond 1e308": lv.unconstrained(lv.Moments.from_data(1e-310 * X, Y), rank=1)},
    ),
    ("unconstrained", "data"): (lambda v: lv.unconstrained(v, rank=1), NOT_DATA),
    ("hard_wired", "data"): (lambda v: lv.hard_wired(v, REP, rank=1), NOT_DATA),
    ("augmented", "data"): (lambda v: lv.augmented(v, REP, rank=1), NOT_DATA),
    ("regularized", "data"): (lambda v: lv.regularized(v, REP, rank=1, strength=1.0), NOT_DATA),
    ("hard_wired", "rep"): (lambda v: lv.hard_wired(MOMENTS, v, rank=1), NOT_REPS),
    ("augmented", "rep"): (lambda v: lv.augmented(MOMENTS, v, rank=1), NOT_REPS),
    ("regularized", "rep"): (lambda v: lv.regularized(MOMENTS, v, rank=1, strength=1.0), NOT_REPS),
    ("invariance.split", "rep"): (lambda v: lv.invariance.split(W, v), NOT_REPS),
    ("invariance.accuracy", "rep"): (lambda v: lv.invariance.accuracy(W, X, LABELS, v), NOT_REPS),
    ("invariance.error", "rep"): (lambda v: lv.invariance.error(lambda x: x[:, 0], X, v), NOT_REPS),
    ("invariance.split", "moments"): (
        lambda v: lv.invariance.split(W, REP, v),
        {k: v for k, v in NOT_DATA.items() if k != "None"},
    ),
    ("solve", "problem"): (lv.solve, NOT_PROBLEMS),
    ("hessian", "problem"): (lambda v: lv.hessian(v, NETWORK), NOT_PROBLEMS),
    ("hessian", "network"): (lambda v: lv.hessian(PROBLEM, v), {"None": None, "array": W, "list": LAYERS}),
    ("unconstrained on Samples", "rank"): (lambda v: lv.unconstrained(SAMPLES, rank=v), NOT_COUNTS),
    ("Samples", "loss"): (
        lambda v: lv.Samples(X, CLASSES, v),
        {"unknown": "hinge", "None": None, "number": 2, "a list": ["squared"], "array": np.array(["squared", "a"])},
    ),
    ("Samples", "classes"): (
        lambda v: lv.Samples(X, CLASSES, "cross_entropy", classes=v),
        {**{k: v for k, v in NOT_COUNTS.items() if k != "None"}, "1": 1, "too few": 2, "too many": 10**12},
    ),
    ("Samples, squared", "classes"): (lambda v: lv.Samples(X, Y, classes=v), {"3": 3}),
    ("Samples", "y"): (
        lambda v: lv.Samples(X, v, "cross_entropy"),
        {
            "one class": np.zeros(8, int),
            "one class only, 1": np.ones(8, int),
            "a class missing": np.where(CLASSES == 1, 3, CLASSES),
            "from 1": CLASSES + 1,
            "negative": CLASSES - 1,
            "floats": CLASSES.astype(float),
            "fractions": CLASSES + 0.5,
            "bool": CLASSES > 0,
            "names": np.array(["a", "b"] * 4),
            "one-hot": np.eye(3, dtype=int)[CLASSES],
            "too few": CLASSES[:5],
            "huge": np.where(CLASSES == 1, 2**62, CLASSES),
            "uint64 beyond int64": np.where(CLASSES == 1, np.uint64(2**64 - 1), CLASSES.astype(np.uint64)),
        },
    ),
    ("Samples, squared", "X|y"): (
        lambda v: lv.Samples(*v),
        {"X overflows": (1e200 * X, Y), "y overflows": (X, 1e200 * Y), "too few": (X, Y[:5]), "too few X": (X[:5], Y)},
    ),
    ("Batches", "size"): (lv.Batches, NOT_COUNTS),
    ("Batches.order", "seed"): (lambda v: lv.Batches(2).order(v, 2, 4), NOT_FROM_ZERO),
    ("Batches.order", "epochs"): (lambda v: lv.Batches(2).order(0, v, 4), {**NOT_FROM_ZERO, "too many": 10**12}),
    ("Batches.order", "rows"): (lambda v: lv.Batches(2).order(0, 2, v), {**NOT_COUNTS, "beyond int32": 2**31}),
    ("convolutional", "data"): (lambda v: lv.convolutional(v, REP, rank=1), {**NOT_DATA, "moments": MOMENTS}),
    ("convolutional", "rep"): (lambda v: lv.convolutional(SAMPLES, v, rank=1), NOT_REPS),
    ("convolutional", "rank"): (lambda v: lv.convolutional(SAMPLES, REP, rank=v), NOT_COUNTS),
    ("on Samples", "rep"): (
        lambda v: v(lv.Samples(np.ones((2, 8)), [1.0, 2.0]), lv.groups.symmetric(8), rank=1),
        {"augmented, 40,320 elements": lv.augmented, "convolutional, 40,320 elements": lv.convolutional},
    ),
    ("on Samples, Lie", "rep"): (
        lambda v: v(lv.Samples(SQUARE, np.arange(8.0)), lv.groups.rotations(2), rank=1),
        {"augmented": lv.augmented, "convolutional": lv.convolutional},
    ),
    ("on Samples", "output"): (
        lambda v: v(lv.Samples(SQUARE, SQUARE), DENSE, output=DENSE),
        {
            "augmented": lambda *a, **k: lv.augmented(*a, rank=1, **k),
            "hard_wired": lambda *a, **k: lv.hard_wired(*a, rank=1, **k),
            "regularized": lambda *a, **k: lv.regularized(*a, rank=1, strength=1.0, **k),
        },
    ),
    ("regularized on Samples", "strength"): (
        lambda v: lv.regularized(SAMPLES, REP, rank=2, strength=v),
        {**NOT_STRENGTHS, "strength GGᵀ overflows": 1.7e308},
    ),
    ("no second moments", "moments"): (
        lambda v: v(ON_SAMPLES),
        {
            "solve": lv.solve,
            "critical_points": lv.critical_points,
            "lower_rank_points": lv.lower_rank_points,
            "classify": lambda p: lv.classify(p, NETWORK),
            "target": lambda p: p.target,
            "gradient_flow": lambda p: lv.dynamics.gradient_flow(p, NETWORK, TIMES),
            "visits": lambda p: lv.dynamics.visits(p, FLOW),
            "time_scales": lambda p: lv.dynamics.time_scales(p, 0.1),
            "stable_step": lambda p: lv.dynamics.stable_step(p, NETWORK),
        },
    ),
    ("regularization_path", "data|moments"): (lambda v: lv.regularization_path(v, REP, rank=2), {"samples": SAMPLES}),
    ("predictor", "problem"): (lambda v: lv.predictor(v, NETWORK), NOT_PROBLEMS),
    ("predictor", "network"): (
        lambda v: lv.predictor(ON_SAMPLES, v),
        UNFIT_NETWORKS,
    ),
    ("Network", "activation"): (lambda v: lv.Network(LAYERS, v), NOT_ACTIVATIONS),
    ("train", "activation"): (lambda v: lv.train(ON_SAMPLES, epochs=1, activation=v), NOT_ACTIVATIONS),
    ("train on Moments", "Moments"): (lambda v: train(activation=v), {"relu": "relu", "tanh": "tanh"}),
    ("train on Samples", "batches"): (
        lambda v: lv.train(ON_SAMPLES, epochs=1, batches=v),
        {"number": 4, "str": "full", "class": lv.Batches, "array": np.arange(8)},
    ),
    ("train on Moments", "batches"): (lambda v: train(batches=v), {"on moments": lv.Batches(2)}),
    ("train on Samples", "rows|epochs"): (
        lambda v: v(),
        {
            "other rows": lambda: lv.train([ON_SAMPLES, CONVOLUTION], epochs=1, batches=lv.Batches(2)),
            "an order too long": lambda: lv.train(ON_SAMPLES, epochs=10**7, batches=lv.Batches(2)),
        },
    ),
    ("nonlinear and regularized", "penalty"): (
        lambda v: v(lv.regularized(SAMPLES, REP, rank=2, strength=1.0)),
        {
            "hessian": lambda p: lv.hessian(p, lv.Network(LAYERS, "tanh")),
            "train": lambda p: lv.train(p, activation="tanh", epochs=1),
            "train, second of two": lambda p: lv.train([ON_SAMPLES, p], activation="tanh", epochs=1),
        },
    ),
    ("hessian on Samples", "network"): (lambda v: lv.hessian(ON_SAMPLES, v), UNFIT_NETWORKS),
    ("nonlinear on Moments", "Moments"): (lambda v: lv.hessian(PROBLEM, lv.Network(LAYERS, v)), {"relu": "relu"}),
    ("train", "problems"): (lambda v: lv.train(v, epochs=1), {**NOT_PROBLEMS, "empty": [], "mixed": [PROBLEM, None]}),
    ("train", "epochs"): (lambda v: train(epochs=v), NOT_FROM_ZERO),
    ("train", "threads"): (lambda v: train(threads=v), {k: v for k, v in NOT_COUNTS.items() if k != "None"}),
    ("train", "seeds"): (
        lambda v: train(seeds=v),
        {
            "empty": (),
            "negative": (-1,),
            "fraction": (1.5,),
            "str": ("a",),
            "None": (None,),
            "bool": (True,),
            "nothing": None,
            "number": 3,
            "string": "ab",
        },
    ),
    ("train", "dtype"): (
        lambda v: train(dtype=v),
        {"int": int, "complex": complex, "float16": np.float16, "object": object, "no type": "double precision"},
    ),
    ("train", "optimizer"): (lambda v: train(optimizer=v), {"str": "adam", "class": lv.Adam, "number": 0.1}),
    ("train", "record"): (lambda v: train(record=v), {"number": 10, "str": "all", "dict": {"every": 1}}),
    ("train", "init|weights"): (
        lambda v: train(init=v),
        {
            "str": "pytorch",
            "the maker": lv.init.pytorch,
            "layers": LAYERS,
            "nan": lambda widths, rng: [w * np.nan for w in LAYERS],
            "other widths": lambda widths, rng: [np.ones((2, 5)), np.ones((3, 2))],
            "too few layers": lambda widths, rng: LAYERS[:1],
        },
    ),
    ("train", "widths"): (
        lambda v: train(widths=v),
        {
            "empty": [],
            "one": [4],
            "ends elsewhere": [4, 2, 2],
            "starts elsewhere": [5, 2, 3],
            "rank 1": [4, 1, 3],
            "rank 3": [4, 3, 3],
            "zero": [4, 0, 3],
            "negative": [4, -2, 3],
            "fraction": [4, 2.5, 3],
            "str": ["4", "2", "3"],
            "bool": [4, True, 3],
            "number": 3,
            "string": "423",
            "nested": [[4, 2, 3]],
        },
    ),
    ("Adam", "lr"): (lambda v: lv.Adam(lr=v), NOT_POSITIVE),
    ("Adam", "eps"): (lambda v: lv.Adam(eps=v), NOT_STRENGTHS),
    ("Adam", "betas"): (
        lambda v: lv.Adam(betas=v),
        {
            "one": (0.9,),
            "three": (0.9, 0.9, 0.9),
            "number": 0.9,
            "None": None,
            "nan": (0.9, np.nan),
            "beta 1": (1.0, 0.9),
            "negative": (-0.1, 0.9),
            "str": ("0.9", "0.9"),
            "string": "ab",
            "True": (True, 0.5),
        },
    ),
    ("GradientDescent", "lr"): (lambda v: lv.GradientDescent(lr=v), NOT_POSITIVE),
    ("GradientDescent", "momentum"): (lambda v: lv.GradientDescent(0.1, momentum=v), NOT_FRACTIONS),
    ("Record", "every"): (lambda v: lv.Record(every=v), NOT_COUNTS),
    ("Record", "entries|entry"): (
        lambda v: train(record=lv.Record(entries=v)),
        {
            "row too large": [(3, 0)],
            "column too large": [(0, 4)],
            "negative": [(-1, 0)],
            "fraction": [(0.5, 0)],
            "one number": [(1,)],
            "three": [(1, 1, 1)],
            "no pairs": [1, 2],
            "str": ["ab"],
            "number": 3,
            "None": None,
            "bool": [(True, 0)],
        },
    ),
    ("Record", "weights"): (lambda v: lv.Record(weights=v), {"str": "no", "array": np.ones(2), "number": 2.5}),
    ("init.gaussian", "scale"): (lambda v: lv.init.gaussian(v), NOT_POSITIVE),
    ("init.balanced", "scale"): (lambda v: lv.init.balanced(v), NOT_POSITIVE),
    ("Network", "weights"): (
        lv.Network,
        {
            "empty": [],
            "None": None,
            "number": 3.0,
            "one matrix": W,
            "string": "ab",
            "do not fit": [W, W],
            "dict": {},
            "a vector": [np.ones(3)],
        },
    ),
    ("init.given", "weights"): (lv.init.given, {"empty": [], "None": None, "one matrix": W, "do not fit": [W, W]}),
    ("cyclic", "n"): (lv.groups.cyclic, NOT_COUNTS),
    ("dihedral", "n"): (lv.groups.dihedral, NOT_COUNTS),
    ("symmetric", "n"): (lv.groups.symmetric, NOT_COUNTS),
    ("trivial", "n"): (lv.groups.trivial, NOT_COUNTS),
    ("image_rotations", "size"): (lv.groups.image_rotations, NOT_COUNTS),
    ("image_dihedral", "size"): (lv.groups.image_dihedral, NOT_COUNTS),
    ("image_translations", "height"): (lambda v: lv.groups.image_translations(v, 3), NOT_COUNTS),
    ("image_translations", "width"): (lambda v: lv.groups.image_translations(3, v), NOT_COUNTS),
    ("elements", "limit"): (lambda v: REP.elements(limit=v), NOT_COUNTS),
    ("permutations", "generators"): (lv.groups.permutations, GENERATORS),
    ("Moments.from_data", "weights"): (
        lambda v: lv.Moments.from_data(X, Y, weights=v),
        {"negative": -WEIGHTS, "one negative": spoiled(WEIGHTS, -1.0), "all zero": 0 * WEIGHTS, "str": "uniform"},
    ),
    ("Moments.from_data", "X"): (
        lambda v: lv.Moments.from_data(v, Y),
        {"overflow": np.full((8, 4), 1e200), "another n": X[:5]},
    ),
    ("Moments.from_data", "Y"): (
        lambda v: lv.Moments.from_data(X, v),
        {"overflow": np.full((8, 3), 1e200), "another n": Y[:5], "another n, flat": Y[:5, 0]},
    ),
    ("invariance.accuracy", "labels"): (
        lambda v: lv.invariance.accuracy(W, X, v, REP),
        {
            "too large": LABELS + 3,
            "negative": LABELS - 3,
            "fractions": LABELS + 0.5,
            "one-hot": np.eye(3)[LABELS],
            "bool": LABELS > 1,
        },
    ),
    ("invariance.error", "f"): (
        lambda v: lv.invariance.error(v, X, REP),
        {
            "None": None,
            "array": W,
            "too few rows": lambda x: x[:3, 0],
            "nan": lambda x: x[:, 0] * np.nan,
            "str": lambda x: np.array(["a"] * len(x)),
            "complex": lambda x: x[:, 0] + 0j,
        },
    ),
    ("group of another size", "X"): (
        lambda v: v(),
        {
            "hard_wired": lambda: lv.hard_wired(MOMENTS, lv.groups.cyclic(5), rank=1),
            "augmented": lambda: lv.augmented(MOMENTS, lv.groups.image_rotations(14), rank=1),
            "regularized": lambda: lv.regularized(MOMENTS, lv.groups.cyclic(3), rank=1, strength=1.0),
        },
    ),
    ("group of another size", "moments"): (
        lambda v: v(),
        {"split": lambda: lv.invariance.split(np.ones((3, 5)), lv.groups.cyclic(5), MOMENTS)},
    ),
    ("matrices", "generators"): (
        lv.groups.matrices,
        {
            "of different sizes": [np.eye(2), np.eye(3)],
            "sparse, of different sizes": [__import__("scipy.sparse").sparse.eye_array(k) for k in (2, 3)],
            "not square": [np.ones((2, 3))],
            "singular": [np.diag([1.0, 0.0])],
            "zero": [np.zeros((2, 2))],
            "second one singular": [TURN, np.ones((2, 2))],
            "no matrices": [],
            "a stretch": [np.diag([2.0, 0.5])],
            "a shear": [[[1.0, 1.0], [0.0, 1.0]]],
            "a shear of space": [np.eye(3) + np.eye(3, k=1)],
            "two mirrors, hyperbolic": [[[1.0, 0.0], [0.0, -1.0]], [[1.0, 2.0], [0.0, -1.0]]],
            "huge": [1e200 * TURN],
            "tiny": [1e-200 * TURN],
            "a group": REP,
        },
    ),
    ("lie", "algebra|discrete"): (
        lambda v: lv.groups.lie(*v),
        {
            "not skew-symmetric": ([np.eye(2)],),
            "nearly skew-symmetric": ([[[1e-6, -1.0], [1.0, 0.0]]],),
            "upper triangle only": ([[[0.0, 1.0], [0.0, 0.0]]],),
            "discrete of another size": ([[[0.0, -1.0], [1.0, 0.0]]], [np.eye(3)]),
            "discrete not orthogonal": ([[[0.0, -1.0], [1.0, 0.0]]], [2 * np.eye(2)]),
            "discrete nan": ([[[0.0, -1.0], [1.0, 0.0]]], [np.eye(2) * np.nan]),
            "discrete None": ([[[0.0, -1.0], [1.0, 0.0]]], None),
            "discrete ragged": ([[[0.0, -1.0], [1.0, 0.0]]], [np.eye(2), np.eye(3)]),
        },
    ),
    ("signed_permutations", "signs"): (
        lambda v: lv.groups.signed_permutations([[1, 0, 2]], v),
        {
            "0": [[1, 0, 1]],
            "2": [[1, 2, 1]],
            "half": [[1, 0.5, 1]],
            "too few": [[1, 1]],
            "another shape": [[1]] * 3,
            "ragged": [[1, 1, 1], [1]],
        },
    ),
    ("signed_permutations", "generators|perms"): (lambda v: lv.groups.signed_permutations(v, [[1, 1, 1]]), GENERATORS),
    ("direct_sum", "parts|representations?"): (
        lambda v: lv.groups.direct_sum(*v),
        {
            "nothing": (),
            "arrays": (REP, np.eye(4)),
            "None": (None,),
            "generators": (REP, lv.groups.symmetric(4)),
            "a Lie group": (DENSE, lv.groups.rotations(2)),
        },
    ),
    ("tensor_product", "left|right|parts|representations?"): (
        lambda v: lv.groups.tensor_product(*v),
        {"array": (REP, np.eye(4)), "None": (None, REP), "generators": (REP, lv.groups.symmetric(4))},
    ),
    ("dual", "rep"): (lv.groups.dual, NOT_REPS),
    ("change_of_basis", "rep"): (lambda v: lv.groups.change_of_basis(v, np.eye(4)), NOT_REPS),
    ("change_of_basis", "T"): (
        lambda v: lv.groups.change_of_basis(REP, v),
        {"singular": np.ones((4, 4)), "zero": np.zeros((4, 4)), "another size": np.eye(3)},
    ),
    ("subgroup", "rep"): (lambda v: lv.groups.subgroup(v, [0]), NOT_REPS),
    ("subgroup", "generators"): (
        lambda v: lv.groups.subgroup(REP, v),
        {
            "too large": [1],
            "negative": [-1],
            "empty": [],
            "number": 0,
            "None": None,
            "fraction": [0.5],
            "str": "0",
            "bool": [True],
        },
    ),
    ("channels", "rep|channels"): (lambda v: lv.groups.channels(v, 2), NOT_REPS),
    ("channels", "count"): (lambda v: lv.groups.channels(REP, v), NOT_COUNTS),
    ("hypercube", "n"): (lv.groups.hypercube, NOT_COUNTS),
    ("adjacency", "n"): (lv.groups.adjacency, NOT_COUNTS),
    ("reversal", "n"): (lv.groups.reversal, NOT_COUNTS),
    ("rotations", "dimension"): (lv.groups.rotations, {**NOT_COUNTS, "1": 1}),
    ("point_cloud", "points"): (lv.groups.point_cloud, NOT_COUNTS),
    ("point_cloud", "dimension"): (lambda v: lv.groups.point_cloud(2, v), {**NOT_COUNTS, "1": 1}),
    ("elements of matrices", "limit"): (lambda v: DENSE.elements(limit=v), NOT_COUNTS),
    ("elements above the cap", "limit"): (
        lambda v: v(),
        {
            "an infinite turn": DENSE.elements,
            "its order": DENSE.order,
            "a Lie group": lv.groups.rotations(3).elements,
            "the symmetric group": lv.groups.symmetric(12).elements,
            "the cube": lv.groups.hypercube(8).elements,
        },
    ),
    ("draw", "count"): (lambda v: REP.draw(v, np.random.default_rng(0)), NOT_COUNTS),
    ("draw of matrices", "count"): (lambda v: lv.groups.rotations(2).draw(v, np.random.default_rng(0)), NOT_COUNTS),
    ("draw", "rng"): (lambda v: REP.draw(2, v), {"None": None, "a seed": 3, "the class": np.random.Generator}),
    ("intertwine", "rep"): (lambda v: lv.groups.intertwine(S, v, REP), NOT_REPS),
    ("intertwine", "output"): (lambda v: lv.groups.intertwine(S, REP, v), NOT_REPS),
    ("intertwiner_basis", "rep"): (lambda v: lv.groups.intertwiner_basis(v, REP), NOT_REPS),
    ("intertwiner_basis", "output"): (lambda v: lv.groups.intertwiner_basis(REP, v), NOT_REPS),
    ("isotypic", "rep"): (lv.groups.isotypic, NOT_REPS),
    ("isotypic", "orthogonal"): (lv.groups.isotypic, {"not orthogonal": SKEWED}),
    ("hard_wired", "output"): (
        lambda v: lv.hard_wired(TARGETS, DENSE, rank=1, output=v),
        {
            **{k: v for k, v in NOT_REPS.items() if k != "None"},
            "not orthogonal": SKEWED,
            "another size": REP,
            "more generators": lv.groups.symmetric(3),
            "a Lie group": lv.groups.rotations(2),
        },
    ),
    ("augmented", "output"): (
        lambda v: lv.augmented(TARGETS, DENSE, rank=1, output=v),
        {**{k: v for k, v in NOT_REPS.items() if k != "None"}, "not orthogonal": SKEWED, "another size": REP},
    ),
    ("regularized", "output"): (
        lambda v: lv.regularized(TARGETS, DENSE, rank=1, strength=1.0, output=v),
        {**{k: v for k, v in NOT_REPS.items() if k != "None"}, "not orthogonal": SKEWED, "another size": REP},
    ),
    ("equivariance_gap", "output"): (
        lambda v: lv.equivariance_gap(TARGETS, DENSE, rank=1, output=v),
        {**NOT_REPS, "not orthogonal": SKEWED},
    ),
    ("equivariance_gap", "rank"): (lambda v: lv.equivariance_gap(TARGETS, DENSE, rank=v, output=DENSE), NOT_COUNTS),
    ("equivariance_gap", "data"): (lambda v: lv.equivariance_gap(v, DENSE, rank=1, output=DENSE), NOT_DATA),
    ("train", "hard_wired|regularized"): (
        lambda v: lv.train(v, epochs=1),
        {
            "hard-wired, equivariant": lv.hard_wired(TARGETS, DENSE, rank=1, output=DENSE),
            "regularized, equivariant": lv.regularized(TARGETS, DENSE, rank=1, strength=1.0, output=DENSE),
        },
    ),
    ("check", "relations|relation"): (
        lambda v: REP.check(relations=v),
        {
            "not nested": [1],
            "number": 1,
            "None": None,
            "str": "ab",
            "0": [(0,)],
            "too large": [(2,)],
            "too small": [(-2,)],
            "empty word": [()],
            "fraction": [(1.5,)],
            "bool": [(True,)],
            "broken": [(1, 1)],
        },
    ),
    ("orbit_variance", "rep"): (lambda v: lv.invariance.orbit_variance(W, v, MOMENTS), NOT_REPS),
    ("orbit_variance", "moments"): (lambda v: lv.invariance.orbit_variance(W, REP, v), NOT_DATA),
    ("sampled_error", "draws"): (
        lambda v: lv.invariance.sampled_error(lambda x: x[:, 0], X, REP, draws=v, rng=np.random.default_rng(0)),
        {**NOT_COUNTS, "1": 1, "2": 2},
    ),
    ("sampled_error", "rng"): (
        lambda v: lv.invariance.sampled_error(lambda x: x[:, 0], X, REP, draws=3, rng=v),
        {"None": None, "a seed": 3},
    ),
    ("sampled_error", "rep"): (
        lambda v: lv.invariance.sampled_error(lambda x: x[:, 0], X, v, draws=3, rng=np.random.default_rng(0)),
        NOT_REPS,
    ),
    ("sampled_error", "f"): (
        lambda v: lv.invariance.sampled_error(v, X, REP, draws=3, rng=np.random.default_rng(0)),
        {"None": None, "array": W, "too few rows": lambda x: x[:3, 0], "nan": lambda x: x[:, 0] * np.nan},
    ),
    ("kernels.ntk", "activation"): (lambda v: NTK(X, X, v), NOT_ACTIVATIONS),
    ("kernels.ntk", "X"): (
        NTK,
        {"norm² beyond 1e308": 1e155 * X, "norm beyond 1e308": np.full((2, 4), 1.7e308)},
    ),
    ("kernels.ntk", "X2"): (lambda v: NTK(X, v, "tanh"), {"beyond the series": 100 * X}),
    ("kernels.finite_width", "X"): (FINITE, {"norm beyond 1e150": 1e155 * X, "norm beyond 1e308": 1e308 * np.sign(X)}),
    ("kernels.augmented", "kernel"): (lambda v: lv.kernels.augmented(v, REP), NOT_KERNELS),
    ("kernels.augmented, called", "kernel"): (
        lambda v: lv.kernels.augmented(v, REP)(X),
        {**NO_KERNELS, "not invariant": lambda A, B: A[:, :1] @ B[:, :1].T},
    ),
    ("kernels.augmented", "rep"): (lambda v: lv.kernels.augmented(NTK, v), NOT_REPS),
    ("kernels.augmented", "orthogonal"): (
        lambda v: lv.kernels.augmented(NTK, v)(X),
        {"not orthogonal": lv.groups.change_of_basis(lv.groups.symmetric(4), np.eye(4) + np.eye(4, k=1))},
    ),
    ("kernels.convolutional", "kernel"): (lambda v: lv.kernels.convolutional(v, REP), NOT_KERNELS),
    ("kernels.convolutional, called", "kernel"): (lambda v: lv.kernels.convolutional(v, REP)(X), NO_KERNELS),
    ("kernels.convolutional", "rep"): (lambda v: lv.kernels.convolutional(NTK, v), NOT_REPS),
    ("kernels.finite_width", "rep"): (
        lambda v: lv.kernels.finite_width(v, width=2, rng=np.random.default_rng(0)),
        NOT_REPS,
    ),
    ("kernels.finite_width", "width"): (
        lambda v: lv.kernels.finite_width(REP, width=v, rng=np.random.default_rng(0)),
        {**NOT_COUNTS, "2^40": 2**40},
    ),
    ("kernels.finite_width", "rng"): (lambda v: lv.kernels.finite_width(REP, width=2, rng=v), NOT_RNGS),
    ("kernels.finite_width", "activation"): (
        lambda v: lv.kernels.finite_width(REP, width=2, rng=np.random.default_rng(0), activation=v),
        NOT_ACTIVATIONS,
    ),
    ("kernels.ridge", "kernel"): (
        lambda v: lv.kernels.ridge(v, X, Y),
        {
            **NOT_KERNELS,
            **NO_KERNELS,
            "not symmetric": lambda A, B: A @ np.triu(S + 1) @ B.T,
            "negative": lambda A, B: -A @ B.T,
        },
    ),
    ("kernels.ridge", "strength"): (lambda v: lv.kernels.ridge(NTK, X, Y, strength=v), NOT_STRENGTHS),
    ("kernels.ridge, too strong", "strength"): (
        lambda v: lv.kernels.ridge(NTK, X, Y, strength=v),
        {"n times it overflows": 1e308},
    ),
    ("kernels.ridge, scales", "kernel"): (
        lambda v: lv.kernels.ridge(lambda A, B: v * (A @ B.T), X, Y),
        {"trace beyond 1e308": 1e307, "coefficients beyond 1e308": 1e-309},
    ),
    ("augmentation.shared", "moments"): (lambda v: lv.augmentation.shared(v, REP, 2), NOT_DATA),
    ("augmentation.shared", "rep"): (lambda v: lv.augmentation.shared(MOMENTS, v, 2), NOT_REPS),
    ("augmentation.shared", "draws"): (lambda v: lv.augmentation.shared(MOMENTS, REP, v), NOT_COUNTS),
    ("augmentation.without_replacement", "draws"): (
        lambda v: lv.augmentation.without_replacement(MOMENTS, REP, v),
        {**NOT_COUNTS, "too many": 5},
    ),
    ("augmentation.without_replacement", "moments"): (
        lambda v: lv.augmentation.without_replacement(v, REP, 2),
        NOT_DATA,
    ),
    ("augmentation.per_sample", "rep"): (lambda v: lv.augmentation.per_sample(X, v, 2), NOT_REPS),
    ("augmentation.per_sample", "draws"): (lambda v: lv.augmentation.per_sample(X, REP, v), NOT_COUNTS),
    ("augmentation", "orthogonal"): (
        lambda v: v(TARGETS, SKEWED, 2),
        {"shared": lv.augmentation.shared, "without_replacement": lv.augmentation.without_replacement},
    ),
    ("dynamics.visits", "problem"): (lambda v: lv.dynamics.visits(v, FLOW), NOT_PROBLEMS),
    ("dynamics.visits", "trace"): (lambda v: lv.dynamics.visits(PROBLEM, v), UNREADABLE_RUNS),
    ("dynamics.balancedness", "network"): (lv.dynamics.balancedness, BARE_NETWORKS),
    ("dynamics.first_layer_perp", "network"): (
        lambda v: lv.dynamics.first_layer_perp(v, REP),
        UNFIT_NETWORKS,
    ),
    ("dynamics.first_layer_perp", "rep"): (lambda v: lv.dynamics.first_layer_perp(NETWORK, v), NOT_REPS),
    ("dynamics.stable_step", "problem"): (
        lambda v: lv.dynamics.stable_step(v, NETWORK),
        {
            **NOT_PROBLEMS,
            "unconstrained": lv.unconstrained(MOMENTS, rank=2),
            "hard-wired": HARD,
            "regularized": lv.regularized(MOMENTS, REP, rank=2, strength=1.0),
            "not orthogonal": lv.augmented(TARGETS, SKEWED, rank=1),
            "equivariant": lv.augmented(TARGETS, DENSE, rank=1, output=DENSE),
        },
    ),
    ("dynamics.stable_step", "network"): (lambda v: lv.dynamics.stable_step(PROBLEM, v), UNFIT_NETWORKS),
    ("dynamics.gradient_flow", "problem"): (lambda v: lv.dynamics.gradient_flow(v, NETWORK, TIMES), NOT_PROBLEMS),
    ("dynamics.gradient_flow", "hard_wired|regularized"): (
        lambda v: lv.dynamics.gradient_flow(v, NETWORK, TIMES),
        {
            "hard-wired, equivariant": lv.hard_wired(TARGETS, DENSE, rank=1, output=DENSE),
            "regularized, equivariant": lv.regularized(TARGETS, DENSE, rank=1, strength=1.0, output=DENSE),
        },
    ),
    ("dynamics.gradient_flow", "network"): (
        lambda v: lv.dynamics.gradient_flow(PROBLEM, v, TIMES),
        {**UNFIT_NETWORKS, "overflows": lv.Network([1e200 * layer for layer in LAYERS])},
    ),
    ("dynamics.gradient_flow", "times"): (
        lambda v: lv.dynamics.gradient_flow(PROBLEM, NETWORK, v),
        {"negative": [-1.0, 1.0], "descending": [1.0, 0.5], "twice": [0.0, 1.0, 1.0], "only 0": [0.0]},
    ),
    ("dynamics.gradient_flow", "rtol"): (
        lambda v: lv.dynamics.gradient_flow(PROBLEM, NETWORK, TIMES, rtol=v),
        {**NOT_POSITIVE, "below eps": 1e-17},
    ),
    ("dynamics.gradient_flow", "atol"): (
        lambda v: lv.dynamics.gradient_flow(PROBLEM, NETWORK, TIMES, atol=v),
        NOT_POSITIVE,
    ),
    ("dynamics.time_scales", "problem"): (lambda v: lv.dynamics.time_scales(v, 0.1), NOT_PROBLEMS),
    ("dynamics.time_scales", "scale"): (lambda v: lv.dynamics.time_scales(PROBLEM, v), NOT_POSITIVE),
    ("dynamics.time_scales", "depth"): (lambda v: lv.dynamics.time_scales(PROBLEM, 0.1, depth=v), NOT_COUNTS),
    ("TimeScales.measured", "trace"): (lv.dynamics.time_scales(PROBLEM, 0.1).measured, UNREADABLE_RUNS),
    ("critical_points", "problem"): (lv.critical_points, NOT_PROBLEMS),
    ("critical_points", "regularized"): (lv.critical_points, {"equivariant": BIASED}),
    ("lower_rank_points", "problem"): (lv.lower_rank_points, NOT_PROBLEMS),
    ("CriticalPoints", "k"): (lambda v: POINTS[v], {k: v for k, v in NOT_COUNTS.items() if k not in ("0", "negative")}),
    ("CriticalPoints", "indices|step"): (lambda v: POINTS[v], {"floats": slice(0.5, 2), "step": slice(None, None, 0)}),
    ("parameter_index", "hidden"): (POINTS[0].parameter_index, {**NOT_COUNTS, "below the rank": 1}),
    ("network_at", "point"): (
        lambda v: lv.network_at(v, (4, 2, 3)),
        {"None": None, "subset": (0, 1), "points": POINTS, "weights": W, "str": "minimum", "number": 0},
    ),
    ("network_at", "widths"): (
        lambda v: lv.network_at(POINTS[0], v),
        {
            "None": None,
            "empty": [],
            "one": [4],
            "no hidden layer": [4, 3],
            "below the rank": [4, 1, 3],
            "deep, below the rank": [4, 3, 1, 3, 3],
            "starts elsewhere": [5, 2, 3],
            "ends elsewhere": [4, 2, 4],
            "negative": [4, -2, 3],
            "fraction": [4, 2.0, 3],
            "nan": [4, np.nan, 3],
            "bool": [4, True, 3],
            "str": ["4", "2", "3"],
            "string": "423",
            "number": 3,
            "nested": [[4, 2, 3]],
            "huge": [4, 2**62, 3],
        },
    ),
    ("network_at", "gauge"): (
        lambda v: lv.network_at(POINTS[0], (4, 2, 3), gauge=v),
        {"seed": 3, "True": True, "class": np.random.Generator, "old": np.random.RandomState(0), "str": "random"},
    ),
    ("network_at", "idle"): (
        lambda v: lv.network_at(POINTS[0], (4, 2, 2, 3), idle=v),
        {
            "None": None,
            "number": 2,
            "0": [0],
            "negative": [-1],
            "too large": [4],
            "too many": [1, 2],
            "fraction": [1.0],
            "bool": [True],
            "str": "2",
            "nan": [np.nan],
        },
    ),
    ("classify", "problem"): (lambda v: lv.classify(v, NETWORK), NOT_PROBLEMS),
    ("classify", "network"): (lambda v: lv.classify(PROBLEM, v), NOT_NETWORKS),
    ("classify", "rtol"): (
        lambda v: lv.classify(PLAIN, MINIMUM, rtol=v),
        {**NOT_POSITIVE, "1": 1.0, "2": 2.0, "int 0": 0, "int 1": 1},
    ),
    ("classify", "spectrum"): (
        lambda v: lv.classify(PLAIN, MINIMUM, spectrum=v),
        {"None": None, "str": "no", "number": 1, "array": np.ones(2)},
    ),
    ("loss_along", "problem"): (lambda v: lv.loss_along(v, NETWORK, FLAT), NOT_PROBLEMS),
    ("loss_along", "network"): (lambda v: lv.loss_along(PROBLEM, v, FLAT), NOT_NETWORKS),
    ("loss_along", "direction"): (
        lambda v: lv.loss_along(PROBLEM, NETWORK, v),
        {
            "too short": FLAT[:-1],
            "layers": LAYERS,
            "spoiled network": SPOILED,
            "network of other widths": UNFIT,
            "network of other widths and the same size": lv.Network([np.ones((7, 1)), np.ones((1, 7))]),
        },
    ),
    ("escape", "problem"): (lambda v: lv.escape(v, NETWORK), NOT_PROBLEMS),
    ("escape", "network"): (
        lambda v: lv.escape(PLAIN, v),
        {**NOT_NETWORKS, "minimum": MINIMUM},
    ),
    ("regularization_path", "data"): (lambda v: lv.regularization_path(v, REP, rank=2), NOT_DATA),
    ("regularization_path", "rep"): (lambda v: lv.regularization_path(MOMENTS, v, rank=2), NOT_REPS),
    ("regularization_path", "rank"): (lambda v: lv.regularization_path(MOMENTS, REP, rank=v), NOT_COUNTS),
    ("regularization_path of another size", "X"): (
        lambda v: lv.regularization_path(MOMENTS, v, rank=2),
        {"smaller": lv.groups.cyclic(3), "larger": lv.groups.image_rotations(14)},
    ),
    ("RegularizationPath", "strength"): (PATH, NOT_STRENGTHS),
    ("RegularizationPath.derivative", "strength"): (PATH.derivative, NOT_POSITIVE),
    ("RegularizationPath.derivative at a jump", "strength"): (
        lv.regularization_path(
            lv.Moments.from_data(np.eye(2), np.array([[1.0, 2.0], [1.0, -2.0]])), lv.groups.symmetric(2), rank=1
        ).derivative,
        {"at the jump": 0.375},
    ),
    ("RegularizationPath.evaluate", "strengths"): (
        PATH.evaluate,
        {"0": [1.0, 0.0], "negative": [1.0, -1.0], "-0": [-0.0], "empty": [], "number": 1.0, "list of lists": [[1.0]]},
    ),
    ("RegularizationPath.strength_for", "loss"): (
        lambda v: PATH.strength_for(loss=v),
        {**NOT_STRENGTHS, "too large": 1e9, "None": None, "below the least": 0.0},
    ),
    ("RegularizationPath.strength_for", "norm_perp"): (
        lambda v: PATH.strength_for(norm_perp=v),
        {**NOT_STRENGTHS, "too large": 1e9, "None": None},
    ),
    ("RegularizationPath.strength_for", "loss and norm_perp"): (
        lambda v: PATH.strength_for(**v),
        {"neither": {}, "both": {"loss": 1.0, "norm_perp": 1.0}},
    ),
    ("extremes", "H"): (
        lv.curvature.extremes,
        {
            "None": None,
            "array": np.eye(3),
            "network": NETWORK,
            "operator": scipy.sparse.linalg.aslinearoperator(np.eye(3)),
        },
    ),
    ("extremes", "k"): (
        lambda v: lv.curvature.extremes(OPERATOR, v),
        {**NOT_COUNTS, "too many": OPERATOR.shape[0] + 1},
    ),
    ("spectral_density", "H"): (
        lv.curvature.spectral_density,
        {
            "None": None,
            "array": np.eye(3),
            "network": NETWORK,
            "overflow": lv.hessian(PROBLEM, OVERFLOW),
            "too large": lv.hessian(PROBLEM, lv.Network([np.ones((500, 4)), np.ones((3, 500))])),
            "no weights": lv.hessian(lv.hard_wired(MOMENTS, SIGNED, rank=1), lv.Network([np.ones((3, 0))])),
        },
    ),
    ("spectral_density", "degree"): (lambda v: lv.curvature.spectral_density(OPERATOR, v), NOT_COUNTS),
    ("sampled_density", "H"): (
        lambda v: lv.curvature.sampled_density(v, probes=4, rng=np.random.default_rng(0)),
        {"None": None, "array": np.eye(3), "network": NETWORK},
    ),
    ("sampled_density", "probes"): (
        lambda v: lv.curvature.sampled_density(OPERATOR, probes=v, rng=np.random.default_rng(0)),
        {**NOT_COUNTS, "1": 1},
    ),
    ("sampled_density", "rng"): (
        lambda v: lv.curvature.sampled_density(OPERATOR, probes=4, rng=v),
        {"None": None, "seed": 3, "class": np.random.Generator},
    ),
    ("sampled_density", "degree"): (
        lambda v: lv.curvature.sampled_density(OPERATOR, probes=4, rng=np.random.default_rng(0), degree=v),
        NOT_COUNTS,
    ),
    ("sharpness", "problem"): (lambda v: lv.curvature.sharpness(v, [NETWORK]), NOT_PROBLEMS),
    ("sharpness", "networks"): (
        lambda v: lv.curvature.sharpness(PROBLEM, v),
        {
            "empty": [],
            "one network": NETWORK,
            "string": "ab",
            "number": 3,
            **{f"one is {name}": [NETWORK, network] for name, network in NOT_NETWORKS.items()},
        },
    ),
    ("nullity", "problem"): (lambda v: lv.nullity(v, NETWORK), NOT_PROBLEMS),
    ("nullity", "network"): (
        lambda v: lv.nullity(PLAIN, v),
        {
            **NOT_NETWORKS,
            "not critical": NETWORK,
            "too large": lv.network_at(POINTS[0], (4, 500, 3)),
        },
    ),
    ("nullity", "rtol"): (
        lambda v: lv.nullity(PLAIN, MINIMUM, rtol=v),
        {**NOT_POSITIVE, "1": 1.0, "int 0": 0, "int 1": 1},
    ),
    ("Hessian", "Hessian|real"): (OPERATOR.matvec, {"complex": np.ones(OPERATOR.shape[1]) + 0j}),
    ("Hessian", "dimension|shape"): (OPERATOR.matvec, {"too short": np.ones(3), "a matrix": np.ones((14, 2))}),
}


def _array_cases():
    for (function, argument), (call, valid, legal) in ARRAY_ARGUMENTS.items():
        for name, spoil in ARRAYS.items():
            if name not in legal:
                yield f"{function}-{argument}-{name}", argument, lambda c=call, s=spoil, v=valid: c(s(v))


def _scalar_cases():
    for (function, argument), (call, values) in SCALARS.items():
        for name, value in values.items():
            yield f"{function}-{argument}={name}", argument, lambda c=call, v=value: c(v)


CASES = {name: (argument, call) for name, argument, call in itertools.chain(_array_cases(), _scalar_cases())}


def attempt(name):
    """None when the case ends as it must, else what happened."""
    argument, call = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = call()
        except (ValueError, TypeError) as error:
            if not re.search(rf"\b({argument})\b", str(error)):
                return f"{type(error).__name__} that does not name {argument}: {error}"
            return None
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            return f"not a ValueError or TypeError: {error!r} from {where.name}, line {where.lineno}"
    return f"accepted: {result!r:.300}"


def serve(connection):
    """The worker: case names in, verdicts out, until None comes."""
    for name in iter(connection.recv, None):
        connection.send(attempt(name))
