"""The nuclear norm in place of a rank bound: certificates on literal data, a plain twin, a recorded convex solver."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
import methods
import oracles
import zoo
from linvariance.optima import nuclear
from strategies import FULL_RANK, WELL_CONDITIONED, cases, matrix, orthonormal, seeds
from tolerances import EPS, bounded, close

# A descent to rounding: its gaps stay below this many units of the loss times dimensions times eps.
DESCENT = 300.0
methods_ = st.sampled_from(methods.METHODS)
shares = st.sampled_from((1e-8, 1e-4, 0.02, 0.2, 0.7, 0.999))


def nuclear(W):
    return float(np.linalg.svd(W, compute_uv=False).sum())


def posed(case, method, share):
    """A problem and a strength, as a share of the one from which on the optimum is 0."""
    p = methods.problem(case, method)
    return p, share * 2 * np.linalg.norm(p.quadratic.cross, 2)


def certify(claim, loss, gradient, W, strength, scale, dims):
    """Of a convex f + strength·‖W‖_*: the gradient is at most `strength` large, and opposes W wherever W is not 0."""
    G = gradient(W)
    bounded(f"{claim}: slope", max(0.0, np.linalg.norm(G, 2) - strength) * nuclear(W), norms=scale, dims=dims)
    return bounded(f"{claim}: alignment", abs(strength * nuclear(W) + np.sum(G * W)), norms=scale, dims=dims)


@given(cases(), methods_, shares)
@settings(max_examples=150)
def test_optimal_on_literal_data(case, method, share):
    """Whatever the spectrum of the inputs, on the augmented set of all copies too: V and W agree on their norms."""
    p, strength = posed(case, method, share)
    s = lv.nuclear_norm(p, strength)
    twin = methods.equivalent(case, method, B=p.representation.invariant_basis())
    V = p.restrict(s.weights)
    scale = DESCENT / 30 * (twin.scale(V) + strength * nuclear(V))
    certify("nuclear norm", twin.loss, twin.gradient, V, strength, scale, case.dims)
    close("nuclear: loss", s.loss, twin.loss(V), norms=twin.scale(V), dims=case.dims)
    close("nuclear: norm", s.norm, nuclear(s.weights), norms=s.norm, dims=case.dims)
    close("nuclear: lift", p.lift(V), s.weights, norms=np.linalg.norm(s.weights), dims=case.dims)
    bounded("nuclear: duality gap", s.duality_gap, norms=DESCENT / 30 * case.c, dims=case.dims)
    assert s.rank <= min(p.outputs, p.dim)
    assert s.objective == s.loss + strength * s.norm
