"""Matrices over R, C and H, the endomorphisms of irreducible representations, and their QR and singular values.

A matrix (m, k) over an algebra of real dimension e = 1, 2 or 4 is written as a real one (m·e, k·e): each entry as the
(e, e) matrix of its left multiplication. Products are then products, adjoints transposes, and ‖·‖² counts e-fold.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from ..arrays import Array

_I = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]])
_J = np.array([[0.0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]])
LEFT = {1: np.ones((1, 1, 1)), 2: np.stack([np.eye(2), _I[:2, :2]]), 4: np.stack([np.eye(4), _I, _J, _I @ _J])}
"""e -> (e, e, e): left multiplications by the units 1, i, j, k."""


def commuting(P: Array, e: int, d: int) -> Array:
    """The part of P (m·d, k·d) that commutes with what acts on copies of dimension d of type e: the nearest M ⊗ 1."""
    m, k, p = P.shape[0] // d, P.shape[1] // d, d // e
    parts = P.reshape(m, p, e, k, p, e).trace(axis1=1, axis2=4) / p
    units = np.einsum("iajb,uab->uij", parts, LEFT[e]) / e
    return spread(np.einsum("uij,uab->iajb", units, LEFT[e]).reshape(m * e, k * e), e, d)


def spread(M: Array, e: int, d: int) -> Array:
    """M ⊗ 1: M (m·e, k·e) over the algebra as it acts on copies of dimension d, (m·d, k·d)."""
    m, k, p = M.shape[0] // e, M.shape[1] // e, d // e
    out = np.zeros((m, p, e, k, p, e))
    for t in range(p):
        out[:, t, :, :, t, :] = M.reshape(m, e, k, e)
    return out.reshape(m * d, k * d)


def unfold(rows: Array, e: int, d: int) -> Array:
    """Coordinates (n, m·d) of n rows in m copies as a matrix (n·d/e, m) over the algebra, adjoint: x̄ for each x."""
    n, m, p = rows.shape[0], rows.shape[1] // d, d // e
    return np.einsum("nmpu,uba->npamb", rows.reshape(n, m, p, e), LEFT[e]).reshape(n * p * e, m * e)


def triangle(M: Array, e: int = 1, *, overwrite: bool = False) -> Array:
    """R of a QR over the algebra, at most as many rows as columns, by Householder reflections; columnwise stable.

    With `overwrite` a real M in Fortran's order is used up, and no other matrix of its size is needed.
    """
    if 0 in M.shape:
        return np.zeros((min(M.shape), M.shape[1]))
    if e == 1:
        work = int(scipy.linalg.lapack.dgeqrf_lwork(*M.shape)[0])
        return np.triu(scipy.linalg.lapack.dgeqrf(M, lwork=work, overwrite_a=overwrite)[0][: M.shape[1]])
    R = M.copy()
    for a in range(0, min(R.shape), e):
        _eliminate(R[a:, a:], e)
        R[a + e :, a : a + e] = 0.0
    return R[: M.shape[1]]


def svd(M: Array, e: int) -> tuple[Array, Array, Array]:
    """Thin U (m·e, s·e), σ (s,), Vᵀ (s·e, k·e) over the algebra, by a real bidiagonal matrix: no σ is ever paired."""
    if e == 1 or 0 in M.shape:
        return _svd(M)
    if M.shape[0] < M.shape[1]:
        U, s, Vt = svd(M.T, e)
        return Vt.T, s, U.T
    B, U, V = M.copy(), np.eye(len(M)), np.eye(M.shape[1])
    for a in range(0, M.shape[1], e):
        _eliminate(B[a:, a:], e, U[:, a:])
        if a + e < M.shape[1]:
            _eliminate(B[a:, a + e :].T, e, V[:, a + e :])
    # Every (e, e) block of B is now a real multiple of 1.
    small = _svd(B[: M.shape[1] : e, ::e])
    left, right = (np.kron(Q, np.eye(e)) for Q in (small[0], small[2]))
    return U[:, : M.shape[1]] @ left, small[1], right @ V.T


def _eliminate(A: Array, e: int, Q: Array | None = None) -> None:
    """In place A <- Hᵀ A, whose first column is real and zero below its head, and Q <- Q H, for a unitary H."""
    v = np.einsum("nu,uab->nab", A[:, 0].reshape(-1, e), LEFT[e]).reshape(-1, e)  # the structure exactly
    size, head = norm(v[:, 0]), norm(v[:e, 0])
    if size == 0.0:
        return
    phase = v[:e] / head if head > 0 else np.eye(e)
    v[:e] += size * phase
    v /= norm(v[:, 0])
    # 1 - 2 v vᵀ sends the column to -phase·size·e_1.
    A -= 2 * v @ (v.T @ A)
    A[:e] = -phase.T @ A[:e]
    if Q is not None:
        Q -= 2 * (Q @ v) @ v.T
        Q[:, :e] = -Q[:, :e] @ phase


def norm(M: Array) -> float:
    """Frobenius norm; NumPy's squares leave the range of a double at 1e±155."""
    return float(scipy.linalg.norm(M.ravel(), check_finite=False)) if M.size else 0.0


def _svd(M: Array) -> tuple[Array, Array, Array]:
    if 0 in M.shape:
        return np.zeros((len(M), 0)), np.zeros(0), np.zeros((0, M.shape[1]))
    U, s, Vt = scipy.linalg.svd(M, full_matrices=False, check_finite=False)
    return U, s, Vt
