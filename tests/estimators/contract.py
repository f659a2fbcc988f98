"""All of scikit-learn's checks on all estimators, as JSON; run in a process of its own with SCIPY_ARRAY_API=1."""

import json
import sys
import unittest
import warnings

import linvariance as lv

ESTIMATORS = (
    lv.HardWiredRegressor(),
    lv.AugmentedRegressor(),
    lv.RegularizedRegressor(),
    lv.RegularizedRegressorCV(),
    lv.InvariantProjection(),
    lv.InvariantClassifier(),
    lv.InvariantClassifier(loss="cross_entropy"),
)


def checks_of(estimator):
    try:
        from sklearn.utils.estimator_checks import estimator_checks_generator
    except ImportError:  # scikit-learn < 1.6
        from sklearn.utils.estimator_checks import check_estimator

        return check_estimator(estimator, generate_only=True)
    return estimator_checks_generator(estimator)


def verdicts(estimator):
    found = {"passed": 0, "failed": [], "skipped": []}
    for one, check in checks_of(estimator):
        name = getattr(check, "func", check).__name__
        try:
            check(one)
            found["passed"] += 1
        except unittest.SkipTest as reason:
            found["skipped"].append(f"{name}: {reason}")
        except Exception as error:
            found["failed"].append(f"{name}: {error!r:.500}")
    return found


if __name__ == "__main__":
    warnings.simplefilter("error")
    json.dump({repr(estimator): verdicts(estimator) for estimator in ESTIMATORS}, sys.stdout)
