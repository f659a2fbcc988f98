"""Bidiagonal form M = Q B Pᵀ, half of a singular value decomposition: by LAPACK's gebrd, which SciPy has for Cython."""

from __future__ import annotations

import ctypes
import math
from functools import cache
from typing import Any

import numpy as np
from scipy.linalg import cython_lapack

from ..arrays import Array

PANEL = 64  # LAPACK's largest block


def bidiagonalized(M: Array, left: Array, right: Array) -> tuple[Array, Array, Array, Array]:
    """Diagonal (n,) and superdiagonal (n - 1,) of B, and Qᵀ left and Pᵀ right, for M (m >= n, n).

    >>> M, I = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.eye(3)
    >>> d, e, Qt, Pt = bidiagonalized(M, I, I[:2, :2])
    >>> bool(np.allclose(Qt.T[:, :2] @ (np.diag(d) + np.diag(e, 1)) @ Pt, M))
    True
    """
    m, n = M.shape
    A, d, e = np.array(M, order="F"), np.zeros(n), np.zeros(max(n - 1, 0))
    if not n:
        return d, e, left.copy(), right.copy()
    q, p, work = np.empty(n), np.empty(n), np.empty(PANEL * (m + n))
    _call("dgebrd", m, n, A, m, d, e, q, p, work, len(work))
    return d, e, _applied(b"Q", A, q, left), _applied(b"P", A, p, right)


def surely_regular(diagonal: Array, above: Array, noise: float) -> bool:
    """Whether bounds say that all singular values of B exceed the noise   (Higham, SIAM Review 29, 1987).

    |B⁻¹| is the inverse of B with |diagonal| and -|above|: its largest sums of rows and of columns take O(n).
    """
    d, e = np.abs(diagonal).tolist(), np.abs(above).tolist()
    if not all(d):
        return False
    rows, columns = _largest_sum(d, e), _largest_sum(d[::-1], e[::-1])
    return 1 / math.sqrt(rows) / math.sqrt(columns) > noise


def _largest_sum(d: list[float], e: list[float]) -> float:
    entry = most = 0.0
    for size, before in zip(d, [0.0, *e], strict=True):
        entry = (1 + before * entry) / size
        most = max(most, entry)
    return most


def _applied(which: bytes, A: Array, scale: Array, C: Array) -> Array:
    """Qᵀ C or Pᵀ C, of the reflectors that gebrd left in A."""
    C = np.array(C, order="F")
    rows, columns = C.shape
    work = np.empty(PANEL * (max(columns, 1) + PANEL + 1))
    inner = A.shape[which == b"Q"]
    _call("dormbr", which, b"L", b"T", rows, columns, inner, A, len(A), scale, C, max(rows, 1), work, len(work))
    return C


def _call(name: str, *arguments: Any) -> None:
    """By reference, as Fortran takes them; `info` comes behind."""
    function, integer = _routine(name)
    info = integer(0)
    function(*(_reference(integer(a) if isinstance(a, int) else a) for a in (*arguments, info)))
    if info.value:
        raise RuntimeError(f"LAPACK's {name} refuses its argument {-info.value}.")


def _reference(value: Any) -> Any:
    if isinstance(value, bytes):
        return value
    return value.ctypes if isinstance(value, np.ndarray) else ctypes.byref(value)


@cache
def _routine(name: str) -> tuple[Any, Any]:
    """The function and its type of integers, out of the capsule that Cython imports it from."""
    capsule, api = cython_lapack.__pyx_capi__[name], ctypes.pythonapi
    signature = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", api))(capsule)
    address = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", api))
    function = ctypes.CFUNCTYPE(None)(address(capsule, signature))
    return function, ctypes.c_int if b" int *" in signature else ctypes.c_int64
