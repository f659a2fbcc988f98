"""The path's numbers are those of the library; jumps are where theory says, and curves break there."""

import numpy as np
import pytest

import linvariance as lv
from linvariance.experiments.studies.data import Dataset
from linvariance.experiments.studies.group import parse
from linvariance.experiments.studies.path import path
from linvariance.experiments.studies.study import Subject

E, F = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)


def subject(X, Y, group, rank):
    return Subject(Dataset(X, Y, "a test"), group, parse(group, X.shape[1]), rank)


def crossing(bump=0.0):
    """W jumps at λ = ((2/1)² - 1)/4 = 3/4, or nearly does."""
    C = np.array([E, 2 * F]) + bump * np.array([[0.3, 0.7], [0.2, -0.5]])
    return subject(np.sqrt(2) * np.eye(2), np.sqrt(2) * C.T, "symmetric", 1)


@pytest.fixture(scope="module")
def common():
    """Fewer samples than inputs, as images: W(0) is not W(0+)."""
    rng = np.random.default_rng(5)
    return subject(rng.standard_normal((4, 6)), rng.standard_normal((4, 3)), "cyclic", 2)


def numbers(study):
    return {finding.quantity: finding.value for finding in study.find()}


def exhibits(study):
    return {part.name: part.make() for part in study.parts}


def test_the_table_is_the_path(common):
    rows = np.array(exhibits(path(common, start=1e-3, stop=1e3, points=13))["path"].rows)
    f = lv.regularization_path(common.moments, common.representation, rank=2)
    values = f.evaluate(np.geomspace(1e-3, 1e3, 13))
    columns = (values.strengths, values.loss, values.norm_perp, values.gap)
    np.testing.assert_allclose(rows[:, :4], np.stack(columns, axis=1), rtol=1e-12)
    np.testing.assert_allclose(rows[:, 4:], values.singular_values, rtol=1e-12)


def test_the_numbers_are_those_of_the_limits(common):
    study = path(common)
    f, found, shown = (
        lv.regularization_path(common.moments, common.representation, rank=2),
        numbers(study),
        exhibits(study),
    )
    assert found["no jump"] == ("proved" if f.is_certified else "undecided")
    assert found["smallest gap"] == f.smallest_gap
    assert (found["loss at 0+"], found["loss at ∞"]) == (f.at_zero.loss, f.limit.loss)
    assert found["‖W(0+) - W(0)‖"] == np.linalg.norm(f.at_zero.weights - f(0.0).weights) > 1e-3
    assert found["‖W⊥‖ at 0"] == pytest.approx(
        np.linalg.norm(f(0.0).weights - common.representation.project(f(0.0).weights))
    )
    assert 0 < found["‖W(λ) - W(∞)‖"] < 0.1 * found["‖W(0+) - W(∞)‖"]
    assert [row[0] for row in shown["limits"].rows] == ["0", "0+", "infinity"]
    for value in (f.at_zero.loss, f.limit.loss):
        assert f"{value:.6g}" in shown["limits"].caption
    for panel, levels in zip(
        shown["limits"].picture.axes, ((found["‖W⊥‖ at 0+"], 0), (f.at_zero.loss, f.limit.loss)), strict=True
    ):
        drawn = [line.get_ydata()[0] for line in panel.lines if line.get_linestyle() == "--"]
        np.testing.assert_array_equal(drawn, levels)


def test_a_jump_is_found_named_and_drawn():
    study = path(crossing())
    shown, (jump, *_) = exhibits(study), study.find()
    assert jump.quantity == "jump"
    assert jump.value == pytest.approx(0.75, rel=1e-10)
    assert "W moves by 1.11803 within 0.74999999" in jump.remark  # from u₂fᵀ/2 to u₁eᵀ: √(1/4 + 1)
    assert numbers(study)["smallest gap"] == 0.0
    above, below = shown["path"].picture.axes
    assert [text.get_text() for text in above.texts] == ["jump at λ = 0.75"]
    shown["path"].picture.canvas.draw()
    assert above.texts[0].get_window_extent().y0 >= above.bbox.y1  # above the panel, off the curves
    assert "1 jump and no near-crossings" in shown["path"].caption
    curve = shown["limits"].picture.axes[0].lines[-2]  # the last line is the mark
    gap = np.flatnonzero(np.isnan(curve.get_ydata()))
    # So near to the tie, at a gap of 4e-12, singular vectors are known to eps/gap = 6e-5.
    np.testing.assert_allclose(curve.get_ydata()[[gap[0] - 1, gap[0] + 1]], [0.5, 0], atol=1e-3)
    assert len(gap) == 1
    assert below.get_ylim()[0] == pytest.approx(1e-6)


def test_a_near_crossing_is_none():
    study = path(crossing(bump=1e-3))
    found = numbers(study)
    assert "jump" not in found
    assert found["no jump"] == "proved"
    assert found["near-crossing"] == pytest.approx(0.75, rel=0.01)
    shown = exhibits(study)["path"]
    assert "near-crossing, gap 0.0003" in shown.picture.axes[0].texts[0].get_text()
    # In units of σ₁, from two factorizations: equal to rounding, not to the bit on every BLAS.
    assert min(row[3] for row in shown.rows) == pytest.approx(
        found["smallest gap"], rel=0, abs=30 * np.finfo(float).eps
    )


def test_what_lies_outside_of_the_range_is_not_drawn():
    study = path(crossing(), stop=0.1)
    assert numbers(study)["jump"] == pytest.approx(0.75)
    shown = exhibits(study)["path"]
    assert not shown.picture.axes[0].texts
    assert shown.rows[-1][0] == pytest.approx(0.1, rel=1e-12)
    assert "no jumps" in shown.caption


@pytest.mark.parametrize("scale", [1e-60, 1.0, 1e60])
def test_the_range_follows_the_data(scale, common):
    X, Y = scale * common.data.X, common.data.Y
    f = lv.regularization_path(lv.Moments.from_data(X, Y), common.representation, rank=2)
    low, high = f.span
    expected = lv.regularization_path(common.moments, common.representation, rank=2).span
    np.testing.assert_allclose([low, high], np.multiply(expected, scale**2), rtol=1e-9)
    ends = f.evaluate([low, high]).loss
    assert ends[0] - f.at_zero.loss < 0.011 * (f.limit.loss - f.at_zero.loss)
    assert f.limit.loss - ends[1] < 0.011 * (f.limit.loss - f.at_zero.loss)


@pytest.mark.parametrize(("group", "rank"), [("trivial", 1), ("trivial", 9), ("hypercube", 1), ("cyclic", 9)])
@pytest.mark.parametrize("zero", ["nothing", "X", "Y"])
def test_extremes_have_a_path(group, rank, zero, rng):
    X, Y = rng.standard_normal((9, 3)) * (zero != "X"), rng.standard_normal((9, 2)) * (zero != "Y")
    study = path(subject(X, Y, group, rank))
    assert numbers(study)["loss at ∞"] >= 0
    assert all(np.isfinite(np.array(exhibit.rows[0][1:], dtype=float)).all() for exhibit in exhibits(study).values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"start": 0.0}, "--from must be above 0"),
        ({"stop": -1.0}, "--to must be"),
        ({"stop": float("nan")}, "--to must be finite"),
        ({"start": 1.0, "stop": 1.0}, "--from 1 must be below --to 1"),
        ({"points": 1}, "--points must be at least 2"),
    ],
)
def test_requests_that_are_refused(arguments, words, common):
    with pytest.raises(ValueError, match=words):
        path(common, **arguments)


def test_held_out_error_is_that_of_each_part_by_what_is_fitted_to_the_others():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((23, 4))
    common = subject(X, X @ rng.standard_normal((4, 2)) + rng.standard_normal((23, 2)), "cyclic", 1)
    study = path(common, start=1e-2, stop=1e2, points=3)
    rows, found = np.array(exhibits(study)["held_out"].rows), numbers(study)
    parts = np.array_split(np.random.default_rng(0).permutation(23), 5)
    for strength, error, _ in rows:
        total = 0.0
        for part in parts:
            m = lv.Moments.from_data(np.delete(X, part, axis=0), np.delete(common.data.Y, part, axis=0))
            W = lv.solve(lv.regularized(m, common.representation, rank=1, strength=strength)).weights
            total += np.square(X[part] @ W.T - common.data.Y[part]).sum()
        assert error == pytest.approx(total / 23, rel=1e-10)
    assert found["least held-out error"] == pytest.approx(rows[:, 1].min())
    assert found["held-out error at ∞"] > 0


def test_a_single_sample_is_not_held_out():
    study = path(subject(np.ones((1, 2)), np.ones((1, 1)), "symmetric", 1))
    assert [part.name for part in study.parts] == ["path", "limits"]
    assert "least held-out error" not in numbers(study)
