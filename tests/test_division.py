"""Matrices over R, C and H: products, QR and singular values, against real matrices that know nothing of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from linvariance.groups import division as K
from tolerances import close

ALGEBRAS = st.sampled_from([1, 2, 4])
SIZES = st.integers(0, 6)


def drawn(rng, m, k, e, graded=False):
    """A random matrix and its entries (m, k, e)."""
    entries = rng.standard_normal((m, k, e))
    if graded:
        entries *= 2.0 ** -rng.integers(0, 30, size=(k, 1))
    return embedded(entries), entries


def embedded(entries):
    m, k, e = entries.shape
    return (
        np.block([[multiply(entries[i, j]) for j in range(k)] for i in range(m)]) if m * k else np.zeros((m * e, k * e))
    )


def multiply(a):
    """The matrix of x -> a x, by Hamilton's rules."""
    e = len(a)
    w, x, y, z = np.pad(a, (0, 4 - e))
    return np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])[:e, :e]


@pytest.mark.parametrize("e", [1, 2, 4])
def test_units_multiply_as_they_should(e, rng):
    a, b = rng.standard_normal((2, e))
    for u in range(e):
        np.testing.assert_array_equal(K.LEFT[e][u], multiply(np.eye(e)[u]))
    left, right = (np.einsum("u,uab->ab", x, K.LEFT[e]) for x in (a, b))
    np.testing.assert_allclose((left @ right)[:, 0], left @ b, atol=1e-15)  # (a b) 1 = a b


@given(SIZES, SIZES, ALGEBRAS, strategies.seeds, st.booleans())
def test_singular_values_are_those_of_the_real_matrix_e_times(m, k, e, seed, graded):
    M, _ = drawn(np.random.default_rng(seed), m, k, e, graded)
    U, s, Vt = K.svd(M, e)
    n, norms, dims = min(m, k), np.linalg.norm(M), max(m, k, 1) * e
    assert U.shape == (m * e, n * e)
    assert s.shape == (n,)
    assert Vt.shape == (n * e, k * e)
    assert (np.diff(s) <= 0).all()
    close("division: σ", np.repeat(s, e), np.linalg.svd(M, compute_uv=False), norms=norms, dims=dims)
    close("division: U Σ Vᵀ", (U * np.repeat(s, e)) @ Vt, M, norms=norms, dims=dims)
    close("division: U is unitary", U.T @ U, np.eye(n * e), norms=1, dims=dims)
    close("division: V is unitary", Vt @ Vt.T, np.eye(n * e), norms=1, dims=dims)
    for Q in (U, Vt):
        close("division: U, V over the algebra", K.commuting(Q, e, e), Q, norms=np.sqrt(n), dims=dims)


@given(SIZES, SIZES, ALGEBRAS, strategies.seeds)
def test_qr_is_columnwise_stable(m, k, e, seed):
    """Each column of R has the products of its own column, however small beside the others."""
    M, _ = drawn(np.random.default_rng(seed), m, k, e, graded=True)
    R = K.triangle(M, e)
    assert R.shape == (min(m, k) * e, k * e)
    sizes = np.linalg.norm(M, axis=0)
    scaled, expected = (np.divide(A, sizes, where=sizes > 0, out=np.zeros_like(A)) for A in (R, M))
    close("division: RᵀR = MᵀM", scaled.T @ scaled, expected.T @ expected, norms=max(k, 1) * e, dims=max(m, k, 1) * e)
    close("division: R is triangular", np.tril(scaled, -1), 0 * scaled, norms=1, dims=max(m, k, 1) * e)
    close("division: R over the algebra", K.commuting(R, e, e), R, norms=np.linalg.norm(M), dims=max(m, k, 1) * e)


@given(st.integers(1, 3), st.integers(1, 3), ALGEBRAS, st.integers(1, 3), strategies.seeds)
def test_what_commutes_is_what_spreads(m, k, e, p, seed):
    rng = np.random.default_rng(seed)
    M, _ = drawn(rng, m, k, e)
    d = p * e
    wide = K.spread(M, e, d)
    for i in range(m):
        for j in range(k):
            block = wide[i * d : (i + 1) * d, j * d : (j + 1) * d]
            np.testing.assert_array_equal(block, np.kron(np.eye(p), M[i * e : (i + 1) * e, j * e : (j + 1) * e]))
    close("division: the nearest of M ⊗ 1", K.commuting(wide, e, d), wide, norms=np.linalg.norm(wide), dims=d)
    P = rng.standard_normal(wide.shape)
    rest = P - K.commuting(P, e, d)
    assert abs(np.vdot(rest, wide)) < 1e-13 * np.linalg.norm(P) * np.linalg.norm(wide)


@given(st.integers(1, 4), st.integers(1, 3), ALGEBRAS, st.integers(1, 3), strategies.seeds)
def test_unfolded_rows_have_the_moments_of_the_blocks(n, m, e, p, seed):
    """F F over the algebra is d times the part of the rows' moment that commutes, and a map acts on both alike."""
    rng = np.random.default_rng(seed)
    d = p * e
    rows, (B, _) = rng.standard_normal((n, m * d)), drawn(rng, m, 2, e)
    F = K.unfold(rows, e, d)
    close(
        "division: unfolded moments",
        K.spread(F.T @ F, e, d) / d,
        K.commuting(rows.T @ rows, e, d),
        norms=np.sum(rows**2),
        dims=max(n, m * d),
    )
    moved = K.unfold(rows @ K.spread(B, e, d), e, d)  # W x for W = Bᵀ ⊗ 1
    close("division: maps of rows", F @ B, moved, norms=np.linalg.norm(F) * np.linalg.norm(B), dims=m * d)


def test_scales_near_the_ends_of_the_doubles(rng):
    for e in (1, 2, 4):
        M, _ = drawn(rng, 4, 3, e)
        for scale in (2.0**-1000, 2.0**1000):
            np.testing.assert_allclose(K.svd(M * scale, e)[1] / scale, K.svd(M, e)[1], rtol=1e-14)
            np.testing.assert_allclose(K.triangle(M * scale, e) / scale, K.triangle(M, e), rtol=1e-13, atol=1e-15)
        np.testing.assert_array_equal(K.svd(0 * M, e)[1], 0)
