"""Bad regularization paths and strengths."""

import numpy as np

import linvariance as lv

from .valid import MOMENTS, REP, SAMPLES
from .wrong import FREE_ROWS, NOT_COUNTS, NOT_DATA, NOT_POSITIVE, NOT_REPS, NOT_STRENGTHS

PATH = lv.regularization_path(MOMENTS, REP, rank=2)

ARRAY_ARGUMENTS = {
    ("RegularizationPath.evaluate", "strengths"): (
        PATH.evaluate,
        np.array([0.1, 1.0]),
        {*FREE_ROWS, "one column more"},
    ),
    ("RegularizationPath.losses", "strengths"): (
        lambda a: PATH.losses(MOMENTS, a),
        np.array([0.1, 1.0]),
        {*FREE_ROWS, "one column more"},
    ),
}

SCALARS = {
    ("regularization_path", "data|moments"): (lambda v: lv.regularization_path(v, REP, rank=2), {"samples": SAMPLES}),
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
    ("RegularizationPath.losses", "data"): (
        lambda v: PATH.losses(v, [1.0]),
        {**NOT_DATA, "of other inputs": lv.Moments.from_data(np.eye(3), np.eye(3))},
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
}
