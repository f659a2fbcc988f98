"""Bad maps, groups and draws for the measures of invariance."""

import numpy as np

import linvariance as lv

from .valid import LABELS, MOMENTS, REP, W, X
from .wrong import FREE_ROWS, NOT_COUNTS, NOT_DATA, NOT_REPS, NOT_STRENGTHS

ARRAY_ARGUMENTS = {
    ("orbit_variance", "W"): (lambda a: lv.invariance.orbit_variance(a, REP, MOMENTS), W, FREE_ROWS),
    ("sampled_error", "X"): (
        lambda a: lv.invariance.sampled_error(lambda x: x[:, 0], a, REP, draws=5, rng=np.random.default_rng(0)),
        X,
        FREE_ROWS,
    ),
    ("invariance.split", "W"): (lambda a: lv.invariance.split(a, REP), W, FREE_ROWS),
    ("invariance.accuracy", "W"): (lambda a: lv.invariance.accuracy(a, X, LABELS, REP), W, FREE_ROWS),
    ("invariance.accuracy", "X"): (lambda a: lv.invariance.accuracy(W, a, LABELS, REP), X, set()),
    ("invariance.accuracy", "labels"): (lambda a: lv.invariance.accuracy(W, X, a, REP), LABELS, set()),
    ("invariance.error", "X"): (lambda a: lv.invariance.error(lambda x: x[:, 0], a, REP), X, FREE_ROWS),
}

SCALARS = {
    ("seen_and_frozen", "rep"): (lambda v: lv.invariance.seen_and_frozen(v, MOMENTS), NOT_REPS),
    ("seen_and_frozen", "moments"): (lambda v: lv.invariance.seen_and_frozen(REP, v), NOT_DATA),
    ("seen_and_frozen", "ridge"): (lambda v: lv.invariance.seen_and_frozen(REP, MOMENTS, v), NOT_STRENGTHS),
    ("invariance.split", "rep"): (lambda v: lv.invariance.split(W, v), NOT_REPS),
    ("invariance.accuracy", "rep"): (lambda v: lv.invariance.accuracy(W, X, LABELS, v), NOT_REPS),
    ("invariance.error", "rep"): (lambda v: lv.invariance.error(lambda x: x[:, 0], X, v), NOT_REPS),
    ("invariance.split", "moments"): (
        lambda v: lv.invariance.split(W, REP, v),
        {k: v for k, v in NOT_DATA.items() if k != "None"},
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
    ("group of another size", "moments"): (
        lambda v: v(),
        {"split": lambda: lv.invariance.split(np.ones((3, 5)), lv.groups.cyclic(5), MOMENTS)},
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
}
