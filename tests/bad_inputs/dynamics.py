"""Bad flows, visits and time scales."""

import numpy as np

import linvariance as lv

from .valid import DENSE, FLOW, HARD, LAYERS, MOMENTS, NETWORK, PROBLEM, REP, SKEWED, TARGETS, TIMES, W
from .wrong import BARE_NETWORKS, NOT_COUNTS, NOT_POSITIVE, NOT_PROBLEMS, NOT_REPS, UNFIT_NETWORKS

UNREADABLE_RUNS = {
    "None": None,
    "array": W,
    "network": NETWORK,
    "without weights": lv.train(PROBLEM, epochs=1),
    "several runs": lv.train(PROBLEM, epochs=1, seeds=(0, 1), record=lv.Record(weights=True)),
    "of another problem": lv.dynamics.gradient_flow(HARD, lv.Network([np.ones((1, 1)), np.ones((3, 1))]), TIMES),
    "diverged": lv.dynamics.Flow(TIMES, TIMES, (NETWORK, NETWORK, UNFIT_NETWORKS["nan"])),
}

ARRAY_ARGUMENTS = {
    ("dynamics.gradient_flow", "times"): (lambda a: lv.dynamics.gradient_flow(PROBLEM, NETWORK, a), TIMES, set()),
}

SCALARS = {
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
}
