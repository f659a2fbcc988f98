"""The kernels: each level against NumPy, every shape of tile, and how a level is chosen."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
from linvariance import _core
from tolerances import close

LEVELS = lv.show_config()["kernel_levels"].split(", ")
sizes = st.sampled_from((1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 16, 17, 31, 33, 40, 41, 49, 95, 97, 196))


@given(sizes, sizes, sizes, st.sampled_from((np.float64, np.float32)), st.integers(0, 2**32 - 1))
def test_products_are_those_of_numpy(m, n, k, kind, seed):
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((m, k)).astype(kind), rng.standard_normal((k, n)).astype(kind)
    exact = A.astype(np.float64) @ B.astype(np.float64)
    unit = float(np.finfo(kind).eps / np.finfo(np.float64).eps) * np.linalg.norm(A) * np.linalg.norm(B)
    plain, packed, dots = _core.kernel_products(A, B)
    for name, found in (("A B", plain), ("A packed B", packed), ("A Bᵀ", dots)):
        close(f"kernels: {name}", found.astype(np.float64), exact, norms=unit, dims=(m, n, k))
    np.testing.assert_array_equal(plain, packed)  # the same sums in the same order


@given(sizes, sizes, sizes, st.integers(0, 2**32 - 1))
def test_a_product_has_the_same_bits_alone_and_stacked(m, n, k, seed):
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    whole = _core.kernel_products(A, B)[1]
    for i in range(m):
        np.testing.assert_array_equal(whole[i : i + 1], _core.kernel_products(A[i : i + 1], B)[1])


def config(level):
    code = "import linvariance as lv; print(lv.show_config()['kernels'])"
    environment = {**os.environ, "LINVARIANCE_KERNELS": level}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_forced_by_the_environment(level):
    assert config(level).stdout.strip() == level


def test_the_best_level_is_the_default_and_others_are_refused_by_name():
    assert config("").stdout.strip() == LEVELS[-1]
    refused = config("x86-64-v9")
    assert refused.returncode != 0
    assert "LINVARIANCE_KERNELS is x86-64-v9, but this processor and build have: " in refused.stderr
