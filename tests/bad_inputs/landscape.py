"""Bad critical points, and networks at them."""

import numpy as np

import linvariance as lv

from .valid import DENSE, FLAT, LAYERS, MOMENTS, NETWORK, PROBLEM, TARGETS, W
from .wrong import NOT_COUNTS, NOT_NETWORKS, NOT_POSITIVE, NOT_PROBLEMS, SPOILED, UNFIT

PLAIN = lv.unconstrained(MOMENTS, rank=2)
POINTS = lv.critical_points(PLAIN)
MINIMUM = lv.network_at(POINTS[0], (4, 2, 3))
BIASED = lv.regularized(TARGETS, DENSE, rank=1, strength=1.0, output=DENSE)

ARRAY_ARGUMENTS = {
    ("loss_along", "direction"): (lambda a: lv.loss_along(PROBLEM, NETWORK, a), FLAT, set()),
}

SCALARS = {
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
}
