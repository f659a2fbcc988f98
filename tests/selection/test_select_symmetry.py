"""Choosing a symmetry: literal folds, planted symmetries, what the result shows."""

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import linvariance as lv

GROUPS = {"C4": lv.groups.image_rotations(4), "D4": lv.groups.image_dihedral(4)}


def images(group, n=120, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 16))
    W = group.project(rng.standard_normal((3, 16)))
    return X, X @ W.T + noise * rng.standard_normal((n, 3))


@pytest.fixture(scope="module")
def found():
    return lv.select_symmetry(*images(GROUPS["C4"]), GROUPS, softness=(0.0, 0.1))


def test_the_planted_group_is_best_by_all(found):
    assert [found.best_by(criterion).name for criterion in ("log_evidence", "gcv", "loo", "cv")] == ["C4"] * 4
    assert found.best is found["C4"]
    assert found.best.softness == 0


def test_bayes_factors_are_differences(found):
    values = [score.log_evidence for score in found.scores]
    assert values == sorted(values, reverse=True)
    for score in found.scores:
        assert score.log_bayes_best == score.log_evidence - found.best.log_evidence
        assert score.log_bayes_none == score.log_evidence - found["none"].log_evidence
    assert [score.softness for score in found.scores if score.name == "none"] == [1.0]


def test_ridge_and_strength_are_those_of_the_prior(found):
    for score in found.scores:
        assert score.ridge == pytest.approx(score.noise * score.precision / found.n)
        if 0 < score.softness < 1:
            assert score.strength == pytest.approx(score.ridge * (1 / score.softness - 1))
        else:
            assert score.strength == (0.0 if score.softness else math.inf)


def test_moments_give_the_same_evidence(found):
    alone = lv.select_symmetry(lv.Moments.from_data(*images(GROUPS["C4"])), None, GROUPS, softness=(0.0, 0.1))
    for one, other in zip(alone.scores, found.scores, strict=True):
        assert (one.name, one.softness, one.cv, one.loo) == (other.name, other.softness, None, None)
        assert one.log_evidence == pytest.approx(other.log_evidence, rel=1e-12)
        assert one.gcv == pytest.approx(other.gcv, rel=1e-12)
    with pytest.raises(ValueError, match="needs rows"):
        alone.best_by("cv")


def test_folds_are_literal_folds():
    """Refits on the rows that are left, with known noise and prior: ridge regression by the normal equations."""
    X, Y = images(GROUPS["C4"], n=43)
    found = lv.select_symmetry(X, Y, {"C4": GROUPS["C4"]}, noise=1.0, precision=2.0, folds=4, seed=7)["C4"]
    P = GROUPS["C4"].project(np.eye(16))
    squares = 0.0
    for part in np.array_split(np.random.default_rng(7).permutation(43), 4):
        rest = np.setdiff1d(np.arange(43), part)
        A = X[rest] @ P
        W = np.linalg.solve(A.T @ A + 2.0 * np.eye(16), A.T @ Y[rest]).T
        squares += np.square(X[part] @ W.T - Y[part]).sum()
    assert found.cv == pytest.approx(squares / 43 / 3, rel=1e-10)


def test_candidates_in_every_form():
    X, Y = images(GROUPS["C4"], n=40)
    data = lv.Moments.from_data(X, Y)
    single = lv.select_symmetry(data, None, GROUPS["C4"])
    listed = lv.select_symmetry(data, None, [GROUPS["C4"], GROUPS["C4"]])
    assert {score.name for score in single.scores} == {"image_rotations(4)", "none"}
    assert len(listed.scores) == 3
    subgroups = lv.select_symmetry(data, None, lv.groups.subgroups(GROUPS["D4"]))
    assert len(subgroups.scores) == 8  # the trivial group among them is "no symmetry"
    assert sum(score.softness == 1 for score in subgroups.scores) == 1


def test_conjugate_groups_are_other_hypotheses():
    rep = lv.groups.image_dihedral(4)
    mirrors = [H for H in lv.groups.subgroups(rep, conjugates=True) if H.order() == 2]
    X, Y = images(mirrors[2], seed=3)
    found = lv.select_symmetry(lv.Moments.from_data(X, Y), None, mirrors)
    assert found.best.representation == mirrors[2]


def test_a_group_without_invariants_is_a_candidate():
    X, Y = images(GROUPS["C4"], n=30)
    flip = lv.groups.hypercube(16)
    found = lv.select_symmetry(X, Y, {"zero": flip})
    assert found["zero"].invariants == 0
    assert found["zero"].cv == pytest.approx(np.mean(Y**2))


def test_targets_of_zero_with_known_noise():
    found = lv.select_symmetry(np.eye(16), np.zeros(16), GROUPS, noise=1.0, precision=1.0, folds=2)
    assert all(score.gcv == 0 for score in found.scores)
    assert [score.name for score in found.scores] == ["D4", "C4", "none"]  # whoever expects least is surprised least


def test_what_it_shows(found):
    text = repr(found)
    assert text.splitlines()[0].startswith("SymmetrySelection: C4 has the largest evidence")
    assert len(text.splitlines()) == 2 + len(found.scores)
    assert "C4, η = 0.1" in text
    with pytest.raises(KeyError, match="C9"):
        found["C9"]


def test_frame(found):
    pytest.importorskip("pandas")
    table = found.to_frame()
    assert len(table) == 5
    assert table.loc[0, "name"] == "C4"
    assert list(table["log_evidence"]) == [score.log_evidence for score in found.scores]


def test_plot(found):
    pytest.importorskip("matplotlib")
    axes = found.plot()
    assert [bar.get_width() for bar in axes.patches] == [score.log_bayes_none for score in found.scores]
    assert found.plot(axes) is axes


def test_planted_symmetries_of_the_page():
    """docs/planted_symmetries.py on a few seeds: signals have the symmetry they claim, and evidence finds it."""
    path = Path(__file__).resolve().parents[2] / "docs" / "planted_symmetries.py"
    spec = importlib.util.spec_from_file_location("planted_symmetries", path)
    study = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = study  # where dataclasses look for their module
    spec.loader.exec_module(study)
    W = study.signal("C2", np.random.default_rng(0))
    np.testing.assert_allclose(study.GROUPS["C2"].project(W), W, atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(W - study.GROUPS["C4"].project(W), axis=1), 1)
    for name in study.NAMES:
        trials = [study.trial(name, seed) for seed in range(3)]
        assert [trial.chosen["log_evidence"] for trial in trials] == [name] * 3
