"""The gate: what passes it, unchanged and uncopied; what it refuses is the table of bad_inputs."""

import itertools
import re

import numpy as np
import pytest
import scipy.sparse
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


class Table:
    """A frame without rows, of columns that may hold anything."""

    columns = ("a", "b")

    def __array__(self, dtype=None, copy=None):
        return np.empty((0, 2), object)


def test_a_table_without_rows_has_columns_of_no_kind():
    with pytest.raises(TypeError, match=r"^X must hold bool, int, float16, float32 or float64, but holds object"):
        arrays.reals(Table(), "X")


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


# ------------------------------------------------------------------------------------------------- where it begins


@pytest.mark.parametrize(
    ("call", "last", "first", "sentence"),
    [
        (lambda k: arrays.integer(k, "k"), 1, 0, "k must be at least 1, but is 0."),
        (lambda k: arrays.integer(k, "k"), 2**53, 2**53 + 1, "k must be at most 9,007,199,254,740,992, but is"),
        (lambda k: arrays.integer(k, "k", 0, 3), 0, -1, "k must be at least 0, but is -1."),
        (lambda k: arrays.integer(k, "k", 0, 3), 3, 4, "k must be at most 3, but is 4."),
        (lambda x: arrays.real(x, "x"), 0.0, -5e-324, "x must be at least 0, but is -"),
        (lambda x: arrays.real(x, "x", 2.5), 2.5, 2.25, "x must be at least 2.5, but is 2.25."),
        (lambda x: arrays.real(x, "x", positive=True), 5e-324, 0.0, "x must be above 0, but is 0."),
        (lambda x: arrays.fraction(x, "x"), 0.0, -0.5, "x must be at least 0, but is -0.5."),
        (lambda x: arrays.fraction(x, "x"), np.nextafter(1.0, 0.0), 1, "x must be below 1, but is 1."),
        (lambda x: arrays.fraction(x, "x", positive=True), 5e-324, 0.0, "x must be above 0, but is 0."),
        (lambda x: arrays.total_weight(x), 5e-324, 0.0, "weights sum to zero: "),
        (lambda x: arrays.total_weight(x), 1.7e308, np.inf, "weights sum to inf: "),
        (lambda x: arrays.total_weight(x), 0.5, -0.5, "weights sum to -0.5: "),
    ],
)
def test_numbers_end_where_the_sentence_says(call, last, first, sentence):
    assert call(last) == last
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        call(first)


@pytest.mark.parametrize(
    ("size", "said"),
    [(2**30 + 1, "1 GiB"), (3 * 2**31, "6 GiB"), (2**1000, "about 10^291 GiB"), (10**400, "about 10^390 GiB")],
)
def test_a_gib_is_the_most(size, said):
    arrays.refuse_large(2**30, "It", "do less")
    with pytest.raises(ValueError, match=f"^{re.escape(f'It would take {said}, above 1 GiB: do less.')}$"):
        arrays.refuse_large(size, "It", "do less")


@given(st.integers(1, 9), st.integers(1, 3))
def test_last_axes_and_matrices_are_of_the_length_asked_for(ndim, length):
    array = np.ones((1,) * (ndim - 1) + (length,), np.float32)
    if ndim <= 8:
        assert arrays.last_axis(array, "X", length).dtype == np.float64
        with pytest.raises(ValueError, match=rf"^X has {length} columns, but the group acts on {length + 1}: pass"):
            arrays.last_axis(array, "X", length + 1)
    else:
        with pytest.raises(ValueError, match=r"^X must have 1 or 2 .* or 7 or 8 dimensions, but has 9"):
            arrays.last_axis(array, "X", length)


def test_matrices_without_rows_pass_where_they_are_asked_for():
    assert arrays.matrix(np.zeros((0, 3)), "X", (0, 3)).shape == (0, 3)
    assert arrays.matrix([[1, 2]], "X", (None, 2)).tolist() == [[1.0, 2.0]]
    for value, shape, sentence in [
        (np.zeros((0, 3)), (None, 3), "X is empty (shape (0, 3))."),
        (np.ones((2, 2)), (None, 3), "X must be any x 3, but has shape (2, 2)."),
        (np.zeros(0), (0, 3), "X must be 0 x 3, but has shape (0,)."),
    ]:
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            arrays.matrix(value, "X", shape)


def test_targets_of_one_dimension_become_a_column_and_rows_must_be_as_many():
    X, y = arrays.samples([[1, 2], [3, 4]], [5, 6])
    assert (X.tolist(), y.tolist()) == ([[1, 2], [3, 4]], [[5], [6]])
    with pytest.raises(ValueError, match=r"^A has 2 rows and B has 1: rows are samples, so pass as many of each"):
        arrays.samples([[1], [2]], [3], ("A", "B"))


def test_weights_may_be_zero_but_not_all():
    assert arrays.sample_weights([0, 2], 2).tolist() == [0.0, 2.0]
    assert arrays.nonnegative([0, 0], 2).tolist() == [0.0, 0.0]
    for value, sentence in [
        ([1, -2, -3], "w[2] is -3.0: w must not be negative."),
        ([1, 2], "w has 2 entries for 3 rows of X."),
        ([0, 0, 0], "w sum to zero: "),
    ]:
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
            arrays.sample_weights(value, 3, "w")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: arrays.instance(1, str, "x", "say it"), "x must be str, but is int: say it."),
        (lambda: arrays.instance(1, (str, bytes), "x", "say it"), "x must be str or bytes, but is int: say it."),
        (lambda: arrays.listed("ab", "x"), "x must be a sequence, but is 'ab'."),
        (lambda: arrays.listed({1: 2}, "x"), "x must be a sequence, but is {1: 2}."),
        (lambda: arrays.listed(b"a" * 100, "x"), f"x must be a sequence, but is b'{'a' * 58}."),
        (lambda: arrays.listed(3, "x"), "x must be a sequence, but is 3."),
        (lambda: arrays.integer(True, "k"), "k must be an integer, but is the bool True."),
        (lambda: arrays.integer(0.5, "k"), "k must be an integer, but is 0.5."),
        (lambda: arrays.real(np.True_, "x"), "x must be a real number, but is "),
        (lambda: arrays.real("1", "x"), "x must be a real number, but is '1'."),
        (lambda: arrays.real(1j, "x"), "x must be a real number, but is 1j."),
        (lambda: arrays.real([1], "x"), "x must be a real number, but is [1]."),
        (lambda: arrays.reals([[1j]], "X"), "X must hold bool, int, float16, float32 or float64, but holds comp"),
        (lambda: arrays.reals(np.ma.ones((2, 2)), "X"), "X is a masked array: fill or drop the masked entries first."),
        (lambda: arrays.reals(scipy.sparse.eye_array(2), "X"), "X is a sparse matrix: pass X.toarray()."),
    ],
)
def test_other_kinds_are_refused(call, sentence):
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}"):
        call()


def test_rows_of_unequal_length_are_no_array():
    with pytest.raises(ValueError, match=r"^X is no rectangular array: "):
        arrays.reals([[1, 2], [3]], "X")


def test_sequences_of_any_kind_are_listed_and_named_up_to_three():
    assert arrays.listed((k for k in (1, 2)), "x") == [1, 2]
    assert arrays.some("abc") == "'a', 'b', 'c'"
    assert arrays.some("abcd") == "'a', 'b', 'c', ... (4 in all)"
    assert arrays.some(["x" * 40]) == "'" + "x" * 29


def test_what_is_handed_out_cannot_be_written_to():
    found = arrays.frozen(np.ones((2, 3)).T)
    assert (found.flags.writeable, found.flags.c_contiguous) == (False, True)


@pytest.mark.parametrize(
    ("columns", "at_least", "step"), [(1024, 1, 1024), (2**30, 1, 1), (2**30, 7, 7), (0, 1, 2**20)]
)
def test_blocks_of_rows_are_of_eight_mib(columns, at_least, step):
    assert next(arrays.row_slices(2**40, columns, at_least)) == slice(0, step)


def test_products_keep_the_leading_axes():
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 5))
    for right in (B, scipy.sparse.csr_array(B)):
        found = arrays.matmul(A, right)
        assert found.flags.c_contiguous
        np.testing.assert_allclose(found, np.einsum("abi,ij->abj", A, B), rtol=0, atol=1e-14)
    np.testing.assert_array_equal(arrays.dense(scipy.sparse.csr_array(B)), B)
    starts, places, values = arrays.by_rows(scipy.sparse.csr_array(np.array([[0.0, 2.0], [3.0, 0.0]])))
    assert (starts, places, values.tolist()) == ([0, 1, 2], [1, 0], [2.0, 3.0])
