"""Claim: 200 points of a regularization path (n = 1000, d0 = 196, dL = 9, C4, rank 5) against two NumPy recipes.

The paper's recipe takes B(λ)^(-1/2) by an eigendecomposition for each λ; a leaner one a Cholesky factor and a thin SVD.
"""

from common import better, on_threads, race, repeat, store, table  # isort: skip

import numpy as np
import scipy.linalg

import linvariance as lv

n, outputs, rank = 1000, 9, 5
rng = np.random.default_rng(0)
rep = lv.groups.image_rotations(14)
X, Y = rng.standard_normal((n, rep.dim)), np.eye(outputs)[rng.integers(outputs, size=n)]
m = lv.Moments.from_data(X, Y)
G, penalty = rep.defect.toarray(), rep.penalty_matrix()
strengths = np.geomspace(1e-4, 1e3, 200)


def recipe():
    found = []
    for strength in strengths:
        values, vectors = np.linalg.eigh(X.T @ X + n * strength * G @ G.T)
        root = (vectors / np.sqrt(values)) @ vectors.T
        U, s, Vt = np.linalg.svd(Y.T @ X @ root, full_matrices=False)
        found.append((U[:, :rank] * s[:rank]) @ Vt[:rank] @ root)
    return np.stack(found)


def cholesky():
    S, C, found = X.T @ X / n, Y.T @ X / n, []
    for strength in strengths:
        L = np.linalg.cholesky(S + strength * penalty)
        U, s, Vt = np.linalg.svd(scipy.linalg.solve_triangular(L, C.T, lower=True).T, full_matrices=False)
        Z = (U[:, :rank] * s[:rank]) @ Vt[:rank]
        found.append(scipy.linalg.solve_triangular(L, Z.T, lower=True, trans="T").T)
    return np.stack(found)


def ours():
    return lv.regularization_path(m, rep, rank=rank).evaluate(strengths).weights


def main():
    path = lv.regularization_path(m, rep, rank=rank)
    expected = recipe()
    for weights in (ours(), cholesky()):
        np.testing.assert_allclose(weights, expected, atol=1e-6)
    rivals = {"linvariance": ours, "factorization made": lambda: path.evaluate(strengths)}
    works = {name: on_threads(repeat(function))(1) for name, function in rivals.items()}
    for name, function in (("Cholesky and thin SVD each", cholesky), ("the paper's recipe", recipe)):
        threads, works[f"{name}, {threads} threads"] = better(on_threads(repeat(function)))
    store("path", table("200 strengths", race(works), "ms"))


if __name__ == "__main__":
    main()
