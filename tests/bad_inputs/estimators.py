"""Bad estimators' parameters and rows. scikit-learn's own gate converts what it can: numbers in objects and strings."""

import numpy as np

import linvariance as lv

from .valid import LABELS, MOMENTS, REP, WEIGHTS, X, Y
from .wrong import NOT_COUNTS, NOT_POSITIVE, NOT_REPS, NOT_STRENGTHS

REGRESSORS = {
    "HardWiredRegressor": lv.HardWiredRegressor,
    "AugmentedRegressor": lv.AugmentedRegressor,
    "RegularizedRegressor": lv.RegularizedRegressor,
    "RegularizedRegressorCV": lambda *a, **k: lv.RegularizedRegressorCV(*a, cv=2, **k),
}
CLASSIFIERS = {
    f"InvariantClassifier {loss}": lambda *a, loss=loss, **k: lv.InvariantClassifier(*a, loss=loss, **k)
    for loss in ("squared", "cross_entropy")
}
EVERY = {**REGRESSORS, **CLASSIFIERS}
FITTED = {name: make(REP).fit(X, LABELS) for name, make in EVERY.items()}
PROJECTION = lv.InvariantProjection(REP).fit(X)

# The words of scikit-learn's sentences: they name the argument seldom, but what is wrong with it.
ROWS = "X|Input|array|data|Complex|samples|feature|features|sparse|dtype|dtypes|float|scalar|numeric|string|argument"
TARGETS = f"y|{ROWS}|label|classes|target"
CONVERTED = {"object", "str", "bytes"}  # numbers all the same
NOT_RANKS = {name: value for name, value in NOT_COUNTS.items() if name != "None"}
NOT_GROUPS = {name: value for name, value in NOT_REPS.items() if name != "None"}
NOT_FLAGS = {"None": None, "1": 1, "str": "yes", "array": np.array([True, False])}


def rows(fit, name):
    return {
        (f"{name}.fit", ROWS): (lambda a, fit=fit: fit().fit(a, LABELS), X, {*CONVERTED, "one column more"}),
        (f"{name}.fit weighted", "sample_weight"): (
            lambda a, fit=fit: fit().fit(X, LABELS, sample_weight=a),
            WEIGHTS,
            {"None"},
        ),
    }


def begun_with(name):
    return REGRESSORS[name](REP).fit(X, Y)


ARRAY_ARGUMENTS = {}
for _name, _make in EVERY.items():
    ARRAY_ARGUMENTS |= rows(_make, _name)
    ARRAY_ARGUMENTS[f"{_name}.predict", ROWS] = FITTED[_name].predict, X, {*CONVERTED, "one row more"}
for _name, _make in REGRESSORS.items():
    ARRAY_ARGUMENTS[f"{_name}.fit targets", TARGETS] = (
        lambda a, fit=_make: fit().fit(X, a),
        Y,
        {
            *CONVERTED,
            "one column more",
        },
    )
for _name in ("HardWiredRegressor", "AugmentedRegressor", "RegularizedRegressor"):
    ARRAY_ARGUMENTS |= {
        (f"{_name}.partial_fit", ROWS): (
            lambda a, begun=_name: begun_with(begun).partial_fit(a, Y),
            X,
            CONVERTED,
        ),
        (f"{_name}.partial_fit targets", TARGETS): (
            lambda a, begun=_name: begun_with(begun).partial_fit(X, a),
            Y,
            CONVERTED,
        ),
        (f"{_name}.partial_fit weighted", "sample_weight"): (
            lambda a, begun=_name: begun_with(begun).partial_fit(X, Y, sample_weight=a),
            WEIGHTS,
            {"None"},
        ),
    }
ARRAY_ARGUMENTS |= {
    ("InvariantClassifier.decision_function", ROWS): (
        FITTED["InvariantClassifier squared"].decision_function,
        X,
        {*CONVERTED, "one row more"},
    ),
    **{
        (f"InvariantClassifier.{name}", ROWS): (
            getattr(FITTED["InvariantClassifier cross_entropy"], name),
            X,
            {*CONVERTED, "one row more"},
        )
        for name in ("predict_proba", "predict_log_proba")
    },
    ("InvariantProjection.fit", ROWS): (lv.InvariantProjection(REP).fit, X, {*CONVERTED, "one row more"}),
    ("InvariantProjection.transform", ROWS): (PROJECTION.transform, X, {*CONVERTED, "one row more"}),
    ("InvariantProjection.inverse_transform", ROWS): (
        PROJECTION.inverse_transform,
        PROJECTION.transform(X),
        {*CONVERTED, "one row more"},
    ),
}

SCALARS = {}
for _name, _make in EVERY.items():
    SCALARS |= {
        (_name, "group"): (lambda v, make=_make: make(v).fit(X, LABELS), NOT_GROUPS),
        (f"{_name} of another size", "X"): (
            lambda v, make=_make: make(v).fit(X, LABELS),
            {"smaller": lv.groups.cyclic(3), "larger": lv.groups.image_rotations(14)},
        ),
        (_name, "ridge"): (lambda v, make=_make: make(REP, ridge=v).fit(X, LABELS), NOT_STRENGTHS),
        (_name, "fit_intercept"): (lambda v, make=_make: make(REP, fit_intercept=v).fit(X, LABELS), NOT_FLAGS),
    }
    if _name != "RegularizedRegressorCV":
        SCALARS[_name, "rank"] = (lambda v, make=_make: make(REP, rank=v).fit(X, LABELS), NOT_RANKS)
SCALARS |= {
    ("RegularizedRegressor", "strength"): (
        lambda v: lv.RegularizedRegressor(REP, strength=v).fit(X, Y),
        NOT_STRENGTHS,
    ),
    ("RegularizedRegressorCV", "strengths"): (
        lambda v: lv.RegularizedRegressorCV(REP, strengths=v, cv=2).fit(X, Y),
        {"0": [0.0, 1.0], "negative": [-1.0], "empty": [], "number": 1.0, "nan": [np.nan], "str": "many", "None": None},
    ),
    ("RegularizedRegressorCV", "ranks"): (
        lambda v: lv.RegularizedRegressorCV(REP, ranks=v, cv=2).fit(X, Y),
        {"0": [0], "2.0": [2.0], "empty": [], "number": 2, "str": "all", "True": [True]},
    ),
    ("RegularizedRegressorCV", "cv|n_splits|k-fold"): (
        lambda v: lv.RegularizedRegressorCV(REP, cv=v).fit(X, Y),
        {"1": 1, "str": "five", "too many": 99, "no rows": [(np.arange(8), np.arange(0))]},
    ),
    ("InvariantProjection", "group"): (lambda v: lv.InvariantProjection(v).fit(X), NOT_GROUPS),
    ("InvariantClassifier", "loss"): (
        lambda v: lv.InvariantClassifier(REP, loss=v).fit(X, LABELS),
        {"unknown": "hinge", "None": None, "number": 1, "list": ["squared"]},
    ),
    ("InvariantClassifier", "tol"): (
        lambda v: lv.InvariantClassifier(REP, loss="cross_entropy", tol=v).fit(X, LABELS),
        NOT_POSITIVE,
    ),
    ("InvariantClassifier", "max_iter"): (
        lambda v: lv.InvariantClassifier(REP, loss="cross_entropy", max_iter=v).fit(X, LABELS),
        NOT_COUNTS,
    ),
    ("InvariantClassifier", "y|label"): (
        lambda v: lv.InvariantClassifier(REP).fit(X, v),
        {"one class": np.ones(8), "nan": np.r_[np.nan, np.ones(7)], "None": None, "reals": X[:, 0]},
    ),
    ("Moments.about", "x"): (
        lambda v: MOMENTS.about(v, np.zeros(3)),
        {"too few": np.ones(3), "nan": [np.nan] * 4, "number": 1.0, "None": None, "overflow": np.full(4, 1e308)},
    ),
    ("Moments.about", "y"): (lambda v: MOMENTS.about(np.zeros(4), v), {"too many": np.ones(4), "matrix": Y}),
    ("Moments.mean_over", "rep"): (MOMENTS.mean_over, NOT_REPS),
    ("Moments.mean_over of another size", "X"): (MOMENTS.mean_over, {"smaller": lv.groups.cyclic(3)}),
}
