"""The evidence against the n x n Gaussian density, integration over the weights, and literal posterior means."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad
from scipy.linalg import helmert
from scipy.stats import multivariate_normal

import linvariance as lv
from linvariance.selection.evidence import Evidence, Scales, posterior_mean
from strategies import FULL_RANK, cases
from tolerances import bounded, close

logs = st.floats(-2, 2)
etas = st.sampled_from((0.0, 1e-6, 0.01, 0.3, 1.0))


def prior(case, eta, precision):
    """K (d0, d0)."""
    P = np.mean(case.group.elements, axis=0)
    return (P + eta * (np.eye(len(P)) - P)) / precision


def literal(case, eta, noise, precision):
    """Σ over outputs of log N(y; 0, s² + XᵀKX)."""
    A = noise * np.eye(case.n) + case.X.T @ prior(case, eta, precision) @ case.X
    return multivariate_normal(cov=(A + A.T) / 2).logpdf(np.atleast_2d(case.Y)).sum()


def package(case):
    rep = lv.groups.permutations(case.group.generators)
    return lv.Moments.from_data(*case.rows), rep


@given(cases(), etas, logs, logs)
def test_the_gaussian_of_all_targets(case, eta, log_noise, log_precision):
    noise, precision = math.exp(log_noise), math.exp(log_precision)
    data, rep = package(case)
    found = Evidence(data, rep).at(noise * precision, [eta], noise)[0]
    expected = literal(case, eta, noise, precision)
    condition = 1 + np.linalg.norm(case.X, 2) ** 2 / (noise * precision)
    scale = abs(expected) + case.n * case.outputs + np.sum(case.Y**2) / noise
    close("log evidence", found, expected, norms=scale, dims=case.dims, condition=condition)


@given(cases(), etas, logs, logs)
def test_given_scales_are_used_as_they_are(case, eta, log_noise, log_precision):
    noise, precision = math.exp(log_noise), math.exp(log_precision)
    (level,) = Evidence(*package(case)).best([eta], Scales(noise, precision))
    assert level.noise == noise
    assert level.precision == pytest.approx(precision, rel=1e-14)
    assert level.log_evidence == Evidence(*package(case)).at(level.beta, [eta], noise)[0]


RNG = np.random.default_rng(1)
X3, Y3, S2, ALPHA = RNG.standard_normal((3, 2)), RNG.standard_normal(3), 0.7, 0.5
EVEN, ODD = np.array([1.0, 1.0]) / math.sqrt(2), np.array([1.0, -1.0]) / math.sqrt(2)


def joint(u, v, eta):
    """N(y; Xw, s²)·N(w; 0, K) at w = u·(1, 1)/√2 + v·(1, -1)/√2, of two inputs that may be swapped."""
    residual = Y3 - X3 @ (u * EVEN + v * ODD)
    value = math.exp(-residual @ residual / (2 * S2) - ALPHA * u * u / 2) / (2 * math.pi * S2) ** 1.5
    value *= math.sqrt(ALPHA / (2 * math.pi))
    return value * math.exp(-ALPHA * v * v / (2 * eta)) * math.sqrt(ALPHA / (2 * math.pi * eta)) if eta else value


def evidence_of_three(eta):
    return Evidence(lv.Moments.from_data(X3, Y3), lv.groups.symmetric(2)).at(S2 * ALPHA, [eta], S2)[0]


@pytest.mark.parametrize("eta", [0.2, 1.0])
def test_integration_over_the_weights(eta):
    ends = (-12, 12)
    integral, error = dblquad(lambda u, v: joint(u, v, eta), *ends, *ends, epsabs=0, epsrel=1e-10)
    assert error < 1e-9 * integral
    assert abs(math.log(integral) - evidence_of_three(eta)) < 1e-8


def test_integration_over_invariant_weights():
    integral = mpmath.quad(lambda u: joint(float(u), 0.0, 0), [-12, -4, -1, 1, 4, 12])
    assert abs(float(mpmath.log(integral)) - evidence_of_three(0.0)) < 1e-8


@given(cases(targets=("noise", "linear")), st.sampled_from((0.0, 0.1, 1.0)))
def test_the_profile_is_the_largest_evidence(case, eta):
    """No other noise and prior on a grid are more likely; at given β the noise is that of the closed form."""
    data, rep = package(case)
    evidence = Evidence(data, rep)
    (best,) = evidence.best([eta], Scales())
    betas = best.beta * np.geomspace(1e-3, 1e3, 13)
    grid = [evidence.at(b, [eta], best.noise * t)[0] for b in betas for t in (0.5, 0.99, 1.0, 1.01, 2.0)]
    unit = abs(best.log_evidence) + case.n * case.outputs
    bounded("profiled evidence", max(0.0, max(grid) - best.log_evidence), norms=unit, dims=case.dims, condition=1e6)


@given(cases(spectra=FULL_RANK, targets=("noise", "linear")))
def test_known_noise_or_prior_alone(case):
    data, rep = package(case)
    evidence = Evidence(data, rep)
    (free,) = evidence.best([0.0], Scales())
    for scales in (Scales(noise=free.noise), Scales(precision=free.precision)):
        (level,) = evidence.best([0.0], scales)
        assert level.log_evidence <= free.log_evidence + 1e-6 * (abs(free.log_evidence) + case.n)
        assert scales.noise in (None, level.noise)
        assert scales.precision is None or math.isclose(level.precision, scales.precision, rel_tol=1e-12)


@given(cases(spectra=FULL_RANK), st.sampled_from((0.0, 1e-3, 0.3, 1.0)), logs)
def test_the_posterior_mean_is_the_optimum_of_a_problem(case, eta, log_beta):
    """Y A⁻¹ XᵀK, with s²A⁻¹ of the n x n Gaussian; and Q/n is that problem's loss."""
    beta = math.exp(log_beta)
    data, rep = package(case)
    problem = posterior_mean(data, rep, eta, beta)
    K = prior(case, eta, 1.0)
    A = beta * np.eye(case.n) + case.X.T @ K @ case.X
    solution = lv.solve(problem)
    expected = case.Y @ np.linalg.solve(A, case.X.T @ K)
    condition = np.linalg.cond(A) * (1 + 1 / (eta or 1))
    scale = np.linalg.norm(case.Y) * max(1, np.linalg.norm(case.X)) / beta
    close("posterior mean", solution.weights, expected, norms=scale, dims=case.dims, condition=condition)
    squares = Evidence(data, rep).terms(beta, np.array([eta]))[0][0]
    close("its loss", solution.loss, squares / case.n, norms=case.c, dims=case.dims, condition=condition)


@given(cases(targets=("noise", "linear")))
def test_softness_reaches_from_hard_to_none(case):
    data, rep = package(case)
    evidence, none = Evidence(data, rep), Evidence(data, lv.groups.trivial(rep.dim))
    hard, nearly, soft = evidence.at(1.0, [0.0, 1e-13, 1.0])
    unit = abs(hard) + abs(soft) + case.n * case.outputs
    assert abs(hard - nearly) <= 1e-9 * unit
    close("η = 1 is no symmetry", soft, none.at(1.0, [0.0])[0], norms=unit, dims=case.dims, condition=1e3)


def test_splits_of_the_data_do_not_matter():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((30, 4)), rng.standard_normal((30, 2))
    whole = Evidence(lv.Moments.from_data(X, Y), lv.groups.cyclic(4)).at(1.0, [0.2])
    parts = lv.Moments.from_data(X[20:], Y[20:]) + lv.Moments.from_data(X[:20], Y[:20])
    np.testing.assert_allclose(Evidence(parts, lv.groups.cyclic(4)).at(1.0, [0.2]), whole, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_scales_cancel(scale):
    """Evidence changes by the density's unit alone, n·dL·log of the scale of Y."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((30, 4)), rng.standard_normal((30, 2))
    (one,) = Evidence(lv.Moments.from_data(X, Y), lv.groups.cyclic(4)).best([0.0], Scales())
    (other,) = Evidence(lv.Moments.from_data(X * scale, Y), lv.groups.cyclic(4)).best([0.0], Scales())
    assert other.log_evidence == pytest.approx(one.log_evidence, rel=1e-10)
    (other,) = Evidence(lv.Moments.from_data(X, Y * scale), lv.groups.cyclic(4)).best([0.0], Scales())
    assert other.log_evidence == pytest.approx(one.log_evidence - 60 * math.log(scale), rel=1e-10)


@given(cases(spectra=FULL_RANK, targets=("noise", "linear")).filter(lambda case: case.n > 1), etas, logs)
def test_centred_data_are_their_contrasts(case, eta, log_beta):
    """An orthonormal basis of what is orthogonal to the mean makes n - 1 samples without an intercept."""
    rows = [helmert(case.n) @ part for part in case.rows]
    data, rep = package(case)
    beta, size = math.exp(log_beta), (case.n - 1) * case.outputs
    found, expected = (Evidence(m, rep) for m in (data.centered(), lv.Moments.from_data(*rows)))
    one, other = (evidence.terms(beta, np.array([eta])) for evidence in (found, expected))
    close("squares of contrasts", one[0], other[0], norms=np.sum(case.Y**2), dims=case.dims, condition=1 / beta + 1)
    close("determinant of contrasts", one[1], other[1], norms=size, dims=case.dims, condition=1 / beta + 1)
    unit = np.sum(rows[1] ** 2) + size
    found, expected = (evidence.at(beta, [eta], 1.0)[0] for evidence in (found, expected))
    close("evidence of contrasts", found, expected, norms=unit, dims=case.dims, condition=1 / beta + 1)


def test_few_centred_samples_do_not_pass_for_noiseless():
    """Fewer samples than inputs: with the mean counted as a sample, no noise would be infinitely likely."""
    rng = np.random.default_rng(0)
    X, rep = rng.standard_normal((20, 40)), lv.groups.channels(lv.groups.symmetric(10), 4)
    Y = rep.project(rng.standard_normal((5, 40))) @ X.T
    Y += np.linalg.norm(Y) / 10 * rng.standard_normal(Y.shape)
    data = lv.Moments.from_data(X + 3, Y.T + 5).centered()
    found = lv.select_symmetry(data, candidates={"any order": rep})
    assert found.best.name == "any order"
    assert found["none"].noise > 1e-6 * np.mean(Y**2)


def test_one_centred_sample_weighs_nothing():
    with pytest.raises(ValueError, match="X has 1 samples, centred"):
        Evidence(lv.Moments.from_data([[1.0, 2.0]], [1.0]).centered(), lv.groups.symmetric(2))
