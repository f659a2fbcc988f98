"""Hessian-vector products: a complex step on the NumPy twin's gradient, symmetry, blocks, what an operator must do."""

import itertools

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import strategies
from tolerances import bounded, close

method_names = st.sampled_from(methods.METHODS)


@st.composite
def points(draw, spectra=tuple(strategies.SPECTRA)):
    """A problem of full rank bound, its literal data set, and a network of any depth that poses it."""
    case = draw(strategies.cases(spectra=spectra, max_dim=6))
    method = draw(method_names)
    B = methods.representation(case.group).invariant_basis()
    twin = methods.equivalent(case, method, B=np.asarray(B))
    inner = draw(st.lists(st.integers(1, 5), max_size=3))
    widths = [len(twin.A), *inner, case.outputs]
    rng = np.random.default_rng(case.seed + 7)
    weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
    p = methods.problem(case, method, rank=min(widths))
    return p, twin, weights, rng


def scale(twin, weights, direction):
    """‖H v‖ before cancellation: two layers' derivatives of the residual, and the residual times two layers."""
    top = twin.spectrum[0] if twin.spectrum.size else 0.0
    w = [np.linalg.norm(x) + np.linalg.norm(v) for x, v in zip(weights, direction, strict=True)]
    product, least = np.prod(w), min(w)
    return float(
        4 * len(w) * (product / least) ** 2 * top**2 * max(w)
        + 4 * len(w) * product / least**2 * top * np.sqrt(twin.scale(oracles.product(weights))) * max(w)
    )


@given(points())
def test_against_the_complex_step(drawn):
    p, twin, weights, rng = drawn
    H = lv.hessian(p, lv.Network(weights))
    for _ in range(3):
        direction = [rng.standard_normal(w.shape) for w in weights]
        expected = oracles.joined(oracles.hessian_product(weights, direction, twin.A, twin.Y, twin.n))
        found = H.matvec(oracles.joined(direction))
        norms = scale(twin, weights, direction)
        close("hessian: complex step", found, expected, norms=norms, dims=len(found))
        assert np.linalg.norm(found - expected) <= 1e-12 * max(norms, np.linalg.norm(expected))  # the figure asked for


@given(points())
def test_symmetry(drawn):
    p, twin, weights, rng = drawn
    H = lv.hessian(p, lv.Network(weights))
    u, v = rng.standard_normal((2, H.shape[0]))
    Hu, Hv = H.matvec(u), H.matvec(v)
    norms = scale(twin, weights, oracles.split_like(u, weights)) * np.linalg.norm(v)
    bounded("hessian: <Hu, v> = <u, Hv>", abs(Hu @ v - Hv @ u), norms=norms, dims=len(u))
    np.testing.assert_array_equal(H.rmatvec(u), Hu)
    np.testing.assert_array_equal(H.T.matvec(u), Hu)
    np.testing.assert_array_equal(H.H.matvec(u), Hu)


@given(points(), st.integers(0, 9))
def test_a_block_is_its_columns_one_by_one(drawn, columns):
    p, twin, weights, rng = drawn
    H = lv.hessian(p, lv.Network(weights))
    V = rng.standard_normal((H.shape[0], columns))
    block = H.matmat(V)
    assert block.shape == V.shape
    for k in range(columns):
        close(
            "hessian: block = one by one",
            block[:, k],
            H.matvec(V[:, k]),
            dims=len(V),
            norms=scale(twin, weights, oracles.split_like(V[:, k], weights)),
        )


@given(points(spectra=("flat", "mild", "low rank")))
def test_dense_matrix_and_linearity(drawn):
    p, twin, weights, rng = drawn
    H = lv.hessian(p, lv.Network(weights))
    dense = H.to_dense()
    assert dense.shape == H.shape == (sum(w.size for w in weights),) * 2
    u, v = rng.standard_normal((2, len(dense)))
    norms = scale(twin, weights, oracles.split_like(np.abs(u) + np.abs(v), weights))
    close("hessian: dense", dense @ u, H.matvec(u), norms=norms, dims=len(u))
    close("hessian: linear", H.matvec(2 * u - 3 * v), 2 * H.matvec(u) - 3 * H.matvec(v), norms=5 * norms, dims=len(u))
    np.testing.assert_array_equal(dense, dense.T)
    assert np.abs(dense - H.matmat(np.eye(len(dense)))).max() <= 1e-12 * norms


def swap_problem(rng, rank=2):
    m = lv.Moments.from_data(rng.standard_normal((20, 5)), rng.standard_normal((20, 4)))
    return lv.augmented(m, lv.groups.cyclic(5), rank=rank)


@pytest.mark.parametrize(
    "widths", [[196, 5, 9], [10, 100, 98], [100, 98, 7, 97], [30, 130, 101], [130, 120, 7, 101]], ids=str
)
def test_sizes_beyond_one_tile(widths, rng):
    """A bottleneck, a wide layer, and products of more than 96 rows and columns."""
    X, Y = rng.standard_normal((20, widths[0])), rng.standard_normal((20, widths[-1]))
    p = lv.unconstrained(lv.Moments.from_data(X, Y), rank=min(widths))
    weights = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    H = lv.hessian(p, lv.Network(weights))
    V = rng.standard_normal((H.shape[0], 3))
    expected = np.stack(
        [oracles.joined(oracles.hessian_product(weights, oracles.split_like(v, weights), X.T, Y.T)) for v in V.T],
        axis=1,
    )
    fits = 8 * H.shape[0] ** 2 <= 2**30
    for found in (H.matmat(V), *([H.to_dense() @ V] if fits else [])):
        assert np.linalg.norm(found - expected) <= 1e-12 * np.linalg.norm(expected)  # the figure asked for


def test_difference_quotients_have_slope_two(rng):
    p = swap_problem(rng)
    weights = [rng.standard_normal((2, 5)), rng.standard_normal((4, 2))]
    v = [rng.standard_normal(w.shape) for w in weights]
    exact = lv.hessian(p, lv.Network(weights)).matvec(oracles.joined(v))

    def gradient(h):
        W1, W2 = (w + h * d for w, d in zip(weights, v, strict=True))
        D = p.gradient(W2 @ W1)
        return oracles.joined([W2.T @ D, D @ W1.T])

    errors = [np.linalg.norm((gradient(h) - gradient(-h)) / (2 * h) - exact) for h in (1e-2, 5e-3)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


def test_one_layer_is_the_input_moment(rng):
    """H = 2 I ⊗ S' on W raveled row-major."""
    p = swap_problem(rng, rank=4)
    H = lv.hessian(p, lv.Network([rng.standard_normal((4, 5))])).to_dense()
    S = np.asarray(p.gradient(np.eye(4, 5)) - p.gradient(np.zeros((4, 5))))  # 2 S' in its first rows
    np.testing.assert_allclose(H[:5, :5][:4], S, atol=1e-14)
    np.testing.assert_allclose(H, np.kron(np.eye(4), H[:5, :5]), atol=1e-14)


def test_scipy_finds_its_spectrum(rng):
    p = swap_problem(rng)
    s = lv.solve(p)
    U, sigma, Vt = np.linalg.svd(s.weights, full_matrices=False)
    root = np.sqrt(sigma[:2])
    network = lv.Network([root[:, None] * Vt[:2], U[:, :2] * root])
    H = lv.hessian(p, network)
    dense = np.linalg.eigvalsh(H.to_dense())
    assert dense[0] > -1e-12 * dense[-1]  # a global minimum: no descent
    top = scipy.sparse.linalg.eigsh(H, k=3, which="LA", return_eigenvectors=False)
    np.testing.assert_allclose(np.sort(top), dense[-3:], rtol=1e-10)


def test_a_network_that_does_not_fit_is_refused(rng):
    p = swap_problem(rng)
    for widths in ([4, 2, 4], [5, 2, 3]):
        with pytest.raises(ValueError, match="network"):
            lv.hessian(p, lv.Network([np.ones((b, a)) for a, b in itertools.pairwise(widths)]))


def test_used_by_two_threads_at_once(rng):
    from concurrent.futures import ThreadPoolExecutor

    p = swap_problem(rng)
    H = lv.hessian(p, lv.Network([rng.standard_normal((2, 5)), rng.standard_normal((4, 2))]))
    V = rng.standard_normal((H.shape[0], 40))
    expected = [H.matvec(v) for v in V.T]
    with ThreadPoolExecutor(2) as pool:
        for found, alone in zip(pool.map(H.matvec, V.T), expected, strict=True):
            np.testing.assert_array_equal(found, alone)
