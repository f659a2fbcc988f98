"""The gate: what passes it, unchanged and uncopied; what it refuses is the table of bad_inputs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import linvariance as lv
from bad_inputs.valid import PROBLEM, REP
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


# ----------------------------------------------------------------------------------------------- arrays of others


class OnCPU:
    """Speaks DLPack and nothing else."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OnGPU:
    """As a CUDA tensor is: it has a device, and refuses to become an array."""

    device, requires_grad = "cuda:0", False

    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


class OnGPUByDLPack:
    """As a CuPy-like array without `__array__` is."""

    device = "<Device 0>"

    def __dlpack__(self, **options):
        raise BufferError("not on this device")

    def __dlpack_device__(self):
        return (2, 0)


class Odd:
    """Something with `__array__` that fails for a reason of its own."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("the file is closed.")


def test_dlpack_is_taken_without_a_copy():
    array = np.arange(6.0).reshape(2, 3)
    assert np.shares_memory(arrays.reals(OnCPU(array), "X"), array)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (OnGPU(), r"X is on the device cuda:0, .*X\.cpu\(\)"),
        (OnGPUByDLPack(), r"X is on the device <Device 0>, .*X\.cpu\(\)"),
        (Odd(), r"X \(Odd\) does not become a NumPy array: the file is closed\.$"),
    ],
)
def test_what_is_elsewhere_is_refused(value, sentence):
    with pytest.raises(TypeError, match=sentence):
        arrays.reals(value, "X")
    with pytest.raises(TypeError, match=sentence.replace("X", r"weights\[0\]")):
        lv.Network([value])


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "bool"])
def test_tensors_of_torch_on_the_cpu(dtype):
    torch = pytest.importorskip("torch")
    tensor = torch.ones((3, 2), dtype=getattr(torch, dtype))
    found = arrays.reals(tensor, "X")
    assert found.dtype == dtype
    assert np.shares_memory(found, tensor.numpy())
    assert lv.Moments.from_data(tensor, tensor[:, 0]).n == 3


def test_tensors_that_must_be_asked_about():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"X requires a gradient.*X\.detach\(\)"):
        arrays.reals(torch.ones((3, 2), requires_grad=True), "X")
    with pytest.raises(TypeError, match=r"X is on the device meta, .*X\.cpu\(\)"):
        arrays.reals(torch.ones((3, 2), device="meta"), "X")
    with pytest.raises(TypeError, match=r"X \(Tensor\) does not become a NumPy array: .*BFloat16\.$"):
        arrays.reals(torch.ones((3, 2), dtype=torch.bfloat16), "X")
    with pytest.raises(TypeError, match=r"X \(Tensor\) does not become a NumPy array: .*to_dense"):
        arrays.reals(torch.ones((3, 2)).to_sparse(), "X")


def test_arrays_of_jax():
    jax = pytest.importorskip("jax.numpy")
    np.testing.assert_array_equal(arrays.reals(jax.ones((3, 2)), "X"), np.ones((3, 2)))


FRAMES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}


@pytest.mark.parametrize("package", FRAMES)
def test_frames_of_numbers_of_several_kinds(package):
    make = getattr(pytest.importorskip(package), FRAMES[package])
    frame = make({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]})
    np.testing.assert_array_equal(arrays.reals(frame, "X"), [[1, 0.5, 1], [2, 1.5, 0]])


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_a_column_that_holds_no_numbers_is_named(package):
    make = getattr(pytest.importorskip(package), FRAMES[package])
    with pytest.raises(TypeError, match=r"X \(column 'city'\) must hold"):
        arrays.reals(make({"a": [1, 2], "city": ["Bonn", "Köln"]}), "X")


def test_columns_of_one_name_are_no_endless_loop():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="X must hold"):
        arrays.reals(pandas.DataFrame([[1, "x"]], columns=["a", "a"]), "X")


REFUSED = {
    "names": (lambda: lv.Samples(np.eye(2), ["a", "b"], "cross_entropy"), r"<U1: convert .* labels by np\.unique"),
    "a solution": (
        lambda: lv.invariance.split(lv.solve(PROBLEM), REP),
        "is Solution: pass an array, such as its weights",
    ),
    "one-hot": (lambda: lv.Samples(np.eye(2), np.eye(2), "cross_entropy"), r"classes \(n,\).*pass y\.argmax\(axis=1\)"),
    "squared": (lambda: lv.solve(lv.unconstrained(lv.Samples(np.eye(2), np.eye(2)), rank=1)), "Moments.from_data"),
    "cross": (lambda: lv.solve(lv.unconstrained(lv.Samples(np.eye(2), [0, 1], "cross_entropy"), rank=1)), "use train"),
    "its own inputs": (lambda: lv.Network([np.eye(2)])(np.eye(3)), "of a hard-wired problem: see predictor"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_names_the_way_on(case):
    call, sentence = REFUSED[case]
    with pytest.raises((TypeError, ValueError), match=sentence):
        call()
