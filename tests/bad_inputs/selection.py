"""Bad choices of symmetries and ranks."""

import numpy as np

import linvariance as lv

from .valid import DENSE, MOMENTS, ON_SAMPLES, REP, RNG, SAMPLES, SKEWED, TARGETS, WALK, X, Y
from .wrong import NOT_COUNTS, NOT_FROM_ZERO, NOT_POSITIVE, NOT_PROBLEMS, NOT_REPS, NOT_STRENGTHS

COUNTS_FROM_2 = {**NOT_COUNTS, "1": 1}
NOT_SEEDS = {**NOT_FROM_ZERO, "a generator": RNG}
NOT_LISTS = {"None": None, "number": 1.0, "str": "0.5", "dict": {"a": 1}, "empty": []}
NOT_MOMENTS_EITHER = {"samples": SAMPLES, "representation": REP, "problem": lv.augmented(MOMENTS, REP, rank=1)}
LARGER = lv.groups.image_rotations(14)
NOT_NUMBERS = {name: value for name, value in NOT_POSITIVE.items() if name != "None"}  # None: find it
FEW = lv.Moments.from_data(X[:4], Y[:4])


def select(X=X, Y=Y, candidates=REP, **options):
    return lv.select_symmetry(X, Y, candidates, **options)


def curve(X=X, Y=Y, rep=REP, rank=2, strength=0.1, **options):
    return lv.learning_curve(X, Y, rep, rank=rank, strength=strength, sizes=options.pop("sizes", [3]), **options)


ARRAY_ARGUMENTS = {
    ("select_symmetry", "X"): (lambda a: select(X=a), X, set()),
    ("select_symmetry", "Y"): (lambda a: select(Y=a), Y, {"one column more"}),
    ("symmetry_benefit", "X"): (lambda a: lv.symmetry_benefit(a, Y, REP), X, set()),
    ("symmetry_benefit", "Y"): (lambda a: lv.symmetry_benefit(X, a, REP), Y, {"one column more"}),
    ("learning_curve", "X"): (lambda a: curve(X=a), X, set()),
    ("learning_curve", "Y"): (lambda a: curve(Y=a), Y, {"one column more"}),
}

SCALARS = {
    ("select_symmetry", "X"): (lambda v: select(X=v), NOT_MOMENTS_EITHER),
    ("select_symmetry", "Y"): (
        lambda v: select(*v),
        {"beside Moments": (MOMENTS, Y), "zero": (X, 0 * Y), "too large": (X, 1e130 * Y), "too small": (X, 1e-130 * Y)},
    ),
    ("select_symmetry of one centred sample", "X"): (
        lambda v: select(v, None, noise=1.0),
        {"one": lv.Moments.from_data(X[:1], Y[:1]).centered()},
    ),
    ("select_symmetry of a scale", "X"): (lambda v: select(X=v), {"too large": 1e130 * X, "too small": 1e-130 * X}),
    ("select_symmetry", "candidates|X"): (
        lambda v: select(candidates=v),
        {
            "None": None,
            "empty": [],
            "empty dict": {},
            "str": "C4",
            "list of str": ["C4"],
            "dict of arrays": {"C4": np.eye(4)},
            "number as name": {4: REP},
            "not orthogonal": {"skewed": lv.groups.direct_sum(SKEWED, SKEWED)},
            "larger": {"C4": LARGER},
            "smaller": [DENSE],
            "name of none": {"none": REP},
            "distribution": [WALK],
            "moments": MOMENTS,
        },
    ),
    ("select_symmetry", "softness"): (
        lambda v: select(softness=v),
        {
            **NOT_LISTS,
            "1": [1.0],
            "negative": [-0.1],
            "nan": [np.nan],
            "of str": ["0"],
            "bool": [True],
            "complex": [1j],
        },
    ),
    ("select_symmetry", "noise"): (lambda v: select(noise=v), NOT_NUMBERS),
    ("select_symmetry", "precision"): (lambda v: select(precision=v), NOT_NUMBERS),
    ("select_symmetry", "folds"): (lambda v: select(folds=v), {**COUNTS_FROM_2, "more than rows": 9}),
    ("select_symmetry", "seed"): (lambda v: select(seed=v), NOT_SEEDS),
    ("SymmetrySelection.best_by", "criterion"): (
        lambda v: select().best_by(v),
        {"unknown": "bic", "None": None, "number": 1},
    ),
    ("SymmetrySelection.best_by without rows", "criterion"): (
        select(MOMENTS, None).best_by,
        {"cv": "cv", "loo": "loo"},
    ),
    ("select_rank", "problem|data|Samples"): (
        lv.select_rank,
        {
            **NOT_PROBLEMS,
            "samples": ON_SAMPLES,
            "equivariant": lv.augmented(lv.Moments.from_data(X, X), REP, rank=2, output=REP),
            "distribution": lv.augmented(MOMENTS, REP, rank=2, distribution=WALK),
            "ridge, not orthogonal": lv.augmented(TARGETS, SKEWED, rank=2, ridge=0.1),
            "zero targets": lv.unconstrained(lv.Moments.from_data(X, 0 * Y), rank=2),
        },
    ),
    ("degrees_of_freedom", "problem|data|Samples"): (
        lv.selection.degrees_of_freedom,
        {**NOT_PROBLEMS, "samples": ON_SAMPLES},
    ),
    ("RankSelection.best_by", "criterion"): (
        lv.select_rank(lv.unconstrained(MOMENTS, rank=2)).best_by,
        {"unknown": "cv", "None": None, "list": ["gcv"]},
    ),
    ("symmetry_benefit", "rep|X"): (
        lambda v: lv.symmetry_benefit(X, Y, v),
        {**NOT_REPS, "larger": LARGER, "smaller": DENSE},
    ),
    ("symmetry_benefit", "X"): (lambda v: lv.symmetry_benefit(v, None, REP), {"too few": FEW, **NOT_MOMENTS_EITHER}),
    ("symmetry_benefit", "Y"): (lambda v: lv.symmetry_benefit(MOMENTS, v, REP), {"beside Moments": Y}),
    ("symmetry_benefit", "folds"): (lambda v: lv.symmetry_benefit(X, Y, REP, folds=v), COUNTS_FROM_2),
    ("symmetry_benefit", "seed"): (lambda v: lv.symmetry_benefit(X, Y, REP, seed=v), NOT_SEEDS),
    ("SymmetryBenefit.excess", "n"): (
        lambda v: lv.symmetry_benefit(MOMENTS, None, REP).excess(v, 4),
        {**NOT_STRENGTHS, "too few": 5},
    ),
    ("SymmetryBenefit.excess", "parameters"): (
        lambda v: lv.symmetry_benefit(MOMENTS, None, REP).excess(99, v),
        {k: v for k, v in NOT_FROM_ZERO.items() if k != "0"},
    ),
    ("SymmetryBenefit.gain", "n"): (
        lv.symmetry_benefit(MOMENTS, None, REP).gain,
        {**{k: v for k, v in NOT_STRENGTHS.items() if k != "None"}, "too few": 5},
    ),
    ("learning_curve", "rep|X"): (lambda v: curve(rep=v), {**NOT_REPS, "larger": LARGER, "smaller": DENSE}),
    ("learning_curve", "rank"): (lambda v: curve(rank=v), NOT_COUNTS),
    ("learning_curve", "strength"): (lambda v: curve(strength=v), NOT_STRENGTHS),
    ("learning_curve", "ridge"): (lambda v: curve(ridge=v), NOT_STRENGTHS),
    ("learning_curve", "sizes"): (
        lambda v: curve(sizes=v),
        {k: v for k, v in NOT_LISTS.items() if k != "None"}
        | {"too many": [7], "0": [0], "fraction": [2.5], "bool": [True]},
    ),
    ("learning_curve", "seeds"): (lambda v: curve(seeds=v), {**NOT_LISTS, "negative": [-1], "fraction": [0.5]}),
    ("learning_curve", "held_out"): (
        lambda v: curve(held_out=v),
        {**NOT_POSITIVE, "1": 1.0, "above 1": 2.0, "too much": 0.99},
    ),
    ("subgroups", "rep"): (lv.groups.subgroups, {**NOT_REPS, "large": lv.groups.symmetric(6)}),
    ("subgroups", "conjugates"): (
        lambda v: lv.groups.subgroups(REP, conjugates=v),
        {"None": None, "1": 1, "str": "all", "list": [True]},
    ),
    ("subgroups", "limit"): (lambda v: lv.groups.subgroups(REP, limit=v), {**NOT_COUNTS, "below the order": 3}),
}
