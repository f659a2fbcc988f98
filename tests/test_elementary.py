"""Activations and losses in the kernels against mpmath: values within 4 or 6 ulp, slopes 6; the same bits anywhere."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linvariance import _core

ULPS = 4
GELU_ULPS = 6  # its exponential, a quotient, a polynomial of 23 terms and three products
SLOPE_ULPS, CURVATURE_ULPS = 6, 8  # of 10^6 arguments the worst had 5.2 and 7.6
KINDS = (np.float64, np.float32)
SMOOTH = ("swish", "tanh", "gelu")
kinds = pytest.mark.parametrize("kind", KINDS, ids=("float64", "float32"))
mp = mpmath.MPContext()
mp.prec = 160


def arguments(kind, count, seed=0):
    """All magnitudes, both signs: subnormal, tiny, of order 1, around the thresholds of the reduction, huge."""
    info, rng = np.finfo(kind), np.random.default_rng(seed)
    lowest, highest = np.log(float(info.smallest_subnormal)), np.log(float(info.max)) - 1e-3
    scattered = np.exp(rng.uniform(lowest, highest, count // 4))
    usual = rng.uniform(0.0, 3.0, count // 4)
    wide = rng.uniform(0.0, 1.1 * -lowest, count // 4)
    halves = np.log(2.0) / 4 * np.arange(1, count // 8)  # where k changes, for tanh and for swish
    edges = np.concatenate([halves, np.nextafter(halves.astype(kind), kind(0)), np.geomspace(1e-3, 1.0, 20)])
    extreme = [
        0.0,
        info.smallest_subnormal,
        info.tiny,
        info.eps,
        info.max,
        -lowest,
        -lowest + 1,
        88.8,
        104,
        115,
        745,
        760,
    ]
    x = np.concatenate([scattered, usual, wide, edges, extreme]).astype(kind)
    return np.concatenate([x, -x])


def exact(name, x):
    """φ, φ' and φ'', and the sizes of what is added up in them: those of swish and gelu have zeros."""
    if name == "tanh":
        t, u = mp.tanh(x), mp.exp(-2 * abs(x))
        slope = 4 * u / (1 + u) ** 2
        return (t, slope, -2 * t * slope), (abs(t), slope, abs(2 * t * slope))
    if name == "gelu":
        near = max(min(x, mp.mpf(1000)), mp.mpf(-1000))  # beyond 0 and 1 for any float, but mpmath gives up
        below, density = mp.erfc(-near / mp.sqrt(2)) / 2, mp.npdf(near)
        values = x * below, below + x * density, density * (2 - x * x)
        return values, (abs(x) * below, below + abs(x) * density, density * (2 + x * x))
    s, o = 1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x))
    tilt = x * mp.tanh(x / 2)
    values = x * s, s * (1 + x * o), s * o * (2 - tilt)
    return values, (abs(x) * s, s * (1 + abs(x) * o), s * o * (2 + tilt))


def ulps(found, value, size, kind):
    """|found - value| in units in the last place of `size`, which may be subnormal."""
    info = np.finfo(kind)
    exponent = max(mp.frexp(size)[1] - info.nmant - 1, int(np.log2(float(info.smallest_subnormal)))) if size else -1074
    return float(mp.ldexp(abs(mp.mpf(float(found)) - value), -int(exponent)))


@kinds
@pytest.mark.parametrize("name", SMOOTH)
def test_values_slopes_and_curvatures_are_right_to_a_few_ulps(name, kind):
    x = arguments(kind, 5400)
    found = [one[0] for one in _core.activation(name, x[None])]
    worst = [(0.0, 0.0)] * 3
    for i, argument in enumerate(x):
        values, sizes = exact(name, mp.mpf(float(argument)))
        for k in range(3):
            worst[k] = max(worst[k], (ulps(found[k][i], values[k], sizes[k], kind), float(argument)))
    gates = GELU_ULPS if name == "gelu" else ULPS, SLOPE_ULPS, CURVATURE_ULPS
    assert all(error <= gate for (error, _), gate in zip(worst, gates, strict=True)), worst
    assert x.size >= 10_000


@kinds
def test_limits_signs_and_not_a_number(kind):
    x = np.array([[0.0, -0.0, np.inf, -np.inf, np.nan, np.finfo(kind).max, -np.finfo(kind).max]], dtype=kind)
    ends = {
        "identity": (x[0], np.ones(7), np.zeros(7)),
        "relu": ([0.0, -0.0, np.inf, 0.0, np.nan, x[0, 5], 0.0], [0, 0, 1, 0, 0, 1, 0], np.zeros(7)),
        "leaky_relu": (
            np.where(x[0] > 0, x[0], kind(0.01) * x[0]),
            np.where(x[0] > 0, kind(1), kind(0.01)),
            np.zeros(7),
        ),
        "tanh": ([0.0, -0.0, 1, -1, np.nan, 1, -1], [1, 1, 0, 0, np.nan, 0, 0], [0, 0, 0, 0, np.nan, 0, 0]),
        "swish": (
            [0.0, -0.0, np.inf, 0, np.nan, x[0, 5], 0],
            [0.5, 0.5, 1, 0, np.nan, 1, 0],
            [0.5, 0.5, 0, 0, np.nan, 0, 0],
        ),
        "gelu": (
            [0.0, -0.0, np.inf, 0, np.nan, x[0, 5], 0],
            [0.5, 0.5, 1, 0, np.nan, 1, 0],
            [np.sqrt(2 / np.pi), np.sqrt(2 / np.pi), 0, 0, np.nan, 0, 0],
        ),
    }
    for name, wanted in ends.items():
        found = _core.activation(name, x)
        for one, limit in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one[0], np.asarray(limit, dtype=kind), err_msg=name)
        np.testing.assert_array_equal(np.signbit(found[0][0, :2]), [False, True], err_msg=name)


@given(st.integers(1, 70), st.sampled_from(("relu", "leaky_relu", *SMOOTH)), st.sampled_from(KINDS), st.integers(0, 99))
def test_an_entry_has_the_same_bits_wherever_it_stands(size, name, kind, seed):
    x = np.random.default_rng(seed).standard_normal((1, size)).astype(kind) * 3
    whole = _core.activation(name, x)
    for start in {0, 1, size // 3, size - 1} & set(range(size)):
        for found, part in zip(whole, _core.activation(name, np.ascontiguousarray(x[:, start:])), strict=True):
            np.testing.assert_array_equal(found[:, start:], part)


def outputs(kind, rows, columns, seed):
    rng = np.random.default_rng(seed)
    spread = np.array([0.1, 1.0, 10.0, 100.0, 2000.0])[rng.integers(5, size=columns)]
    return (rng.standard_normal((rows, columns)) * spread).astype(kind)


@kinds
def test_probabilities_are_right_to_four_ulps(kind):
    O = outputs(kind, 3, 3400, 0)
    nothing = np.zeros_like(O)  # of targets: the gradient is the probabilities
    found = _core.loss("cross_entropy", O, nothing)[1]
    worst = 0.0
    for i in range(O.shape[1]):
        # the differences to the largest as the format rounds them: they are those of the column's logarithms
        shifted = [mp.exp(mp.mpf(float(o))) for o in O[:, i] - O[:, i].max()]
        total = mp.fsum(shifted)
        worst = max(worst, *(ulps(f, s / total, s / total, kind) for f, s in zip(found[:, i], shifted, strict=True)))
    assert worst <= ULPS


@kinds
def test_the_loss_of_a_column_is_right_to_four_ulps(kind):
    O = outputs(kind, 4, 600, 1)
    labels = np.random.default_rng(2).integers(4, size=600)
    for i in range(600):
        column = np.ascontiguousarray(O[:, i : i + 1])
        target = np.eye(4, dtype=kind)[:, labels[i] : labels[i] + 1].copy()
        shifted = [mp.mpf(float(o)) for o in O[:, i] - O[:, i].max()]
        top = mp.log(mp.fsum(map(mp.exp, shifted)))
        sizes = max(top, -shifted[labels[i]], mp.mpf(1))  # the logarithm's argument is rounded near 1
        assert ulps(_core.loss("cross_entropy", column, target)[0], top - shifted[labels[i]], sizes, kind) <= ULPS


@kinds
def test_an_infinite_or_missing_output_is_not_hidden(kind):
    O, target = np.zeros((3, 20), dtype=kind), np.zeros((3, 20), dtype=kind)
    target[0] = 1
    O[1, 7], O[2, 11], O[0, 19] = np.nan, np.inf, np.nan
    loss, gradient = _core.loss("cross_entropy", O, target)
    assert np.isnan(loss)
    np.testing.assert_array_equal(np.isnan(gradient).any(0), np.isin(np.arange(20), (7, 11, 19)))


@given(st.integers(1, 12), st.integers(1, 40), st.sampled_from(("squared", "cross_entropy")), st.integers(0, 99))
def test_a_column_has_the_same_bits_in_any_company(rows, columns, name, seed):
    O = outputs(np.float64, rows, columns, seed)
    target = np.eye(rows)[:, np.random.default_rng(seed).integers(rows, size=columns)].copy()
    loss, gradient = _core.loss(name, O, target)
    alone = [_core.loss(name, O[:, [i]].copy(), target[:, [i]].copy()) for i in range(columns)]
    np.testing.assert_array_equal(gradient, np.concatenate([one[1] for one in alone], axis=1))
    np.testing.assert_allclose(loss, sum(one[0] for one in alone), rtol=1e-13)


@kinds
def test_the_squared_loss_is_that_of_numpy(kind):
    O, target = outputs(kind, 5, 37, 3), outputs(kind, 5, 37, 4)
    loss, gradient = _core.loss("squared", O, target)
    np.testing.assert_array_equal(gradient, 2 * (O - target))
    np.testing.assert_allclose(loss, np.sum((O - target).astype(np.float64) ** 2), rtol=1e-14)
