"""Bad problems, and what is asked of good ones."""

import numpy as np

import linvariance as lv

from .valid import (
    CONVOLUTION,
    DENSE,
    FLOW,
    HARD,
    MOMENTS,
    NETWORK,
    ON_SAMPLES,
    PROBLEM,
    REP,
    SAMPLES,
    SKEWED,
    SQUARE,
    TARGETS,
    TIMES,
    WALK,
    W,
    X,
    Y,
)
from .wrong import NOT_COUNTS, NOT_DATA, NOT_PROBLEMS, NOT_REPS, NOT_STRENGTHS

METRIC = np.diag([1.0, 2.0, 3.0])
NORMS = (lv.nuclear_norm, lv.whitened_nuclear_norm)
POSES = {
    "unconstrained": lambda **k: lv.unconstrained(MOMENTS, rank=2, **k),
    "hard_wired": lambda **k: lv.hard_wired(MOMENTS, REP, rank=2, **k),
    "augmented": lambda **k: lv.augmented(MOMENTS, REP, rank=2, **k),
    "regularized": lambda **k: lv.regularized(MOMENTS, REP, rank=2, strength=1.0, **k),
    "regularization_path": lambda **k: lv.regularization_path(MOMENTS, REP, rank=2, **k),
}
NOT_METRICS = {
    "not symmetric": METRIC + np.eye(3, k=1),
    "indefinite": METRIC + 5 * np.eye(3, k=1) + 5 * np.eye(3, k=-1),
    "singular": np.ones((3, 3)),
    "zero": np.zeros((3, 3)),
    "negative": -METRIC,
    "one variance 0": np.diag([1.0, 0.0, 1.0]),
    "too small": np.eye(2),
    "too large": np.eye(4),
    "variances": np.ones(3),
    "number": 2.0,
    "str": "mahalanobis",
    "overflow": np.full((3, 3), 1e308) + 5e307 * np.eye(3),
}

ARRAY_ARGUMENTS = {
    **{(name, "metric"): (lambda a, pose=pose: pose(metric=a), METRIC, {"None"}) for name, pose in POSES.items()},
    ("Problem.loss", "V"): (PROBLEM.loss, W, set()),
    ("Problem.gradient", "V"): (PROBLEM.gradient, W, set()),
    ("Problem.lift", "V"): (PROBLEM.lift, W, set()),
    ("Problem.lift, hard-wired", "V"): (HARD.lift, W[:, :1], set()),
    ("Problem.restrict", "W"): (PROBLEM.restrict, W, set()),
    ("Problem.restrict, hard-wired", "W"): (HARD.restrict, W, set()),
    ("Problem.loss, samples", "V"): (ON_SAMPLES.loss, W, set()),
    ("Problem.gradient, samples", "V"): (ON_SAMPLES.gradient, W, set()),
    ("Problem.loss, convolutional", "V"): (CONVOLUTION.loss, W, set()),
}

SCALARS = {
    **{
        (name, "ridge"): (lambda v, pose=pose: pose(ridge=v), {**NOT_STRENGTHS, "overflow": 1.7e308})
        for name, pose in POSES.items()
    },
    **{(f"{name}, matrix", "metric"): (lambda v, p=pose: p(metric=v), NOT_METRICS) for name, pose in POSES.items()},
    ("on Samples", "metric"): (lambda v: lv.unconstrained(SAMPLES, rank=2, metric=v), {"identity": np.eye(3)}),
    ("on Samples", "ridge"): (
        lambda v: lv.hard_wired(SAMPLES, REP, rank=2, ridge=v),
        {**NOT_STRENGTHS, "overflow": 1.7e308},
    ),
    ("a nonlinear network", "ridge"): (
        lambda v: lv.train(lv.augmented(SAMPLES, REP, rank=2, ridge=1.0), activation=v, epochs=1),
        {"tanh": "tanh"},
    ),
    ("equivariant", "metric"): (
        lambda v: lv.augmented(TARGETS, DENSE, rank=1, output=DENSE, metric=v),
        {"not of the group": np.diag([1.0, 2.0]), "negative": -np.eye(2), "zero": np.zeros((2, 2))},
    ),
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
    ("solve", "problem"): (lv.solve, NOT_PROBLEMS),
    **{(f.__name__, "problem"): (lambda v, f=f: f(v, 1.0), NOT_PROBLEMS) for f in NORMS},
    **{(f.__name__, "strength"): (lambda v, f=f: f(PROBLEM, v), NOT_STRENGTHS) for f in NORMS},
    **{
        (f.__name__, "X"): (
            lambda v, f=f: f(v, 0.0),
            {"weights beyond 1e308": lv.unconstrained(lv.Moments.from_data(1e-310 * X, Y), rank=1)},
        )
        for f in NORMS
    },
    ("unconstrained on Samples", "rank"): (lambda v: lv.unconstrained(SAMPLES, rank=v), NOT_COUNTS),
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
            "nuclear_norm": lambda p: lv.nuclear_norm(p, 1.0),
            "whitened_nuclear_norm": lambda p: lv.whitened_nuclear_norm(p, 1.0),
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
    ("group of another size", "X"): (
        lambda v: v(),
        {
            "hard_wired": lambda: lv.hard_wired(MOMENTS, lv.groups.cyclic(5), rank=1),
            "augmented": lambda: lv.augmented(MOMENTS, lv.groups.image_rotations(14), rank=1),
            "regularized": lambda: lv.regularized(MOMENTS, lv.groups.cyclic(3), rank=1, strength=1.0),
        },
    ),
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
    ("augmented", "distribution"): (
        lambda v: lv.augmented(MOMENTS, REP, rank=1, distribution=v),
        {
            "elements": REP.elements(),
            "group": REP,
            "weights": np.ones(4) / 4,
            "of another group": lv.groups.random_walk(lv.groups.dihedral(4), 1),
        },
    ),
    ("augmented, what does not go together", "distribution"): (
        lambda v: v(rank=1, distribution=WALK),
        {
            "output": lambda **k: lv.augmented(lv.Moments.from_data(X, X), REP, output=REP, **k),
            "Samples": lambda **k: lv.augmented(SAMPLES, REP, **k),
        },
    ),
    ("augmented, wide angle", "angle"): (
        lambda v: lv.augmented(TARGETS, v.representation, rank=1, distribution=v),
        {"4,096 nodes": lv.groups.uniform_turns(lv.groups.rotations(2), 1e6)},
    ),
    ("departure", "moments"): (lambda v: lv.augmentation.departure(v, WALK, rank=1), {**NOT_DATA, "samples": SAMPLES}),
    ("departure", "distribution"): (
        lambda v: lv.augmentation.departure(MOMENTS, v, rank=1),
        {"None": None, "group": REP, "elements": REP.elements()},
    ),
    ("departure of another size", "X"): (
        lambda v: lv.augmentation.departure(TARGETS, v, rank=1),
        {"distribution of 4": WALK},
    ),
    ("departure", "rank"): (lambda v: lv.augmentation.departure(MOMENTS, WALK, rank=v), NOT_COUNTS),
    ("mixing", "distribution"): (
        lv.augmentation.mixing,
        {"None": None, "group": REP, "not orthogonal": lv.groups.random_walk(SKEWED, 1)},
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
    ("equivariance_gap", "rep"): (lambda v: lv.equivariance_gap(TARGETS, v, rank=1, output=DENSE), NOT_REPS),
    ("equivariance_gap", "rank"): (lambda v: lv.equivariance_gap(TARGETS, DENSE, rank=v, output=DENSE), NOT_COUNTS),
    ("equivariance_gap", "data"): (lambda v: lv.equivariance_gap(v, DENSE, rank=1, output=DENSE), NOT_DATA),
}
