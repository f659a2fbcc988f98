"""The landscape's numbers are those of the library; the run among the points is that of gradient descent."""

import math

import numpy as np
import pytest

import linvariance as lv
from linvariance.experiments.studies.data import Dataset
from linvariance.experiments.studies.descent import Descent
from linvariance.experiments.studies.group import parse
from linvariance.experiments.studies.landscape import METHODS, landscape, pose
from linvariance.experiments.studies.study import Subject


def subject(X, Y, group, rank):
    return Subject(Dataset(X, Y, "a test"), group, parse(group, X.shape[1]), rank)


@pytest.fixture(scope="module")
def six(rng_of_module):
    """Six inputs and four outputs, any symmetry broken."""
    X = rng_of_module.standard_normal((40, 6))
    return subject(X, X @ rng_of_module.standard_normal((6, 4)) + rng_of_module.standard_normal((40, 4)), "cyclic", 2)


@pytest.fixture(scope="module")
def rng_of_module():
    return np.random.default_rng(7)


def strength_of(method):
    return 0.3 if method == "regularized" else None


def exhibits(study):
    return {part.name: part.make() for part in study.parts}


@pytest.mark.parametrize("method", METHODS)
def test_the_table_holds_all_critical_points(method, six):
    problem = pose(six, method, strength_of(method))
    shown = exhibits(landscape(six, method, strength=strength_of(method)))["landscape"]
    points = list(lv.critical_points(problem))
    assert problem.method == method.replace("-", "_")
    assert [row[0] for row in shown.rows] == list(range(1, len(points) + 1))
    for row, point in zip(shown.rows, points, strict=True):
        found = dict(zip(shown.header, row, strict=True))
        assert [int(number) - 1 for number in found["kept"].split() if number != "none"] == list(point.subset)
        assert (found["loss"], found["index"], found["kind"]) == (point.loss, point.index, point.kind)
        assert found["index_of_network"] == point.parameter_index(problem.rank)
        assert found["above_minimum"] == pytest.approx(found["loss"] - lv.solve(problem).loss, abs=1e-12)


def test_numbers_and_captions_agree(six):
    study = landscape(six, "augmented")
    problem, found = pose(six, "augmented", None), {finding.quantity: finding.value for finding in study.find()}
    optimum, shown = lv.solve(problem), exhibits(study)
    count = lv.critical_points(problem).count
    assert found["critical points"] == str(count)
    assert found["points of lower rank"] == str(lv.lower_rank_points(problem).count)
    assert found["global minimum"] == optimum.loss
    assert found["floor"] + sum(optimum.singular_values[2:] ** 2) == pytest.approx(optimum.loss, rel=1e-12)
    assert found["unique"] == "yes"
    assert f"All {count} critical points" in shown["landscape"].caption
    assert f"{optimum.loss:.6g}" in shown["landscape"].caption
    assert f"{optimum.loss:.6g}" in shown["spectrum"].caption
    np.testing.assert_array_equal([row[2] for row in shown["spectrum"].rows], optimum.singular_values)


def test_only_the_lowest_points_are_shown_of_very_many():
    n = 400
    X, Y = math.sqrt(n) * np.eye(n), math.sqrt(n) * np.diag(np.linspace(1, 2, n))
    study = landscape(subject(X, Y, "trivial", 200), "unconstrained", points=7)
    found = {finding.quantity: finding.value for finding in study.find()}
    assert found["critical points"] == "about 10^119"
    shown = exhibits(study)
    assert len(shown["landscape"].rows) == 7
    assert "The 7 lowest of about 10^119 critical points" in shown["landscape"].caption
    assert len(shown["spectrum"].picture.axes[0].get_xticks()) < 30


@pytest.mark.parametrize(("group", "zero"), [("hypercube", False), ("cyclic", True)])
def test_nothing_to_learn_is_a_landscape_of_one_point(group, zero, rng):
    X, Y = rng.standard_normal((9, 3)), rng.standard_normal((9, 2)) * (not zero)
    asked = subject(X, Y, group, 2)
    study = landscape(asked, "hard-wired")
    assert [row[:3] for row in exhibits(study)["landscape"].rows] == [(1, "none", "global minimum")]
    assert {finding.quantity: finding.value for finding in study.find()}["condition"] == "-"
    with pytest.raises(ValueError, match="nothing to learn"):
        landscape(asked, "hard-wired", epochs=5)


def test_ties_are_named():
    X = np.sqrt(3) * np.eye(3)
    study = landscape(subject(X, X @ np.diag([2.0, 1.0, 1.0]), "trivial", 2), "unconstrained")
    found = {finding.quantity: finding.value for finding in study.find()}
    assert (found["ties"], found["unique"], found["condition"]) == ("2 3", "no", "-")
    shown = exhibits(study)["landscape"]
    assert shown.header[3] == "dimension"
    assert [row[1:4] for row in shown.rows] == [("1 2", "global minimum", 1), ("2 3", "strict saddle", 0)]
    assert "manifold of critical points" in shown.caption
    assert "manifold" not in exhibits(landscape(subject(X, X, "trivial", 3), "unconstrained"))["spectrum"].caption


def test_what_lies_above_the_minimum_does_not_cancel():
    """A residual of 1e8 beside singular values of 1e-3: their squares are below its last digit."""
    X = 2 * np.eye(4)[:, :3]
    Y = X @ np.diag([3e-3, 2e-3, 1e-3]) + 2e4 * np.eye(4)[:, [3, 3, 3]]
    rows = exhibits(landscape(subject(X, Y, "trivial", 1), "unconstrained"))["landscape"].rows
    assert [row[5] for row in rows] == pytest.approx([0, 5e-6, 8e-6], rel=1e-9)


REFUSED = [
    ({"method": "hardwired"}, "no method 'hardwired'. Pass --method unconstrained, .* or regularized"),
    ({"method": "regularized"}, "needs the strength"),
    ({"method": "augmented", "strength": 1.0}, "--strength 1 is for --method regularized; augmented has no penalty"),
    ({"method": "regularized", "strength": -1.0}, "strength must be at least 0"),
    ({"method": "augmented", "points": 0}, "--points must be at least 1"),
    ({"method": "augmented", "epochs": -1}, "--epochs must be at least 0"),
    ({"method": "augmented", "epochs": 1, "seed": -1}, "--seed must be at least 0"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED)
def test_requests_that_are_refused(arguments, words, six):
    with pytest.raises(ValueError, match=words):
        landscape(six, **arguments)


@pytest.fixture(scope="module")
def whitened():
    """S' = 1 and singular values 4, 2, 1 of Z: saddle after saddle."""
    X = np.sqrt(3) * np.eye(3)
    return subject(X, X @ np.diag([4.0, 2.0, 1.0]), "trivial", 2)


def test_a_run_goes_from_saddle_to_saddle(whitened):
    problem = pose(whitened, "unconstrained", None)
    descent = Descent(problem, 200, 0)
    assert [leg.subset for leg in descent.legs] == [(), (0,), (0, 1)]
    shown = descent.over_epochs()
    assert [row[3] for row in shown.rows if row[0] in (0, 200)] == ["none", "1 2"]
    for text in ("none (epochs 0 to", "1 (epochs", "1 2 (epochs", f"{descent.visits.loss[-1]:.6g}"):
        assert text in shown.caption
    above, below = shown.picture.axes
    levels = [line.get_ydata()[0] for line in above.lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(levels, [21, 5, 1], rtol=1e-12)
    assert [text.get_text() for text in below.texts] == ["none", "1", "1 2"]
    found = {finding.quantity: finding for finding in descent.findings()}
    assert found["final loss"].value == pytest.approx(1.0, rel=1e-6)
    assert "its loss 5" in found["nearest 2: keeps 1"].remark


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rank", [1, 2, 9])
def test_the_step_is_stable_at_the_minimum(method, rank, six):
    problem = pose(Subject(six.data, six.group, six.representation, rank), method, strength_of(method))
    network = lv.network_at(lv.critical_points(problem)[0], (problem.dim, rank, problem.outputs))
    top = np.linalg.eigvalsh(lv.hessian(problem, network).to_dense())[-1]
    assert Descent(problem, 1, 0).step * top <= 1 + 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_descent_descends_whatever_the_scale(method, six):
    for scale in (1e-100, 1.0, 1e100):
        data = Dataset(scale * six.data.X, six.data.Y / scale, "a test")
        strength = strength_of(method) and strength_of(method) * scale**2  # the same share of X
        problem = pose(Subject(data, six.group, six.representation, 2), method, strength)
        loss = Descent(problem, 2000, 0).visits.loss
        assert (np.diff(loss) <= 1e-12 * loss[0]).all()


def test_long_runs_are_recorded_sparsely(six):
    visits = Descent(pose(six, "augmented", None), 5001, 0).visits
    assert 500 < len(visits.epochs) <= 2001
    assert visits.epochs[-1] == 5001


def test_a_run_that_overflows_is_refused(six):
    """A penalty 1e200 times the data: initial weights of the scale of W have a loss beyond any double."""
    data = Dataset(1e-100 * six.data.X, 1e100 * six.data.Y, "a test")
    problem = pose(Subject(data, six.group, six.representation, 2), "regularized", 0.3)
    with pytest.raises(ValueError, match="loss of the run overflows at epoch 0"):
        Descent(problem, 10, 0).over_epochs()


def test_one_epoch_is_a_run(six):
    assert len(Descent(pose(six, "augmented", None), 1, 0).over_epochs().rows) == 2
