"""The oracles against each other: a wrong oracle would pass a wrong package."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given

import oracles
import strategies
from tolerances import EPS, bounded, close


@given(strategies.groups())
def test_enumeration_is_a_group(group):
    closed = set(group.permutations)
    identity = tuple(range(group.dim))
    assert identity in closed
    for p in group.permutations[:20]:
        assert tuple(np.argsort(p)) in closed
        assert all(tuple(int(p[i]) for i in q) in closed for q in group.permutations[:20])


@given(strategies.groups(max_dim=6))
def test_matrices_represent_the_product(group):
    p, q = group.permutations[-1], group.permutations[len(group.permutations) // 2]
    product = tuple(p[i] for i in q)
    np.testing.assert_array_equal(
        oracles.permutation_matrix(p) @ oracles.permutation_matrix(q), oracles.permutation_matrix(product)
    )


@given(strategies.groups())
def test_invariants_are_the_left_null_space_of_the_defect(group):
    B, G = oracles.invariant_basis(group.elements), group.defect
    assert np.abs(B @ G).max(initial=0) < 100 * EPS
    assert len(B) == group.dim - np.linalg.matrix_rank(G)
    assert len(B) == len(set(oracles.orbits(group.permutations, group.dim)))


def test_rotated_is_rot90(rng):
    image = rng.standard_normal((5, 5))
    np.testing.assert_array_equal(oracles.rotated(image), np.rot90(image))


FULL = strategies.cases(spectra=strategies.WELL_CONDITIONED, full_rank=True)


@given(FULL)
def test_paper_formulas_minimize_the_literal_losses(case):
    """Theorem 6, Proposition 8 and Proposition 11 against projections on row spaces of literal data sets."""
    X, Y, r, G, elements = case.X, case.Y, case.rank, case.group.defect, case.group.elements
    B = oracles.invariant_basis(elements)
    claims = {
        "theorem 6": (oracles.theorem_6(X, Y, G, r)[0], (B @ X, Y), lambda W: oracles.loss_plain(W, X, Y)),
        "proposition 8": (
            oracles.proposition_8(X, Y, G, r, 0.3)[0],
            oracles.penalized_set(X, Y, G, 0.3),
            lambda W: oracles.loss_regularized(W, X, Y, G, 0.3),
        ),
        "proposition 11": (
            oracles.proposition_11(X, Y, elements, r)[0],
            oracles.augmented_set(X, Y, elements),
            lambda W: oracles.loss_augmented(W, X, Y, elements),
        ),
    }
    for name, (W, (A, T), loss) in claims.items():
        count = A.shape[1] if name == "proposition 11" else case.n
        bounded(
            f"oracles: {name} attains the optimum",
            abs(loss(W) - oracles.reduced_rank(A, T, r, count)[1]),
            norms=case.c,
            dims=case.dims,
            condition=100,
        )


@given(strategies.networks())
def test_chain_gradient_is_the_derivative(drawn):
    """A complex step on the literal loss."""
    weights, widths, rng = drawn
    X, Y = rng.standard_normal((widths[0], 6)), rng.standard_normal((widths[-1], 6))
    direction = [rng.standard_normal(w.shape) for w in weights]
    W = oracles.product([w + 1e-30j * v for w, v in zip(weights, direction, strict=True)])
    derivative = float((np.sum((W @ X - Y) ** 2) / 6).imag) / 1e-30
    gradient = oracles.chain_gradient(weights, X, Y)
    inner = sum(float(np.sum(g * v)) for g, v in zip(gradient, direction, strict=True))
    norms = np.linalg.norm(oracles.joined(gradient)) * np.linalg.norm(oracles.joined(direction))
    bounded("oracles: <gradient, v> = derivative along v", abs(derivative - inner), norms=norms + 1, dims=32)


@given(strategies.networks(max_depth=3))
def test_hessian_product_is_symmetric(drawn):
    weights, widths, rng = drawn
    X, Y = rng.standard_normal((widths[0], 6)), rng.standard_normal((widths[-1], 6))
    u, v = ([rng.standard_normal(w.shape) for w in weights] for _ in range(2))
    Hu, Hv = (oracles.joined(oracles.hessian_product(weights, a, X, Y)) for a in (u, v))
    close(
        "oracles: <Hu, v> = <u, Hv>",
        Hu @ oracles.joined(v),
        Hv @ oracles.joined(u),
        norms=np.linalg.norm(Hu) * np.linalg.norm(oracles.joined(v)),
        dims=64,
    )


def test_hessian_product_agrees_with_differences(rng):
    weights = [rng.standard_normal(s) for s in ((3, 4), (3, 3), (2, 3))]
    X, Y = rng.standard_normal((4, 6)), rng.standard_normal((2, 6))
    v = [rng.standard_normal(w.shape) for w in weights]
    exact = oracles.joined(oracles.hessian_product(weights, v, X, Y))

    def difference(h):
        plus, minus = ([w + s * h * d for w, d in zip(weights, v, strict=True)] for s in (1, -1))
        return (
            oracles.joined(oracles.chain_gradient(plus, X, Y)) - oracles.joined(oracles.chain_gradient(minus, X, Y))
        ) / (2 * h)

    errors = [np.linalg.norm(difference(h) - exact) for h in (1e-2, 5e-3)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


def test_reduced_rank_beats_every_descent(rng):
    """The oracle's optimum against L-BFGS on the two factors, 20 starts."""
    A, Y = rng.standard_normal((5, 12)), rng.standard_normal((3, 12))
    _, optimum, _ = oracles.reduced_rank(A, Y, 2)

    def objective(flat):
        weights = oracles.split_like(flat, [np.empty((2, 5)), np.empty((3, 2))])
        return oracles.loss_plain(oracles.product(weights), A, Y), oracles.joined(oracles.chain_gradient(weights, A, Y))

    found = [
        scipy.optimize.minimize(
            objective,
            rng.standard_normal(16),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-10},
        ).fun
        for _ in range(20)
    ]
    assert min(found) >= optimum * (1 - 100 * EPS)
    assert min(found) == pytest.approx(optimum, rel=1e-8)  # L-BFGS stops on a flat valley


def test_the_least_truncation_is_the_optimum(rng):
    Z = rng.standard_normal((4, 6))
    values = oracles.all_truncations(Z, 2)
    assert len(values) == 6
    assert values[0] == pytest.approx(np.linalg.norm(Z - oracles.best_rank(Z, 2)) ** 2)
