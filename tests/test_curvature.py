"""The Hessian's spectrum: its ends, its density, the sharpness along a run, against LAPACK on the dense matrix."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import chebyshev

import linvariance as lv
from linvariance import curvature
from test_hessians import points
from tolerances import bounded, close

LANCZOS = curvature.spectrum.RESIDUAL / np.finfo(float).eps  # its stopping rule, in eps


def large_hessian(rng, at="random"):
    """196-5-9 as on small images, with inputs of condition 1e3: 1025 parameters, beyond the dense branch."""
    X = rng.standard_normal((300, 196)) * np.geomspace(1, 1e-3, 196)
    p = lv.augmented(lv.Moments.from_data(X, np.eye(9)[rng.integers(0, 9, 300)]), lv.groups.image_rotations(14), rank=5)
    if at == "random":
        return lv.hessian(p, lv.Network([rng.standard_normal((5, 196)) / 14, rng.standard_normal((9, 5))]))
    return lv.hessian(p, lv.network_at(lv.critical_points(p)[at], (196, 5, 9)))


@given(points(spectra=("flat", "mild", "low rank")), st.data())
def test_ends_are_those_of_lapack(drawn, data):
    p, _, weights, _ = drawn
    H = lv.hessian(p, lv.Network(weights))
    dense = H.to_dense()
    values = np.linalg.eigvalsh(dense)
    k = data.draw(st.integers(1, len(values)))
    ends = curvature.extremes(H, k)
    size = np.abs(values).max()
    close("extremes: lowest", ends.lowest, values[:k], norms=size, dims=len(values))
    close("extremes: highest", ends.highest, values[::-1][:k], norms=size, dims=len(values))
    for found, V in ((ends.lowest, ends.lowest_vectors), (ends.highest, ends.highest_vectors)):
        close("extremes: H V = V Λ", dense @ V, V * found, norms=size * np.sqrt(k), dims=len(values))
        close("extremes: VᵀV = I", V.T @ V, np.eye(k), norms=np.sqrt(k), dims=len(values))


@pytest.mark.parametrize("at", ["random", 0, 1, 125])
def test_ends_beyond_the_dense_branch(rng, at, monkeypatch):
    """At saddles the lowest eigenvalue is close to 0, at minima it is 0 many times over."""
    monkeypatch.setattr(curvature.spectrum, "EXACT", 400)
    H = large_hessian(rng, at)
    values = np.linalg.eigvalsh(H.to_dense())
    ends = curvature.extremes(H, 3)
    width = values[-1] - values[0]
    for found, V in ((ends.lowest, ends.lowest_vectors), (ends.highest, ends.highest_vectors)):
        close("Lanczos: H V = V Λ", H @ V, V * found, norms=width, dims=1, condition=LANCZOS)
    bounded("Lanczos: lowest", abs(ends.lowest[0] - values[0]), norms=width, dims=1, condition=LANCZOS)
    bounded("Lanczos: highest", abs(ends.highest[0] - values[-1]), norms=width, dims=1, condition=LANCZOS)
    again = curvature.extremes(H, 3)
    np.testing.assert_array_equal(again.lowest_vectors, ends.lowest_vectors)


@pytest.mark.parametrize("exact", [3000, 400])
def test_ends_of_a_zero_hessian_and_of_a_multiple_of_the_identity(exact, monkeypatch):
    p = lv.unconstrained(lv.Moments.from_data(np.eye(30), np.eye(30)[:, :20]), rank=20)
    flat = lv.hessian(p, lv.Network([np.zeros((20, 30)), np.zeros((20, 20)), np.zeros((20, 20))]))
    round_ = lv.hessian(p, lv.Network([np.ones((20, 30))]))  # one layer: 2 I ⊗ S' = I/15
    for H, value in ((flat, 0.0), (round_, 1 / 15)):
        with monkeypatch.context() as patch:
            patch.setattr(curvature.spectrum, "EXACT", exact)
            ends = curvature.extremes(H)
            sampled = curvature.sampled_density(H, probes=2, rng=np.random.default_rng(0), degree=20)
        assert sampled.grid[sampled.density.argmax()] == pytest.approx(value, abs=sampled.half / 20)
        np.testing.assert_allclose([ends.lowest[0], ends.highest[0]], value, atol=1e-12)
        density = curvature.spectral_density(H)
        np.testing.assert_allclose(density.grid[density.density.argmax()], value, atol=density.half / 200)


def power_means(density, powers):
    """Mean of λ^k from the moments: x^k in Chebyshev's polynomials of (x - center)/half."""
    line = np.polynomial.Polynomial([density.center, density.half])
    return [float(chebyshev.poly2cheb((line**k).coef) @ density.moments[: k + 1]) for k in powers]


@given(points(spectra=("flat", "mild", "low rank")), st.integers(1, 40))
def test_density_of_all_eigenvalues(drawn, degree):
    p, _, weights, _ = drawn
    H = lv.hessian(p, lv.Network(weights))
    dense = H.to_dense()
    found = curvature.spectral_density(H, degree)
    assert (found.density >= 0).all()
    assert not found.errors.any()
    # Gauss and Chebyshev: exact for a polynomial over √(1 - t²), at its own nodes.
    angle = np.pi * (np.arange(len(found.grid))[::-1] + 0.5) / len(found.grid)
    np.testing.assert_allclose(found.grid, found.center + found.half * np.cos(angle), rtol=1e-13)
    integral = np.pi / len(angle) * np.sum(found.density * found.half * np.sin(angle))
    assert integral == pytest.approx(1, rel=1e-12)  # sums of 164 terms at most
    size = np.abs(np.linalg.eigvalsh(dense)).max() + found.half
    for k in range(1, min(degree, 3) + 1):
        expected = np.trace(np.linalg.matrix_power(dense, k)) / len(dense)
        close(
            "density: tr Hᵏ/N", power_means(found, [k])[0], expected, norms=size**k, dims=len(dense), condition=10 * k
        )


def test_jackson_kernel_is_the_published_one(rng):
    """A single eigenvalue at the center becomes a bump of standard deviation π·half/degree, to leading order."""
    found = curvature.spectral_density(lv.hessian(_identity_problem(), lv.Network([np.eye(3)])), 400)
    weights = np.gradient(found.grid) * found.density
    spread = np.sqrt(np.sum(weights * (found.grid - found.center) ** 2) / weights.sum())
    assert spread == pytest.approx(np.pi * found.half / 400, rel=0.05)


def _identity_problem():
    return lv.unconstrained(lv.Moments.from_data(np.sqrt(3) * np.eye(3), np.eye(3)), rank=3)


@pytest.mark.parametrize("at", ["random", 0])
def test_sampled_density_is_the_density_within_its_errors(rng, at, monkeypatch):
    H = large_hessian(rng, at)
    exact = curvature.spectral_density(H, 100)
    sampled = curvature.sampled_density(H, probes=64, rng=np.random.default_rng(1), degree=100)
    # 100 means of 64 draws, seed fixed: Student's t beyond 5 has probability 5e-6 each.
    assert np.all(np.abs(sampled.moments - exact.moments)[1:] <= 5 * sampled.errors[1:] + 1e-9)
    dense = H.to_dense()
    for k in (1, 2, 3):
        mean, expected = power_means(sampled, [k])[0], np.trace(np.linalg.matrix_power(dense, k)) / len(dense)
        # The k-th power is a polynomial with coefficients of at most (|center| + half)^k in the moments.
        allowed = 5 * (abs(sampled.center) + sampled.half) ** k * sampled.errors[: k + 1].sum()
        assert abs(mean - expected) <= allowed
    again = curvature.sampled_density(H, probes=64, rng=np.random.default_rng(1), degree=100)
    np.testing.assert_array_equal(again.density, sampled.density)
    monkeypatch.setattr(curvature.spectrum, "EXACT", 400)  # Lanczos finds the interval
    roughly = curvature.sampled_density(H, probes=64, rng=np.random.default_rng(1), degree=100)
    assert [roughly.center, roughly.half] == pytest.approx([exact.center, exact.half], abs=0.01 * exact.half)
    assert np.all(np.abs(roughly.moments) <= 1)  # nothing outside of the interval, where T_k grows like a power


def test_the_recursion_is_chebyshevs():
    """zᵀ T_k z of a diagonal matrix, by the definition; the degree may be even or odd."""
    rng = np.random.default_rng(3)
    t, Z = rng.uniform(-1, 1, 30), rng.choice([-1.0, 1.0], (30, 4))
    for degree in (1, 2, 7, 8):
        found = curvature.spectrum._chebyshev_samples(lambda V: t[:, None] * V, Z, degree)
        expected = [np.cos(k * np.arccos(t)).mean() for k in range(degree + 1)]
        np.testing.assert_allclose(found, np.tile(np.array(expected)[:, None], 4), atol=1e-13)


@pytest.mark.parametrize("widths", [(9, 4, 6), (196, 5, 9)], ids=str)
def test_sharpness_along_a_run(rng, widths):
    X, Y = rng.standard_normal((50, widths[0])), rng.standard_normal((50, widths[-1]))
    p = lv.unconstrained(lv.Moments.from_data(X, Y), rank=min(widths))
    run = [lv.Network([rng.standard_normal((b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)])]
    for _ in range(4):
        run.append(lv.train(p, widths, epochs=20, init=lv.init.given(run[-1])).network)
    found = curvature.sharpness(p, run)
    expected = [np.linalg.eigvalsh(lv.hessian(p, network).to_dense())[-1] for network in run]
    close("sharpness", found, expected, norms=np.linalg.norm(expected), dims=1, condition=LANCZOS)


def test_sharpness_finds_a_vector_orthogonal_to_the_last_one():
    """One layer, H = 2 I ⊗ S': the same for every network; then a problem whose top direction moves elsewhere."""
    X = np.diag(np.linspace(2.0, 1.0, 450))
    p = lv.unconstrained(lv.Moments.from_data(X, np.ones((450, 1))), rank=1)
    found = curvature.sharpness(p, [lv.Network([np.zeros((1, 450))])] * 2)
    np.testing.assert_allclose(found, 2 * 4 / 450, rtol=1e-12)
    two = lv.unconstrained(lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.zeros((2, 250))), rank=2)
    first = lv.Network([np.diag([2.0, 1.0]), np.ones((250, 2)) * [0.0, 1e-3]])
    second = lv.Network([np.diag([1.0, 2.0]), np.ones((250, 2)) * [1e-3, 0.0]])  # top vectors in other columns of W_2
    for order in ([first, second], [second, first]):
        alone = [np.linalg.eigvalsh(lv.hessian(two, network).to_dense())[-1] for network in order]
        np.testing.assert_allclose(curvature.sharpness(two, order), alone, rtol=1e-10)


@pytest.mark.parametrize(("factor", "stable"), [(1.8, True), (2.2, False)])
def test_gradient_descent_is_stable_below_two_over_the_sharpness(rng, factor, stable):
    p = lv.unconstrained(lv.Moments.from_data(rng.standard_normal((40, 5)), rng.standard_normal((40, 3))), rank=2)
    network = lv.network_at(lv.critical_points(p)[0], (5, 2, 3))
    lr = factor / curvature.sharpness(p, [network])[0]
    nudged = lv.Network([W + 1e-6 * rng.standard_normal(W.shape) for W in network.weights])
    losses = lv.train(p, optimizer=lv.GradientDescent(lr), epochs=200, init=lv.init.given(nudged)).loss
    assert (losses[-1] < losses[0]) == stable
