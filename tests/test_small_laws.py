"""Laws of sentences, borders and pictures that mutants of the six modules of `tests/mutants.py` lived without."""

import dataclasses
import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

import linvariance as lv
from linvariance import arrays, objectives, optima, problems
from linvariance.landscape import points, saddles
from linvariance.objectives import quadratics, spectra
from linvariance.optima import path

RNG = np.random.default_rng
SWAP = lv.groups.symmetric(2)
EXAMPLE = lv.Moments.from_data(np.eye(2), [[3.0, 0.0], [0.0, 1.0]])


def results():
    """The dataclasses of the modules whose objects users are given."""
    for package in (objectives, optima):
        names = [name for _, name, _ in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")]
        for module in (*map(importlib.import_module, names), problems, points, saddles):
            for cls in vars(module).values():
                if inspect.isclass(cls) and dataclasses.is_dataclass(cls) and cls.__module__ == module.__name__:
                    yield cls


@pytest.mark.parametrize("cls", sorted(set(results()), key=repr), ids=lambda cls: cls.__name__)
def test_results_do_not_change_and_are_compared_by_identity_where_they_hold_arrays(cls):
    about = cls.__dataclass_params__
    assert about.frozen
    assert not about.eq or not any("Array" in str(field.type) for field in dataclasses.fields(cls))


# ----------------------------------------------------------------------------------------------------------- the gate


def test_rows_are_cut_even_where_one_is_larger_than_a_block():
    assert [one.stop - one.start for one in arrays.row_slices(3, 10**9)] == [1, 1, 1]


def test_targets_are_refused_by_their_own_name():
    with pytest.raises(ValueError, match=r"^B\[0, 1\] is nan"):
        arrays.samples(np.eye(1), [[0.0, np.nan]], ("A", "B"))


def test_a_frame_of_one_column_of_objects_is_taken_by_columns():
    class Frame:
        columns = ("a",)

        def __array__(self, dtype=None, copy=None):
            return np.array([[1], [2]], dtype=object)

        def __getitem__(self, name):
            return np.array([1, 2])

    np.testing.assert_array_equal(arrays.as_array(Frame(), "X"), [[1], [2]])


@pytest.mark.parametrize(("bound", "passes"), [(2**31, True), (2**31 + 1, False)])
def test_the_largest_rank_bound(bound, passes):
    if passes:
        assert lv.unconstrained(EXAMPLE, rank=bound).rank == bound
    else:
        with pytest.raises(ValueError, match="rank must be at most 2,147,483,648"):
            lv.unconstrained(EXAMPLE, rank=bound)


def test_titles_of_problems():
    found = problems.methods(EXAMPLE, SWAP, rank=1, strengths=[0.5], ridge=0.0)
    assert list(found) == [problems.title(p) for p in found.values()]
    assert list(found) == ["unconstrained", "hard_wired", "augmented", "regularized, λ = 0.5"]


# ------------------------------------------------------------------------------------------------------------ the path


def test_a_strength_out_of_reach_is_told_what_is_in_reach():
    f = lv.regularization_path(EXAMPLE, SWAP, rank=1)
    with pytest.raises(ValueError, match="lies between") as refused:
        f.strength_for(loss=100.0)
    least, most = (float(text) for text in re.search(r"between (\S+) and (\S+) at", str(refused.value)).groups())
    assert least == pytest.approx(f.at_zero.loss, rel=1e-9)
    assert most == pytest.approx(f.limit.loss, rel=1e-9)


def test_nothing_is_fitted_where_all_inputs_are_zero():
    m = lv.Moments.from_data(np.zeros((2, 2)), [[1.0, 2.0], [3.0, 4.0]])
    f = lv.regularization_path(m, SWAP, rank=1)
    np.testing.assert_allclose(f.losses(m, [0.5, 1.0]), np.full((2, 2), 15.0), rtol=1e-14)


def test_the_span_of_a_path_on_which_nothing_changes():
    m = lv.Moments.from_data([[1.0, 1.0]], [[1.0]])  # invariant, so that no penalty is ever paid
    assert lv.regularization_path(m, SWAP, rank=1).span == (1e-3, 1e2)


@pytest.mark.parametrize("rank", [1, 2])
def test_a_path_is_drawn_at_every_possible_rank_and_its_own_is_named(rank):
    m = lv.Moments.from_data(RNG(0).standard_normal((9, 2)), RNG(1).standard_normal((9, 5)))
    axes = lv.regularization_path(m, SWAP, rank=rank).plot()
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == [f"rank {r}" + ", that of the path" * (r == rank) for r in (1, 2)]


def test_values_are_shown_without_their_group():
    assert "symmetric" not in repr(lv.regularization_path(EXAMPLE, SWAP, rank=1).evaluate([1.0]))


def test_a_stored_path_has_its_metric_and_ridge(tmp_path):
    f = lv.regularization_path(EXAMPLE, SWAP, rank=1, ridge=0.25, metric=[[2.0, 0.5], [0.5, 1.0]])
    f.save(tmp_path / "f.npz")
    again = path.RegularizationPath.load(tmp_path / "f.npz")
    np.testing.assert_array_equal(again.metric, f.metric)
    assert again.ridge == 0.25
    np.testing.assert_array_equal(again(0.3).weights, f(0.3).weights)


# ------------------------------------------------------------------------------------------------------------- memory


def asks(monkeypatch, size, call):
    """Whether a call that would take `size` bytes is refused at a limit of one byte less, and only there."""
    for limit, passes in ((size, True), (size - 1, False)):
        monkeypatch.setattr(arrays, "MEMORY_LIMIT", limit)
        if passes:
            call()
        else:
            with pytest.raises(ValueError, match="would take"):
                call()


def test_weights_at_many_strengths_are_counted(monkeypatch):
    f = lv.regularization_path(EXAMPLE, SWAP, rank=1)
    asks(monkeypatch, 8 * 7 * 2 * 2, lambda: f.evaluate(np.arange(1.0, 8.0)))


def test_a_root_with_sparse_rows_is_counted(monkeypatch):
    p = lv.regularized(EXAMPLE, SWAP, rank=1, strength=1.0).quadratic
    count = sum(A.shape[0] for A, _ in p.blocks if not isinstance(A, np.ndarray))
    asks(monkeypatch, 8 * 2 * (count + 2), lambda: quadratics.Quadratic.rows.func(p))


# ------------------------------------------------------------------------------------------------------------ spectra


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_penalized_optima_are_those_of_the_normal_equations_where_rows_see_a_part(ridge):
    rep = lv.groups.permutations([[1, 0, 3, 2]])
    rows = spectra.Rows(np.array([[1.0, 2.0, 0.0, 0.0]]), np.array([[1.0]]))
    found = spectra.penalized_spectrum(rows, rep.invariants, rep.penalty_frame, ridge, 2)
    assert found.left.shape == (1, 1)
    for strength in (0.1, 1.0):
        S = rows.A.T @ rows.A + ridge * np.eye(4) + strength * rep.penalty_matrix()
        W = rows.T.T @ rows.A @ np.linalg.pinv(S, rcond=1e-10)
        at = found.at(strength)
        np.testing.assert_allclose(at.target @ at.back, W, atol=1e-12)


@pytest.mark.parametrize("deficient", [False, True])
@pytest.mark.parametrize("ridge", [0.0, 0.25])
def test_the_condition_of_a_whitened_root(deficient, ridge):
    s = np.array([4.0, 2.0, 1.0, 0.0 if deficient else 0.5])
    rows = spectra.Rows(np.diag(s), np.eye(4))
    ends = s[s > 0] if not ridge else np.sqrt(s**2 + ridge)
    assert spectra.whiten(rows, ridge).condition == pytest.approx(ends[0] / ends[-1], rel=1e-14)


def test_an_overflow_of_strength_and_data_together_is_refused():
    rows = spectra.Rows(np.full((1, 2), 1.2e154), np.ones((1, 1)))
    with pytest.raises(ValueError, match="overflows in strength"):
        quadratics.penalized(rows, SWAP, 1.2e308 / 4)


def test_conjugate_gradients_that_end_too_early_are_refused_and_those_that_are_there_are_not(monkeypatch):
    m = lv.Moments.from_data(RNG(0).standard_normal((9, 3)), RNG(1).standard_normal((9, 3)))
    rep = lv.groups.cyclic(3)
    q = lv.regularized(m, rep, rank=3, strength=0.5, output=rep).quadratic
    W = q.unbounded_minimum()
    for share, failure, passes in ((1.0, 0, True), (0.5, 0, True), (1.0, 7, True), (0.5, 7, False)):
        found = share * W
        monkeypatch.setattr(quadratics, "cg", lambda *_, found=found, failure=failure, **__: (found.ravel(), failure))
        if passes:
            np.testing.assert_array_equal(q.unbounded_minimum(), found)
        else:
            with pytest.raises(ValueError, match="did not converge"):
                q.unbounded_minimum()


@pytest.mark.parametrize(
    ("loss", "y", "way"), [("squared", [1.0, 0.0], "Moments"), ("cross_entropy", [0, 1], "use train")]
)
def test_problems_on_samples_say_which_way_there_is(loss, y, way):
    with pytest.raises(ValueError, match=way):
        _ = lv.unconstrained(lv.Samples(np.eye(2), y, loss), rank=1).quadratic


def test_singular_values_are_columns_counted_from_one():
    columns = lv.regularization_path(EXAMPLE, SWAP, rank=1).evaluate([1.0])._columns()
    assert list(columns) == ["strength", "loss", "norm_perp", "gap", "sigma_1", "sigma_2"]


def test_the_span_of_a_path_without_penalty():
    assert lv.regularization_path(EXAMPLE, lv.groups.trivial(2), rank=1).span == (1e-2, 1e2)


@pytest.mark.parametrize(("number", "text"), [(10**12 - 1, "999,999,999,999"), (10**12, "about 10^12")])
def test_numbers_that_one_reads(number, text):
    assert arrays.written(number) == text


def test_an_overflow_of_many_generators_is_refused():
    rep, rows = lv.groups.permutations([[1, 0]] * 8), spectra.Rows(np.ones((1, 2)), np.ones((1, 1)))
    assert np.isfinite(quadratics.penalized(rows, rep, 1e307).moment).all()
    with pytest.raises(ValueError, match="overflows in strength"):
        quadratics.penalized(rows, rep, 2e307)  # 16 times it, on the diagonal


def test_a_ridge_leaves_no_direction_of_wide_data_out():
    m = lv.Moments.from_data(RNG(0).standard_normal((9, 300)), RNG(1).standard_normal((9, 2)))
    rep = lv.groups.cyclic(300)
    assert lv.solve(lv.regularized(m, rep, rank=1, strength=0.5, ridge=0.1)).data_rank == 300
