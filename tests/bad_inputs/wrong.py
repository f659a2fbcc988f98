"""What is wrong with an argument, whatever the function: arrays, numbers, objects of another kind."""

import datetime

import numpy as np

import linvariance as lv

from .valid import FLAT, LAYERS, MOMENTS, NETWORK, PROBLEM, REP, W, X, Y

SPOILED = lv.Network.from_flat(np.nan * FLAT, NETWORK.widths)
UNFIT = lv.Network([np.ones((2, 5)), np.ones((3, 2))])
OVERFLOW = lv.Network([1e160 * layer for layer in LAYERS])


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


class Talkative:
    """Nothing that anything takes, and long to print."""

    def __repr__(self):
        return "talk " * 1000


LONG = {
    "two hundred numbers": list(range(1, 201)),
    "lists of numbers": [list(range(1, 201))] * 3,
    "a thousand words": ["word " * 1000] * 1000,
    "five thousand letters": "x" * 5000,
    "five thousand bytes": b"x" * 5000,
    "a dict": {f"key {k}": k for k in range(1000)},
    "a talkative object": Talkative(),
    "talkative objects": [Talkative()] * 3,
    "a huge number": 10**400,
    "a huge negative number": -(10**400),
}
"""Whatever becomes of them, no sentence repeats them whole."""

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
    "a thousand": [2] * 1000,
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
    "a thousand": [1.0] * 1000,
}
NOT_POSITIVE = {**NOT_STRENGTHS, "0": 0.0}
NOT_PROGRESS = {"str": "yes", "None": None, "1": 1, "list": [], "array": np.ones(2)}
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
NOT_ACTIVATIONS = {
    "unknown": "softplus",
    "None": None,
    "function": np.tanh,
    "a list": ["relu"],
    "long": "relu" * 1000,
    "capital": "ReLU",
}
NOT_PROBLEMS = {"None": None, "array": X, "moments": MOMENTS, "str": "augmented"}
BARE_NETWORKS = {name: NOT_NETWORKS[name] for name in ("None", "array", "layers", "str")}
UNFIT_NETWORKS = {
    **BARE_NETWORKS,
    "other inputs": lv.Network([np.ones((2, 5)), LAYERS[1]]),
    "nan": lv.Network.from_flat(np.full(14, np.nan), (4, 2, 3)),
}
