"""Where formulas end: the laws that mutants of the six modules of `tests/mutants.py` lived without."""

import dataclasses
import itertools
import re

import numpy as np
import pytest
import scipy.sparse
from numpy.polynomial import Polynomial

import linvariance as lv
from linvariance.landscape.saddles import _turns
from linvariance.objectives import quadratics, spectra
from linvariance.optima import path
from tolerances import EPS, close

RNG = np.random.default_rng


def moments(seed=0, n=12, inputs=4, outputs=3):
    rng = RNG(seed)
    return lv.Moments.from_data(rng.standard_normal((n, inputs)), rng.standard_normal((n, outputs)))


# -------------------------------------------------------------------------------------------------------- spectra


def test_a_rank_counts_what_exceeds_rounding_and_noise():
    at = spectra.tolerance((5, 3), 2.0)
    assert at == 5 * EPS * 2
    assert spectra.decide_rank(np.array([2.0, at * 1.01, at]), (5, 3)) == 2
    assert spectra.decide_rank(np.array([2.0, 1.0, 0.5]), (5, 3), noise=0.5) == 2
    assert spectra.decide_rank(np.array([2.0, 1.0]), (5, 3), noise=3.0) == 0


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_full_bases_of_nothing(shape):
    U, s, Vt = spectra.svd(np.zeros(shape), full=True)
    assert (U.shape, s.shape, Vt.shape) == ((shape[0],) * 2, (0,), (shape[1],) * 2)
    np.testing.assert_array_equal(U, np.eye(shape[0]))
    np.testing.assert_array_equal(Vt, np.eye(shape[1]))


@pytest.mark.parametrize(("rows", "columns", "wide"), [(2, 5, True), (2, 4, False), (3, 5, False), (1, 3, True)])
def test_rows_are_wide_if_twice_as_many_are_fewer_than_columns(rows, columns, wide):
    assert spectra.Rows(np.ones((rows, columns)), np.ones((rows, 1))).is_wide is wide


def test_rounding_of_rows_is_their_size_or_the_noise():
    A = RNG(0).standard_normal((7, 4))
    assert spectra.Rows(A, A).rounding == 7 * EPS * np.linalg.norm(A)
    assert spectra.Rows(A, A, noise=2.0).rounding == 2.0


@pytest.mark.parametrize("shape", [(9, 4), (3, 6), (4, 4)])
@pytest.mark.parametrize("ridge", [1e-3, 1.0, 1e3])
def test_ridged_rows_and_whitening_with_a_ridge_are_those_of_stacked_rows(shape, ridge):
    rng = RNG(1)
    A, T = rng.standard_normal(shape), rng.standard_normal((shape[0], 2))
    stacked = spectra.Rows(
        np.vstack([A, np.sqrt(ridge) * np.eye(shape[1])]), np.vstack([T, np.zeros((shape[1], 2))]), 0.5
    )
    rows = spectra.Rows(A, T, 0.5, noise=1e-14)
    ridged = rows.ridged(ridge)
    assert (ridged.A.shape, ridged.noise) == ((shape[1], shape[1]), 1e-14)
    assert rows.ridged(0.0) is rows
    literal = spectra.whiten(stacked)
    for found in (spectra.whiten(ridged), spectra.whiten(rows, ridge)):
        assert (found.rank, found.shape) == (shape[1], (2, shape[1]))
        size = np.linalg.norm(T)
        close("ridge: floor", found.floor, literal.floor, norms=size**2 + 0.5, dims=shape, condition=literal.condition)
        close("ridge: condition", found.condition, literal.condition, norms=literal.condition, dims=shape, condition=10)
        close(
            "ridge: optimum",
            found.target @ found.back,
            literal.target @ literal.back,
            norms=np.linalg.norm(literal.target @ literal.back),
            dims=shape,
            condition=literal.condition**2,
        )


def test_whitened_noise_and_resolution():
    W = spectra.Whitened(np.array([[3.0, 0.0]]), np.eye(2), 16.0, 2, 10.0)  # ‖targets‖ = 5
    assert W.shape == (1, 2)
    assert W.noise == 2 * EPS * 5
    assert W.resolution == 64 * W.noise * 10
    assert dataclasses.replace(W, condition=1e12).resolution == np.sqrt(EPS) * 5
    lifted = W.lifted(np.array([[1.0, 2.0], [0.0, 1.0]]))
    np.testing.assert_array_equal(lifted.back, [[1.0, 2.0], [0.0, 1.0]])
    assert (lifted.floor, lifted.rank, lifted.condition) == (16.0, 2, 10.0)


def test_nothing_is_whitened_to_nothing():
    white = spectra.whiten(spectra.Rows(np.zeros((3, 2)), np.ones((3, 1)), 0.5))
    assert (white.target.shape, white.floor, white.rank, white.condition) == ((1, 0), 3.5, 0, 1.0)


@pytest.mark.parametrize("shape", [(4, 4), (7, 4), (3, 5), (5, 0)])
def test_a_fit_and_what_is_beyond_it(shape):
    """`_fitted` turns by an orthogonal matrix: its first k rows are in the range of A Bᵀ, the others outside of it."""
    rng = RNG(2)
    inner, other, B = rng.standard_normal(shape), rng.standard_normal((shape[0], 3)), rng.standard_normal((shape[1], 6))
    for rank in {min(shape), max(min(shape) - 1, 0)}:
        A = inner.copy()
        A[:, rank : min(shape)] = 0.0 if rank < min(shape) == shape[1] else A[:, rank : min(shape)]
        true = np.linalg.matrix_rank(A) if A.size else 0
        k, back, turned = spectra._fitted(A, other, B, 1e-12)
        assert (k, back.shape, turned.shape) == (true, (k if shape[1] else 0, 6), other.shape)
        P = A @ np.linalg.pinv(A) if A.size else np.zeros((shape[0],) * 2)
        np.testing.assert_allclose(turned.T @ turned, other.T @ other, atol=1e-12)
        np.testing.assert_allclose(turned[:k].T @ turned[:k], other.T @ P @ other, atol=1e-12)
        least = np.linalg.pinv(A) @ other if A.size else np.zeros((shape[1], 3))
        if shape[1]:
            np.testing.assert_allclose(turned[:k].T @ back, least.T @ B, atol=1e-11)


# ----------------------------------------------------------------------------------------------------------- path


def test_a_root_hidden_by_rounding_is_the_end_that_is_nearer_to_zero():
    assert path._root(lambda x: x - 0.25, 0.0, 1.0) == 0.25
    assert path._root(lambda x: x + 1, 0.0, 1.0) == 0.0
    assert path._root(lambda x: x - 3, 0.0, 1.0) == 1.0
    assert path._root(lambda x: x, 0.0, 1.0) == 0.0
    assert path._root(lambda x: x - 1, 0.0, 1.0) == 1.0


@pytest.mark.parametrize("terms", [{}, {"ridge": 0.25}, {"metric": np.diag([1.0, 2.0, 4.0])}])
def test_a_path_says_its_terms_and_blocks_of_strengths_do_not_show(terms):
    f = lv.regularization_path(moments(), lv.groups.cyclic(4), rank=2, **terms)
    said = ", ridge=0.25" if "ridge" in terms else ", metric=(3, 3)" if terms else ""
    assert repr(f) == f"RegularizationPath({f.representation!r}, rank=2{said}, {f.data!r})"
    strengths = np.geomspace(1e-3, 1e3, 2 * path.BLOCK + 5)
    values, losses = f.evaluate(strengths), f.losses(f.data, strengths)
    for k in (0, path.BLOCK - 1, path.BLOCK, 2 * path.BLOCK + 4):
        one = f.evaluate(strengths[k : k + 1])
        np.testing.assert_allclose(values.weights[k], one.weights[0], atol=1e-13)
        W = one.weights[0]
        np.testing.assert_allclose(values.norm_perp[k], np.linalg.norm(W - f.representation.project(W)), atol=1e-13)
        np.testing.assert_allclose(losses[k], f.losses(f.data, strengths[k : k + 1])[0], rtol=1e-13)


@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_strengths_are_found_in_any_unit_of_the_inputs(unit):
    rng = RNG(12)
    m = lv.Moments.from_data(unit * rng.standard_normal((12, 4)), rng.standard_normal((12, 3)))
    f = lv.regularization_path(m, lv.groups.cyclic(4), rank=2)
    for strength in (1e-3 * unit**2, unit**2, 1e3 * unit**2):
        loss = float(f.evaluate([strength]).loss[0])
        assert f.strength_for(loss=loss) == pytest.approx(strength, rel=1e-6)


# ------------------------------------------------------------------------------------------------------ quadratics


@pytest.mark.parametrize("method", ["unconstrained", "augmented", "regularized"])
def test_the_two_whitened_forms_have_the_same_optimum_and_all_rows_of_the_root(method):
    """Of wide data with more than 256 columns `whitened` leaves rows out, `whole` never does."""
    rng, d = RNG(3), 260
    m = lv.Moments.from_data(rng.standard_normal((10, d)), rng.standard_normal((10, 2)))
    rep = lv.groups.permutations([np.r_[d // 2 : d, : d // 2]])
    problems = {
        "unconstrained": lambda: lv.unconstrained(m, rank=2),
        "augmented": lambda: lv.augmented(m, rep, rank=2),
        "regularized": lambda: lv.regularized(m, rep, rank=2, strength=0.5),
    }
    q = problems[method]().quadratic
    few, whole = q.whitened, q.whole
    assert (few.rank, few.floor) == (whole.rank, pytest.approx(whole.floor, rel=1e-9, abs=1e-20))
    assert len(whole.back) == whole.rank if method == "regularized" else len(whole.back) >= len(few.back)
    assert len(few.back) < len(whole.back) or method != "regularized"
    W = few.target @ few.back
    np.testing.assert_allclose(whole.target @ whole.back, W, atol=1e-10 * np.linalg.norm(W))
    if method == "regularized":
        np.testing.assert_allclose(whole.back @ q.moment @ whole.back.T, np.eye(whole.rank), atol=1e-9)


def test_strengths_that_overflow_are_refused_and_those_below_are_not():
    m, rep = moments(), lv.groups.cyclic(4)
    lv.regularized(m, rep, rank=1, strength=1e307)
    with pytest.raises(ValueError, match=re.escape("strength 1e+308 overflows in strength·G Gᵀ: its limit is what")):
        lv.regularized(m, rep, rank=1, strength=1e308)


def test_eigenbases_leave_inputs_that_are_always_zero():
    X = RNG(4).standard_normal((9, 5))
    X[:, [1, 3]] = 0.0
    q = lv.unconstrained(lv.Moments.from_data(X, X[:, :2]), rank=1).quadratic
    U, values = q.eigenbasis
    np.testing.assert_allclose((U * values) @ U.T, q.moment, atol=1e-13)
    np.testing.assert_array_equal(U[[1, 3]], np.eye(5)[[1, 3]])
    assert values[[1, 3]].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_rows_and_losses_of_networks_are_those_of_the_blocks(ridge):
    for m in (moments(), moments(n=3, inputs=9)):
        rep = lv.groups.permutations([np.roll(np.arange(m.inputs), 1)])
        for p in (
            lv.unconstrained(m, rank=2, ridge=ridge),
            lv.augmented(m, rep, rank=2, ridge=ridge),
            lv.regularized(m, rep, rank=2, strength=0.7, ridge=ridge),
        ):
            q, layers = p.quadratic, [RNG(5).standard_normal((2, m.inputs)), RNG(6).standard_normal((m.outputs, 2))]
            V = layers[1] @ layers[0]
            literal = sum(
                np.square((A.toarray() if scipy.sparse.issparse(A) else A) @ V.T - (0 if T is None else T)).sum()
                for A, T in q.blocks
            )
            expected = pytest.approx(literal + q.floor, rel=1e-12)
            assert q.loss_at(layers) == expected
            assert q.loss(V) == expected
            assert np.square(q.rows.A @ V.T - q.rows.T).sum() + q.rows.floor == expected
            assert len(q.rows.A) <= q.dim
            assert q.constant == pytest.approx(q.loss(0 * V), rel=1e-12)
            np.testing.assert_allclose(q.rows.A.T @ q.rows.A, q.moment, atol=1e-12 * q.size)
            if q.factor is not None:
                R, F = q.factor.R, q.factor.F
                assert F.shape == (sum(A.shape[0] for A, _ in q.blocks if scipy.sparse.issparse(A)), q.dim)
                np.testing.assert_allclose(R.T @ R + F.T @ F, q.moment, atol=1e-12 * q.size)
            top, loose = np.linalg.norm(q.moment, 2), q.factor is not None and p.method == "regularized"
            assert top * (1 - 1e-12) <= q.size <= top * (4 if loose else 1 + 1e-12)  # a ridge adds exactly itself


def test_a_moment_above_a_gib_is_not_formed():
    n = 11_600  # of 8 n² bytes
    m = lv.Moments.from_data(np.ones((1, n)), [1.0])
    with pytest.raises(ValueError, match=r"^The input moment, 11600 x 11600, would take 1 GiB, above 1 GiB: use what"):
        _ = lv.unconstrained(m, rank=1).quadratic.moment


def test_the_rows_of_all_elements_are_kept_while_they_are_wide():
    rng = RNG(7)
    for columns, kept in ((9, True), (8, False)):  # 2 rows of 2 elements, against half the columns
        rows = spectra.Rows(rng.standard_normal((2, columns)), rng.standard_normal((2, 1)))
        moved = quadratics._moved(rows, lv.groups.permutations([np.r_[1, 0, 2:columns]]))
        assert (moved is not None) is kept
    A, T = quadratics._moved(
        spectra.Rows(np.eye(9)[:2], np.ones((2, 1))), lv.groups.permutations([np.r_[2, 1, 0, 3:9]])
    )
    np.testing.assert_allclose(A, np.eye(9)[[0, 1, 2, 1]] / np.sqrt(2))
    np.testing.assert_allclose(T, np.ones((4, 1)) / np.sqrt(2))


# --------------------------------------------------------------------------------------------------------- saddles


def saddle(depth=3):
    p = lv.unconstrained(lv.Moments.from_data(np.sqrt(3) * np.eye(3), np.sqrt(3) * np.diag([3.0, 2.0, 1.0])), rank=2)
    point = lv.critical_points(p)[1]
    return p, point, (3, *[4] * (depth - 1), 3)


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"widths": (3, 3)}, "widths (3, 3) name no hidden layer: a single layer is critical only where it fits best."),
        ({"widths": (3, 1, 3)}, "widths (3, 1, 3) do not fit: they must lead from 3 to 3 with none below the rank 2."),
        ({"widths": (3, 2, 4)}, "widths (3, 2, 4) do not fit: they must lead from 3 to 3 with none below the rank 2."),
        ({"widths": (4, 2, 3)}, "widths (4, 2, 3) do not fit: they must lead from 3 to 3 with none below the rank 2."),
        ({"idle": (4,)}, "idle must name at most 1 of the layers 1 .. 3, but is (4"),
        ({"idle": (1, 2)}, "idle must name at most 1 of the layers 1 .. 3, but is (1, 2"),
        ({"idle": (0,)}, "idle[0] must be at least 1, but is 0."),
    ],
)
def test_networks_that_do_not_fit_a_point_are_refused(terms, sentence):
    _, point, widths = saddle()
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        lv.network_at(point, **{"widths": widths, **terms})


@pytest.mark.parametrize("idle", [(), (1,), (2,), (3,), (2, 2)])
@pytest.mark.parametrize("gauge", [None, 1])
def test_networks_at_a_point_are_critical_and_balanced_without_a_gauge(idle, gauge):
    p, point, widths = saddle()
    net = lv.network_at(point, widths, gauge=None if gauge is None else RNG(gauge), idle=idle)
    np.testing.assert_allclose(net.matrix, point.restricted, atol=1e-10)
    assert lv.classify(p, net).gradient_norm < 1e-12
    if not idle and gauge is None:
        for above, below in zip(net.weights[1:], net.weights, strict=False):
            np.testing.assert_allclose(above.T @ above, below @ below.T, atol=1e-12)
    for j in set(idle) - ({1, 2, 3} if gauge else set()):
        assert np.linalg.matrix_rank(net.weights[j - 1], tol=1e-9) > 2


def test_the_least_rank_that_counts_is_relative():
    p, point, widths = saddle()
    net = lv.network_at(point, widths)
    found = lv.classify(p, net, spectrum=True)
    assert (found.rank, found.subset) == (2, point.subset)
    off = lv.Network([W + 0.1 * RNG(8).standard_normal(W.shape) for W in net.weights])
    lost = lv.classify(p, off)
    assert (lost.kind, lost.subset, lost.rank, lost.tightened) == ("not critical", None, 3, {})
    assert lv.classify(p, lv.Network([RNG(8).standard_normal((1, 3)), np.ones((3, 1))])).rank == 1
    zero = lv.classify(p, lv.Network([0 * W for W in net.weights]))
    assert (zero.kind, zero.rank, zero.subset) == ("non-strict saddle", 0, ())
    np.testing.assert_allclose(found.lowest_eigenvalue, np.linalg.eigvalsh(lv.hessian(p, net).to_dense())[0], atol=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("inputs", [3, 9])
def test_the_loss_along_a_line_is_that_of_networks_on_it(ridge, inputs):
    p = lv.unconstrained(moments(9, n=4, inputs=inputs), rank=2, ridge=ridge)
    rng = RNG(10)
    widths = (inputs, 2, 3, 3)
    net, step = (lv.Network([rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]) for _ in range(2))
    for direction in (step, step.flat):
        line = lv.loss_along(p, net, direction)
        assert len(line.coef) == 7
        for t in (-0.7, 0.0, 1.3):
            at = lv.Network.from_flat(net.flat + t * step.flat, widths)
            assert line(t) == pytest.approx(p.loss(at.matrix), rel=1e-11)
    for wrong, sentence in [
        (step.flat[1:], f"direction must hold {net.flat.size} entries, one a weight, but has {net.flat.size - 1}."),
        (lv.Network([np.ones((3, inputs))]), "direction must hold finite weights of widths ("),
    ]:
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
            lv.loss_along(p, net, wrong)
    with pytest.raises(ValueError, match=r"^network and direction lead to a loss that overflows: scale the"):
        lv.loss_along(p, net, 1e100 * step.flat)


def test_the_step_off_a_minimum_is_refused():
    p, _, widths = saddle()
    with pytest.raises(
        ValueError, match=r"^No lower point lies along the lowest eigenvector \(eigenvalue .*not strict"
    ):
        lv.escape(p, lv.network_at(lv.critical_points(p)[0], widths))


def test_gradients_are_relative_to_what_cancels_in_them_at_any_scale():
    """Of W C' at weights a and data of any size the share is the same; a network without weights has none."""
    rng, found = RNG(11), []
    X, Y = rng.standard_normal((9, 3)), rng.standard_normal((9, 2))
    weights = [rng.standard_normal((2, 3)), rng.standard_normal((2, 2))]
    for unit in (1e-100, 1.0, 1e100):
        p = lv.unconstrained(lv.Moments.from_data(X * unit, Y * unit), rank=2)
        found.append(lv.classify(p, lv.Network(weights)).gradient_norm)
    assert found == pytest.approx([found[1]] * 3, rel=1e-9)
    W = weights[1] @ weights[0]
    S, C = X.T @ X / 9, Y.T @ X / 9
    D = 2 * (W @ S - C)
    parts = [np.linalg.norm(weights[1].T @ D), np.linalg.norm(D @ weights[0].T)]
    units = [np.linalg.norm(weights[1], 2), np.linalg.norm(weights[0], 2)]
    size = 2 * (np.linalg.norm(W) * np.linalg.norm(S, 2) + np.linalg.norm(C))
    assert found[1] == pytest.approx(np.hypot(*parts) / (np.hypot(*units) * size), rel=1e-9)
    p = lv.unconstrained(lv.Moments.from_data(X, Y), rank=2)
    assert lv.classify(p, lv.Network([0 * W for W in weights])).gradient_norm == 0.0
    with pytest.raises(ValueError, match=r"^network has a loss that overflows: scale the data or the weights down\.$"):
        lv.classify(p, lv.Network([1e200 * W for W in weights]))


def test_the_turns_of_a_line_in_any_unit():
    """Those of t⁴ - 4t² + 3 are 0 and ±√2, in units in which its coefficients differ by 240 orders of magnitude too."""
    coefficients = np.array([3.0, 0.0, -4.0, 0.0, 1.0])
    for unit in (1e-60, 1e-3, 1.0, 1e3, 1e60):
        found = _turns(Polynomial(coefficients * unit ** -np.arange(5.0))) / unit
        for turn in (0.0, np.sqrt(2), -np.sqrt(2)):
            assert np.abs(found - turn).min() < 1e-12


def test_the_step_off_a_saddle_is_lower_and_measured_where_it_leads():
    p, point, widths = saddle()
    net = lv.network_at(point, widths)
    step = lv.escape(p, net)
    assert step.before == pytest.approx(p.loss(net.matrix), rel=1e-12)
    assert step.after == pytest.approx(p.loss(step.network.matrix), rel=1e-12)
    assert step.after < 0.9 * step.before


# -------------------------------------------------------------------------------------------------------- problems


def test_ridges_end_where_the_sentence_says():
    lv.unconstrained(moments(), rank=1, ridge=1e300)
    with pytest.raises(ValueError, match=r"^ridge 1\.1e\+300 overflows in S \+ ridge·1: pass at most 1e\+300, where W"):
        lv.unconstrained(moments(), rank=1, ridge=1.1e300)


def test_problems_are_shown_without_their_data():
    p = lv.unconstrained(moments(), rank=1, metric=np.eye(3))
    assert repr(p).startswith("Problem(method='unconstrained', representation=")
    assert not re.search("data|inner|objective|array", repr(p))


def test_problems_say_what_does_not_fit_and_what_cannot_be_trained():
    m, rep = moments(), lv.groups.cyclic(4)
    with pytest.raises(ValueError, match=r"^X has 4 columns, but the group acts on 5: .* does not fit these data\.$"):
        lv.hard_wired(m, lv.groups.cyclic(5), rank=1)
    with pytest.raises(ValueError, match=r"^Y has 3 columns, but output acts on 1: .* does not fit\.$"):
        lv.augmented(m, rep, rank=1, output=lv.groups.permutations([[0]]))
    output = lv.groups.permutations([[0, 1, 2]])
    for p in (
        lv.hard_wired(m, rep, rank=1, output=output),
        lv.regularized(m, rep, rank=1, strength=0.1, output=output),
    ):
        with pytest.raises(ValueError, match=rf"^A {p.method} problem with an output representation cannot be trained"):
            lv.train(p, epochs=1)
    lv.train(lv.augmented(m, rep, rank=1, output=output), epochs=1)
