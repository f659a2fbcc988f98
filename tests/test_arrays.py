"""The gate: what passes it, unchanged and uncopied; what it refuses is the table of bad_inputs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from linvariance import arrays

REAL = (np.bool_, np.int8, np.uint16, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64)


@given(st.sampled_from(REAL), hnp.array_shapes(min_dims=2, max_dims=2, max_side=6))
def test_finite_real_arrays_pass_as_they_are(dtype, shape):
    array = np.ones(shape, dtype)
    assert arrays.reals(array, "X") is array
    converted = arrays.matrix(array, "X")
    assert converted.dtype == np.float64
    assert converted.flags.c_contiguous
    np.testing.assert_array_equal(converted, array)


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)))
def test_exactly_the_finite_arrays_pass(array):
    """Whatever the entries: subnormal, huge, signed zeros pass; NaN and infinities are refused with their place."""
    if np.isfinite(array).all():
        assert arrays.reals(array, "X") is array
    else:
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        with pytest.raises(ValueError, match=rf"X\[{where[0]}, {where[1]}\]"):
            arrays.reals(array, "X")


@pytest.mark.parametrize("place", [(0, 0), (399_999, 5), (200_000, 3)])
def test_a_single_nan_is_found_wherever_it_lies(place):
    X = np.ones((400_000, 6))
    X[place] = np.nan
    with pytest.raises(ValueError, match=rf"X\[{place[0]}, {place[1]}\]"):
        arrays.reals(X, "X")


@given(st.integers(1, 10**7), st.integers(1, 10**4), st.integers(1, 1000))
def test_row_slices_cover_every_row_once(rows, columns, at_least):
    slices = list(arrays.row_slices(rows, columns, at_least=max(at_least, rows // 50 + 1)))
    assert slices[0].start == 0
    assert slices[-1].stop == rows
    assert all(a.stop == b.start for a, b in itertools.pairwise(slices))


@pytest.mark.parametrize("value", [1, np.int8(3), np.uint64(7), np.array(5)])
def test_integers_of_any_width_are_integers(value):
    assert arrays.integer(value, "rank") == int(value)
    assert type(arrays.integer(value, "rank")) is int


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(2), np.int64(3), np.float64(1e-300), 1e300])
def test_reals_of_any_width_are_floats(value):
    assert arrays.real(value, "strength") == float(value)
    assert type(arrays.real(value, "strength")) is float
