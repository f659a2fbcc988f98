"""Kernels against quadrature and multiple precision; group averages, finite networks and regression by their laws."""

import functools
import pickle

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
import oracles
import strategies
import zoo
from tolerances import EPS, bounded, close

k = lv.kernels
NAMES = tuple(oracles.ACTIVATIONS)
EVERY = pytest.mark.parametrize("name", NAMES)
HOMOGENEOUS = ("identity", "relu", "leaky_relu")
LIMITS = {"swish": 40.2, "tanh": 20.1, "gelu": 38.4}  # norms that the Hermite series takes
TAIL = 1e-13  # where it is cut, as promised by `ntk`


def limit(name):
    return functools.partial(k.ntk, activation=name)


def diagonal(name, X):
    return np.array([limit(name)(x[None])[0, 0] for x in X])


def accurate(claim, name, found, expected, X, X2):
    """Errors relative to √(Θ(x, x) Θ(x', x')), in units of eps; smooth activations may use up their TAIL."""
    scale = np.sqrt(np.multiply.outer(diagonal(name, X), diagonal(name, X2)))
    error = float((np.abs(found - expected) / scale).max())
    allowed = 0.0 if name in HOMOGENEOUS else 2 * TAIL
    bounded(f"{claim}, {name}", max(0.0, error - allowed), norms=1, dims=X.shape[1])


# ------------------------------------------------------------------------------------------------------ activations


@EVERY
def test_activations_and_their_derivatives(name):
    from linvariance.networks.activations import activation

    z = np.r_[-np.geomspace(1e-8, 700, 40), np.geomspace(1e-8, 700, 40)]
    phi = activation(name)
    rounded = z**2 if name == "gelu" else 0.0  # the exponent -z²/2, in the oracle
    error = np.abs(phi.function(z) - (expected := oracles.ACTIVATIONS[name](z)))
    assert (error <= 8 * EPS * (1 + rounded) * np.abs(expected)).all()
    # 1 - tanh² is known up to eps absolutely, and no kernel needs more.
    np.testing.assert_allclose(phi.derivative(z), oracles.slope(name, z), rtol=32 * EPS, atol=4 * EPS)


# -------------------------------------------------------------------------------------------------- limiting kernels


FEW = settings(max_examples=30)  # for each of six activations, and the series of a long vector takes 20 ms


@FEW
@EVERY
@given(st.integers(2, 6), strategies.seeds, st.sampled_from((1e-3, 0.5, 2.0, 4.0)), st.sampled_from((1e-6, 1e-2, 1.0)))
def test_the_limit_is_the_expectation(name, dim, seed, norm, spread):
    """(61) and its relatives against quadrature; directions from nearly parallel to independent, and antiparallel."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(dim)
    X2 = np.stack([x + spread * rng.standard_normal(dim), -x + spread * rng.standard_normal(dim)])
    X, X2 = norm * x[None] / np.linalg.norm(x), norm * X2 / np.linalg.norm(X2, axis=1)[:, None]
    X2[1] *= 0.7
    expected = [[oracles.tangent_kernel(name, X[0], x2) for x2 in X2]]
    accurate("limiting kernel = quadrature", name, k.ntk(X, X2, name), expected, X, X2)


@EVERY
def test_the_limit_is_the_mean_over_weights(name, rng):
    """Monte Carlo of the definition, no angle in it."""
    X, m = rng.standard_normal((4, 3)), 200_000
    Z = X @ rng.standard_normal((3, m))
    phi, slopes = oracles.ACTIVATIONS[name](Z), oracles.slope(name, Z)
    for i, j in ((0, 0), (0, 1), (1, 2), (2, 3)):
        draws = phi[i] * phi[j] + X[i] @ X[j] * slopes[i] * slopes[j]
        error = draws.std() / np.sqrt(m)
        assert abs(draws.mean() - k.ntk(X[i : i + 1], X[j : j + 1], name)[0, 0]) < 3 * error


def arc_cosine(x, y):
    """(61) in 50 digits, of the floating-point numbers x and y."""
    with mpmath.workdps(50):
        x, y = (mpmath.matrix([mpmath.mpf(float(e)) for e in v]) for v in (x, y))
        r, r2, inner = mpmath.norm(x), mpmath.norm(y), sum(a * b for a, b in zip(x, y, strict=True))
        theta = mpmath.acos(min(mpmath.mpf(1), max(mpmath.mpf(-1), inner / (r * r2))))
        return inner * (mpmath.pi - theta) / (2 * mpmath.pi) + r * r2 * (
            (mpmath.pi - theta) * mpmath.cos(theta) + mpmath.sin(theta)
        ) / (2 * mpmath.pi)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-9, 1e-7, 1e-5, 1e-3, 0.1, 0.1418, 1.0])
def test_equation_61_to_the_last_digits_at_every_angle(angle, sign, rng):
    x, y = strategies.orthonormal(rng, 30, 2).T
    y = sign * 1.7 * (np.cos(angle) * x + np.sin(angle) * y)
    bounded("(61) = 50 digits", abs(float(k.ntk([x], [y])[0, 0] - arc_cosine(x, y))), norms=1.7, dims=1)


def test_arccos_would_lose_half_the_digits(rng):
    """Why angles come from ‖u - v‖ and ‖u + v‖ where they are small."""
    X = rng.standard_normal((200, 50))
    norms = np.square(X).sum(axis=1)
    U = X / np.sqrt(norms)[:, None]
    theta = np.arccos(np.clip(U @ U.T, -1, 1)).diagonal()
    naive = (2 * (np.pi - theta) * np.cos(theta) + np.sin(theta)) / (2 * np.pi)
    assert np.abs(naive - 1).max() > 1e-9
    assert np.abs(k.ntk(X).diagonal() / norms - 1).max() < 8 * EPS


@EVERY
def test_zero_vectors(name, rng):
    X = np.vstack([np.zeros(3), rng.standard_normal((2, 3))])
    K = k.ntk(X, activation=name)
    assert not K[0].any()
    assert not K[:, 0].any()


@pytest.mark.parametrize("name", HOMOGENEOUS)
@pytest.mark.parametrize("power", [-480, -300, 300, 480])
def test_homogeneous_kernels_scale_exactly(name, power, rng):
    X, X2 = rng.standard_normal((5, 4)), rng.standard_normal((3, 4))
    found = k.ntk(2.0**power * X, X2, name)
    np.testing.assert_array_equal(found, 2.0**power * k.ntk(X, X2, name))


def test_the_identity_has_a_linear_kernel(rng):
    X, X2 = rng.standard_normal((5, 4)), rng.standard_normal((3, 4))
    close("identity: 2 X X2ᵀ", k.ntk(X, X2, "identity"), 2 * X @ X2.T, norms=np.linalg.norm(X @ X2.T), dims=4)


@pytest.mark.parametrize("name", LIMITS)
def test_the_largest_norms_of_the_series(name):
    """To the limit Θ(x, x) = E φ² + r² E φ'² and Θ(x, -x) hold; beyond it the error says so."""
    r = 0.999 * LIMITS[name]
    x = np.array([[r, 0.0]])
    u, step = np.linspace(-14, 14, 200_001, retstep=True)
    weights = step * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
    phi, slope = oracles.ACTIVATIONS[name], functools.partial(oracles.slope, name)
    for sign in (1, -1):
        expected = weights @ (phi(r * u) * phi(sign * r * u) + sign * r * r * slope(r * u) * slope(sign * r * u))
        largest = weights @ (phi(r * u) ** 2 + r * r * slope(r * u) ** 2)
        # The rest is a difference of sums of 5e4 terms, so it is known to some 1e-13 only.
        assert abs(k.ntk(x, sign * x, name)[0, 0] - expected) < 1e-12 * largest
    with pytest.raises(ValueError, match=rf"norm .* kernel of {name} takes norms up to {LIMITS[name]}"):
        k.ntk(1.01 / 0.999 * x, activation=name)


@FEW
@EVERY
@given(st.integers(1, 6), st.integers(1, 8), strategies.seeds)
def test_laws_of_the_limit(name, dim, n, seed):
    """Symmetric, positive semidefinite, of inner products only; blocks of it are its values."""
    rng = np.random.default_rng(seed)
    X, X2 = rng.standard_normal((n, dim)), rng.standard_normal((3, dim))
    X[-1] = rng.choice((1, -1, 2, 0)) * X[0]  # parallel, antiparallel or zero
    K, Q = k.ntk(X, activation=name), strategies.orthonormal(rng, dim, dim)
    size = float(np.trace(K))
    close(f"kernel is symmetric, {name}", K, K.T, norms=size, dims=dim)
    bounded(f"kernel is positive, {name}", max(0.0, -np.linalg.eigvalsh(K)[0] - TAIL * size), norms=size, dims=n)
    cross = k.ntk(X, X2, name)
    total = np.sqrt(size * np.trace(k.ntk(X2, activation=name)))
    error = float(np.linalg.norm(k.ntk(X @ Q, X2 @ Q, name) - cross))
    bounded(f"kernel of turned data, {name}", max(0.0, error - TAIL * total), norms=total, dims=4 * dim)
    error = float(np.linalg.norm(k.ntk(X[:1], X2[1:], name) - cross[:1, 1:]))
    bounded(f"blocks of the kernel, {name}", max(0.0, error - TAIL * total), norms=total, dims=dim)


def test_blocks_of_rows(monkeypatch, rng):
    X = rng.standard_normal((70, 3))
    whole = {name: k.ntk(X, activation=name) for name in NAMES}
    monkeypatch.setattr("linvariance.arrays.BLOCK_BYTES", 8 * 70 * 9)
    for name in NAMES:
        np.testing.assert_allclose(k.ntk(X, activation=name), whole[name], rtol=0, atol=TAIL * whole[name].max())


# --------------------------------------------------------------------------------------------------- group averages


def orbit(entry, X):
    return [X @ rho.T for rho in entry.elements]


def weighted(X, X2):
    """A positive semidefinite kernel that no group here leaves alone."""
    w = np.arange(1.0, X.shape[1] + 1)
    return (1 + (X * w) @ X2.T) ** 2


@pytest.mark.parametrize("entry", zoo.ZOO.values(), ids=zoo.ZOO)
def test_averages_over_the_group(entry, rng):
    X, X2 = rng.standard_normal((4, entry.dim)), rng.standard_normal((3, entry.dim))
    pairs = [k.ntk(x, x2) for x in orbit(entry, X) for x2 in orbit(entry, X2)] if len(entry.elements) < 30 else None
    if pairs:
        both = np.mean(pairs, axis=0)
        found = k.convolutional(k.ntk, entry.rep)(X, X2)
        close("mean over both arguments", found, both, norms=np.abs(pairs).max(), dims=12, condition=entry.condition)
    if entry.T is None:
        one = np.mean([k.ntk(x, X2) for x in orbit(entry, X)], axis=0)
        found = k.augmented(k.ntk, entry.rep)(X, X2)
        close("mean over one argument", found, one, norms=np.linalg.norm(X) * np.linalg.norm(X2), dims=entry.dim)
    else:
        with pytest.raises(ValueError, match=r"not invariant .*which is not orthogonal.*convolutional\(kernel, rep\)"):
            k.augmented(k.ntk, entry.rep)(X, X2)


def test_what_must_be_invariant_is_the_kernel(rng):
    """Not ρ: in the coordinates in which ρ is orthogonal the kernel is a kernel for it; others are refused."""
    entry = zoo.ZOO["not orthogonal D5"]
    X, X2 = rng.standard_normal((5, 2)), rng.standard_normal((3, 2))

    def straightened(X, X2):
        return k.ntk(X @ entry.T.T, X2 @ entry.T.T)

    expected = np.mean([straightened(x, X2) for x in orbit(entry, X)], axis=0)
    found = k.augmented(straightened, entry.rep)(X, X2)
    close("invariant kernel, ρ not orthogonal", found, expected, norms=np.abs(expected).max(), dims=50)
    close(
        "both means are one",
        k.convolutional(straightened, entry.rep)(X, X2),
        expected,
        norms=np.abs(expected).max(),
        dims=50,
    )
    with pytest.raises(ValueError, match=r"kernel is not invariant under cyclic\(2\).*convolutional"):
        k.augmented(weighted, lv.groups.cyclic(2))(X)


def test_kernels_that_vanish_between_the_data_are_not_refused(rng):
    """K(x, x') is rounding there, and what is checked is relative to K(x, x)."""
    X = rng.standard_normal((4, 3))
    X -= X.mean(axis=1, keepdims=True)
    K = k.augmented(limit("identity"), lv.groups.cyclic(3))(X, np.ones((1, 3)))
    assert np.abs(K).max() < 8 * EPS * np.linalg.norm(X)


def test_one_mean_of_other_kernels_is_no_kernel(rng):
    """Why it is refused: not symmetric. The mean over both arguments is symmetric, positive and invariant."""
    X, rep = rng.standard_normal((6, 4)), lv.groups.cyclic(4)
    one = np.mean([weighted(rep.multiply(X, g), X) for g in rep.elements()], axis=0)
    assert np.abs(one - one.T).max() > 1.0
    both = k.convolutional(weighted, rep)
    K = both(X)
    close("convolutional is symmetric", K, K.T, norms=np.linalg.norm(K), dims=6)
    assert np.linalg.eigvalsh(K)[0] > -1e-12 * np.linalg.norm(K)
    close("convolutional is invariant", both(np.roll(X, 1, axis=1), X), K, norms=np.linalg.norm(K), dims=6)


def test_blocks_of_the_average(monkeypatch, rng):
    X, rep = rng.standard_normal((40, 9)), lv.groups.image_rotations(3)
    expected = k.augmented(k.ntk, rep)(X)
    monkeypatch.setattr("linvariance.arrays.BLOCK_BYTES", 8 * 40 * 7)
    seen = []

    def watched(X, X2):
        seen.append(len(X))
        return k.ntk(X, X2)

    np.testing.assert_allclose(k.augmented(watched, rep)(X), expected, rtol=1e-13)
    assert set(seen) == {7, 40 % 7, 16}  # blocks, the last one, and the rows on which invariance is checked


def test_kernels_travel(rng):
    X, rep = rng.standard_normal((3, 4)), lv.groups.cyclic(4)
    for kernel in (k.augmented(k.ntk, rep), k.convolutional(k.ntk, rep), k.finite_width(rep, width=5, rng=rng)):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(kernel))(X), kernel(X))
    assert repr(k.finite_width(rep, width=5, rng=rng)) == "FiniteWidth(rep=cyclic(4), activation='relu')"


# ------------------------------------------------------------------------------------------------------- regression


@given(strategies.seeds, st.sampled_from((0.0, 1e-3, 1.0)), st.integers(1, 3))
def test_linear_kernel_regression_is_linear_regression(seed, strength, outputs):
    """Of rank-deficient data too: then the support of the kernel matrix has the rank of the data."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((9, 3)) @ rng.standard_normal((3, 5))
    Y, X2 = rng.standard_normal((9, outputs)), rng.standard_normal((4, 5))
    f = k.ridge(lambda A, B: A @ B.T, X, Y, strength=strength)
    rows, targets = np.vstack([X, np.sqrt(9 * strength) * np.eye(5)]), np.vstack([Y, np.zeros((5, outputs))])
    W, smallest = np.linalg.lstsq(rows, targets, rcond=1e-10)[0], np.linalg.svd(X, compute_uv=False)[2]
    assert f.rank == 3
    close(
        "linear kernel regression",
        f.predict(X2),
        X2 @ W,
        norms=np.linalg.norm(X2) * (np.linalg.norm(W) + np.linalg.norm(Y) / smallest),
        dims=9,
        condition=f.condition,
    )


def test_an_interpolant_of_least_norm(rng):
    X, Y = rng.standard_normal((8, 5)), rng.standard_normal((8, 2))
    f, K = k.ridge(k.ntk, X, Y), k.ntk(X)
    assert f.rank == 8
    assert f.condition == pytest.approx(np.linalg.cond(K), rel=1e-9)
    close("interpolation", f.predict(X), Y, norms=np.linalg.norm(Y), dims=8, condition=f.condition)
    alpha = np.linalg.solve(K, Y)
    close("α", f.coefficients, alpha, norms=np.linalg.norm(alpha), dims=8, condition=f.condition)


def test_repeated_samples_get_the_mean_of_their_targets(rng):
    X, Y = rng.standard_normal((6, 4)), rng.standard_normal((6, 1))
    twice = k.ridge(k.ntk, np.vstack([X, X]), np.vstack([Y - 1, Y + 1]))
    assert twice.rank == 6
    close("mean of targets", twice.predict(X), Y, norms=np.linalg.norm(Y) + 1, dims=12, condition=twice.condition)


@given(strategies.seeds, st.sampled_from((1e-4, 1.0)))
def test_ridge_is_a_minimum(seed, strength):
    """(1/n) Σ ‖f(x_i) - y_i‖² + strength αᵀKα against other α."""
    rng = np.random.default_rng(seed)
    X, y, K = (X := rng.standard_normal((7, 3))), rng.standard_normal(7), k.ntk(X)
    alpha = k.ridge(k.ntk, X, y, strength=strength).coefficients[:, 0]

    def loss(a):
        return np.square(K @ a - y).mean() + strength * a @ K @ a

    for size in (1e-4, 1.0):
        assert loss(alpha) <= loss(alpha + size * rng.standard_normal(7)) + 1e-14 * np.square(y).mean()


def test_zero_data_and_large_strengths(rng):
    zero = k.ridge(k.ntk, np.zeros((3, 2)), [1.0, 2.0, 3.0])
    assert (zero.rank, zero.condition) == (0, 1.0)
    assert not zero.predict(rng.standard_normal((4, 2))).any()
    X = rng.standard_normal((3, 2))
    strong = k.ridge(k.ntk, X, [1.0, 2.0, 3.0], strength=1e200)
    np.testing.assert_allclose(strong.coefficients[:, 0], np.r_[1:4] / 3e200)


def test_data_are_kept(rng):
    X, Y = rng.standard_normal((5, 3)), rng.standard_normal(5)
    f = k.ridge(k.ntk, X, Y)
    before = f.predict(X)
    X[:] = 0
    np.testing.assert_array_equal(f.predict(f.inputs), before)


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (lambda A, B: -A @ B.T, "eigenvalue -.*positive semidefinite"),
        (lambda A, B: A @ np.triu(np.ones((3, 3))) @ B.T, "not symmetric"),
        (lambda A, B: np.full((len(A), len(B)), np.nan), r"kernel\(X, X2\).*must be finite"),
        (lambda A, B: np.ones(len(A)), r"kernel\(X, X2\) must have 2 dimensions"),
    ],
)
def test_what_is_no_kernel_is_refused(kernel, words, rng):
    with pytest.raises(ValueError, match=words):
        k.ridge(kernel, rng.standard_normal((5, 3)), np.ones(5))
