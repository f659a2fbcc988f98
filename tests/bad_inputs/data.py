"""Bad moments, samples, batches and augmentations."""

import numpy as np

import linvariance as lv

from .valid import CLASSES, MOMENTS, REP, SKEWED, TARGETS, WEIGHTS, X, Y
from .wrong import FREE_ROWS, NOT_COUNTS, NOT_DATA, NOT_FROM_ZERO, NOT_REPS, spoiled

ARRAY_ARGUMENTS = {
    ("Moments.from_data", "X"): (lambda a: lv.Moments.from_data(a, Y), X, {"one column more"}),
    ("Moments.from_data", "Y"): (lambda a: lv.Moments.from_data(X, a), Y, {"one column more"}),
    ("Moments.from_data", "weights"): (lambda a: lv.Moments.from_data(X, Y, weights=a), WEIGHTS, {"None"}),
    ("Moments.from_batches", "batch 1"): (lambda a: lv.Moments.from_batches([(X, Y), (a, Y)]), X, set()),
    ("Moments.from_batches, targets", "batch 1"): (lambda a: lv.Moments.from_batches([(X, Y), (X, a)]), Y, set()),
    ("Moments.from_batches, weights", "batch 1"): (
        lambda a: lv.Moments.from_batches([(X, Y), (X, Y, a)]),
        WEIGHTS,
        {"None"},
    ),
    ("Moments.from_batches, columns", "batch 0"): (
        lambda a: lv.Moments.from_batches([{"a": a, "y": WEIGHTS}], inputs="a", targets="y"),
        WEIGHTS,
        set(),
    ),
    ("augmentation.per_sample", "X"): (lambda a: lv.augmentation.per_sample(a, REP, 2), X, FREE_ROWS),
    ("Samples", "X"): (lambda a: lv.Samples(a, Y), X, {"one column more"}),
    ("Samples", "y"): (lambda a: lv.Samples(X, a), Y, {"one column more"}),
    ("Samples of classes", "X"): (lambda a: lv.Samples(a, CLASSES, "cross_entropy"), X, {"one column more"}),
    ("Samples of classes", "y"): (lambda a: lv.Samples(X, a, "cross_entropy"), CLASSES, set()),
}

SCALARS = {
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
    ("Moments.from_batches", "batches|batch 0"): (
        lv.Moments.from_batches,
        {
            "None": None,
            "a number": 3,
            "a string": "data.csv",
            "no batches": [],
            "no rows": [(X[:0], Y[:0])],
            "one pair, not a list of pairs": (X, Y),
            "an array": X,
            "a string in it": ["data.csv"],
            "X alone": [(X,)],
            "four parts": [(X, Y, WEIGHTS, WEIGHTS)],
            "moments": [MOMENTS],
            "a table without names": [{"a": WEIGHTS, "y": WEIGHTS}],
        },
    ),
    ("Moments.from_batches", "batch 2"): (
        lambda v: lv.Moments.from_batches([(X, Y), (X[:0], Y[:0]), v]),
        {"other columns": (X[:, :3], Y), "other targets": (X, Y[:, :2]), "negative weights": (X, Y, -WEIGHTS)},
    ),
    ("Moments.from_batches", "weights"): (lambda v: lv.Moments.from_batches([(X, Y, v)] * 2), {"zero": 0 * WEIGHTS}),
    ("Moments.from_batches", "X|Y"): (
        lambda v: lv.Moments.from_batches([(X, Y), v]),
        {"overflow": (np.full((8, 4), 1e200), Y), "overflowing targets": (X, np.full((8, 3), 1e200))},
    ),
    ("Moments.from_batches", "inputs"): (
        lambda v: lv.Moments.from_batches([{"a": WEIGHTS, "y": WEIGHTS}], inputs=v, targets="y"),
        {"None": None, "empty": [], "a number": 3},
    ),
    ("Moments.from_batches", "targets"): (
        lambda v: lv.Moments.from_batches([{"a": WEIGHTS, "y": WEIGHTS}], inputs="a", targets=v),
        {"None": None, "empty": [], "a number": 3},
    ),
    ("Moments.from_batches", "column"): (
        lambda v: lv.Moments.from_batches([{"a": WEIGHTS, "y": WEIGHTS}], **{"inputs": "a", "targets": "y", **v}),
        {"unknown input": {"inputs": ["a", "b"]}, "unknown target": {"targets": "b"}, "weights": {"weights": "w"}},
    ),
    ("Moments.from_batches", "batch"): (
        lambda v: lv.Moments.from_batches([v], inputs="a", targets="y"),
        {"a pair, where columns are named": (X, Y)},
    ),
    ("augmentation.shared", "moments"): (lambda v: lv.augmentation.shared(v, REP, 2), NOT_DATA),
    ("augmentation.shared", "rep"): (lambda v: lv.augmentation.shared(MOMENTS, v, 2), NOT_REPS),
    ("augmentation.shared", "draws"): (lambda v: lv.augmentation.shared(MOMENTS, REP, v), NOT_COUNTS),
    ("augmentation.without_replacement", "draws"): (
        lambda v: lv.augmentation.without_replacement(MOMENTS, REP, v),
        {**NOT_COUNTS, "too many": 5},
    ),
    ("augmentation.without_replacement", "rep"): (
        lambda v: lv.augmentation.without_replacement(MOMENTS, v, 2),
        NOT_REPS,
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
}
