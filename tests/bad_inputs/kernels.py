"""Bad kernels and regressions with them."""

import numpy as np

import linvariance as lv

from .valid import REP, S, X, Y
from .wrong import FREE_ROWS, NOT_ACTIVATIONS, NOT_COUNTS, NOT_REPS, NOT_STRENGTHS

NTK = lv.kernels.ntk
AVERAGED = lv.kernels.augmented(NTK, REP)
FINITE = lv.kernels.finite_width(REP, width=3, rng=np.random.default_rng(0))
REGRESSION = lv.kernels.ridge(AVERAGED, X, Y)
NOT_RNGS = {"None": None, "a seed": 3, "legacy": np.random.RandomState(0), "module": np.random}
NOT_KERNELS = {"None": None, "array": np.eye(8), "name": "ntk"}
NO_KERNELS = {
    "wrong shape": lambda A, B: np.eye(2),
    "nan": lambda A, B: np.full((len(A), len(B)), np.nan),
    "complex": lambda A, B: A @ B.T + 0j,
    "nothing": lambda A, B: None,
}

ARRAY_ARGUMENTS = {
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
}

SCALARS = {
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
}
