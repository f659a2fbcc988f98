"""The one home of tolerances: errors in units of norms · max(dims) · eps, gated at 30 as in LAPACK's own tests.

Three kinds of claims (never mixed):
- backward: `norms` are those of the residual's terms, no condition number;
- objective: `norms` is the scale of the loss, ‖Y‖²/n;
- forward: `norms` is that of the answer, `condition` what perturbation theory allows.
"""

import os

import numpy as np

GATE = 30.0
EPS = float(np.finfo(np.float64).eps)

worst: dict[str, tuple[float, str]] = {}
"""claim -> (largest ratio of this run, the test that produced it); printed by conftest at the end of the run."""


def close(claim, actual, expected, *, norms, dims, condition=1.0, gate=GATE):
    """Assert ‖actual - expected‖_F <= gate · norms · max(dims) · eps · condition, and remember the ratio."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{claim}: shape {actual.shape}, expected {expected.shape}"
    # Scaled first: the squares of entries near 1e±300 leave the range of a double.
    scale = float(norms) or 1.0
    difference = np.abs(actual / scale - expected / scale)
    return bounded(
        claim,
        float(np.linalg.norm(difference)),
        norms=1.0 if norms else 0.0,
        dims=dims,
        condition=condition,
        gate=gate,
        where=_worst_entry(difference, actual, expected),
    )


def bounded(claim, error, *, norms, dims, condition=1.0, gate=GATE, where=""):
    """Assert error <= gate · norms · max(dims) · eps · condition (an exact 0 is always accepted)."""
    unit = float(norms) * max(1, *np.atleast_1d(dims)) * EPS * float(condition)
    ratio = 0.0 if error == 0 else float(np.divide(error, unit)) if unit > 0 else np.inf
    remember(claim, ratio)
    assert ratio < gate, f"{claim}: ratio {ratio:.3g} >= {gate:g} (error {error:.3g}, unit {unit:.3g}){where}"
    return ratio


def remember(claim, ratio):
    if not ratio <= worst.get(claim, (-1.0, ""))[0]:
        worst[claim] = (ratio, os.environ.get("PYTEST_CURRENT_TEST", "").split(" ")[0])


def _worst_entry(difference, actual, expected):
    if difference.size == 0:
        return ""
    at = np.unravel_index(np.argmax(np.where(np.isnan(difference), np.inf, difference)), difference.shape)
    return f"; worst entry {tuple(map(int, at))}: {actual[at]!r}, expected {expected[at]!r}"
