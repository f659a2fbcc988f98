"""The regularization path: values, derivative, jumps, limits, against solve, differences and 50 digits."""

import mpmath
import numpy as np
import pytest

import linvariance as lv
from tolerances import close

E, F = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)


def counterexample(a=1.0, b=2.0, bump=0.0):
    """Theorem 9 without a gap: W jumps at ((b/a)² - 1)/4."""
    C = np.array([a * E, b * F]) + bump * np.array([[0.3, 0.7], [0.2, -0.5]])
    m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * C.T)
    return lv.regularization_path(m, lv.groups.symmetric(2), rank=1)


def random_path(seed, rank=None):
    rng = np.random.default_rng(seed)
    d0, outputs, n = int(rng.integers(2, 9)), int(rng.integers(1, 5)), int(rng.integers(2, 15))
    m = lv.Moments.from_data(rng.standard_normal((n, d0)), rng.standard_normal((n, outputs)))
    rep = lv.groups.permutations([rng.permutation(d0)])
    return lv.regularization_path(m, rep, rank=rank or int(rng.integers(1, 4)))


@pytest.mark.parametrize("metric", [False, True], ids=["plain", "metric"])
@pytest.mark.parametrize(("d0", "outputs"), [(4, 3), (3, 6), (5, 1)])
def test_losses_on_other_data_at_every_rank(d0, outputs, metric):
    rng = np.random.default_rng(d0)
    M = np.diag(np.arange(1.0, outputs + 1)) if metric else None
    draw = lambda n: lv.Moments.from_data(rng.standard_normal((n, d0)), rng.standard_normal((n, outputs)))  # noqa: E731
    m, new, strengths = draw(12), draw(7), np.geomspace(1e-3, 1e2, 40)
    for rep in (lv.groups.cyclic(d0), lv.groups.trivial(d0), lv.groups.hypercube(d0)):
        losses = lv.regularization_path(m, rep, rank=1, ridge=0.1, metric=M).losses(new, strengths)
        assert losses.shape == (40, outputs)
        for r in range(1, outputs + 1):
            f, p = lv.regularization_path(m, rep, rank=r, ridge=0.1, metric=M), lv.unconstrained(new, rank=r, metric=M)
            for i in range(0, 40, 3):
                loss = p.loss(p.restrict(f(strengths[i]).weights))
                close("losses on other data", losses[i, r - 1], loss, norms=loss, dims=40, condition=100)


def test_losses_where_nothing_is_learned():
    m = lv.Moments.from_data(np.zeros((4, 2)), np.ones((4, 2)))
    losses = lv.regularization_path(m, lv.groups.trivial(2), rank=1).losses(m, [1.0, 2.0])
    np.testing.assert_allclose(losses, 2.0)


@pytest.mark.parametrize("seed", range(25))
def test_values_are_those_of_solve(seed):
    f = random_path(seed)
    strengths = np.geomspace(1e-6, 1e6, 13)
    values = f.evaluate(strengths)
    for k, strength in enumerate(strengths):
        s = f(strength)
        if s.gap < 1e-3:  # W itself is ill-conditioned there
            continue
        np.testing.assert_allclose(values.weights[k], s.weights, atol=1e-9 * np.linalg.norm(s.weights) / s.gap)
        assert values.loss[k] == pytest.approx(s.loss, rel=1e-11)
        assert values.gap[k] == pytest.approx(s.gap, rel=1e-9)


@pytest.mark.parametrize("seed", range(15))
def test_the_derivative_is_the_difference_quotient(seed):
    f = random_path(seed)
    for strength in (0.03, 1.0, 20.0):
        if f(strength).gap < 0.05:
            continue
        h = 1e-5 * strength
        slope = (f(strength + h).weights - f(strength - h).weights) / (2 * h)
        np.testing.assert_allclose(f.derivative(strength), slope, atol=1e-6 * max(1.0, np.abs(slope).max()))


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (0.5, 3.0), (2.0, 2.5)])
def test_the_counterexample_to_theorem_9_jumps_where_it_must(a, b):
    f = counterexample(a, b)
    (jump,) = f.jumps
    where = ((b / a) ** 2 - 1) / 4
    assert jump.strength == pytest.approx(where, rel=1e-10)
    assert jump.upper - jump.lower < 1e-10 * where
    assert jump.lower < where < jump.upper
    np.testing.assert_allclose(jump.after.weights, np.array([a * E, 0 * E]), atol=1e-9)
    assert np.linalg.norm(jump.before.weights @ E) < 1e-9
    assert f.smallest_gap == 0.0


@pytest.mark.parametrize("bump", [1e-3, 1e-6])
def test_near_crossings_are_no_jumps(bump):
    f = counterexample(bump=bump)
    assert f.jumps == ()
    (near,) = f.near_crossings
    assert 0 < near.gap < bump
    assert near.slope > 0.1 / bump
    assert f.is_certified


def test_without_symmetry_no_jumps_are_found_and_their_absence_is_proved():
    paths = [random_path(seed) for seed in range(40)]
    assert not any(f.jumps for f in paths)
    assert sum(f.is_certified for f in paths) >= 36  # the others say undecided


def test_limits_and_rates():
    f = random_path(3, rank=2)
    far = [np.linalg.norm(f(strength).weights - f.limit.weights) for strength in (1e4, 1e5, 1e6)]
    assert far[0] / far[1] == pytest.approx(10, rel=0.01)
    assert far[1] / far[2] == pytest.approx(10, rel=0.01)


def test_at_zero_is_the_limit_from_above_and_not_the_least_norm_fit():
    rng = np.random.default_rng(5)
    m = lv.Moments.from_data(rng.standard_normal((3, 6)), rng.standard_normal((3, 2)))
    rep = lv.groups.cyclic(6)
    f = lv.regularization_path(m, rep, rank=2)
    np.testing.assert_allclose(f.at_zero.weights, f(1e-11).weights, atol=1e-8)
    assert np.linalg.norm(f(0.0).weights) < np.linalg.norm(f.at_zero.weights) - 1e-3
    G = rep.defect.toarray()
    assert np.linalg.norm(f.at_zero.weights @ G) < np.linalg.norm(f(0.0).weights @ G) - 1e-3


def test_wanted_values_are_met():
    f = random_path(1, rank=2)
    for name in ("loss", "norm_perp"):
        low, high = np.sort(getattr(f.evaluate([0.01, 10.0]), name))
        wanted = 0.3 * low + 0.7 * high
        assert getattr(f.evaluate([f.strength_for(**{name: wanted})]), name)[0] == pytest.approx(wanted, rel=1e-9)
    with pytest.raises(ValueError, match="lies between"):
        f.strength_for(loss=1e9)
    with pytest.raises(ValueError, match="exactly one"):
        f.strength_for()


@pytest.mark.parametrize("seed", range(8))
def test_the_span_holds_all_that_changes(seed):
    f = random_path(seed)
    low, high = f.span
    assert [low, high] == [10.0 ** round(np.log10(end)) for end in (low, high)]
    assert all(low <= jump.strength <= high for jump in f.jumps)
    within, below, above = (
        f.evaluate(np.geomspace(*ends, 30)) for ends in ((low, high), (low / 1e6, low), (high, high * 1e6))
    )
    ends = [
        f.evaluate(end * np.geomspace(1, side, 30)) for end, side in ((low, 100), (high, 0.01))
    ]  # no more than that
    events = [*(jump.strength for jump in f.jumps), *(near.strength for near in f.near_crossings)]
    changes = [[end <= 100 * low for end in events], [end >= high / 100 for end in events]]
    for name in ("loss", "norm_perp"):
        inside, *outside = (getattr(values, name) for values in (within, below, above))
        assert max(map(np.ptp, outside)) <= 0.02 * np.ptp(inside) + 1e-12 * inside.max()
        for values, found in zip(ends, changes, strict=True):
            found.append(np.ptp(getattr(values, name)) > 0.005 * np.ptp(inside))
    still = np.ptp(within.loss) < 1e-12 * f.data.yy  # an invariant fit without residual
    assert high / low <= 1e6 if still else all(any(found) for found in changes)


def test_without_inputs_the_path_is_zero():
    m = lv.Moments.from_data(np.zeros((5, 3)), np.ones((5, 2)))
    values = lv.regularization_path(m, lv.groups.cyclic(3), rank=1).evaluate([0.1, 1.0])
    assert not values.weights.any()
    assert not values.norm_perp.any()
    np.testing.assert_allclose(values.loss, m.yy)


def test_bad_strengths_are_named():
    f = random_path(1)
    for bad in ([-1.0], [0.0], [np.nan]):
        with pytest.raises(ValueError, match="strengths"):
            f.evaluate(bad)
    with pytest.raises(ValueError, match="strength"):
        f(-1.0)
    with pytest.raises(ValueError, match="strength"):
        f.derivative(0.0)


@pytest.mark.parametrize("zero", ["X", "Y"])
def test_zero_data_have_a_path(zero):
    rng = np.random.default_rng(8)
    X, Y = rng.standard_normal((5, 4)) * (zero != "X"), rng.standard_normal((5, 2)) * (zero != "Y")
    f = lv.regularization_path(lv.Moments.from_data(X, Y), lv.groups.cyclic(4), rank=1)
    values = f.evaluate([0.1, 10.0])
    assert not values.weights.any()
    np.testing.assert_allclose(values.loss, np.sum(Y**2) / 5, rtol=1e-14)
    assert f.jumps == ()


def test_the_ends_of_the_range_of_doubles():
    f = random_path(2, rank=1)
    for strength, end in ((5e-324, f.at_zero), (1e-300, f.at_zero), (1e300, f.limit), (1.7e308, f.limit)):
        np.testing.assert_allclose(f.evaluate([strength]).weights[0], end.weights, atol=1e-11)
        assert np.isfinite(f.derivative(strength)).all()


DIGITS = 50


def solved(A, B):
    """A⁻¹ B in mpmath's numbers, A symmetric and positive definite: Gaussian elimination needs no pivots.

    On object arrays, which cost a fifth of mpmath's own matrices.
    """
    A, B = A.copy(), B.copy()
    for k in range(len(A)):
        factors = A[k + 1 :, k] / A[k, k]
        A[k + 1 :, k:] -= np.multiply.outer(factors, A[k, k:])
        B[k + 1 :] -= np.multiply.outer(factors, B[k])
    for k in reversed(range(len(A))):
        B[k] = (B[k] - A[k, k + 1 :] @ B[k + 1 :]) / A[k, k]
    return B


def independent_columns(A):
    """A basis of range(A): the columns that raise the rank, decided in floating point, safe for small integers."""
    chosen = []
    for j in range(A.shape[1]):
        if np.linalg.matrix_rank(A[:, [*chosen, j]]) > len(chosen):
            chosen.append(j)
    return A[:, chosen]


def digits(A):
    return np.vectorize(lambda x: mpmath.mpf(float(x)), otypes=[object])(A)


def reference(X, Y, rep, strengths, rank):
    """W(λ) and the singular values of Z in 50 digits: W = U_r U_rᵀ C' S'⁺, U_r of Z Zᵀ = C' S'⁺ C'ᵀ.

    S'⁺ = K (Kᵀ S' K)⁻¹ Kᵀ for any basis K of its range, which is the same for all λ > 0.
    """
    penalty = rep.penalty_matrix()
    K = independent_columns(np.hstack([X.T, penalty]))
    with mpmath.workdps(DIGITS):
        KX = digits(K.T @ X.T)
        S, C = KX @ KX.T / len(X), digits(Y).T @ KX.T / len(X)
        P, K = digits(K.T @ penalty @ K), digits(K)
        for strength in strengths:
            fit = solved(S + mpmath.mpf(float(strength)) * P, C.T)
            values, vectors = mpmath.eigsy(mpmath.matrix((C @ fit).tolist()))
            order = sorted(range(len(values)), key=lambda k: -values[k])
            U = np.array(vectors.tolist(), dtype=object).reshape(len(C), -1)[:, order[:rank]]
            W = U @ (U.T @ fit.T) @ K.T
            yield W.astype(float), np.array([float(mpmath.sqrt(abs(values[k]))) for k in order])


CASES = {
    # name: (d0, n, outputs, rank, every how many columns one is scaled by 2^-7)
    "full rank": (8, 32, 4, 2, 99),
    "condition 1e3": (8, 32, 4, 2, 3),
    "full rank, rank bound 1": (10, 64, 3, 1, 99),
    "fewer samples than inputs": (12, 8, 4, 2, 99),
    "fewer samples than inputs, rank bound 3": (9, 4, 4, 3, 4),
    "24 inputs": (24, 16, 3, 2, 99),
}


@pytest.mark.parametrize("name", CASES)
def test_against_fifty_digits(name):
    """50 strengths from 1e-6 to 1e6, each within what first-order perturbation theory of least squares allows.

    Products of integers and powers of two, so that both sides start from the same numbers.
    """
    d0, n, outputs, rank, every = CASES[name]
    rng = np.random.default_rng(d0)
    X = rng.integers(-9, 10, (n, d0)) * np.where(np.arange(d0) % every == every - 1, 2.0**-7, 1.0)
    Y = rng.integers(-9, 10, (n, outputs))
    rep = lv.groups.permutations([np.roll(np.arange(d0), d0 // 2), np.r_[1, 0, 2:d0]][: 1 + (n < d0)])
    f = lv.regularization_path(lv.Moments.from_data(X, Y), rep, rank=rank)
    strengths = np.geomspace(1e-6, 1e6, 50)
    values = f.evaluate(strengths)
    dims = max(n, d0)
    for k, (W, sigma) in enumerate(reference(X, Y, rep, strengths, rank)):
        s = f(strengths[k])
        norm, top = np.linalg.norm(W), sigma[0]
        rows = np.linalg.norm(np.vstack([X / np.sqrt(n), np.sqrt(strengths[k]) * rep.defect.toarray().T]), 2)
        # κ·σ_1/(σ_r - σ_{r+1}), and κ² times the relative residual, as for every least-squares problem.
        residual = np.sqrt(s.loss) / (rows * norm)
        condition = s.condition / s.gap + s.condition**2 * residual
        close(f"50 digits: weights, {name}", s.weights, W, norms=norm, dims=dims, condition=condition)
        close(f"50 digits: evaluate, {name}", values.weights[k], W, norms=norm, dims=dims, condition=condition)
        kept = min(len(sigma), len(s.singular_values))
        close(
            f"50 digits: singular values, {name}",
            s.singular_values[:kept],
            sigma[:kept],
            norms=top,
            dims=dims,
            condition=s.condition,
        )


def test_a_value_inside_a_jump_is_attained_by_no_strength():
    e, f = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
    m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.array([e, 2 * f]).T)
    path = lv.regularization_path(m, lv.groups.symmetric(2), rank=1)  # ‖W⊥‖ = 2/(1 + 4λ) up to λ = 3/4, then 0
    assert path.strength_for(norm_perp=0.6) == pytest.approx((2 / 0.6 - 1) / 4)
    with pytest.raises(ValueError, match=r"jumps across it at strength 0\.75\d*, from 0\.5\d* to \S*\. See jumps"):
        path.strength_for(norm_perp=0.25)


def test_weights_that_overflow_are_refused_by_evaluate_as_by_solve():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((20, 4)), rng.standard_normal((20, 3))
    m = lv.Moments.from_data(1e-160 * X, 1e150 * Y)
    f = lv.regularization_path(m, lv.groups.cyclic(4), rank=2)
    for ask in (f, lambda strength: f.evaluate([strength])):
        with pytest.raises(ValueError, match="The weights overflow"):
            ask(1e-300)
