"""Each regressor is `solve` of its problem; the intercept is that of literal data with a column of ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import oracles
from tolerances import close
from zoo import ZOO

GROUPS = [
    "permutations C5",
    "permutations S4",
    "signed two channels",
    "orthogonal Q8",
    "not orthogonal C3",
    "not orthogonal S4",
    "not orthogonal D5",
    "not orthogonal octahedral",
]


def data(seed, d0, n=30, outputs=3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d0)) + 3 * rng.standard_normal(d0)
    Y = X @ rng.standard_normal((d0, outputs)) + rng.standard_normal((n, outputs)) + 4.0
    return X, Y, rng.uniform(0.2, 3.0, n)


def literal(X, Y, w, elements):
    """All copies of all rows, and their weights, which sum to 1."""
    return np.vstack([X @ g.T for g in elements]), np.vstack([Y] * len(elements)), np.tile(w, len(elements))


def with_ones(X, Y, w, ridge):
    """min Σ w ‖W x + b - y‖² / Σ w + ridge ‖W‖² by least squares on rows [x, 1] and rows of the ridge: (W, b)."""
    root = np.sqrt(w / w.sum())[:, None]
    rows = np.vstack([root * np.hstack([X, np.ones((len(X), 1))]), np.sqrt(ridge) * np.eye(X.shape[1], X.shape[1] + 1)])
    right = np.vstack([root * Y, np.zeros((X.shape[1], Y.shape[1]))])
    solution = np.linalg.lstsq(rows, right, rcond=None)[0].T
    return solution[:, :-1], solution[:, -1], np.linalg.cond(rows)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("name", GROUPS)
def test_augmented_intercept_is_that_of_literal_copies_with_a_column_of_ones(name, ridge, weighted):
    entry = ZOO[name]
    X, Y, w = data(1, entry.dim)
    w = w if weighted else np.ones(len(X))
    model = lv.AugmentedRegressor(entry.rep, ridge=ridge).fit(X, Y, w if weighted else None)
    copies = literal(X, Y, w, entry.elements)
    W, b, condition = with_ones(*copies, ridge)
    if not ridge:  # no ridge: optimal and invariant, the least-norm one of lstsq may be another where S̄ is singular
        residual = lambda W, b: copies[0] @ W.T + b - copies[1]  # noqa: E731
        best = np.average(np.square(residual(W, b)).sum(1), weights=copies[2])
        own = np.average(np.square(residual(model.coef_, model.intercept_)).sum(1), weights=copies[2])
        scale = np.average(np.square(copies[1]).sum(1), weights=copies[2])
        close("augmented with intercept: loss", own, best, norms=scale, dims=X.shape, condition=entry.condition)
        assert model.solution_.loss == pytest.approx(best, rel=1e-12 * entry.condition)
    if ridge or condition < 1e6:
        tolerance = 1e-12 * max(1.0, np.abs(W).max(), np.abs(b).max()) * max(1.0, entry.condition / 100)
        np.testing.assert_allclose(model.coef_, W, atol=tolerance)
        np.testing.assert_allclose(model.intercept_, b, atol=10 * tolerance)


@pytest.mark.parametrize("name", GROUPS)
def test_bounded_rank_with_intercept_on_literal_copies(name):
    """The ones are projected out of the copies, literally, and reduced-rank regression follows."""
    entry = ZOO[name]
    X, Y, w = data(2, entry.dim)
    A, T, v = literal(X, Y, w, entry.elements)
    root = np.sqrt(v / v.sum())[:, None]
    A, T, ones = root * A, root * T, root / np.linalg.norm(root)
    _, loss, _ = oracles.reduced_rank((A - ones @ (ones.T @ A)).T, (T - ones @ (ones.T @ T)).T, 1, n=1)
    model = lv.AugmentedRegressor(entry.rep, rank=1).fit(X, Y, w)
    own = np.square(A @ model.coef_.T + root * model.intercept_ - T).sum()
    assert own == pytest.approx(loss, rel=1e-11 * entry.condition)
    hard = lv.HardWiredRegressor(entry.rep, rank=1).fit(X, Y, w)  # Theorem 12 with an intercept
    np.testing.assert_allclose(hard.coef_, model.coef_, atol=1e-11 * entry.condition)
    np.testing.assert_allclose(hard.intercept_, model.intercept_, atol=1e-10 * entry.condition)


@pytest.mark.parametrize("name", GROUPS)
def test_averaged_moments_about_the_mean_over_the_orbit(name):
    """Those of the literal copies about their mean: centring on the data's own mean would be another quadratic."""
    entry = ZOO[name]
    X, Y, w = data(3, entry.dim)
    m = lv.Moments.from_data(X, Y, w)
    p = lv.augmented(m.about(m.mean_over(entry.rep), m.mean_y), entry.rep, rank=3)
    A, T, v = literal(X, Y, w, entry.elements)
    A, T = A - np.average(A, axis=0, weights=v), T - np.average(T, axis=0, weights=v)
    V = np.random.default_rng(4).standard_normal((3, entry.dim))  # not invariant
    expected = np.average(np.square(A @ V.T - T).sum(1), weights=v)
    assert p.loss(V) == pytest.approx(expected, rel=1e-13 * entry.condition)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_the_other_intercepts(weighted):
    rep = ZOO["permutations C5"].rep
    X, Y, w = data(5, 5)
    w = w if weighted else np.ones(len(X))
    B, G = rep.invariant_basis(), lv.groups.cyclic(5).defect.toarray()
    V, b, _ = with_ones(X @ B.T, Y, w, 0.2)
    hard = lv.HardWiredRegressor(rep, ridge=0.2).fit(X, Y, w)
    np.testing.assert_allclose(hard.coef_, V @ B, atol=1e-12)
    np.testing.assert_allclose(hard.intercept_, b, atol=1e-11)
    root = np.sqrt(w / w.sum())[:, None]
    rows = np.vstack([np.hstack([root * X, root]), np.hstack([np.sqrt(0.7) * G.T, np.zeros((G.shape[1], 1))])])
    W = np.linalg.lstsq(rows, np.vstack([root * Y, np.zeros((G.shape[1], 3))]), rcond=None)[0].T
    soft = lv.RegularizedRegressor(rep, strength=0.7).fit(X, Y, w)
    np.testing.assert_allclose(soft.coef_, W[:, :-1], atol=1e-12)
    np.testing.assert_allclose(soft.intercept_, W[:, -1], atol=1e-11)


MODELS = {
    "hard_wired": (lv.HardWiredRegressor, {}),
    "augmented": (lv.AugmentedRegressor, {}),
    "regularized": (lv.RegularizedRegressor, {"strength": 0.4}),
}


@given(seed=st.integers(0, 10**6), method=st.sampled_from(sorted(MODELS)), rank=st.integers(1, 4))
def test_without_an_intercept_it_is_solve(seed, method, rank):
    rep = lv.groups.cyclic(4)
    X, Y, w = data(seed, 4)
    make, more = MODELS[method]
    model = make(rep, rank=rank, fit_intercept=False, ridge=0.01, **more).fit(X, Y, w)
    expected = lv.solve(getattr(lv, method)(lv.Moments.from_data(X, Y, w), rep, rank=rank, ridge=0.01, **more))
    np.testing.assert_allclose(model.coef_, expected.weights, atol=1e-12 * np.linalg.norm(expected.weights))
    assert model.solution_.loss == pytest.approx(expected.loss, rel=1e-12)
    np.testing.assert_array_equal(model.intercept_, 0.0)


@given(
    seed=st.integers(0, 10**6),
    method=st.sampled_from(sorted(MODELS)),
    cuts=st.lists(st.integers(0, 30), max_size=4),
)
def test_partial_fit_is_a_fit_to_all_rows_and_weights_are_repetitions(seed, method, cuts):
    make, more = MODELS[method]
    X, Y, _ = data(seed, 4)
    w = np.random.default_rng(seed).integers(0, 4, len(X)).astype(float)
    w[0] = 1.0
    model, ends = make(lv.groups.cyclic(4), **more), sorted({0, *cuts, 30})
    for start, stop in itertools.pairwise(ends):
        if w[start:stop].any():
            model.partial_fit(X[start:stop], Y[start:stop], w[start:stop])
    again = np.repeat(np.arange(30), w.astype(int))
    whole = make(lv.groups.cyclic(4), **more).fit(X[again], Y[again])
    condition = whole.solution_.condition**2
    np.testing.assert_allclose(model.predict(X), whole.predict(X), rtol=1e-11 * condition, atol=1e-11 * condition)


@pytest.mark.parametrize("make", [lv.HardWiredRegressor, lv.AugmentedRegressor, lv.RegularizedRegressor])
def test_shapes_are_those_of_scikit_learn(make):
    X, Y, _ = data(6, 4)
    flat, column, wide = (make(lv.groups.cyclic(4)).fit(X, T) for T in (Y[:, 0], Y[:, :1], Y))
    assert (flat.coef_.shape, np.ndim(flat.intercept_), flat.predict(X).shape) == ((4,), 0, (30,))
    assert (column.coef_.shape, column.intercept_.shape, column.predict(X).shape) == ((1, 4), (1,), (30, 1))
    assert (wide.coef_.shape, wide.intercept_.shape, wide.predict(X).shape) == ((3, 4), (3,), (30, 3))
    assert flat.partial_fit(X, Y[:, 0]).coef_.shape == (4,)


def test_no_group_and_no_bound_is_least_squares():
    from sklearn.linear_model import LinearRegression

    X, Y, w = data(7, 4)
    peer = LinearRegression().fit(X, Y, w)
    for make in (lv.HardWiredRegressor, lv.AugmentedRegressor, lv.RegularizedRegressor):
        model = make().fit(X, Y, w)
        np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-12)
        np.testing.assert_allclose(model.intercept_, peer.intercept_, atol=1e-11)


@pytest.mark.parametrize("kind", ["datetime64[s]", "timedelta64[s]"])
def test_dates_are_not_read_as_numbers(kind):
    pandas = pytest.importorskip("pandas")
    rows = np.arange(12).reshape(4, 3).astype(kind)
    for X in (rows, pandas.DataFrame(rows)):
        with pytest.raises(TypeError, match=r"X holds .*pass numbers"):
            lv.HardWiredRegressor().fit(X, np.arange(4.0))
