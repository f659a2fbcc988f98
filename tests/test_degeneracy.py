"""Why Hessians are singular: counts of zero eigenvalues against dense matrices and against first principles."""

import numpy as np
import pytest

import linvariance as lv
from test_landscape import random_problem


def zeros(problem, network):
    """By the dense Hessian alone. 1e-9: exact networks leave 1e-15, the least others of random problems are above."""
    values = np.abs(np.linalg.eigvalsh(lv.hessian(problem, network).to_dense()))
    return int((values <= 1e-9 * values.max(initial=0.0)).sum())


def rank_of(moment):
    return int(np.linalg.matrix_rank(moment, hermitian=True)) if moment.size else 0


def orbit_dimension(weights, rng):
    """The gauge orbit's, by its definition: the rank of tangents at random X_j, one at a time."""
    hidden = [len(W) for W in weights[:-1]]
    tangents = [np.zeros(sum(W.size for W in weights))]
    for _ in range(sum(d * d for d in hidden)):
        X = [np.zeros((weights[0].shape[1],) * 2), *(rng.standard_normal((d, d)) for d in hidden)]
        X.append(np.zeros((len(weights[-1]),) * 2))
        tangents.append(np.concatenate([(X[j + 1] @ W - W @ X[j]).ravel() for j, W in enumerate(weights)]))
    return int(np.linalg.matrix_rank(np.array(tangents), tol=1e-8 * np.linalg.norm(tangents)))


@pytest.mark.parametrize("gauged", [False, True])
@pytest.mark.parametrize("deficient", [0, 1, 3])
def test_two_layers_at_the_global_minimum(rng, gauged, deficient):
    """h = r: the nullity is h² by the gauge, and h a direction that the inputs do not have."""
    X = rng.standard_normal((20, 6)) * (np.arange(6) >= deficient)
    m = lv.Moments.from_data(X, rng.standard_normal((20, 4)))
    for h in (1, 2, 3):
        p = lv.unconstrained(m, rank=h)
        network = lv.network_at(lv.critical_points(p)[0], (6, h, 4), gauge=rng if gauged else None)
        found = lv.nullity(p, network)
        assert (found.gauge, found.data, found.factors, found.rest) == (h * h, h * deficient, 0, 0)
        assert found.found == zeros(p, network) == h * h + h * deficient


def test_counts_at_random_critical_points():
    """Depths 2 to 4, all methods, any rank: at points of rank min(widths) the count is N - r(k + dL - r)."""
    rng, full, lower, equal = np.random.default_rng(11), 0, 0, 0
    for trial in range(150):
        widths, p = random_problem(rng, 2 + trial % 3)
        k, r, dL = rank_of(p.quadratic.moment), min(widths), widths[-1]
        for point in [*lv.critical_points(p), *lv.lower_rank_points(p)]:
            network = lv.network_at(point, widths)
            found = lv.nullity(p, network)
            assert found.found == zeros(p, network)
            assert found.found == found.gauge + found.data + found.factors + found.rest
            assert found.data == widths[1] * (widths[0] - k)
            assert found.factors >= 0
            assert found.rest == 0  # the singular values are distinct
            if len(point.subset) < r:
                lower += 1
                continue
            full += 1
            assert found.found == network.flat.size - r * (k + dL - r)
            if set(widths[1:-1]) == {r}:
                equal += 1
                assert found.gauge == (len(widths) - 2) * r * r
                assert found.factors == 0
    assert min(full, lower) > 100
    assert equal > 30


def test_the_gauge_is_the_orbits_dimension(rng):
    X, Y = rng.standard_normal((20, 4)), rng.standard_normal((20, 3))
    for widths in ([4, 3, 3], [4, 2, 3, 3], [4, 3, 2, 3, 3], [4, 5, 3]):
        p = lv.unconstrained(lv.Moments.from_data(X, Y), rank=min(widths))
        for point in [*lv.critical_points(p), *lv.lower_rank_points(p)]:
            network = lv.network_at(point, widths)
            assert lv.nullity(p, network).gauge == orbit_dimension(network.weights, rng)


def test_interpolation_leaves_the_fibre(rng):
    """Where the gradient in W vanishes, the kernel is all that keeps W S' to first order: N - k·dL for wide layers."""
    X, Y = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    p = lv.unconstrained(lv.Moments.from_data(X, Y), rank=2)
    optimum = lv.solve(p).weights
    for h in (2, 3, 5):
        first = rng.standard_normal((h, 3))
        first = first if h >= 3 else np.linalg.svd(optimum)[2][:2]
        network = lv.Network([first, optimum @ np.linalg.pinv(first)])
        found = lv.nullity(p, network)
        assert found.found == h * 5 - 6
        assert found.rest == 0


def test_ties_are_the_rest(rng):
    """σ = 2, 1, 1 and rank 2: a pair of equal singular values in and out of I gives eigenvalue 1 - 1 = 0."""
    p = lv.unconstrained(lv.Moments.from_data(np.eye(3), np.diag([2.0, 1.0, 1.0])), rank=2)
    found = lv.nullity(p, lv.network_at(lv.critical_points(p)[0], (3, 2, 3)))
    assert (found.gauge, found.data, found.factors, found.rest) == (4, 0, 0, 1)


def test_a_zero_hessian():
    m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.array([[2.0], [0.0]]))
    found = lv.nullity(lv.unconstrained(m, rank=1), lv.Network([[[0.0, 1.0]], [[0.0]], [[0.0]]]))
    assert found.found == 4
    assert found.rest == 0


def test_the_gradient_but_not_the_hessian_respects_the_orbit_away_from_critical_points(rng):
    p = lv.unconstrained(lv.Moments.from_data(rng.standard_normal((9, 4)), rng.standard_normal((9, 3))), rank=2)
    W1, W2 = rng.standard_normal((2, 4)), rng.standard_normal((3, 2))
    network, X = lv.Network([W1, W2]), rng.standard_normal((2, 2))
    tangent = np.concatenate([(X @ W1).ravel(), (-W2 @ X).ravel()])
    D = p.gradient(W2 @ W1)
    slope = np.concatenate([(W2.T @ D).ravel(), (D @ W1.T).ravel()])
    assert abs(slope @ tangent) <= 1e-13 * np.linalg.norm(slope) * np.linalg.norm(tangent)
    curved = lv.hessian(p, network).matvec(tangent)
    # Differentiating along the orbit: H ξ = -(∂ξ)ᵀ ∇f.
    expected = -np.concatenate([(X.T @ W2.T @ D).ravel(), (-D @ W1.T @ X.T).ravel()])
    np.testing.assert_allclose(curved, expected, atol=1e-12 * np.linalg.norm(expected))
    assert np.linalg.norm(curved) > 0.1
    with pytest.raises(ValueError, match=r"not critical.*rtol"):
        lv.nullity(p, network)


def test_networks_too_large_are_refused():
    p = lv.unconstrained(lv.Moments.from_data(np.eye(60), np.eye(60)), rank=30)
    with pytest.raises(ValueError, match="3600"):
        lv.nullity(p, lv.network_at(lv.critical_points(p)[0], (60, 30, 60)))
