"""scikit-learn's contract, and what its own checks cannot try: a group, routing, names, and a machine without it."""

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import linvariance as lv

LEAST = {"HardWired": 55, "Augmented": 55, "Regularized": 55, "InvariantProjection": 42, "InvariantClassifier": 55}
SKIPPED = ("check_array_api_input", "pandas", "polars")  # a tag not claimed; packages that are not here
REP = lv.groups.cyclic(4)
ALL = (
    lv.HardWiredRegressor(REP, rank=2),
    lv.AugmentedRegressor(REP, rank=2, ridge=0.1),
    lv.RegularizedRegressor(REP, strength=0.3, rank=2),
    lv.RegularizedRegressorCV(REP, ranks=(1, 2)),
    lv.InvariantClassifier(REP),
    lv.InvariantClassifier(REP, loss="cross_entropy", ridge=0.1),
)


def data(seed=0, n=40, d0=4, outputs=3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d0)) + rng.standard_normal(d0)
    return X, X @ rng.standard_normal((d0, outputs)) + rng.standard_normal((n, outputs)) + 5.0


def targets(estimator, Y):
    return Y.argmax(axis=1) if isinstance(estimator, lv.InvariantClassifier) else Y


@pytest.fixture(scope="module")
def verdicts():
    script = Path(__file__).with_name("contract.py")
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    run = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_check_of_scikit_learn_passes(verdicts, capsys):
    """None is expected to fail; skips are of tags not claimed or packages not installed, and named."""
    with capsys.disabled():
        say = sys.stdout.write
        say(f"\nscikit-learn {sklearn.__version__}\n")
        for estimator, found in verdicts.items():
            say(f"  {estimator}: {found['passed']} passed, {len(found['skipped'])} skipped {found['skipped'] or ''}\n")
    for estimator, found in verdicts.items():
        assert not found["failed"], (estimator, found["failed"])
        assert all(any(name in one for name in SKIPPED) for one in found["skipped"]), (estimator, found["skipped"])
        least = next(count for name, count in LEAST.items() if estimator.startswith(name))
        assert found["passed"] + len(found["skipped"]) >= least


@pytest.mark.parametrize("estimator", ALL, ids=repr)
def test_pickled_and_cloned(estimator):
    X, Y = data()
    fitted = clone(estimator).fit(X, targets(estimator, Y))
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.group == REP
    assert clone(fitted).group is REP  # the group is never copied
    assert copy.deepcopy(fitted).group is REP
    assert not hasattr(clone(fitted), "coef_")


def test_search_pipeline_and_routing():
    X, Y = data()
    w = np.random.default_rng(1).integers(1, 4, len(X)).astype(float)
    grid = {"group": [REP, None], "strength": [0.01, 1.0]}
    search = GridSearchCV(lv.RegularizedRegressor(), grid, cv=3).fit(X, Y, sample_weight=w)
    assert search.best_params_["group"] in (REP, None)
    piped = make_pipeline(lv.InvariantProjection(REP), lv.HardWiredRegressor()).fit(X, Y)
    np.testing.assert_allclose(piped.predict(X), lv.HardWiredRegressor(REP).fit(X, Y).predict(X), rtol=1e-10)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = lv.HardWiredRegressor(REP).set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        scores = cross_val_score(routed, X, Y, params={"sample_weight": w}, cv=3)
        plain = cross_val_score(lv.HardWiredRegressor(REP), X, Y, cv=3)
    assert np.abs(scores - plain).max() > 1e-6
    repeated = np.repeat(np.arange(len(X)), w.astype(int))
    rows = np.array_split(np.arange(len(X)), 3)  # as KFold(3) cuts 40 rows
    for k, test in enumerate(rows):
        train = np.concatenate([part for j, part in enumerate(rows) if j != k])
        again = repeated[np.isin(repeated, train)]
        model = lv.HardWiredRegressor(REP).fit(X[again], Y[again])
        assert scores[k] == pytest.approx(model.score(X[test], Y[test]), rel=1e-9)


def test_names_of_columns():
    pandas = pytest.importorskip("pandas")
    X, Y = data()
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = lv.HardWiredRegressor(REP).fit(frame, Y)
    assert model.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[list("dcba")])
    project = lv.InvariantProjection(REP).set_output(transform="pandas").fit(frame)
    out = project.transform(frame)
    assert list(out.columns) == ["invariantprojection0"] == project.get_feature_names_out().tolist()
    np.testing.assert_allclose(project.inverse_transform(out), REP.project(X), atol=1e-14)


@pytest.mark.parametrize("group", [lv.groups.cyclic(4), lv.groups.hypercube(4)], ids=["d = 1", "d = 0"])
def test_invariant_coordinates(group):
    X, _ = data()
    project = lv.InvariantProjection(group).fit(X)
    z = project.transform(X)
    assert z.shape == (len(X), len(group.invariant_basis()))
    np.testing.assert_allclose(project.transform(group.project(X)), z, atol=1e-14)
    assert project.inverse_transform(z).shape == X.shape


def test_the_package_knows_them_and_says_what_to_install():
    assert {"HardWiredRegressor", "InvariantClassifier", "estimators"} <= set(dir(lv))
    assert lv.HardWiredRegressor is lv.estimators.HardWiredRegressor
    assert not hasattr(lv, "NoSuchRegressor")
    script = (
        "import sys; sys.modules['sklearn'] = None\nimport linvariance as lv\n"
        "try: lv.HardWiredRegressor\nexcept ImportError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'linvariance[estimators]'" in run.stdout
