"""Claim: the product W_1 S, most of an epoch's work, runs near the FMA peak (the core's kernels, one thread).

NumPy's is that of its BLAS on the same arrays. Both must first have found the same product.
"""

from common import Rows, better, compiled, on_threads, peak, race, repeat, store, table  # isort: skip

import ctypes
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SHAPES = ((5, 196), (10, 784), (64, 2048))  # h, d


def library() -> ctypes.CDLL | None:
    """The kernels, compiled as CMakeLists.txt does."""
    flags = ["-O2", "-std=c++20", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-ftree-vectorize"]
    flags += ["-fvect-cost-model=dynamic", f"-I{ROOT / 'cpp/include'}"]
    try:
        return compiled([Path(__file__).with_name("product.cpp"), ROOT / "cpp/kernels/levels.cpp"], flags)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"W S: left out ({error})")
        return None


def product(kernels: ctypes.CDLL, W: np.ndarray, S: np.ndarray, out: np.ndarray):
    function = getattr(kernels, f"products_{W.dtype}")
    function.restype = ctypes.c_double
    h, d = map(ctypes.c_long, W.shape)
    places = [ctypes.c_void_p(array.ctypes.data) for array in (W, S, out)]
    return lambda times: function(h, d, ctypes.c_long(times), *places)


def main():
    kernels, rows = library(), Rows()
    if kernels is None:
        return
    rng = np.random.default_rng(0)
    for h, d in SHAPES:
        for dtype in (np.float64, np.float32):
            S, W = rng.standard_normal((d, d)).astype(dtype), rng.standard_normal((h, d)).astype(dtype)
            out, other = np.empty_like(W), np.empty_like(W)
            ours = product(kernels, W, S, out)
            operations = ours(1)
            np.testing.assert_allclose(out, W @ S, atol=30 * np.finfo(dtype).eps * d)
            numpy = on_threads(repeat(lambda W=W, S=S, other=other: np.matmul(W, S, out=other)))
            threads, theirs = better(numpy)
            times = race({"kernels": ours, f"NumPy, {threads} threads": theirs})
            share = operations / times["kernels"] / peak(out.dtype.name)
            rows |= table(f"W S, {h} x {d}, {out.dtype}", times, **{"share of the FMA peak": share})
    store("products", rows)


if __name__ == "__main__":
    main()
